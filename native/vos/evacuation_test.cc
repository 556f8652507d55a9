// Goal:   the end of a data area is cleared while the pool is in use: nothing that a reader sees
//         changes by it, at any epoch, and what does not fit stays as it is.
// Method: values of known content on either arena; the area is cut, and the pool opened again where
//         that can be done.
#include <gtest/gtest.h>

#include <map>

#include "vos/media_fixture.h"

namespace daos::vos {
namespace {

class VosEvacuation : public MediaFixture {
 protected:
  Status evacuate(uint64_t sizeBytes) {
    return run(pool_->evacuateMedia(sizeBytes, [] { return false; }));
  }
  // Fills the area with values of that size, from dkey 1 on; how many fitted.
  uint64_t fill(size_t size) {
    for (uint64_t dkey = 1;; ++dkey) {
      if (!put(dkey, 10, textOf(size, dkey)).ok()) return dkey - 1;
    }
  }
};

TEST_P(VosEvacuation, WhatLiesBehindTheEndMovesAndTheAreaCanBeCut) {
  const uint64_t count = fill(100'000);
  for (uint64_t dkey = 1; dkey + 6 <= count; ++dkey) ASSERT_EQ(punch(dkey, 20), ErrorCode::kOk);
  aggregate(30);
  ASSERT_FALSE(pool_->checkMediaSize(kMebibyte).ok());
  const uint64_t usedBefore = used();
  ASSERT_TRUE(evacuate(kMebibyte).ok());
  EXPECT_EQ(used(), usedBefore);
  EXPECT_EQ(container_->usage().mediaBytes, usedBefore);
  for (uint64_t dkey = count - 5; dkey <= count; ++dkey) {
    EXPECT_TRUE(get(dkey, 100'000) == textOf(100'000, dkey)) << dkey;
  }
  // Before it is cut nothing new comes behind the end, either.
  for (uint64_t dkey = 500; put(dkey, 40, textOf(50'000, 1)).ok(); ++dkey) {
  }
  EXPECT_TRUE(pool_->resizeMedia(kMebibyte).ok());
  EXPECT_TRUE(get(count, 100'000) == textOf(100'000, count));
  EXPECT_LE(used(), kMebibyte);
}

TEST_P(VosEvacuation, EveryVersionOfValuesAndArraysReadsAsBefore) {
  const uint64_t count = fill(200'000);
  for (uint64_t dkey = 1; dkey + 2 <= count; ++dkey) ASSERT_EQ(punch(dkey, 12), ErrorCode::kOk);
  ASSERT_TRUE(container_->createSnapshot(15).ok());
  ASSERT_EQ(punch(count - 1, 20), ErrorCode::kOk);
  aggregate(20);
  // Versions and parts that overlap, in what is free at the end and in between.
  ASSERT_TRUE(put(500, 40, textOf(90'000, 1), 0).ok());
  ASSERT_TRUE(put(500, 41, textOf(40'000, 2), 30'000).ok());
  ASSERT_TRUE(put(500, 42, textOf(90'000, 3), 0).ok());
  const auto read = [&] {
    std::vector<std::string> all;
    for (const Epoch epoch : {Epoch{15}, Epoch{40}, Epoch{41}, kEpochMax}) {
      all.push_back(get(500, 90'000, epoch, 0));
      all.push_back(get(count, 200'000, epoch));
      if (epoch == 15) all.push_back(get(count - 1, 200'000, epoch));
    }
    return all;
  };
  const auto before = read();
  ASSERT_TRUE(evacuate(kMebibyte).ok());
  ASSERT_TRUE(pool_->resizeMedia(kMebibyte).ok());
  EXPECT_TRUE(read() == before);
}

TEST_P(VosEvacuation, GapsThatAreTooSmallBecomeRoom) {
  // Of values of a block each, every other one goes: no two blocks in a row are free.
  const uint64_t count = fill(kBlock);
  for (uint64_t dkey = 1; dkey <= count; dkey += 2) ASSERT_EQ(punch(dkey, 20), ErrorCode::kOk);
  // And at the end all.
  for (uint64_t dkey = count - 200; dkey <= count; ++dkey) {
    ASSERT_EQ(punch(dkey, 20), ErrorCode::kOk);
  }
  aggregate(30);
  for (uint64_t dkey = 10'000; dkey < 10'005; ++dkey) {
    ASSERT_TRUE(put(dkey, 40, textOf(30 * kBlock, dkey)).ok());
  }
  const Status status = evacuate(3 * kMebibyte);
  ASSERT_TRUE(status.ok()) << status.error().describe();
  ASSERT_TRUE(pool_->resizeMedia(3 * kMebibyte).ok());
  for (uint64_t dkey = 10'000; dkey < 10'005; ++dkey) {
    EXPECT_TRUE(get(dkey, 30 * kBlock) == textOf(30 * kBlock, dkey)) << dkey;
  }
  for (uint64_t dkey = 2; dkey < count - 200; dkey += 2) {
    ASSERT_TRUE(get(dkey, kBlock) == textOf(kBlock, dkey)) << dkey;
  }
}

TEST_P(VosEvacuation, WhatDoesNotFitStaysAndTheEndIsUsedAgain) {
  const uint64_t count = fill(100'000);
  ASSERT_EQ(punch(1, 20), ErrorCode::kOk);
  aggregate(30);
  const Status status = evacuate(kMebibyte);
  ASSERT_EQ(status.code(), ErrorCode::kNospace);
  EXPECT_NE(status.error().describe().find("bytes of data lie in it"), std::string::npos);
  EXPECT_TRUE(put(1, 40, textOf(100'000, 1)).ok());
  EXPECT_TRUE(get(count, 100'000) == textOf(100'000, count));
}

TEST_P(VosEvacuation, WhoReadsWhileItMovesReadsTheSame) {
  const uint64_t count = fill(100'000);
  for (uint64_t dkey = 1; dkey + 3 <= count; ++dkey) ASSERT_EQ(punch(dkey, 20), ErrorCode::kOk);
  aggregate(30);
  FetchResult result;
  ASSERT_TRUE(begin(result, count, 100'000).ok());
  ASSERT_TRUE(evacuate(kMebibyte).ok());
  // The old blocks are free, but not before this reader has gone: more is written than fits beside.
  for (uint64_t dkey = 1; put(dkey, 40, textOf(100'000, 99)).ok(); ++dkey) {
  }
  EXPECT_TRUE(finish(result, 100'000) == textOf(100'000, count));
}

TEST_P(VosEvacuation, APreparedWriteMovesAndIsCommittedOrAborted) {
  const uint64_t count = fill(100'000);
  for (uint64_t dkey = 1; dkey <= count; ++dkey) ASSERT_EQ(punch(dkey, 20), ErrorCode::kOk);
  // Behind the end: before, nothing is free yet.
  const TransactionId kept = Uuid::fromRandom(1, 1);
  const TransactionId given = Uuid::fromRandom(2, 2);
  aggregate(30);
  ASSERT_TRUE(put(700, 40, textOf(3 * kMebibyte, 0)).ok());
  ASSERT_TRUE(put(1000, 50, textOf(50'000, 1), {}, kept).ok());
  ASSERT_TRUE(put(1001, 50, textOf(50'000, 2), {}, given).ok());
  ASSERT_EQ(punch(700, 60), ErrorCode::kOk);
  aggregate(45);
  ASSERT_EQ(punch(700, 61), ErrorCode::kOk);
  const uint64_t usedBefore = used();
  const Status status = evacuate(3 * kMebibyte + 64 * kBlock);
  ASSERT_TRUE(status.ok()) << status.error().describe();
  EXPECT_EQ(used(), usedBefore);
  ASSERT_TRUE(container_->commit({&kept, 1}).ok());
  ASSERT_TRUE(container_->abort({&given, 1}).ok());
  EXPECT_TRUE(get(1000, 50'000) == textOf(50'000, 1));
}

// Operations come between any two steps of it, the aggregation among them.
TEST_P(VosEvacuation, WritesPunchesAndAggregationGoOnMeanwhile) {
  std::map<uint64_t, uint64_t> seeds;
  uint64_t count = fill(20'000);
  for (uint64_t dkey = 1; dkey <= count; ++dkey) {
    if (dkey % 3 == 0) {
      seeds[dkey] = dkey;
    } else {
      ASSERT_EQ(punch(dkey, 11), ErrorCode::kOk);
    }
  }
  aggregate(12);
  std::optional<Status> ended;
  reactor_->spawn(keep(pool_->evacuateMedia(2 * kMebibyte, [] { return false; }), ended));
  Epoch epoch = 100;
  uint64_t stepCount = 0;
  while (!ended) {
    reactor_->runOnce();
    if (++stepCount % 3 != 0) continue;
    const uint64_t dkey = 1 + random_.next() % count;
    ++epoch;
    switch (random_.next() % 3) {
      case 0:
        if (put(dkey, epoch, textOf(20'000, epoch)).ok()) seeds[dkey] = epoch;
        break;
      case 1:
        ASSERT_EQ(punch(dkey, epoch), ErrorCode::kOk);
        seeds.erase(dkey);
        break;
      default:
        if (container_->isReducing()) {
          ASSERT_TRUE(container_->reduceStep(20).ok());
        } else {
          ASSERT_TRUE(container_->beginAggregation(epoch - 1).ok());
        }
    }
  }
  EXPECT_GT(stepCount, 20u);
  ASSERT_TRUE(ended->ok()) << ended->error().describe();
  container_->cancelReduction();
  ASSERT_TRUE(pool_->resizeMedia(2 * kMebibyte).ok());
  for (const auto& [dkey, seed] : seeds) {
    ASSERT_TRUE(get(dkey, 20'000) == textOf(20'000, seed)) << dkey;
  }
  EXPECT_EQ(container_->usage().mediaBytes, used());
}

TEST_P(VosEvacuation, OneThatIsStoppedCanBeGoneOnWith) {
  const uint64_t count = fill(20'000);
  for (uint64_t dkey = 1; dkey <= count / 2; ++dkey) ASSERT_EQ(punch(dkey, 20), ErrorCode::kOk);
  aggregate(30);
  uint64_t stopCount = 0;
  Status status;
  do {
    int lookCount = 0;
    ASSERT_LT(++stopCount, 100u);
    status = run(pool_->evacuateMedia(2 * kMebibyte + 64 * kBlock,
                                      [&] { return ++lookCount > 150; }));
  } while (status.code() == ErrorCode::kCanceled);
  ASSERT_TRUE(status.ok()) << status.error().describe();
  EXPECT_GT(stopCount, 1u);
  for (uint64_t dkey = count / 2 + 1; dkey <= count; ++dkey) {
    ASSERT_TRUE(get(dkey, 20'000) == textOf(20'000, dkey)) << dkey;
  }
}

TEST_P(VosEvacuation, OfADestroyedContainerNothingIsInTheWay) {
  ASSERT_GT(fill(100'000), 30u);
  pool_->closeContainer(container_);
  ASSERT_TRUE(pool_->destroyContainer(kUuid).ok());
  ASSERT_TRUE(evacuate(kMebibyte).ok());
  EXPECT_TRUE(pool_->resizeMedia(kMebibyte).ok());
  ASSERT_TRUE(pool_->createContainer(kUuid).ok());
  container_ = *pool_->openContainer(kUuid);
}

INSTANTIATE_TEST_SUITE_P(Arenas, VosEvacuation,
                         testing::Values(ArenaSort::kPmem, ArenaSort::kLog), arenaSortName);

}  // namespace
}  // namespace daos::vos
