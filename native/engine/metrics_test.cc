#include "engine/metrics.h"

#include <gtest/gtest.h>

namespace daos::engine {
namespace {

size_t bucketOf(uint64_t ns) {
  OperationMetrics metrics;
  metrics.time(ns, 1);
  for (size_t bucket = 0; bucket < kLatencyBucketCount; ++bucket) {
    if (metrics.latency[bucket]) return bucket;
  }
  return kLatencyBucketCount;
}

TEST(OperationMetrics, ABucketHoldsWhatTookUpToItsPowerOfTwo) {
  EXPECT_EQ(bucketOf(0), 0u);
  EXPECT_EQ(bucketOf(1000), 0u);
  EXPECT_EQ(bucketOf(1001), 1u);
  EXPECT_EQ(bucketOf(2000), 1u);
  EXPECT_EQ(bucketOf(2001), 2u);
  EXPECT_EQ(bucketOf(4000), 2u);
  EXPECT_EQ(bucketOf(~uint64_t{0} / 2), kLatencyBucketCount - 1);
}

TEST(OperationTimer, WhatIsTimedStandsForTheOthersAndFailuresMoveNoBytes) {
  ManualClock clock;
  OperationMetrics metrics;
  const OperationTimer timed(clock, kFastTimingStride);
  const OperationTimer untimed(clock, 0);
  clock.advance(3000);
  timed.end(metrics, true, 100);
  untimed.end(metrics, false, 100);
  EXPECT_EQ(metrics.count, 2u);
  EXPECT_EQ(metrics.failedCount, 1u);
  EXPECT_EQ(metrics.bytes, 100u);
  EXPECT_EQ(metrics.latency[2], kFastTimingStride);
  EXPECT_EQ(metrics.latencySumNs, 3000u * kFastTimingStride);
}

}  // namespace
}  // namespace daos::engine
