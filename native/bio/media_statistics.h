// What a Media counted: requests, bytes, errors and latencies, by operation.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace daos::bio {

enum class MediaOperation : uint8_t { kRead, kWrite, kFlush, kDiscard };
inline constexpr size_t kMediaOperationCount = 4;
std::string_view operationName(MediaOperation operation);

// Counts by powers of two of nanoseconds, four steps each: a percentile is at most 19 % off.
class LatencyHistogram {
 public:
  void add(uint64_t ns) { ++counts_[bucketOf(ns)]; }
  void add(const LatencyHistogram& other) {
    for (size_t i = 0; i < kBucketCount; ++i) counts_[i] += other.counts_[i];
  }
  uint64_t count() const;
  // The latency under which `permille` of the requests lie, upper end of its bucket; 0 when empty.
  uint64_t percentileNs(uint64_t permille) const;

 private:
  static constexpr size_t kStepsPerOctave = 4;
  static constexpr size_t kBucketCount = 64 * kStepsPerOctave;
  static size_t bucketOf(uint64_t ns) {
    if (ns < kStepsPerOctave) return ns;
    const size_t octave = std::bit_width(ns) - 1;
    return octave * kStepsPerOctave + ((ns >> (octave - 2)) & (kStepsPerOctave - 1));
  }
  static uint64_t upperEndOf(size_t bucket);
  std::array<uint64_t, kBucketCount> counts_{};
};

struct OperationStatistics {
  uint64_t count = 0;      // ended, well or not
  uint64_t sizeBytes = 0;  // of those that ended well
  uint64_t errorCount = 0;
  LatencyHistogram latency;
  void add(const OperationStatistics& other) {
    count += other.count;
    sizeBytes += other.sizeBytes;
    errorCount += other.errorCount;
    latency.add(other.latency);
  }
};

struct MediaStatistics {
  std::array<OperationStatistics, kMediaOperationCount> operations;
  uint64_t durableWriteCount = 0;  // each is a flush of its own
  uint64_t inFlightCount = 0;
  uint64_t inFlightCountMax = 0;

  OperationStatistics& of(MediaOperation operation) {
    return operations[static_cast<size_t>(operation)];
  }
  const OperationStatistics& of(MediaOperation operation) const {
    return operations[static_cast<size_t>(operation)];
  }
};

}  // namespace daos::bio
