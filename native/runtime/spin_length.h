// How long a loop without work polls before it blocks, learnt from what polling was good for.
//
// What a loop waits for may be there within microseconds, as an answer from another core, or not
// for long, as a device's flush. Polling for that is time for nothing at each wait. So a loop whose
// polls have come to nothing several times in a row polls shortly, and in full once in a while: by
// that it notices that times have changed.
//
// Thread: the loop's.
#pragma once

#include <algorithm>
#include <cstdint>

namespace daos {

class SpinLength {
 public:
  // `fullNs`: the longest; UINT64_MAX: for ever.
  explicit SpinLength(uint64_t fullNs) : fullNs_(fullNs) {}

  // Of the wait that is under way.
  uint64_t ns() const { return isFull() ? fullNs_ : std::min(fullNs_, kShortNs); }
  bool isFull() const { return vainCount_ < kVainCountMax || vainCount_ % kTrialPeriod == 0; }
  // Polling found something after `idleNs`.
  void onFound(uint64_t idleNs) {
    // What comes so soon says nothing of longer polls.
    if (idleNs > kShortNs) vainCount_ = 0;
  }
  // It did not, and the loop has blocked.
  void onBlocked() {
    if (++vainCount_ == kVainCountMax + kTrialPeriod) vainCount_ = kVainCountMax;
  }

 private:
  static constexpr uint64_t kShortNs = 2'000;
  static constexpr uint32_t kVainCountMax = 8;
  static constexpr uint32_t kTrialPeriod = 8;
  static_assert(kVainCountMax % kTrialPeriod == 0);

  const uint64_t fullNs_;
  uint32_t vainCount_ = 0;  // waits in a row that polling was no good for
};

}  // namespace daos
