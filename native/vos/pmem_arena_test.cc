// What a PmemArena does beside keeping transactions, which proof/ tries.
#include "vos/pmem_arena.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace daos::vos {
namespace {

constexpr uint64_t kSize = uint64_t{64} << 20;

class PmemArenaTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = "/dev/shm/pmem_arena_test." + std::to_string(getpid());
    auto arena = PmemArena::create(path_, kSize);
    ASSERT_TRUE(arena.ok()) << arena.error().describe();
    arena_ = std::move(*arena);
  }
  void TearDown() override {
    arena_.reset();
    std::filesystem::remove(path_);
  }
  Offset allocate(size_t size) {
    arena_->begin();
    const Offset block = arena_->allocate(size);
    arena_->commit();
    return block;
  }

  std::string path_;
  std::unique_ptr<PmemArena> arena_;
};

long faultCount() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST_F(PmemArenaTest, APopulatedArenaIsWrittenWithoutWaitingForPages) {
  constexpr size_t kStep = size_t{1} << 20;
  constexpr size_t kBlock = size_t{8} << 20;
  const Offset fresh = allocate(kBlock);
  ASSERT_NE(fresh, 0u);
  const long before = faultCount();
  std::memset(arena_->at<std::byte>(fresh), 1, kBlock);
  // A fault may bring a few pages, not hundreds.
  EXPECT_GT(faultCount() - before, 8) << "fresh memory costs nothing here: nothing to test";

  size_t steps = 1;
  while (arena_->populateStep(kStep)) ++steps;
  EXPECT_GE(steps, kSize * 3 / 4 / kStep);
  EXPECT_LE(steps, kSize / kStep);
  const Offset populated = allocate(kBlock);
  ASSERT_NE(populated, 0u);
  const long populatedBefore = faultCount();
  std::memset(arena_->at<std::byte>(populated), 2, kBlock);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // Sanitizers note each access in memory of their own, which has its first accesses here.
  EXPECT_LE(faultCount() - populatedBefore, 8);
#endif
}

TEST_F(PmemArenaTest, PopulatingChangesNothing) {
  const Offset block = allocate(100000);
  std::memset(arena_->at<std::byte>(block), 7, 100000);
  const HeapSpace space = arena_->space();
  while (arena_->populateStep(1 << 20)) {
  }
  for (size_t i = 0; i < 100000; ++i) ASSERT_EQ(*arena_->at<uint8_t>(block + i), 7);
  EXPECT_EQ(arena_->space().usedBytes, space.usedBytes);
  arena_.reset();
  auto reopened = PmemArena::open(path_);
  ASSERT_TRUE(reopened.ok()) << reopened.error().describe();
  EXPECT_EQ((*reopened)->space().usedBytes, space.usedBytes);
}

}  // namespace
}  // namespace daos::vos
