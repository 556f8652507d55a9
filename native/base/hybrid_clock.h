// Hybrid logical time: the epochs of updates.
//
// An epoch is nanoseconds since 2021-01-01 UTC, pushed forward where needed so that each is later
// than every one made or seen before (Kulkarni et al., "Logical Physical Clocks", 2014, with the
// logical part folded into the low nanoseconds).
#pragma once

#include <cstdint>

#include "base/result.h"

namespace daos {

using Epoch = uint64_t;
inline constexpr Epoch kEpochMax = ~uint64_t{0};
inline constexpr uint64_t kEpochZeroUnixNs = 1609459200ull * 1000000000ull;
// How far ahead of the own clock an observed epoch may be; more is a broken clock and is refused.
inline constexpr uint64_t kEpochSkewMaxNs = 60ull * 1000000000ull;

class HybridClock {
 public:
  // A new epoch, later than all before. wallNs: nanoseconds since 1970.
  Epoch next(uint64_t wallNs) {
    const Epoch physical = fromWall(wallNs);
    last_ = physical > last_ ? physical : last_ + 1;
    return last_;
  }
  // Takes a peer's epoch into account. DER_OVERFLOW when it is over kEpochSkewMaxNs in the future.
  Status observe(Epoch epoch, uint64_t wallNs);
  // Goes on from an epoch of our own past, or one that is known to be of a sound clock, however far
  // ahead: the wall clock may have been set back since.
  void resume(Epoch epoch) { last_ = epoch > last_ ? epoch : last_; }
  Epoch last() const { return last_; }

  static Epoch fromWall(uint64_t wallNs) {
    return wallNs > kEpochZeroUnixNs ? wallNs - kEpochZeroUnixNs : 1;
  }
  static uint64_t toWall(Epoch epoch) { return epoch + kEpochZeroUnixNs; }

 private:
  Epoch last_ = 0;
};

}  // namespace daos
