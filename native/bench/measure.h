// Runs an operation for a time and says how often it ran and how long each call took.
#pragma once

#include <time.h>

#include <cstdint>

#include "bench/latency_histogram.h"

namespace daos::bench {

inline uint64_t nowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000ull + static_cast<uint64_t>(now.tv_nsec);
}

// Keeps the compiler from dropping the computation of `value`.
template <typename T>
inline void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

struct Measured {
  uint64_t count = 0;
  double seconds = 0;
  double perSecond = 0;
};

// Calls `operation` over and over for `seconds`. The clock is read once per `batch` calls, so that
// it doesn't show in operations of less than a microsecond.
template <typename Operation>
Measured measure(double seconds, Operation&& operation, uint64_t batch = 64) {
  const uint64_t start = nowNs();
  const uint64_t end = start + static_cast<uint64_t>(seconds * 1e9);
  Measured measured;
  uint64_t now = start;
  while (now < end) {
    for (uint64_t i = 0; i < batch; ++i) operation();
    measured.count += batch;
    now = nowNs();
  }
  measured.seconds = static_cast<double>(now - start) / 1e9;
  measured.perSecond = static_cast<double>(measured.count) / measured.seconds;
  return measured;
}

// The same with the duration of each call recorded; costs one reading of the clock a call.
template <typename Operation>
Measured measureEach(double seconds, LatencyHistogram& latencies, Operation&& operation) {
  const uint64_t start = nowNs();
  const uint64_t end = start + static_cast<uint64_t>(seconds * 1e9);
  Measured measured;
  uint64_t now = start;
  while (now < end) {
    operation();
    const uint64_t after = nowNs();
    latencies.record(after - now);
    ++measured.count;
    now = after;
  }
  measured.seconds = static_cast<double>(now - start) / 1e9;
  measured.perSecond = static_cast<double>(measured.count) / measured.seconds;
  return measured;
}

}  // namespace daos::bench
