#include "runtime/core_sharing.h"

#include <gtest/gtest.h>

namespace daos {
namespace {

constexpr uint64_t kMs = 1'000'000;

TEST(CoreSharing, ALoopThatHasWorkKeepsItsCore) {
  const CoreSharing sharing;
  EXPECT_FALSE(sharing.shouldYield(kMs, 1'000));
  EXPECT_TRUE(sharing.shouldYield(kMs, 5'000));
}

TEST(CoreSharing, AnAloneLoopTriesOnceInAWhile) {
  CoreSharing sharing;
  sharing.onYielded(10 * kMs, 10 * kMs + 200);
  EXPECT_FALSE(sharing.isShared());
  EXPECT_FALSE(sharing.shouldYield(10 * kMs + 300, 8'000));
  EXPECT_TRUE(sharing.shouldYield(12 * kMs, 8'000));
}

TEST(CoreSharing, ALoopWhoseCoreComesBackSoonYieldsAtOnceUntilNobodyElseIsThere) {
  CoreSharing sharing;
  sharing.onYielded(kMs, kMs + 3'000);
  EXPECT_TRUE(sharing.isShared());
  EXPECT_TRUE(sharing.shouldYield(kMs + 4'000, 0));
  uint64_t now = 2 * kMs;
  for (int i = 0; i < 64; ++i) sharing.onYielded(now + i * 1'000, now + i * 1'000 + 200);
  EXPECT_FALSE(sharing.isShared());
}

TEST(CoreSharing, AThreadThatTakesAWholeSliceIsGivenOneMoreAndMoreSeldom) {
  CoreSharing sharing;
  uint64_t now = kMs;
  uint64_t pauseBefore = 0;
  for (int i = 0; i < 20; ++i) {
    sharing.onYielded(now, now + 4 * kMs);
    now += 4 * kMs;
    uint64_t pause = 0;
    while (!sharing.shouldYield(now + pause, 10'000)) pause += kMs;
    EXPECT_GE(pause, pauseBefore);
    pauseBefore = pause;
    now += pause;
  }
  EXPECT_EQ(pauseBefore, 2000 * kMs);
}

}  // namespace
}  // namespace daos
