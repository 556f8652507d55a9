// Chance as an argument.
#pragma once

#include <cstdint>

#include "base/uuid.h"

namespace daos {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;

  // Uniform in [0, bound); bound > 0. (Lemire, "Fast Random Integer Generation in an Interval",
  // 2019, without the rejection step: the bias is below 2^-32 for bounds below 2^32.)
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  // True with probability numerator / denominator.
  bool chance(uint64_t numerator, uint64_t denominator) { return below(denominator) < numerator; }
  Uuid uuid() {
    const uint64_t high = next();
    return Uuid::fromRandom(high, next());
  }
};

// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64: the same seed, the same sequence.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed);
  uint64_t next() override;

 private:
  uint64_t state_[4];
};

// The kernel's generator.
class SystemRandom final : public Random {
 public:
  uint64_t next() override;
};

}  // namespace daos
