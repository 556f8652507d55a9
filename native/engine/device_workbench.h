// A loop of its own for the few requests that labels take, on the thread that waits for them.
#pragma once

#include <optional>

#include "bio/dma_buffer.h"
#include "engine/engine_devices.h"
#include "runtime/reactor.h"

namespace daos::engine {

struct EngineDevices::Workbench {
  static Result<std::unique_ptr<Workbench>> create(const Log& log) {
    auto bench = std::make_unique<Workbench>();
    DAOS_TRY(bench->reactor, Reactor::create(bench->clock, {}));
    DAOS_TRY(bench->ring, bio::IoRing::create(*bench->reactor, log));
    DAOS_TRY(bench->buffers, bio::DmaPool::create(4 * bio::kGranuleBytes));
    return bench;
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }

  SystemClock clock;
  std::unique_ptr<Reactor> reactor;
  std::unique_ptr<bio::IoRing> ring;
  std::unique_ptr<bio::DmaPool> buffers;
};

}  // namespace daos::engine
