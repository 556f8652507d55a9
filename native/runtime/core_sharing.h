// Whether other threads want the core of a loop that polls, learnt from how long it takes to give
// the core away.
//
// A loop that finds nothing may be waiting for a thread that can only run where the loop itself
// runs: then it must step aside at once. Where nobody else wants the core, stepping aside costs a
// system call for nothing; where a thread wants all of it, a whole slice of the scheduler. So a
// loop tries once, after a while without work, and goes on as what it has seen tells.
//
// Thread: the loop's.
#pragma once

#include <algorithm>
#include <cstdint>

namespace daos {

class CoreSharing {
 public:
  // Whether to give the core away now, the loop having found nothing for `idleNs`.
  bool shouldYield(uint64_t nowNs, uint64_t idleNs) const {
    return isShared_ || (idleNs >= kIdleBeforeTrialNs && nowNs >= nextTrialNs_);
  }
  // Tells what came of it.
  void onYielded(uint64_t beforeNs, uint64_t afterNs) {
    const uint64_t tookNs = afterNs - beforeNs;
    if (tookNs >= kSliceNs) {
      isShared_ = false;
      nextTrialNs_ = afterNs + pauseNs_;
      pauseNs_ = std::min(pauseNs_ * 2, kPauseMaxNs);
    } else if (wasTaken(tookNs)) {
      isShared_ = true;
      vainCount_ = 0;
    } else if (!isShared_ || ++vainCount_ == kVainCountMax) {
      isShared_ = false;
      vainCount_ = 0;
      pauseNs_ = kPauseMinNs;
      nextTrialNs_ = afterNs + kPauseMinNs;
    }
  }
  // Whether somebody else ran while the core was given away for `tookNs`.
  static bool wasTaken(uint64_t tookNs) { return tookNs >= kSwitchNs; }
  // Others run here and give the core back soon.
  bool isShared() const { return isShared_; }

 private:
  static constexpr uint64_t kIdleBeforeTrialNs = 4'000;
  // Longer than a system call that changes nothing, shorter than two changes of threads.
  static constexpr uint64_t kSwitchNs = 1'000;
  // Who keeps the core for so long computes rather than waits for us.
  static constexpr uint64_t kSliceNs = 500'000;
  static constexpr uint64_t kPauseMinNs = 1'000'000;
  static constexpr uint64_t kPauseMaxNs = 2'000'000'000;
  static constexpr uint32_t kVainCountMax = 64;

  bool isShared_ = false;
  uint32_t vainCount_ = 0;  // yields in a row that found nobody
  uint64_t nextTrialNs_ = 0;
  uint64_t pauseNs_ = kPauseMinNs;
};

}  // namespace daos
