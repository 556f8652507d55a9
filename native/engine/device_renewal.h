// One renewal of a device at a time, on a thread of its own: it blocks.
//
// Thread: any.
#pragma once

#include <functional>
#include <mutex>
#include <thread>

namespace daos::engine {

class DeviceRenewal {
 public:
  ~DeviceRenewal() { close(); }

  // False: one is under way, or closed. leave() ends it.
  bool enter() {
    const std::lock_guard lock(mutex_);
    if (isEntered_ || isClosed_) return false;
    return isEntered_ = true;
  }
  // Between the two, once. False: closed.
  bool run(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (isClosed_) return false;
    if (thread_.joinable()) thread_.join();  // the one before, which has left
    thread_ = std::thread(std::move(work));
    return true;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    isEntered_ = false;
  }
  // Waits for the thread.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      isClosed_ = true;
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::mutex mutex_;
  bool isEntered_ = false;
  bool isClosed_ = false;
  std::thread thread_;
};

}  // namespace daos::engine
