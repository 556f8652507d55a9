// Goal: whoever allocates finds pages that are there, at both ends of the heap, in a new arena and
// in one that was opened again; and what nobody is near to stays no memory.
#include "vos/log/pages_ahead.h"

#include <gtest/gtest.h>

#include "bio/memory_media.h"
#include "runtime/random.h"
#include "testing/resident_pages.h"
#include "vos/log/log_arena.h"

namespace daos::vos {
namespace {


constexpr uint64_t kArenaSize = 512 << 20;
constexpr uint64_t kMargin = 32 << 20;

class VosPagesAhead : public testing::Test {
 protected:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    pool_ = bio::DmaPool::create(16 << 20).value();
    wal_ = bio::openMemoryMedia(*reactor_, "wal", 128 << 20).value();
    meta_ = bio::openMemoryMedia(*reactor_, "meta", LogArena::metaSizeBytes(kArenaSize)).value();
  }
  void TearDown() override {
    if (arena_) {
      ASSERT_TRUE(run(arena_->close()).ok());
    }
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }
  LogArenaDevices devices() { return {*wal_, *meta_, *pool_, log_}; }
  void create(PageMaker* maker) {
    const LogArenaOptions options{.pageMaker = maker};
    arena_ = run(LogArena::create(devices(), kArenaSize, store_, 77, options)).value();
  }
  // Nothing is stored to what is allocated.
  void allocate(uint64_t size, uint64_t blockSize) {
    arena_->begin();
    for (uint64_t done = 0; done < size; done += blockSize) {
      ASSERT_NE(arena_->allocate(blockSize), 0u);
    }
    arena_->commit();
    ASSERT_TRUE(run(arena_->waitDurable(arena_->lastTicket())).ok());
    reactor_->runOnce();
  }
  MutableBytes at(uint64_t offset, uint64_t size) {
    return {arena_->at<std::byte>(alignDown(offset, 4096)), size};
  }

  SystemClock clock_;
  Log log_;
  PageMaker maker_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> pool_;
  std::unique_ptr<bio::Media> wal_;
  std::unique_ptr<bio::Media> meta_;
  Uuid store_ = Uuid::fromRandom(1, 2);
  std::unique_ptr<LogArena> arena_;
};

TEST_F(VosPagesAhead, PagesAreMadeBeforeTheHeapComesThere) {
  create(&maker_);
  allocate(4096, 4096);
  for (int round = 0; round < 5; ++round) {
    EXPECT_TRUE(becomesResident(at(arena_->heap().frontier(), kMargin))) << "round " << round;
    allocate(20 << 20, 4096);
  }
  EXPECT_LT(residentBytes(at(0, kArenaSize)), kArenaSize / 2);
}

TEST_F(VosPagesAhead, RunsOfChunksAtTheEndToo) {
  create(&maker_);
  for (int round = 0; round < 4; ++round) {
    allocate(8 << 20, 256 << 10);
    const uint64_t begin = arena_->heap().runsBegin();
    EXPECT_TRUE(becomesResident(at(begin - (4 << 20), 4 << 20))) << "round " << round;
  }
  EXPECT_LT(residentBytes(at(0, kArenaSize)), kArenaSize / 2);
}

TEST_F(VosPagesAhead, AnArenaThatIsOpenedAgainGoesOnWhereItWas) {
  create(&maker_);
  allocate(100 << 20, 4096);
  ASSERT_TRUE(run(arena_->close()).ok());
  arena_.reset();
  const LogArenaOptions options{.pageMaker = &maker_};
  arena_ = run(LogArena::open(devices(), store_, options)).value();
  reactor_->runOnce();
  EXPECT_GT(arena_->heap().frontier(), uint64_t{100} << 20);
  EXPECT_TRUE(becomesResident(at(arena_->heap().frontier(), kMargin)));
}

TEST_F(VosPagesAhead, WithoutAMakerNothingIsMade) {
  create(nullptr);
  allocate(4096, 4096);
  EXPECT_LT(residentBytes(at(arena_->heap().frontier() + (4 << 20), kMargin)), kMargin / 4);
}

}  // namespace
}  // namespace daos::vos
