// Independent sequences of chance from one seed, so that taking one draw away (a fault that is
// switched off) does not shift all others.
#pragma once

#include <cstdint>

#include "runtime/random.h"

namespace daos::simulator {

enum class Stream : uint32_t {
  kSchedule = 1,
  kNetwork = 2,
  kDisk = 3,
  kFaults = 4,
  kWorkload = 5,
  kProcess = 6,
  kClock = 7,
  kWorld = 8,
};

// `index`: which disk, client, …
inline SeededRandom randomStream(uint64_t seed, Stream stream, uint64_t index = 0) {
  SeededRandom mixer(seed ^ (static_cast<uint64_t>(stream) << 56) ^
                     (index * 0x9e3779b97f4a7c15ull));
  return SeededRandom(mixer.next());
}

}  // namespace daos::simulator
