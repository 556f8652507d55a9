// A pool that has one of everything a store can hold, in a few hundred records, and everything a
// caller can do to it. For what damages stores; every answer is allowed.
#pragma once

#include <memory>
#include <optional>

#include "bio/dma_buffer.h"
#include "bio/memory_media.h"
#include "runtime/reactor.h"
#include "vos/proof/memory_arena.h"
#include "vos/vos.h"

namespace daos::vos::proof {

class SampleStore {
 public:
  static constexpr uint64_t kArenaSize = 2 << 20;
  SampleStore();

  MemoryRegion& region() { return region_; }
  // Lays the pool out anew and closes it.
  void make();
  // Opens what the region holds and does everything once. False when it does not open.
  bool useAll();

 private:
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }
  struct Write;
  Status put(Container& container, const Write& write);
  void fill(Container& container);
  void prepare(Container& container, Epoch epoch);
  void fetch(Container& container, ObjectId oid, Bytes dkey);
  void explore(Container& container);
  void exploreObject(Container& container, ObjectId oid);
  void change(Container& container);
  void reduce(Container& container);

  MemoryRegion region_{kArenaSize};
  SystemClock clock_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::unique_ptr<bio::Media> media_;
};

}  // namespace daos::vos::proof
