// Histories that hold, histories that must be rejected, and random small ones against trying every
// order.
#include "simulator/check/linearizability.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "runtime/random.h"

namespace daos::simulator {
namespace {

Operation read(uint64_t id, uint64_t from, uint64_t to, CellValue value, CellId cell = 0) {
  return {.id = id, .invokedNs = from, .returnedNs = to, .guards = {{cell, value}}};
}
Operation write(uint64_t id, uint64_t from, uint64_t to, CellValue value, CellId cell = 0) {
  return {.id = id, .invokedNs = from, .returnedNs = to, .writes = {{cell, value}}};
}

Verdict verdictOf(const History& history) { return checkLinearizability(history).verdict; }

TEST(SimulatorLinearizability, AnEmptyHistoryAndReadsOfNothingHold) {
  EXPECT_EQ(verdictOf({}), Verdict::kHolds);
  EXPECT_EQ(verdictOf({read(1, 1, 2, kAbsent), read(2, 1, 3, kAbsent)}), Verdict::kHolds);
}

TEST(SimulatorLinearizability, AReadOfWhatWasNeverWrittenIsRejected) {
  const auto report = checkLinearizability({write(1, 1, 2, 7), read(2, 3, 4, 8)});
  EXPECT_EQ(report.verdict, Verdict::kViolated);
  EXPECT_EQ(report.stuckOperation, 2u);
  EXPECT_EQ(report.longestOrder, std::vector<uint64_t>{1});
}

TEST(SimulatorLinearizability, AStaleReadIsRejected) {
  EXPECT_EQ(verdictOf({write(1, 1, 2, 7), write(2, 3, 4, 8), read(3, 5, 6, 7)}),
            Verdict::kViolated);
}

TEST(SimulatorLinearizability, AReadBesideAWriteMaySeeEither) {
  EXPECT_EQ(verdictOf({write(1, 1, 2, 7), write(2, 3, 9, 8), read(3, 5, 6, 7)}), Verdict::kHolds);
  EXPECT_EQ(verdictOf({write(1, 1, 2, 7), write(2, 3, 9, 8), read(3, 5, 6, 8)}), Verdict::kHolds);
}

TEST(SimulatorLinearizability, ANewValueThatIsUnseenAgainIsRejected) {
  EXPECT_EQ(verdictOf({write(1, 1, 20, 7), read(2, 2, 3, 7), read(3, 4, 5, kAbsent)}),
            Verdict::kViolated);
}

TEST(SimulatorLinearizability, TwoReadersMustAgreeOnTheOrderOfTwoWriters) {
  const History history = {write(1, 1, 20, 7), write(2, 1, 20, 8), read(3, 2, 3, 7),
                           read(4, 4, 5, 8)};
  EXPECT_EQ(verdictOf(history), Verdict::kHolds);
  History torn = history;
  torn.push_back(read(5, 6, 7, 7));
  EXPECT_EQ(verdictOf(torn), Verdict::kViolated);
}

TEST(SimulatorLinearizability, AnUnansweredWriteMayTakeEffectLateOrNever) {
  EXPECT_EQ(verdictOf({write(1, 1, kOutcomeUnknown, 7), read(2, 5, 6, kAbsent), read(3, 8, 9, 7)}),
            Verdict::kHolds);
  EXPECT_EQ(verdictOf({write(1, 1, kOutcomeUnknown, 7), read(2, 5, 6, kAbsent)}), Verdict::kHolds);
  EXPECT_EQ(verdictOf({write(1, 4, kOutcomeUnknown, 7), read(2, 2, 3, 7)}), Verdict::kViolated);
}

TEST(SimulatorLinearizability, ARetryThatIsAppliedTwiceIsRejected) {
  EXPECT_EQ(verdictOf({write(1, 1, 2, 7), write(2, 3, 4, 8), read(3, 5, 6, 8), read(4, 7, 8, 7)}),
            Verdict::kViolated);
}

TEST(SimulatorLinearizability, CellsWrittenTogetherAreSeenTogether) {
  const Operation both{.id = 1, .invokedNs = 1, .returnedNs = 9, .writes = {{0, 7}, {1, 7}}};
  const Operation half{.id = 2, .invokedNs = 2, .returnedNs = 3, .guards = {{0, 7}, {1, kAbsent}}};
  EXPECT_EQ(verdictOf({both, half}), Verdict::kViolated);
}

TEST(SimulatorLinearizability, AnInsertThatFindsNothingThereIsRejectedAfterAWrite) {
  const Operation inserted{
      .id = 2, .invokedNs = 3, .returnedNs = 4, .guards = {{0, kAbsent}}, .writes = {{0, 9}}};
  EXPECT_EQ(verdictOf({write(1, 1, 2, 7), inserted}), Verdict::kViolated);
  const Operation existed{.id = 2, .invokedNs = 3, .returnedNs = 4, .guards = {{0, kAbsent, true}}};
  EXPECT_EQ(verdictOf({write(1, 1, 2, 7), existed}), Verdict::kHolds);
  EXPECT_EQ(verdictOf({existed}), Verdict::kViolated);
}

TEST(SimulatorLinearizability, ASearchOverItsLimitIsUndecided) {
  History history;
  for (uint64_t i = 1; i <= 14; ++i) history.push_back(write(i, 1, 100, i));
  history.push_back(read(20, 101, 102, 1000));
  EXPECT_EQ(checkLinearizability(history, {.configurationsMax = 100}).verdict, Verdict::kUndecided);
}

TEST(SimulatorLinearizability, WhatExistsHasACellThatIsPresent) {
  const Operation exists{.id = 2, .invokedNs = 3, .returnedNs = 4, .anyPresent = {{0, 1}}};
  EXPECT_EQ(verdictOf({write(1, 1, 2, 7, 1), exists}), Verdict::kHolds);
  EXPECT_EQ(verdictOf({exists}), Verdict::kViolated);
  EXPECT_EQ(verdictOf({write(1, 1, kOutcomeUnknown, 7, 1), exists}), Verdict::kHolds);
  EXPECT_EQ(verdictOf({write(1, 1, 2, 7, 5), exists}), Verdict::kViolated);
}

// Every order of every subset that leaves out unanswered operations only.
bool holdsByTrying(const History& history, std::vector<bool>& placed,
                   std::map<CellId, CellValue>& cells) {
  bool isDone = true;
  for (size_t i = 0; i < history.size(); ++i) isDone &= placed[i] || !history[i].isKnown();
  if (isDone) return true;
  uint64_t firstReturn = kOutcomeUnknown;
  for (size_t i = 0; i < history.size(); ++i) {
    if (!placed[i]) firstReturn = std::min(firstReturn, history[i].returnedNs);
  }
  for (size_t i = 0; i < history.size(); ++i) {
    const Operation& operation = history[i];
    if (placed[i] || operation.invokedNs > firstReturn) continue;
    if (!std::all_of(operation.guards.begin(), operation.guards.end(), [&](const CellGuard& guard) {
          return (cells[guard.cell] == guard.value) != guard.isNegated;
        }))
      continue;
    const auto before = cells;
    for (const CellWrite& one : operation.writes) cells[one.cell] = one.value;
    placed[i] = true;
    if (holdsByTrying(history, placed, cells)) return true;
    placed[i] = false;
    cells = before;
  }
  return false;
}

TEST(SimulatorLinearizability, RandomHistoriesAreJudgedAsByTryingEveryOrder) {
  SeededRandom random(7);
  int held = 0, violated = 0;
  for (int round = 0; round < 4000; ++round) {
    History history;
    const size_t count = 2 + random.below(6);
    for (uint64_t i = 0; i < count; ++i) {
      Operation operation{.id = i + 1};
      operation.invokedNs = random.below(12);
      operation.returnedNs =
          random.chance(1, 6) ? kOutcomeUnknown : operation.invokedNs + random.below(8);
      const auto kind = random.below(4);
      const CellId cell = static_cast<CellId>(random.below(2));
      if (kind != 0) operation.guards.push_back({cell, random.below(4), random.chance(1, 6)});
      if (kind != 1)
        operation.writes.push_back({static_cast<CellId>(random.below(2)), random.below(4)});
      history.push_back(operation);
    }
    std::vector<bool> placed(history.size());
    std::map<CellId, CellValue> cells;
    const bool expected = holdsByTrying(history, placed, cells);
    ASSERT_EQ(verdictOf(history), expected ? Verdict::kHolds : Verdict::kViolated)
        << "round " << round;
    ++(expected ? held : violated);
  }
  EXPECT_GT(held, 500);
  EXPECT_GT(violated, 500);
}

TEST(SimulatorLinearizability, ALongHistoryOfManyClientsIsDecidedFast) {
  // Clients act on a true register at one instant inside each operation; a tenth is never answered.
  SeededRandom random(11);
  History history;
  CellValue state = kAbsent;
  std::vector<uint64_t> freeAt(8, 0);
  std::vector<std::pair<uint64_t, Operation>> byInstant;
  for (uint64_t id = 1; id <= 3000; ++id) {
    uint64_t& from = freeAt[random.below(freeAt.size())];
    Operation operation{.id = id, .invokedNs = from + 1};
    const uint64_t instant = operation.invokedNs + random.below(50);
    operation.returnedNs = instant + random.below(50);
    from = operation.returnedNs;
    byInstant.emplace_back(instant, operation);
  }
  std::stable_sort(byInstant.begin(), byInstant.end(),
                   [](auto& x, auto& y) { return x.first < y.first; });
  for (auto& [instant, operation] : byInstant) {
    if (random.chance(1, 2)) {
      operation.guards = {{0, state}};
    } else {
      state = operation.id;
      operation.writes = {{0, state}};
      if (random.chance(1, 10)) operation.returnedNs = kOutcomeUnknown;
    }
    history.push_back(operation);
  }
  EXPECT_EQ(verdictOf(history), Verdict::kHolds);
  const auto lastRead = std::find_if(history.rbegin(), history.rend(),
                                     [](const Operation& o) { return !o.guards.empty(); });
  lastRead->guards[0].value = 1;
  EXPECT_NE(verdictOf(history), Verdict::kHolds);
}

}  // namespace
}  // namespace daos::simulator
