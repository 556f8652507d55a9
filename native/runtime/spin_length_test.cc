#include "runtime/spin_length.h"

#include <gtest/gtest.h>

namespace daos {
namespace {

constexpr uint64_t kFullNs = 20'000;

TEST(SpinLength, ALoopThatPollsInVainPollsShortlyAndInFullOnceInAWhile) {
  SpinLength spin(kFullNs);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(spin.ns(), kFullNs) << i;
    spin.onBlocked();
  }
  int fullCount = 0;
  for (int i = 0; i < 800; ++i) {
    fullCount += spin.ns() == kFullNs;
    spin.onBlocked();
  }
  EXPECT_EQ(fullCount, 100);
}

TEST(SpinLength, OneThatFindsSomethingInTimePollsInFullAgain) {
  SpinLength spin(kFullNs);
  for (int i = 0; i < 9; ++i) spin.onBlocked();
  EXPECT_LT(spin.ns(), kFullNs);
  spin.onFound(500);
  EXPECT_LT(spin.ns(), kFullNs) << "what comes at once says nothing of longer polls";
  spin.onFound(12'000);
  EXPECT_EQ(spin.ns(), kFullNs);
}

TEST(SpinLength, OneThatIsNeverToBlockOrNeverToPollStaysSo) {
  SpinLength forEver(UINT64_MAX), never(0);
  EXPECT_EQ(forEver.ns(), UINT64_MAX);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(never.ns(), 0u);
    never.onBlocked();
  }
}

}  // namespace
}  // namespace daos
