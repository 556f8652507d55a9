// Goal: the store answers as the contract says, whatever is done to it in whatever order.
// Method: random histories on a store and on a plain model of it, compared after every operation. A
// history that fails is made small; what was found so is kept below, by name.
#include <gtest/gtest.h>
#include <unistd.h>

#include "testing/leftovers.h"
#include "vos/proof/history_generator.h"
#include "vos/proof/history_hunt.h"
#include "vos/proof/shrink.h"

namespace daos::vos::proof {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kScale = 10;  // sanitizers slow everything down as much
#else
constexpr uint64_t kScale = 1;
#endif
constexpr uint64_t kPartCount = 4;

std::string testPath(const char* name) {
  return nameInSharedMemory(std::string("vos_proof.") + name);
}

// A history that must leave store and model in agreement.
void expectAgreement(std::string_view text,
                     uint64_t dataThreshold = PoolOptions::kNeverToMedia) {
  const auto history = parseHistory(text);
  ASSERT_TRUE(history.ok()) << history.error().describe();
  const auto source = memorySource(64ull << 20);
  EXPECT_EQ(replay(*history, *source, dataThreshold, false).value_or(""), "");
}

// In parts, so that several cores share them.
class VosHistories : public testing::TestWithParam<uint64_t> {};

TEST_P(VosHistories, RandomOnesInMemoryAgreeWithTheModel) {
  const auto source = memorySource(256ull << 20);
  HuntOptions options;
  options.firstSeed = 1 + GetParam() * 100'000;
  options.operationCount = 600'000 / kPartCount / kScale;
  EXPECT_EQ(huntFailures(*source, options).value_or(""), "");
}

INSTANTIATE_TEST_SUITE_P(Parts, VosHistories, testing::Range(uint64_t{0}, kPartCount));

// Bulk data, and what aggregation brings there, on media: few bytes count as bulk, or many.
TEST_P(VosHistories, RandomOnesWithBulkDataAgreeWithTheModel) {
  constexpr uint64_t kThresholds[] = {64, 300, 1000, 4096};
  const auto source = memorySource(256ull << 20);
  HuntOptions options;
  options.firstSeed = 2'000'000 + GetParam() * 100'000;
  options.operationCount = 300'000 / kPartCount / kScale;
  options.dataThreshold = kThresholds[GetParam()];
  EXPECT_EQ(huntFailures(*source, options).value_or(""), "");
}

TEST(VosHistory, RandomHistoriesOnPersistentMemoryAgreeWithTheModel) {
  const auto source = pmemSource(testPath("history"), 64ull << 20);
  HuntOptions options;
  options.firstSeed = 1'000'000;
  options.operationCount = 100'000 / kScale;
  EXPECT_EQ(huntFailures(*source, options).value_or(""), "");
}

TEST(VosHistory, AHistoryIsReadBackAsItWasPrinted) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const std::string text = toText(makeHistory(seed, 300));
    const auto history = parseHistory(text);
    ASSERT_TRUE(history.ok()) << history.error().describe();
    ASSERT_EQ(toText(*history), text);
  }
}

TEST(VosHistory, TextThatIsNoHistoryIsRefusedByName) {
  const auto wrongVerb = parseHistory("updaet object=0:1");
  ASSERT_FALSE(wrongVerb.ok());
  EXPECT_NE(wrongVerb.error().message().find("updaet"), std::string::npos);
  EXPECT_FALSE(parseHistory("update object=0:1 dkey=6").ok());
  EXPECT_FALSE(parseHistory("fetch object=0:1 dkey=61 akey=61 extents=1-2").ok());
}

// The comparison itself can fail: a store that did something else than the model is found out.
TEST(VosHistory, AStoreThatMissesOneWriteIsNoticed) {
  const auto source = memorySource(64ull << 20);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<Operation> history = makeHistory(seed, 200);
    auto store = Store::create(*source, {PoolOptions::kNeverToMedia});
    ASSERT_TRUE(store.ok()) << store.error().describe();
    ReferenceModel model;
    HistoryRunner runner(**store, model);
    for (const Operation& operation : history) ASSERT_EQ(runner.step(operation).value_or(""), "");
    Operation missed;
    missed.oid = history[0].oid.typeBits() == 0 ? makeObject(0, 5) : makeObject(7, 5);
    missed.dkey = "missed";
    missed.akeys.push_back({"akey", {}, 10, seed, 0});
    missed.epoch = kEpochMax - 1;
    ASSERT_TRUE(model.judge(missed).permits(ErrorCode::kOk));
    model.apply(missed);
    Operation compare;
    compare.verb = Verb::kCompare;
    compare.epoch = kEpochMax;
    compare.pageSize = 100;
    EXPECT_TRUE(runner.step(compare).has_value());
  }
}

