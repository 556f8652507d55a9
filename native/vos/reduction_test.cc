// Goal: aggregation and discard change no answer they may not change, give space back, and come in
// steps so small that nobody waits for them.
#include <time.h>

#include <algorithm>

#include "codec/checksum.h"
#include "vos/vos_fixture.h"

namespace daos::vos {
namespace {

const ObjectId kOid = hashedObject(1);

class VosReductionTest : public VosTest {
 protected:
  void finish(uint32_t budget = 1000) {
    while (true) {
      const auto more = container_->reduceStep(budget);
      ASSERT_TRUE(more.ok()) << more.error().describe();
      if (!*more) return;
    }
  }
  void aggregate(Epoch upTo, uint32_t budget = 1000) {
    const Status begun = container_->beginAggregation(upTo);
    ASSERT_TRUE(begun.ok()) << begun.error().describe();
    finish(budget);
  }
  std::vector<std::string> versions(std::string_view dkey, std::string_view akey, Level level) {
    return list({level, kOid, bytesOf(dkey), bytesOf(akey), {}, Versions::kAll});
  }
  uint64_t used() const { return pool_->space().arena.usedBytes; }
};

double threadMicros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

using Lines = std::vector<std::string>;

TEST_F(VosReductionTest, OnlyWhatAPinSeesIsKept) {
  for (Epoch epoch = 1; epoch <= 20; ++epoch) put(kOid, "d", "a", epoch, std::string(epoch, 'x'));
  ASSERT_TRUE(container_->createSnapshot(5).ok());
  ASSERT_TRUE(container_->createSnapshot(9).ok());
  EXPECT_EQ(container_->createSnapshot(9).code(), ErrorCode::kExist);
  aggregate(15);
  EXPECT_EQ(versions("d", "a", Level::kSingle),
            (Lines{"5@5", "9@9", "15@15", "16@16", "17@17", "18@18", "19@19", "20@20"}));
  EXPECT_EQ(get(kOid, "d", "a", 5), "xxxxx");
  EXPECT_EQ(get(kOid, "d", "a", 6), "DER_EP_OLD");
  EXPECT_EQ(put(kOid, "d", "a", 15, "late"), ErrorCode::kEpOld);
  EXPECT_EQ(container_->createSnapshot(14).code(), ErrorCode::kEpOld);
  ASSERT_TRUE(container_->deleteSnapshot(5).ok());
  EXPECT_EQ(container_->deleteSnapshot(5).code(), ErrorCode::kNonexist);
  reopen();
  EXPECT_EQ(container_->snapshots(), std::vector<Epoch>{9});
  EXPECT_EQ(get(kOid, "d", "a", 5), "DER_EP_OLD");
  aggregate(18);
  EXPECT_EQ(versions("d", "a", Level::kSingle), (Lines{"9@9", "18@18", "19@19", "20@20"}));
}

TEST_F(VosReductionTest, NoWriteChangesASnapshot) {
  put(kOid, "d", "a", 10, "ten");
  ASSERT_TRUE(container_->createSnapshot(15).ok());
  ASSERT_TRUE(container_->createSnapshot(20).ok());
  for (const Epoch epoch : {Epoch{9}, Epoch{14}, Epoch{20}}) {
    EXPECT_EQ(put(kOid, "d", "a", epoch, "late"), ErrorCode::kEpOld);
    EXPECT_EQ(punch(kOid, epoch), ErrorCode::kEpOld);
  }
  EXPECT_EQ(put(kOid, "d", "a", 21, "new"), ErrorCode::kOk);
  EXPECT_EQ(get(kOid, "d", "a", 20), "ten");
  ASSERT_TRUE(container_->deleteSnapshot(20).ok());
  EXPECT_EQ(put(kOid, "d", "a", 16, "between"), ErrorCode::kOk);
  EXPECT_EQ(get(kOid, "d", "a", 15), "ten");
}

TEST_F(VosReductionTest, SmallNeighboursBecomeOneExtent) {
  for (uint64_t i = 0; i < 20; ++i) write(kOid, "d", "x", 10 + i, i * 5, "abcde");
  aggregate(100);
  EXPECT_EQ(versions("d", "x", Level::kExtent), Lines{"0+100@29"});
  EXPECT_EQ(container_->reductionCounts().mergedCount, 20u);
  EXPECT_EQ(read(kOid, "d", "x", {3, 9}, 100), "deabcdeab");
  aggregate(100);
  EXPECT_EQ(container_->reductionCounts().mergedCount, 0u);
}

// Extents of one update have one stamp: which of them is seen does not follow from it.
TEST_F(VosReductionTest, ExtentsOfOneStampAreMergedOnce) {
  write(kOid, "d", "x", 10, 0, std::string(60, 'a'));
  write(kOid, "d", "x", 10, 20, std::string(20, 'b'));
  write(kOid, "d", "x", 10, 60, std::string(40, 'c'));
  const std::string expected = read(kOid, "d", "x", {0, 100});
  aggregate(50);
  EXPECT_EQ(versions("d", "x", Level::kExtent), Lines{"0+100@10"});
  EXPECT_EQ(read(kOid, "d", "x", {0, 100}), expected);
  aggregate(50);
  EXPECT_EQ(container_->reductionCounts().mergedCount, 0u);
  EXPECT_EQ(container_->reductionCounts().droppedCount, 0u);
}

TEST_F(VosReductionTest, DamagedDataIsNotMerged) {
  std::vector<std::byte> sums(4);
  for (uint64_t i = 0; i < 3; ++i) {
    const std::string text(64, static_cast<char>('a' + i));
    const Bytes data = bytesOf(text);
    checksumOf(ChecksumType::kCrc32c, data, sums);
    if (i == 1) sums[0] ^= std::byte{1};
    const Extent extent{i * 64, 64};
    const IoDescriptor descriptor{bytesOf("x"), ValueType::kArray, 1, {&extent, 1}, 0};
    const Checksums checksums{static_cast<uint16_t>(ChecksumType::kCrc32c), 4, 64, sums};
    UpdateRequest request{kOid, bytesOf("d"), {&descriptor, 1}, {&checksums, 1}, {}};
    request.write.epoch = 10 + i;
    ASSERT_TRUE(container_->update(request, {&data, 1}).ok());
  }
  aggregate(50);
  EXPECT_EQ(versions("d", "x", Level::kExtent).size(), 3u);
  EXPECT_EQ(container_->reductionCounts().damagedCount, 1u);
}

TEST_F(VosReductionTest, ADiscardedRangeWasNeverWritten) {
  put(kOid, "d", "a", 10, "old");
  put(kOid, "d", "a", 20, "gone");
  punch(kOid, 21, "d");
  put(kOid, "only", "a", 22, "gone");
  put(kOid, "d", "b", 30, "later");
  ASSERT_TRUE(container_->beginDiscard({15, 25}).ok());
  EXPECT_EQ(container_->beginDiscard({15, 25}).code(), ErrorCode::kBusy);
  finish();
  EXPECT_EQ(get(kOid, "d", "a"), "old");
  EXPECT_EQ(get(kOid, "d", "b"), "later");
  EXPECT_EQ(list({Level::kDkey, kOid, {}, {}, {}, Versions::kAll}), Lines{"d"});
  aggregate(12);
  EXPECT_EQ(container_->beginDiscard({12, 25}).code(), ErrorCode::kEpOld);
}

TEST_F(VosReductionTest, WhatATransactionMayUncoverIsKept) {
  put(kOid, "d", "a", 10, "old");
  const std::string value = "newer";
  const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, value.size(), {}, 0};
  UpdateRequest request{kOid, bytesOf("d"), {&descriptor, 1}, {}, {}};
  request.write.epoch = 20;
  request.write.transaction = Uuid::fromRandom(3, 4);
  const Bytes data = bytesOf(value);
  ASSERT_TRUE(container_->update(request, {&data, 1}).ok());
  aggregate(50);
  EXPECT_EQ(versions("d", "a", Level::kSingle), (Lines{"3@10", "5@20"}));
  ASSERT_TRUE(container_->abort({&request.write.transaction, 1}).ok());
  EXPECT_EQ(get(kOid, "d", "a"), "old");
}

// Fill, punch, aggregate: a hundred times, and the store is as empty as it was.
TEST_F(VosReductionTest, AllSpaceComesBackAHundredTimes) {
  Epoch epoch = 1;
  uint64_t empty = 0;
  for (int round = 0; round < 100; ++round) {
    for (uint64_t i = 0; i < 40; ++i, ++epoch) {
      const ObjectId oid = hashedObject(i % 7);
      const std::string dkey = "d" + std::to_string(i % 11);
      put(oid, dkey, "a" + std::to_string(i), epoch, std::string(1 + i * 211 % 5000, 'v'));
      write(oid, dkey, "x", epoch, i * 37 % 300, std::string(1 + i * 59 % 200, 'w'));
      if (i % 5 == 0) punchExtent(oid, dkey, "x", epoch, {i, 20});
      if (i % 9 == 0) punch(oid, epoch, dkey);
    }
    if (round % 3 == 0) {
      ASSERT_TRUE(container_->createSnapshot(epoch - 20).ok());
    }
    if (round % 4 == 0) aggregate(epoch - 1, 50);
    for (uint64_t i = 0; i < 7; ++i) punch(hashedObject(i), epoch);
    if (round % 3 == 0) {
      ASSERT_TRUE(container_->deleteSnapshot(epoch - 20).ok());
    }
    aggregate(epoch++, 30);
    EXPECT_EQ(container_->usage().objectCount, 0u);
    EXPECT_EQ(container_->usage().arenaBytes, 0u);
    if (round == 0) empty = used();
    ASSERT_EQ(used(), empty) << "after round " << round;
  }
}

TEST_F(VosReductionTest, AFullStoreIsPunchedAndComesBackToLife) {
  const std::string value(3000, 'f');
  int stored = 0;
  while (put(kOid, "d" + std::to_string(stored), "a", 10, value) == ErrorCode::kOk) ++stored;
  ASSERT_EQ(put(kOid, "more", "a", 10, value), ErrorCode::kNospace);
  ASSERT_EQ(punch(kOid, 20), ErrorCode::kOk);
  ASSERT_EQ(put(kOid, "more", "a", 21, value), ErrorCode::kNospace);
  aggregate(20, 64);
  for (int i = 0; i < stored; ++i) {
    ASSERT_EQ(put(kOid, "d" + std::to_string(i), "a", 30, value), ErrorCode::kOk) << i;
  }
}

// A step of 64 records takes some tens of microseconds, also where one extent lies under thousands,
// a hole over thousands, or an object is punched with all its keys. The bound is a multiple of half
// of the steps, whatever the machine: one that looks at all of what it has before it takes hundreds
// of times as long. It is of the steps but the slowest few, when the machine did something else.
TEST_F(VosReductionTest, NoStepTakesLong) {
  write(kOid, "wide", "x", 5, 0, std::string(60000, '.'));
  for (uint64_t i = 0; i < 20000; ++i) write(kOid, "wide", "x", 10 + i % 50, i * 3, "ab");
  for (uint64_t i = 0; i < 5000; ++i) write(kOid, "hole", "x", 10, i * 3, "ab");
  punchExtent(kOid, "hole", "x", 9, {0, uint64_t{1} << 40});
  for (int i = 0; i < 20000; ++i) put(hashedObject(2), "d" + std::to_string(i), "a", 10, "v");
  punch(hashedObject(2), 11);
  ASSERT_TRUE(container_->createSnapshot(30).ok());
  ASSERT_TRUE(container_->beginAggregation(100).ok());
  std::vector<double> micros;
  for (bool isMore = true; isMore;) {
    const double begin = threadMicros();
    const auto more = container_->reduceStep(64);
    const double took = threadMicros() - begin;
    ASSERT_TRUE(more.ok()) << more.error().describe();
    isMore = *more;
    micros.push_back(took);
  }
  std::sort(micros.begin(), micros.end());
  const double most = micros[micros.size() * 999 / 1000];
  std::printf(
      "%zu steps: half of them under %.0f us, 999 of 1000 under %.0f us, the longest %.0f us\n",
      micros.size(), micros[micros.size() / 2], most, micros.back());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(most, 60 * micros[micros.size() / 2]);
#endif
}

}  // namespace
}  // namespace daos::vos
