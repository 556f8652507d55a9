#include "runtime/clock.h"

#include <ctime>

namespace daos {

static uint64_t readClock(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000ull + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t SystemClock::nowNs() const { return readClock(CLOCK_MONOTONIC); }
uint64_t SystemClock::wallNs() const { return readClock(CLOCK_REALTIME); }

}  // namespace daos