// A store with some content, and a model that agrees with it.
struct Agreed {
  std::unique_ptr<ArenaSource> source = memorySource(64ull << 20);
  std::unique_ptr<Store> store;
  ReferenceModel model;

  // All of which succeeds.
  void run(const std::string& text) {
    auto made = Store::create(*source, {PoolOptions::kNeverToMedia});
    ASSERT_TRUE(made.ok()) << made.error().describe();
    store = std::move(*made);
    const auto history = parseHistory(text);
    ASSERT_TRUE(history.ok()) << history.error().describe();
    HistoryRunner runner(*store, model);
    for (const Operation& operation : *history) {
      ASSERT_EQ(model.judge(operation).toText(), "success") << toText(operation);
      ASSERT_EQ(runner.step(operation).value_or(""), "");
    }
  }
  Difference compare(Epoch epoch) {
    return Comparison(store->container(), model).everything(epoch, 100);
  }
};

constexpr char kBeforePin[] = R"(
update object=0:1 dkey=61 at=5 akey=61 size=9 value=1
update object=0:1 dkey=61 at=8 akey=62 record=1 extents=0+9 value=2
)";
constexpr char kAggregated[] = R"(
pin at=9
update object=0:1 dkey=61 at=12 akey=61 size=9 value=3
update object=0:1 dkey=61 at=13 akey=62 record=1 extents=0+9 value=4
aggregate at=20 budget=20
update object=0:1 dkey=61 at=25 transaction=1 akey=61 size=9 value=5
)";

TEST(VosHistory, AStoreThatLosesWhatASnapshotPinsIsNoticed) {
  Agreed kept;
  ASSERT_NO_FATAL_FAILURE(kept.run(std::string(kBeforePin) + kAggregated));
  EXPECT_FALSE(kept.compare(9));
  // As if aggregation had not minded the pin: what is newer has replaced it everywhere else.
  Agreed lost;
  ASSERT_NO_FATAL_FAILURE(lost.run(kAggregated));
  lost.model = kept.model;
  EXPECT_FALSE(lost.compare(kEpochMax));
  EXPECT_TRUE(lost.compare(9));
}

TEST(VosHistory, AStoreThatCommitsWhatWasAbortedIsNoticed) {
  Agreed agreed;
  ASSERT_NO_FATAL_FAILURE(agreed.run(kAggregated));
  const TransactionId id = transactionId(1);
  ASSERT_TRUE(agreed.store->container().commit({&id, 1}).ok());
  Operation abort;
  abort.verb = Verb::kAbort;
  abort.ids = {1};
  agreed.model.apply(abort);
  EXPECT_TRUE(agreed.compare(kEpochMax));
}

// Writes of the model alone, which take the place of what the store was given.
void applyToModel(ReferenceModel& model, std::string_view text) {
  const auto history = parseHistory(text);
  ASSERT_TRUE(history.ok()) << history.error().describe();
  for (const Operation& operation : *history) model.apply(operation);
}

constexpr char kWithChecksums[] = R"(
update object=0:1 dkey=61 at=5 akey=61 size=100 value=1 checksums=1:32
update object=0:1 dkey=61 at=6 akey=62 record=4 extents=0+20,50+9 value=2 checksums=1:16
)";

TEST(VosHistory, AStoreThatReturnsOtherChecksumsThanItWasGivenIsNoticed) {
  Agreed agreed;
  ASSERT_NO_FATAL_FAILURE(agreed.run(kWithChecksums));
  EXPECT_EQ(agreed.compare(kEpochMax).value_or(""), "");
  const ReferenceModel model = agreed.model;
  const std::string single = "update object=0:1 dkey=61 at=5 akey=61 size=100 value=1";
  const std::string array = "update object=0:1 dkey=61 at=6 akey=62 record=4 extents=0+20 value=2";
  for (const std::string& write :
       {single, single + " checksums=1:16", single + " checksums=2:32",
        single + " wrongChecksums=1:32", array, array + " checksums=1:8",
        array + " checksums=2:16", array + " wrongChecksums=1:16"}) {
    agreed.model = model;
    ASSERT_NO_FATAL_FAILURE(applyToModel(agreed.model, write));
    EXPECT_TRUE(agreed.compare(kEpochMax)) << write;
  }
}

