// Each anomaly in its smallest form, histories that hold, and random ones from a serial store.
#include "simulator/check/serializability.h"

#include <gtest/gtest.h>

#include <map>

#include "runtime/random.h"

namespace daos::simulator {
namespace {

using Elements = std::vector<uint64_t>;
Access readList(uint64_t key, Elements elements) {
  return {AccessKind::kRead, key, std::move(elements)};
}
Access append(uint64_t key, uint64_t element) { return {AccessKind::kAppend, key, {element}}; }
Access writeTo(uint64_t key, uint64_t element) { return {AccessKind::kWrite, key, {element}}; }

// Transactions that all overlap, so that time orders nothing.
Transaction overlapping(uint64_t id, std::vector<Access> accesses) {
  return {.id = id, .invokedNs = 1, .returnedNs = 100, .accesses = std::move(accesses)};
}

std::string firstOf(const std::vector<Anomaly>& anomalies) {
  return anomalies.empty() ? "" : anomalies.front().name;
}
std::string listAnomaly(const std::vector<Transaction>& history) {
  return firstOf(checkLists(history));
}
std::string registerAnomaly(const std::vector<Transaction>& history) {
  return firstOf(checkRegisters(history));
}

TEST(SimulatorSerializability, ASerialHistoryHolds) {
  EXPECT_EQ(listAnomaly({overlapping(1, {append(1, 10)}),
                         overlapping(2, {readList(1, {10}), append(1, 11)}),
                         overlapping(3, {readList(1, {10, 11})})}),
            "");
}

TEST(SimulatorSerializability, WritesInOppositeOrdersAreG0) {
  EXPECT_EQ(listAnomaly({overlapping(1, {append(1, 10), append(2, 10)}),
                         overlapping(2, {append(1, 20), append(2, 20)}),
                         overlapping(3, {readList(1, {10, 20})}),
                         overlapping(4, {readList(2, {20, 10})})}),
            "G0");
}

TEST(SimulatorSerializability, AReadOfAnAbortedWriteIsG1a) {
  Transaction aborted = overlapping(1, {append(1, 10)});
  aborted.outcome = TransactionOutcome::kAborted;
  EXPECT_EQ(listAnomaly({aborted, overlapping(2, {readList(1, {10})})}), "G1a");
}

TEST(SimulatorSerializability, AReadOfAnIntermediateWriteIsG1b) {
  EXPECT_EQ(
      listAnomaly({overlapping(1, {append(1, 10), append(1, 11)}),
                   overlapping(2, {readList(1, {10})}), overlapping(3, {readList(1, {10, 11})})}),
      "G1b");
}

TEST(SimulatorSerializability, MutualReadsAreG1c) {
  EXPECT_EQ(listAnomaly({overlapping(1, {append(1, 10), readList(2, {20})}),
                         overlapping(2, {append(2, 20), readList(1, {10})})}),
            "G1c");
}

TEST(SimulatorSerializability, ATornViewIsGSingle) {
  // T3 sees T1's write to one key and misses the one to the other.
  const auto anomalies = checkLists(std::vector<Transaction>{
      overlapping(1, {append(1, 10), append(2, 10)}),
      overlapping(3, {readList(1, {10}), readList(2, {})}), overlapping(4, {readList(2, {10})})});
  EXPECT_EQ(firstOf(anomalies), "G-single");
  EXPECT_EQ(anomalies.front().cycle.size(), 2u);
}

TEST(SimulatorSerializability, WriteSkewIsG2) {
  EXPECT_EQ(listAnomaly({overlapping(1, {readList(1, {}), append(2, 10)}),
                         overlapping(2, {readList(2, {}), append(1, 20)}),
                         overlapping(3, {readList(1, {20}), readList(2, {10})})}),
            "G2-item");
  EXPECT_EQ(registerAnomaly({overlapping(1, {readList(1, {}), writeTo(2, 10)}),
                             overlapping(2, {readList(2, {}), writeTo(1, 20)})}),
            "G2-item");
}

// Two successors of one version: each transaction missed the other's write.
TEST(SimulatorSerializability, ALostUpdateIsG2) {
  EXPECT_EQ(registerAnomaly({overlapping(1, {writeTo(1, 10)}),
                             overlapping(2, {readList(1, {10}), writeTo(1, 11)}),
                             overlapping(3, {readList(1, {10}), writeTo(1, 12)})}),
            "G2-item");
}

TEST(SimulatorSerializability, AnAppendThatNobodySeesAfterItsEndIsARealTimeCycle) {
  const Transaction first{.id = 1, .invokedNs = 1, .returnedNs = 2, .accesses = {append(1, 10)}};
  const Transaction later{.id = 2, .invokedNs = 5, .returnedNs = 6, .accesses = {readList(1, {})}};
  EXPECT_EQ(listAnomaly({first, later}), "G-single-realtime");
  EXPECT_TRUE(checkLists(std::vector<Transaction>{first, later}, {.isRealTime = false}).empty());
}

TEST(SimulatorSerializability, InventedDuplicateInternalAndDivergentAreNamed) {
  EXPECT_EQ(listAnomaly({overlapping(1, {readList(1, {99})})}), "invented");
  EXPECT_EQ(listAnomaly({overlapping(1, {append(1, 10)}), overlapping(2, {append(1, 10)})}),
            "duplicate");
  EXPECT_EQ(listAnomaly({overlapping(1, {append(1, 10), readList(1, {})})}), "internal");
  EXPECT_EQ(registerAnomaly({overlapping(1, {writeTo(1, 10), readList(1, {})})}), "internal");
  EXPECT_EQ(listAnomaly({overlapping(1, {append(1, 10)}), overlapping(2, {append(1, 20)}),
                         overlapping(3, {readList(1, {10, 20})}),
                         overlapping(4, {readList(1, {20, 10})})}),
            "incompatible-order");
}

TEST(SimulatorSerializability, AnUnansweredTransactionMayHaveCommittedOrNot) {
  Transaction unknown = overlapping(1, {append(1, 10)});
  unknown.outcome = TransactionOutcome::kUnknown;
  unknown.returnedNs = ~uint64_t{0};
  EXPECT_EQ(listAnomaly({unknown, overlapping(2, {readList(1, {10})})}), "");
  EXPECT_EQ(listAnomaly({unknown, overlapping(2, {readList(1, {})})}), "");
}

// A store that runs transactions one at a time at an instant within their call, and can be told to
// let a transaction read from before a write that it should have seen.
std::vector<Transaction> randomHistory(SeededRandom& random, bool isStale) {
  std::map<uint64_t, Elements> lists, before;
  std::vector<Transaction> history;
  uint64_t element = 0;
  for (uint64_t id = 1; id <= 60; ++id) {
    const uint64_t instant = id * 10;
    Transaction transaction{.id = id,
                            .invokedNs = instant - random.below(30) - (id < 4 ? 0 : 1),
                            .returnedNs = instant + random.below(30)};
    if (transaction.invokedNs > instant) transaction.invokedNs = 0;
    const bool reads = isStale && id == 50;
    const auto snapshot = lists;
    for (uint64_t i = 0; i < 2 + random.below(3); ++i) {
      const uint64_t key = random.below(4);
      if (reads || random.chance(1, 2)) {
        transaction.accesses.push_back(readList(key, reads ? before[key] : lists[key]));
      } else {
        lists[key].push_back(++element);
        transaction.accesses.push_back(append(key, element));
      }
    }
    if (id == 30) before = snapshot;
    history.push_back(std::move(transaction));
  }
  for (uint64_t key = 0; key < 4; ++key) {
    history.push_back({.id = 100 + key,
                       .invokedNs = 5000,
                       .returnedNs = 5001,
                       .accesses = {readList(key, lists[key])}});
  }
  return history;
}

TEST(SimulatorSerializability, RandomSerialHistoriesHoldAndStaleReadsAreFound) {
  SeededRandom random(3);
  int found = 0;
  for (int round = 0; round < 200; ++round) {
    const auto good = randomHistory(random, false);
    const auto anomalies = checkLists(good);
    ASSERT_TRUE(anomalies.empty())
        << anomalies.front().name << ": " << anomalies.front().explanation;
    found += !checkLists(randomHistory(random, true)).empty();
  }
  EXPECT_EQ(found, 200);
}

}  // namespace
}  // namespace daos::simulator
