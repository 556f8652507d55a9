// Goal:   what updates leave in the arena, although it belongs on Media, comes there soon; nothing
//         that a reader sees changes by it, at any epoch, and no space is lost.
// Method: values of known content on either arena, brought to Media step by step, with what may
//         come in between.
#include "vos/media_fixture.h"

namespace daos::vos {
namespace {

constexpr size_t kSize = 5000;
constexpr uint64_t kOnMedia = 2 * kBlock;

class VosAbsorbedData : public MediaFixture {
 protected:
  VosAbsorbedData() { options_.absorbBelow = 16 << 10; }

  // Durable when it returns.
  void store(uint64_t dkey, Epoch epoch, size_t size = kSize, std::optional<uint64_t> index = {}) {
    ASSERT_TRUE(put(dkey, epoch, textOf(size, dkey + epoch), index).ok());
    settleLog();
  }
  void settleLog() {
    ASSERT_TRUE(run(pool_->arena().waitDurable(pool_->arena().lastTicket())).ok());
  }
  // How many steps moved something and left more.
  int settle(uint64_t sizeMax = 1 << 20) {
    for (int count = 0;; ++count) {
      const auto hasMore = run(pool_->settleStep(sizeMax));
      EXPECT_TRUE(hasMore.ok()) << hasMore.error().describe();
      if (!hasMore.ok() || !*hasMore) return count;
    }
  }
  uint64_t absorbed() const { return pool_->absorbedBytes(); }
  bool hasLostSpace() {
    settleLog();
    return used() != container_->usage().mediaBytes;
  }
};

TEST_P(VosAbsorbedData, LittleDataLiesInTheArenaUntilItIsBroughtToMedia) {
  const uint64_t arenaBefore = pool_->space().arena.usedBytes;
  store(1, 10);
  EXPECT_EQ(used(), 0u);
  EXPECT_EQ(absorbed(), kSize);
  EXPECT_GT(pool_->space().arena.usedBytes, arenaBefore + kSize);
  EXPECT_TRUE(get(1, kSize) == textOf(kSize, 11));
  EXPECT_EQ(settle(), 0);
  EXPECT_EQ(used(), kOnMedia);
  EXPECT_EQ(container_->usage().mediaBytes, kOnMedia);
  EXPECT_EQ(absorbed(), 0u);
  EXPECT_LT(pool_->space().arena.usedBytes, arenaBefore + kSize);
  EXPECT_TRUE(get(1, kSize) == textOf(kSize, 11));
}

TEST_P(VosAbsorbedData, MuchDataGoesToMediaAtOnce) {
  store(1, 10, 16 << 10);
  EXPECT_EQ(used(), 16u << 10);
  EXPECT_EQ(absorbed(), 0u);
}

TEST_P(VosAbsorbedData, EveryVersionOfValuesAndArraysReadsAsBefore) {
  store(1, 10);
  store(1, 20);
  store(2, 11, kSize, 0);
  store(2, 12, kSize, 0);
  store(2, 13, kSize, 3000);
  store(2, 14, 9000, 100);
  const auto read = [&] {
    std::vector<std::string> all;
    for (const Epoch epoch : {Epoch{10}, Epoch{11}, Epoch{12}, Epoch{13}, Epoch{14}, Epoch{20}}) {
      all.push_back(get(1, kSize, epoch));
      all.push_back(get(2, 10'000, epoch, 0));
    }
    return all;
  };
  const auto before = read();
  EXPECT_EQ(settle(kSize), 5);
  EXPECT_EQ(used(), 5 * kOnMedia + 3 * kBlock);
  EXPECT_TRUE(read() == before);
  EXPECT_FALSE(hasLostSpace());
}

TEST_P(VosAbsorbedData, WhatIsGoneByThenIsForgotten) {
  store(1, 10);
  store(2, 10);
  ASSERT_EQ(punch(1, 20), ErrorCode::kOk);
  aggregate(30);
  store(3, 40);
  settle();
  EXPECT_EQ(container_->usage().mediaBytes, 2 * kOnMedia);
  EXPECT_EQ(absorbed(), 0u);
  EXPECT_FALSE(hasLostSpace());
  EXPECT_TRUE(get(2, kSize) == textOf(kSize, 12));
  EXPECT_TRUE(get(3, kSize) == textOf(kSize, 43));
}

TEST_P(VosAbsorbedData, WhatWasWrittenAgainAtItsEpochIsAnother) {
  store(1, 10);
  store(1, 10, 15'000);
  settle();
  EXPECT_EQ(used(), 4 * kBlock);
  EXPECT_FALSE(hasLostSpace());
  EXPECT_TRUE(get(1, 15'000) == textOf(15'000, 11));
}

TEST_P(VosAbsorbedData, WhatGoesWhileItIsWrittenGivesItsBlocksBack) {
  for (uint64_t dkey = 1; dkey <= 3; ++dkey) store(dkey, 10);
  std::optional<Result<bool>> ended;
  reactor_->spawn(keep(pool_->settleStep(1 << 20), ended));
  ASSERT_FALSE(ended.has_value());
  // Its place in the arena, too, is free then, and is not taken for the same.
  ASSERT_EQ(punch(2, 20), ErrorCode::kOk);
  ASSERT_TRUE(container_->beginAggregation(30).ok());
  while (container_->reduceStep(100).value()) {
  }
  ASSERT_TRUE(put(2, 40, textOf(kSize, 99)).ok());
  reactor_->runUntil([&] { return ended.has_value(); });
  EXPECT_TRUE(ended->ok());
  settleLog();
  EXPECT_TRUE(get(2, kSize) == textOf(kSize, 99));
  for (const uint64_t dkey : {1, 3}) EXPECT_TRUE(get(dkey, kSize) == textOf(kSize, dkey + 10));
  EXPECT_FALSE(hasLostSpace());
}

TEST_P(VosAbsorbedData, OfADestroyedContainerNothingIsMoved) {
  store(1, 10);
  std::optional<Result<bool>> ended;
  reactor_->spawn(keep(pool_->settleStep(1 << 20), ended));
  pool_->closeContainer(container_);
  ASSERT_TRUE(pool_->destroyContainer(kUuid).ok());
  ASSERT_TRUE(pool_->createContainer(kUuid).ok());
  container_ = *pool_->openContainer(kUuid);
  reactor_->runUntil([&] { return ended.has_value(); });
  EXPECT_TRUE(ended->ok());
  EXPECT_EQ(container_->usage().mediaBytes, 0u);
  while (pool_->collectStep(100).value()) {
  }
  EXPECT_FALSE(hasLostSpace());
}

TEST_P(VosAbsorbedData, AReaderThatHasBegunSeesWhatItBeganWith) {
  store(1, 10);
  FetchResult result;
  ASSERT_TRUE(begin(result, 1, kSize).ok());
  settle();
  // The block that it reads is free, and would be the next one's.
  for (uint64_t dkey = 2; dkey < 12; ++dkey) store(dkey, 20);
  EXPECT_TRUE(finish(result, kSize) == textOf(kSize, 11));
}

TEST_P(VosAbsorbedData, WritesOfOpenTransactionsStayWhereTheyAre) {
  const TransactionId id = Uuid::fromRandom(9, 9);
  ASSERT_TRUE(put(1, 10, textOf(kSize, 1), {}, id).ok());
  settleLog();
  settle();
  EXPECT_EQ(used(), 0u);
  EXPECT_EQ(absorbed(), 0u);
  ASSERT_TRUE(container_->commit({&id, 1}).ok());
  EXPECT_TRUE(get(1, kSize) == textOf(kSize, 1));
  // As after a restart.
  ASSERT_TRUE(container_->beginAggregation(30).ok());
  do {
    ASSERT_TRUE(run(container_->writeReduction()).ok());
  } while (container_->reduceStep(100).value());
  EXPECT_EQ(container_->usage().mediaBytes, kOnMedia);
  EXPECT_TRUE(get(1, kSize) == textOf(kSize, 1));
}

TEST_P(VosAbsorbedData, NoMoreLiesThereThanMay) {
  uint64_t dkey = 1;
  while (used() == 0 && dkey < 1000) store(dkey++, 10);
  const uint64_t most = absorbed();
  EXPECT_TRUE(pool_->isFullOfAbsorbed());
  EXPECT_LE(most, kDataSize / 16);
  EXPECT_GT(most + kSize, kDataSize / 16);
  // The rest is as without.
  store(dkey++, 10);
  EXPECT_EQ(used(), 2 * kOnMedia);
  settle();
  store(dkey, 10);
  EXPECT_EQ(absorbed(), kSize);
}

TEST_P(VosAbsorbedData, NothingIsAcceptedThatMediaHasNoRoomFor) {
  uint64_t dkey = 1;
  while (put(dkey, 10, textOf(100'000, dkey)).ok()) ++dkey;
  settleLog();
  uint64_t count = 0;
  while (put(++dkey, 10, textOf(kSize, dkey)).ok() && count < 1000) ++count;
  EXPECT_LT(count, 30u);
  EXPECT_EQ(absorbed(), 0u);
  EXPECT_EQ(put(dkey, 10, textOf(kSize, dkey)).code(), ErrorCode::kNospace);
}

TEST_P(VosAbsorbedData, ManyUnderWayGoToMedia) {
  if (GetParam() == ArenaSort::kPmem) return;  // what is stored is durable
  for (uint64_t dkey = 1; dkey <= 40; ++dkey) {
    const IoDescriptor akey{bytesOf("s"), ValueType::kSingle, kSize, {}, 0};
    UpdateRequest request{kOid, bytesOf(&dkey, 8), {&akey, 1}, {}, {}};
    request.write.epoch = 10;
    const bool isToMedia = container_->needsMedia(request);
    EXPECT_TRUE(container_->isBulk(request));
    EXPECT_EQ(isToMedia, (dkey - 1) * kSize + kSize > 64 << 10) << dkey;
    if (isToMedia) break;
    const std::string text = textOf(kSize, dkey);
    const Bytes data = bytesOf(text);
    ASSERT_TRUE(container_->update(request, {&data, 1}).ok());
  }
  // Nothing that may not have happened is moved.
  EXPECT_EQ(settle(), 0);
  EXPECT_EQ(used(), 0u);
  settleLog();
  settle();
  EXPECT_EQ(used(), 13 * kOnMedia);
}

INSTANTIATE_TEST_SUITE_P(Arenas, VosAbsorbedData,
                         testing::Values(ArenaSort::kPmem, ArenaSort::kLog), arenaSortName);

}  // namespace
}  // namespace daos::vos