constexpr char kNeighbours[] = R"(
update object=0:1 dkey=61 at=5 akey=61 record=1 extents=0+30 value=1 checksums=1:8
update object=0:1 dkey=61 at=6 akey=61 record=1 extents=30+30 value=2 checksums=1:8
update object=0:1 dkey=61 at=7 akey=61 record=1 extents=40+9 value=3 checksums=1:8
)";
constexpr char kMerged[] = "aggregate at=20 budget=1000";

TEST(VosHistory, AStoreThatMakesNewChecksumsForRottenDataIsNoticed) {
  Agreed agreed;
  ASSERT_NO_FATAL_FAILURE(agreed.run(std::string(kNeighbours) + kMerged));
  EXPECT_EQ(agreed.compare(30).value_or(""), "");
  // As if the second had been rotten when it came, and was merged in spite of it.
  ASSERT_NO_FATAL_FAILURE(applyToModel(
      agreed.model,
      "update object=0:1 dkey=61 at=6 akey=61 record=1 extents=30+30 value=2 wrongChecksums=1:8"));
  EXPECT_TRUE(agreed.compare(30));
}

TEST(VosHistory, AMergeThatCopiesFromAnotherPlaceIsNoticed) {
  Agreed agreed;
  ASSERT_NO_FATAL_FAILURE(agreed.run(std::string(kNeighbours) + kMerged));
  // As if the store had brought along the bytes beside those of the second.
  ASSERT_NO_FATAL_FAILURE(applyToModel(
      agreed.model,
      "update object=0:1 dkey=61 at=6 akey=61 record=1 extents=29+31 value=2 checksums=1:8"));
  EXPECT_TRUE(agreed.compare(30));
}

TEST(VosHistory, AFailingHistoryIsShrunkToWhatMatters) {
  const auto isPunch = [](const Operation& operation) { return operation.verb == Verb::kPunch; };
  const auto isReopen = [](const Operation& operation) { return operation.verb == Verb::kReopen; };
  // "Fails" when a punch comes before a reopening.
  const StillFails fails = [&](std::span<const Operation> candidate) {
    const auto punch = std::find_if(candidate.begin(), candidate.end(), isPunch);
    return std::find_if(punch, candidate.end(), isReopen) != candidate.end();
  };
  uint64_t seed = 1;
  std::vector<Operation> history = makeHistory(seed, 400);
  while (!fails(history)) history = makeHistory(++seed, 400);
  const std::vector<Operation> small = shrinkHistory(history, fails, 1000);
  ASSERT_EQ(small.size(), 2u);
  EXPECT_TRUE(isPunch(small[0]) && isReopen(small[1]));
}

// --- found by random histories

TEST(VosHistory, ARefusedUpdateLeavesTheNodeItHadSplitAsItWas) {
  expectAgreement(R"(
update object=10:222 dkey=61 at=19
  akey=61 record=4096 extents=3699+1 value=19
  akey=61 record=4096 extents=637+1 value=20
  akey=61 record=4096 extents=3647+1 value=21
  akey=61 record=4096 extents=50+1 value=22
update object=10:222 dkey=61 at=4
  akey=61 record=4096 extents=1239+1 value=58
update object=10:222 dkey=61 at=27
  akey=61 record=4096 extents=1262+1 value=79
update object=10:222 dkey=61 at=35
  akey=61 record=4096 extents=1739+1 value=83
update object=10:222 dkey=61 at=21
  akey=61 record=4096 extents=2592+1,2059+1,4+1 value=89
  akey=61 record=4096 extents=1817+1 value=90
update object=10:222 dkey=61 at=13
  akey=61 record=4096 extents=1018+1 value=91
update object=10:222 dkey=61 at=34
  akey=61 record=4096 extents=1891+1 value=92
update object=10:222 dkey=61 at=10
  akey=61 record=4096 extents=562+1 value=166
update object=10:222 dkey=61 at=35
  akey=61 record=4096 extents=1191+1,130+1 value=220
  akey=61 record=1 extents=3683+1 value=221
compare at=100 page=10
)");
}

TEST(VosHistory, AMergedExtentIsSeenAboveLongerOnesOfItsStamp) {
  expectAgreement(R"(
update object=0:396 dkey=61 at=10
  akey=61 record=1 extents=93+2 value=10
  akey=61 record=0 extents=95+1 value=11
  akey=61 record=1 extents=29+65,93+4 value=12
aggregate at=20 budget=1000
compare at=30
)");
}

