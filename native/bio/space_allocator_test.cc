#include "bio/space_allocator.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

#include "runtime/random.h"

namespace daos::bio {
namespace {

TEST(BioSpaceAllocator, ACancelledExtentMergesWithItsNeighbours) {
  SpaceAllocator space(100);
  const auto a = *space.reserve(10), b = *space.reserve(10), c = *space.reserve(10);
  space.cancel(a);
  space.cancel(c);
  EXPECT_EQ(space.freeExtentCount(), 2u);
  space.cancel(b);
  EXPECT_EQ(space.freeExtentCount(), 1u);
  EXPECT_EQ(space.counts().free, 100u);
}

TEST(BioSpaceAllocator, AHintKeepsChunksTogether) {
  SpaceAllocator space(1000);
  const auto first = *space.reserve(10);
  const auto other = *space.reserve(10, {.hint = 500});
  EXPECT_EQ(other.block, 500u);
  EXPECT_EQ(space.reserve(10, {.hint = other.end()})->block, 510u);
  EXPECT_EQ(space.reserve(10, {.hint = first.end()})->block, first.end());
}

TEST(BioSpaceAllocator, PreferredBlocksAreGivenOutFirstWhateverFitsBetter) {
  SpaceAllocator space(1000);
  const auto wall = *space.reserve(10, {.hint = 100});
  const auto far = *space.reserve(880, {.hint = wall.end()});
  space.cancel({far.block + 800, 10});
  SpaceAllocator same = space;
  EXPECT_EQ(space.reserve(10, {})->block, far.block + 800);  // where it leaves no rest
  same.preferBefore(50);
  EXPECT_EQ(same.reserve(10, {})->block, 0u);
  EXPECT_EQ(same.reserve(10, {.hint = far.end()})->block, 10u);
  EXPECT_EQ(same.reserve(40, {.hint = 20})->block, 20u);  // none of that size lies before 50
  EXPECT_EQ(same.reserve(10, {})->block, far.block + 800);
}

TEST(BioSpaceAllocator, NothingOfWhatIsWithheldIsGivenOutUntilItIsRestored) {
  SpaceAllocator space(100);
  const auto held = *space.reserve(10, {.hint = 65});
  space.publish(held);
  space.withhold({60, 40});
  EXPECT_EQ(space.counts().free, 90u);
  EXPECT_EQ(space.reserve(61).code(), ErrorCode::kNospace);
  EXPECT_EQ(space.reserve(5, {.hint = 90})->end() <= 60, true);
  EXPECT_EQ(space.reserveFirst({60, 40}), std::nullopt);
  // What becomes free there stays out, too; of what reaches over the border only that part.
  space.release(held, 1);
  space.reclaim(1);
  const auto rest = *space.reserve(55, {.hint = 0});
  space.cancel(rest);
  EXPECT_EQ(space.reserve(56).code(), ErrorCode::kNospace);
  space.restore({60, 40});
  EXPECT_EQ(space.reserve(40, {.hint = 60})->block, 60u);
}

// Against a plain list of what is free.
TEST(BioSpaceAllocator, WhateverIsWithheldNoBlockIsLostOrGivenTwice) {
  SeededRandom random(11);
  constexpr uint64_t kCount = 300;
  SpaceAllocator space(kCount);
  std::vector<BlockExtent> taken;
  std::optional<BlockExtent> withheld;
  std::vector<bool> isTaken(kCount);
  for (int step = 0; step < 20'000; ++step) {
    const uint64_t dice = random.next() % 10;
    if (dice < 5) {
      const auto extent = space.reserve(1 + random.next() % 12, {.hint = random.next() % kCount});
      if (!extent.ok()) continue;
      for (uint64_t block = extent->block; block < extent->end(); ++block) {
        ASSERT_FALSE(isTaken[block]) << step;
        isTaken[block] = true;
        ASSERT_FALSE(withheld && block >= withheld->block && block < withheld->end()) << step;
      }
      taken.push_back(*extent);
    } else if (dice < 9 && !taken.empty()) {
      std::swap(taken[random.next() % taken.size()], taken.back());
      for (uint64_t i = 0; i < taken.back().count; ++i) isTaken[taken.back().block + i] = false;
      space.cancel(taken.back());
      taken.pop_back();
    } else if (withheld) {
      space.restore(*std::exchange(withheld, std::nullopt));
    } else {
      withheld = {random.next() % 200, 1 + random.next() % 100};
      space.withhold(*withheld);
    }
  }
  if (withheld) space.restore(*withheld);
  for (const BlockExtent& extent : taken) space.cancel(extent);
  EXPECT_EQ(space.reserve(kCount)->block, 0u);
}

TEST(BioSpaceAllocator, TheFirstFreeBlocksOfARangeAreTakenInOrder) {
  SpaceAllocator space(100);
  const auto taken = *space.reserve(10, {.hint = 20});
  EXPECT_EQ(space.nextFree(5), 5u);
  EXPECT_EQ(space.nextFree(25), taken.end());
  EXPECT_EQ(space.reserveFirst({15, 20}), (BlockExtent{15, 5}));
  EXPECT_EQ(space.reserveFirst({15, 20}), (BlockExtent{30, 5}));
  EXPECT_EQ(space.reserveFirst({15, 20}), std::nullopt);
  EXPECT_EQ(space.counts().reserved, 20u);
  space.cancel({15, 5});
  space.cancel({30, 5});
  space.cancel(taken);
  EXPECT_EQ(space.freeExtentCount(), 1u);
  const auto all = *space.reserve(100);
  EXPECT_EQ(space.nextFree(0), 100u);
  EXPECT_EQ(space.reserveFirst(all), std::nullopt);
}

TEST(BioSpaceAllocator, ReleasedBlocksWaitForTheirTransaction) {
  SpaceAllocator space(10);
  const auto all = *space.reserve(10);
  space.publish(all);
  space.release(all, 7);
  space.reclaim(6);
  EXPECT_EQ(space.reserve(1).code(), ErrorCode::kNospace);
  space.reclaim(7);
  EXPECT_TRUE(space.reserve(10).ok());
}

TEST(BioSpaceAllocator, NoSpaceSaysWhatIsFree) {
  SpaceAllocator space(10);
  const auto a = *space.reserve(4), b = *space.reserve(2);
  space.cancel(a);
  const auto result = space.reserve(5);
  ASSERT_EQ(result.code(), ErrorCode::kNospace);
  EXPECT_NE(result.error().message().find("8 of 10 free, 4 in one piece"), std::string::npos);
  EXPECT_EQ(space.reserve(5, {.countMin = 1})->count, 4u);
  space.cancel(b);
}

TEST(BioSpaceAllocator, AlignmentIsKept) {
  SpaceAllocator space(100);
  (void)*space.reserve(3);
  EXPECT_EQ(space.reserve(8, {.alignment = 16})->block, 16u);
  EXPECT_EQ(space.reserve(8, {.hint = 33, .alignment = 16})->block, 48u);
}

TEST(BioSpaceBitmap, MarkingTwiceIsRefusedAndChangesNothing) {
  std::vector<std::byte> bitmap(bitmapSizeBytes(200));
  formatBitmap(bitmap, 200);
  ASSERT_TRUE(markUsed(bitmap, {60, 80}).ok());
  const auto before = bitmap;
  EXPECT_EQ(markUsed(bitmap, {139, 2}).code(), ErrorCode::kDfInval);
  EXPECT_EQ(markFree(bitmap, {59, 2}).code(), ErrorCode::kDfInval);
  EXPECT_EQ(markUsed(bitmap, {199, 2}).code(), ErrorCode::kDfInval);
  EXPECT_EQ(bitmap, before);
  ASSERT_TRUE(markFree(bitmap, {60, 80}).ok());
}

TEST(BioSpaceBitmap, ADamagedBitmapIsRefused) {
  std::vector<std::byte> bitmap(bitmapSizeBytes(100));
  EXPECT_EQ(SpaceAllocator::load(bitmap, 100).code(), ErrorCode::kDfInval);
  EXPECT_EQ(SpaceAllocator::load(bitmap, 1000).code(), ErrorCode::kDfInval);
}

// Goal: allocator and bitmap agree over any history. Method: random operations, and after each
//       hundred
// a load of the bitmap must give the same free space as memory does, minus what is in between.
TEST(BioSpaceAllocator, RandomHistoriesAgreeWithTheBitmap) {
  SeededRandom random(11);
  constexpr uint64_t kBlocks = 5000;
  SpaceAllocator space(kBlocks);
  std::vector<std::byte> bitmap(bitmapSizeBytes(kBlocks));
  formatBitmap(bitmap, kBlocks);
  std::vector<BlockExtent> used;
  uint64_t ticket = 0;
  for (int step = 0; step < 20000; ++step) {
    if (random.chance(55, 100)) {
      const uint64_t hint = random.chance(1, 2) ? random.below(kBlocks) : UINT64_MAX;
      auto extent =
          space.reserve(1 + random.below(40), {.hint = hint, .countMin = random.below(2)});
      if (!extent.ok()) continue;
      if (random.chance(1, 4)) {
        space.cancel(*extent);
        continue;
      }
      ASSERT_TRUE(markUsed(bitmap, *extent).ok());
      space.publish(*extent);
      used.push_back(*extent);
    } else if (!used.empty()) {
      const size_t at = random.below(used.size());
      ASSERT_TRUE(markFree(bitmap, used[at]).ok());
      space.release(used[at], ++ticket);
      used[at] = used.back();
      used.pop_back();
      if (random.chance(1, 3)) space.reclaim(ticket - random.below(3));
    }
    if (step % 100 == 0) {
      space.reclaim(ticket);
      auto loaded = SpaceAllocator::load(bitmap, kBlocks);
      ASSERT_TRUE(loaded.ok());
      ASSERT_EQ(loaded->counts().free, space.counts().free);
      ASSERT_EQ(loaded->counts().used, space.counts().used);
      ASSERT_EQ(loaded->freeExtentCount(), space.freeExtentCount());
      ASSERT_EQ(loaded->largestFreeCount(), space.largestFreeCount());
    }
  }
}

}  // namespace
}  // namespace daos::bio
