// When the data areas of a target's pools are written in advance (vos/prewriter.h), and how fast.
//
// Thread: the target's.
#pragma once

#include <algorithm>
#include <cstdint>

namespace daos::engine {

struct PrewriteOptions {
  bool isEnabled = false;
  // From when a pool is opened: one that was made just now is most often filled at once.
  uint64_t delayNs = 10'000'000'000;
  // Bytes in a second while no requests come; 0: as many as the device takes.
  uint64_t idleBytesPerSecond = 0;
  // Beside requests; 0: none.
  uint64_t busyBytesPerSecond = 0;

  // What each of `count` targets may do.
  PrewriteOptions sharedBy(uint32_t count) const {
    const auto part = [count](uint64_t rate) { return (rate + count - 1) / count; };
    return {isEnabled, delayNs, part(idleBytesPerSecond), part(busyBytesPerSecond)};
  }
};

// Decides for all pools of a target together.
class PrewritePace {
 public:
  static constexpr uint64_t kStepBytes = 1 << 20;
  // So long after the last request a target counts as idle.
  static constexpr uint64_t kQuietNs = 20'000'000;
  static constexpr uint64_t kPauseNsMax = 20'000'000;

  // Nanoseconds to wait before it is asked again; 0: a step may begin, and is counted.
  // `requestCount`: of the target, so far.
  uint64_t ask(const PrewriteOptions& options, uint64_t requestCount, uint64_t nowNs) {
    if (requestCount != requestCount_) {
      requestCount_ = requestCount;
      busyUntilNs_ = nowNs + kQuietNs;
    }
    const bool isBusy = nowNs < busyUntilNs_;
    if (isBusy && options.busyBytesPerSecond == 0) return busyUntilNs_ - nowNs;
    if (nowNs < nextNs_) return std::min(nextNs_ - nowNs, kPauseNsMax);
    const uint64_t rate = isBusy ? options.busyBytesPerSecond : options.idleBytesPerSecond;
    if (rate > 0) nextNs_ = std::max(nextNs_, nowNs) + kStepBytes * 1'000'000'000 / rate;
    return 0;
  }

 private:
  uint64_t requestCount_ = 0;
  uint64_t busyUntilNs_ = 0;
  uint64_t nextNs_ = 0;
};

}  // namespace daos::engine