TEST(VosHistory, AnArrayWhoseDataAnAbandonedAggregationDroppedMayTakeOtherRecords) {
  expectAgreement(R"(
update object=5:876 dkey=6162 at=10 akey=61 record=1 extents=26+1 value=15
punch object=5:876 dkey=6162 at=20
aggregate at=30 budget=1000 steps=19
update object=5:876 dkey=6162 at=40 akey=61 record=0 extents=34+1 value=207
update object=5:876 dkey=6162 at=50 akey=61 record=4096 extents=30+1 value=215
compare at=60
)");
}

// Aggregation keeps no hole above nothing, also where a snapshot is: what is left once newer data
// was discarded has no type.
TEST(VosHistory, AnAkeyWithNothingButAHoleThatWasAggregatedMayChangeItsType) {
  expectAgreement(R"(
update object=4:948 dkey=0000000000000000 at=114 akey=0000000000000000 size=0 value=19
pin at=114
update object=4:948 dkey=0000000000000000 at=134 akey=0000000000000000 size=1 value=65
aggregate at=142 budget=30
discard at=222 from=115 budget=1000
update object=4:948 dkey=0000000000000000 at=273
  akey=0000000000000000 record=1 extents=251+1 value=255
compare at=280
)");
}

// The refused write had filled the place of the last touched version, which it had freed before.
TEST(VosHistory, ARefusedWriteLeavesWhatItsTransactionHasPreparedAsItWas) {
  expectAgreement(R"(
update object=0:1 dkey=61 at=10 transaction=1 akey=61 size=5 value=1
update object=0:1 dkey=61 at=11 transaction=1 akey=62 record=1 extents=0+3 value=2
update object=0:1 dkey=61 at=10 transaction=1
  akey=61 size=5 value=3
  akey=62 record=4 extents=0+1 value=4
abort ids=1
compare at=60
)");
}

// The refused write had moved on the newest epoch in memory, and its undoing the ceiling in the
// arena back: the next write was below both, and a restart forgot its epoch.
TEST(VosHistory, ARefusedWriteDoesNotHideTheEpochOfTheNextFromARestart) {
  expectAgreement(R"(
update object=0:791 dkey=61 at=3538432109492313147 if=dkeyUpdate
  akey=61 record=1 extents=98+1 value=28
update object=0:791 dkey=61 at=1728399929803449592 akey=6162 record=1 extents=38+1 value=92
reopen
fetch object=0:791 dkey=62 at=18446744073709551615 refusing tracked akey=61 record=0 extents=40+1
punch object=0:791 dkey=62 at=99408499294720342
)");
}

// Of an akey an aggregation may have left nothing: the next hole, or a punch, then makes it anew,
// and the size of its records, or even its type, is not what it was.
constexpr char kAkeyThatMayBeGone[] = R"(
punch object=9:416 dkey=157c4a7fb979379e at=82
update object=9:416 dkey=157c4a7fb979379e at=88
  akey=6162 record=0 extents=98+1
  akey=61 record=4096 extents=32+1 value=182
pin at=100
update object=9:416 dkey=157c4a7fb979379e at=117 akey=6162 record=64 extents=64+2 value=227
aggregate at=115 budget=7
discard at=18446744073709551615 from=101 budget=15
)";

TEST(VosHistory, AnAkeyThatAnAggregationMayHaveDroppedIsMadeAnewByAHole) {
  expectAgreement(std::string(kAkeyThatMayBeGone) + R"(
update object=9:416 dkey=157c4a7fb979379e at=135 akey=6162 record=0 extents=83+1
compare at=18446744073709551615 page=100
)");
}

TEST(VosHistory, AnAkeyThatAnAggregationMayHaveDroppedIsMadeAnewByAPunch) {
  expectAgreement(std::string(kAkeyThatMayBeGone) + R"(
punch object=9:416 dkey=157c4a7fb979379e at=135 akey=6162
compare at=18446744073709551615 page=100
)");
}

// What was absorbed had been replaced at its epoch by a value of another size when it was brought
// to media, and the room for it was that of the first.
TEST(VosHistory, AValueIsReplacedAtItsEpochBeforeItIsBroughtToMedia) {
  std::string text = R"(
update object=0:1 dkey=61 at=10 akey=61 size=400 value=1
update object=0:1 dkey=61 at=10 akey=61 size=5000 value=2
)";
  for (int i = 0; i < 16; ++i) text += "update object=0:1 dkey=62 at=11 akey=61 size=3 value=4\n";
  expectAgreement(text + "compare at=60\ndiscard at=10 from=1 budget=100\ncompare at=60\n", 300);
}

}  // namespace
}  // namespace daos::vos::proof
