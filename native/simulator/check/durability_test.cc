#include "simulator/check/durability.h"

#include <gtest/gtest.h>

namespace daos::simulator {
namespace {

Operation read(uint64_t id, uint64_t from, uint64_t to, CellValue value) {
  return {.id = id, .invokedNs = from, .returnedNs = to, .guards = {{0, value}}};
}
Operation write(uint64_t id, uint64_t from, uint64_t to, CellValue value) {
  return {.id = id, .invokedNs = from, .returnedNs = to, .writes = {{0, value}}};
}

TEST(SimulatorDurability, AnAnsweredWriteMustBeThere) {
  EXPECT_FALSE(checkDurability({write(1, 1, 2, 7)}, {read(9, 50, 51, 7)}));
  const auto violation = checkDurability({write(1, 1, 2, 7)}, {read(9, 50, 51, kAbsent)});
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->operations, (std::vector<uint64_t>{9, 1}));
  EXPECT_TRUE(checkDurability({write(1, 1, 2, 7), write(2, 3, 4, 8)}, {read(9, 50, 51, 7)}));
}

TEST(SimulatorDurability, OfWritesSideBySideEitherMayWin) {
  const History history = {write(1, 1, 5, 7), write(2, 3, 8, 8)};
  EXPECT_FALSE(checkDurability(history, {read(9, 50, 51, 7)}));
  EXPECT_FALSE(checkDurability(history, {read(9, 50, 51, 8)}));
  EXPECT_TRUE(checkDurability(history, {read(9, 50, 51, kAbsent)}));
}

TEST(SimulatorDurability, AnUnansweredWriteMayBeThereOrNot) {
  const History history = {write(1, 1, 2, 7), write(2, 3, kOutcomeUnknown, 8)};
  EXPECT_FALSE(checkDurability(history, {read(9, 50, 51, 7)}));
  EXPECT_FALSE(checkDurability(history, {read(9, 50, 51, 8)}));
  EXPECT_TRUE(checkDurability(history, {read(9, 50, 51, 9)}));
}

TEST(SimulatorDurability, ALostPunchBringsBackWhatItHid) {
  EXPECT_TRUE(checkDurability({write(1, 1, 2, 7), write(2, 3, 4, kAbsent)}, {read(9, 50, 51, 7)}));
  EXPECT_FALSE(
      checkDurability({write(1, 1, 2, 7), write(2, 3, 4, kAbsent)}, {read(9, 50, 51, kAbsent)}));
}

TEST(SimulatorInvention, ValuesComeFromWritesBegunBeforeTheReadEnds) {
  EXPECT_FALSE(checkInvention({write(1, 1, 9, 7), read(2, 2, 3, 7)}));
  EXPECT_TRUE(checkInvention({write(1, 4, 9, 7), read(2, 2, 3, 7)}));
  EXPECT_TRUE(checkInvention({write(1, 1, 9, 7), read(2, 2, 3, 8)}));
  EXPECT_FALSE(checkInvention({read(2, 2, 3, 1)}, 1));
}

TEST(SimulatorSnapshots, TheSameQuestionHasOneAnswer) {
  SnapshotChecker checker;
  EXPECT_FALSE(checker.observe(100, 1, 7, 1));
  EXPECT_FALSE(checker.observe(100, 2, 8, 2));
  EXPECT_FALSE(checker.observe(200, 1, 9, 3));
  EXPECT_FALSE(checker.observe(100, 1, 7, 4));
  const auto violation = checker.observe(100, 1, 9, 5);
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->operations, (std::vector<uint64_t>{1, 5}));
}

TEST(SimulatorLiveness, OnlyTimeWithoutFaultsCounts) {
  LivenessChecker checker;
  checker.begin(1, 1000);
  EXPECT_FALSE(checker.check(5000, 4500, 1000));
  EXPECT_TRUE(checker.check(6000, 4500, 1000));
  checker.end(1);
  EXPECT_FALSE(checker.check(6000, 4500, 1000));
  EXPECT_EQ(checker.pendingCount(), 0u);
}

}  // namespace
}  // namespace daos::simulator
