// Goal: power cuts take nothing that was acknowledged, and leave no half of anything.
// Method: power_cut.h, a few seconds of it; vos_history_main --power-cuts goes on for ever.
#include "vos/proof/power_cut.h"

#include <gtest/gtest.h>

namespace daos::vos::proof {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSessionCount = 6;
#else
constexpr uint64_t kSessionCount = 200;
#endif
constexpr size_t kLivesPerSession = 8;

TEST(VosPowerCut, RandomHistoriesSurviveThem) {
  PowerCutCounts all;
  for (uint64_t seed = 1; seed <= kSessionCount; ++seed) {
    PowerCutSession session(seed);
    const Difference difference = session.run(kLivesPerSession);
    ASSERT_FALSE(difference.has_value()) << *difference;
    const PowerCutCounts& counts = session.counts();
    all.cuts += counts.cuts;
    all.deaths += counts.deaths;
    all.repeats += counts.repeats;
    all.writes += counts.writes;
    all.lost += counts.lost;
    all.halves += counts.halves;
    all.droppedGroups += counts.droppedGroups;
    all.checkpoints += counts.checkpoints;
    all.resets += counts.resets;
    all.migrations += counts.migrations;
    all.settledBytes += counts.settledBytes;
    all.mediaBytes += counts.mediaBytes;
  }
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "%llu power cuts, %llu deaths of the process alone: %llu writes, %llu of them lost before "
      "they were acknowledged, %llu of those repeated, %llu cuts in the middle of one; %llu groups "
      "without their data, %llu checkpoints, %llu of them for a full log, %llu migrations, %llu "
      "MiB "
      "of bulk data at cuts\n",
      number(all.cuts), number(all.deaths), number(all.writes), number(all.lost),
      number(all.repeats), number(all.halves), number(all.droppedGroups), number(all.checkpoints),
      number(all.resets), number(all.migrations), number(all.mediaBytes >> 20));
  // Without these it would prove little.
  EXPECT_GT(all.deaths, 0u);
  EXPECT_GT(all.lost, 0u);
  EXPECT_GT(all.repeats, 0u);
  EXPECT_GT(all.droppedGroups, 0u);
  EXPECT_GT(all.checkpoints, 0u);
  EXPECT_GT(all.migrations, 0u);
  EXPECT_GT(all.settledBytes, 0u);
  EXPECT_GT(all.mediaBytes, 0u);
}

}  // namespace
}  // namespace daos::vos::proof
