#include "bio/media_statistics.h"

namespace daos::bio {

std::string_view operationName(MediaOperation operation) {
  switch (operation) {
    case MediaOperation::kRead:
      return "read";
    case MediaOperation::kWrite:
      return "write";
    case MediaOperation::kFlush:
      return "flush";
    case MediaOperation::kDiscard:
      return "discard";
  }
  return "unknown";
}

uint64_t LatencyHistogram::count() const {
  uint64_t sum = 0;
  for (const uint64_t count : counts_) sum += count;
  return sum;
}

uint64_t LatencyHistogram::upperEndOf(size_t bucket) {
  const size_t octave = bucket / kStepsPerOctave;
  if (octave < 2) return bucket;
  return ((kStepsPerOctave + bucket % kStepsPerOctave + 1) << (octave - 2)) - 1;
}

uint64_t LatencyHistogram::percentileNs(uint64_t permille) const {
  const uint64_t total = count();
  if (total == 0) return 0;
  const uint64_t rank = (total * permille + 999) / 1000;
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBucketCount; ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank && seen > 0) return upperEndOf(bucket);
  }
  return upperEndOf(kBucketCount - 1);
}

}  // namespace daos::bio
