// Makes pages of memory before somebody stores to them, on a thread of its own.
//
// The first store to a page waits until the kernel has found and cleared one: about 0.1 ms for a
// huge page, and 5 ms in a virtual machine whose host has to find the memory first. A reactor must
// not wait that long.
//
// Thread: any. The thread starts with the first call of make(), on whatever core is free.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/bytes.h"

namespace daos {

class PageMaker {
 public:
  PageMaker() = default;
  ~PageMaker();
  PageMaker(const PageMaker&) = delete;
  PageMaker& operator=(const PageMaker&) = delete;

  // Soon: what has pages keeps them, and their bytes. A kernel without MADV_POPULATE_WRITE (before
  // 5.14), or without memory, leaves them to whoever comes there first.
  void make(MutableBytes memory);
  // Nothing of `memory` is being made when this returns, nor will be: before it is unmapped.
  void forget(MutableBytes memory);

 private:
  void run();
  MutableBytes takeStep(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<MutableBytes> wanted_;
  MutableBytes step_;  // being made
  bool isClosing_ = false;
  std::thread thread_;
};

}  // namespace daos
