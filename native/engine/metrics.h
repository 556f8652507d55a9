// What a target has done for one pool, counted where it is done.
//
// Thread: the target's; nothing is locked. Reading copies.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/clock.h"

namespace daos::engine {

enum class Operation : uint8_t { kUpdate, kFetch, kPunch, kEnumerate, kQuery };
inline constexpr std::array<std::string_view, 5> kOperationNames = {"update", "fetch", "punch",
                                                                    "enumerate", "query"};

// Bucket b counts what took up to 2^b microseconds; the last one also all that took longer.
inline constexpr size_t kLatencyBucketCount = 24;

struct OperationMetrics {
  uint64_t count = 0;        // answered, well or not
  uint64_t failedCount = 0;  // answered with an error
  uint64_t bytes = 0;        // of values, of those that went well
  uint64_t latencySumNs = 0;
  std::array<uint64_t, kLatencyBucketCount> latency{};

  void time(uint64_t ns, uint64_t weight) {
    const uint64_t microseconds = (ns + 999) / 1000;
    const size_t bucket = microseconds <= 1 ? 0 : std::bit_width(microseconds - 1);
    latency[std::min(bucket, kLatencyBucketCount - 1)] += weight;
    latencySumNs += ns * weight;
  }
};

struct PoolMetrics {
  std::array<OperationMetrics, kOperationNames.size()> operations;

  OperationMetrics& of(Operation operation) { return operations[static_cast<size_t>(operation)]; }
  // Of all kinds.
  uint64_t operationCount() const {
    uint64_t count = 0;
    for (const OperationMetrics& operation : operations) count += operation.count;
    return count;
  }
};

// Of one operation, from the moment the target takes it up until its answer.
//
// Two looks at the clock cost as much as a twentieth of a small fetch: of those that are answered
// at once, one in kFastTimingStride is timed and stands for the others.
class OperationTimer {
 public:
  // weight 0: is not timed.
  OperationTimer(const Clock& clock, uint32_t weight)
      : clock_(clock), weight_(weight), beganNs_(weight ? clock.nowNs() : 0) {}

  void end(OperationMetrics& metrics, bool isOk, uint64_t bytes) const {
    ++metrics.count;
    if (isOk) {
      metrics.bytes += bytes;
    } else {
      ++metrics.failedCount;
    }
    if (weight_) metrics.time(clock_.nowNs() - beganNs_, weight_);
  }

 private:
  const Clock& clock_;
  const uint32_t weight_;
  const uint64_t beganNs_;
};

inline constexpr uint32_t kFastTimingStride = 16;

}  // namespace daos::engine
