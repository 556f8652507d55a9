// Counts of durations in buckets at most 1/64 apart, from which percentiles are read.
//
// Thread:    one; merge() adds up what several threads recorded.
// Invariant: a percentile is at most 1/64 (1.6 %) over the true value, never under it.
// Recording takes a few instructions and never allocates.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace daos::bench {

class LatencyHistogram {
 public:
  LatencyHistogram() : counts_(kBucketCount) {}

  void record(uint64_t ns) {
    ++counts_[bucketOf(ns)];
    ++count_;
    max_ = std::max(max_, ns);
  }
  void merge(const LatencyHistogram& other) {
    for (size_t i = 0; i < kBucketCount; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }
  uint64_t count() const { return count_; }
  uint64_t maxNs() const { return max_; }

  // The duration that `fraction` (0 to 1) of all records stay within; 0 when there are none.
  uint64_t percentileNs(double fraction) const {
    if (count_ == 0) return 0;
    const auto rank = static_cast<uint64_t>(fraction * static_cast<double>(count_ - 1)) + 1;
    uint64_t seen = 0;
    for (size_t i = 0; i < kBucketCount; ++i) {
      seen += counts_[i];
      if (seen >= rank) return std::min(endOf(i), max_);
    }
    return max_;
  }
  double percentileUs(double fraction) const {
    return static_cast<double>(percentileNs(fraction)) / 1000.0;
  }

 private:
  // Durations under 128 ns have a bucket each; above, every doubling is cut into 64.
  static constexpr unsigned kStepBits = 6;
  static constexpr uint64_t kExactEnd = uint64_t{2} << kStepBits;
  static constexpr size_t kBucketCount = (64 - kStepBits + 1) << kStepBits;

  static size_t bucketOf(uint64_t ns) {
    if (ns < kExactEnd) return ns;
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - kStepBits - 1;
    return (static_cast<size_t>(shift) << kStepBits) + (ns >> shift);
  }
  // The greatest duration that falls into bucket `index`.
  static uint64_t endOf(size_t index) {
    if (index < kExactEnd) return index;
    const uint64_t shift = (index >> kStepBits) - 1;
    const uint64_t step = (index & ((size_t{1} << kStepBits) - 1)) + (size_t{1} << kStepBits);
    return ((step + 1) << shift) - 1;
  }

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace daos::bench
