// Media in memory for the bulk data of a store, with what it takes to carry out requests on it.
//
// Thread: one, with a reactor of its own.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "bio/dma_buffer.h"
#include "bio/memory_media.h"
#include "runtime/reactor.h"
#include "vos/vos.h"

namespace daos::vos::proof {

class DataDisk {
 public:
  // `sizeBytes` of address space, touched as it is used.
  explicit DataDisk(uint64_t sizeBytes)
      : reactor_(Reactor::create(clock_).value()),
        buffers_(bio::DmaPool::create(4 << 20).value()),
        media_(bio::openMemoryMedia(*reactor_, "data", sizeBytes).value()) {}

  PoolMedia media() { return {*media_, *buffers_}; }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }

 private:
  SystemClock clock_;
  const std::unique_ptr<Reactor> reactor_;
  const std::unique_ptr<bio::DmaPool> buffers_;
  const std::unique_ptr<bio::Media> media_;
};

}  // namespace daos::vos::proof
