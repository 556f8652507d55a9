// The short form of the soak that heap_bench.cc runs for long.
#include "vos/heap_soak.h"

#include <gtest/gtest.h>

#include "vos/vos_fixture.h"

namespace daos::vos {
namespace {

TEST(VosHeapSoak, RandomCreatesAndDeletesNeedNoMoreRoomAfterManyThanAfterFew) {
  const TestDirectory directory;
  auto arena = PmemArena::create(directory.file("arena"), 32 << 20, {Flushing::kNone});
  ASSERT_TRUE(arena.ok()) << arena.error().describe();
  HeapSoak soak(**arena, 1, 100'000);
  soak.runCycle();  // fills it
  const HeapSoak::Cycle first = soak.runCycle();
  for (int i = 0; i < 4; ++i) {
    const HeapSoak::Cycle later = soak.runCycle();
    EXPECT_LT(later.roomPerUsed, first.roomPerUsed * 1.1);
    EXPECT_LT(later.roomPerUsedWorst, first.roomPerUsedWorst * 1.25);
    EXPECT_LT(later.failedShare, first.failedShare + 0.01);
  }
}

}  // namespace
}  // namespace daos::vos
