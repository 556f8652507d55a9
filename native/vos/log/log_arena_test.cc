// LogArena on memory devices: what is durable is there again, and nothing else is lost or half
// there.
#include "vos/log/log_arena.h"

#include <gtest/gtest.h>

#include <map>

#include "bio/memory_media.h"
#include "runtime/random.h"

namespace daos::vos {
namespace {

constexpr uint64_t kArenaSize = 8 << 20;

// Devices that outlive arenas, as disks outlive processes.
class VosLogArena : public testing::Test {
 public:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    pool_ = bio::DmaPool::create(16 << 20).value();
    wal_ = bio::openMemoryMedia(*reactor_, "wal", 4 << 20).value();
    meta_ = bio::openMemoryMedia(*reactor_, "meta", LogArena::metaSizeBytes(kArenaSize)).value();
  }
  void TearDown() override {
    if (arena_) close();
  }
  LogArenaDevices devices() { return {*wal_, *meta_, *pool_, log_}; }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }
  void create(LogArenaOptions options = {}) {
    auto made = run(LogArena::create(devices(), kArenaSize, store_, 77, options));
    ASSERT_TRUE(made.ok()) << made.error().describe();
    arena_ = std::move(made).value();
  }
  Status open(LogArenaOptions options = {}) {
    auto opened = run(LogArena::open(devices(), store_, options));
    if (!opened.ok()) return std::move(opened).error();
    arena_ = std::move(opened).value();
    return {};
  }
  void close() {
    const Status status = run(arena_->close());
    EXPECT_TRUE(status.ok()) << (status.ok() ? std::string() : status.error().describe());
    arena_.reset();
  }
  // The process dies: nothing more is done, devices keep what they have.
  void crash() {
    reactor_->dropTasks();
    arena_.reset();
  }
  // A root block of `count` numbers.
  void makeNumbers(size_t count) {
    arena_->begin();
    const Offset block = arena_->allocate(count * 8);
    std::memset(arena_->at<void>(block), 0, count * 8);
    arena_->setRoot(block);
    arena_->commit();
  }
  uint64_t* numbers() { return arena_->at<uint64_t>(arena_->root()); }
  Ticket set(size_t index, uint64_t value) {
    arena_->begin();
    arena_->modify(numbers()[index]) = value;
    return arena_->commit();
  }
  void waitAll() { ASSERT_TRUE(run(arena_->waitDurable(arena_->lastTicket())).ok()); }

  SystemClock clock_;
  Log log_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> pool_;
  std::unique_ptr<bio::Media> wal_;
  std::unique_ptr<bio::Media> meta_;
  Uuid store_ = Uuid::fromRandom(1, 2);
  std::unique_ptr<LogArena> arena_;
};

TEST_F(VosLogArena, DurableTransactionsSurviveACrash) {
  create();
  makeNumbers(100);
  for (size_t i = 0; i < 100; ++i) set(i, i * 7);
  waitAll();
  crash();
  ASSERT_TRUE(open().ok());
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(numbers()[i], i * 7);
  EXPECT_EQ(arena_->recovery().transactionCount, 101u);
}

TEST_F(VosLogArena, WhatNeverLeftMemoryIsGoneWhole) {
  create();
  makeNumbers(2);
  set(0, 1);
  waitAll();
  arena_->begin();
  arena_->modify(numbers()[0]) = 2;
  arena_->modify(numbers()[1]) = 2;
  const Ticket ticket = arena_->commit();
  EXPECT_FALSE(arena_->isDurable(ticket));
  crash();
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(numbers()[0], 1u);
  EXPECT_EQ(numbers()[1], 0u);
}

TEST_F(VosLogArena, OneFlushServesAllThatATurnCommitted) {
  create();
  makeNumbers(256);
  waitAll();
  const uint64_t before = arena_->walCounters().groupCount;
  int done = 0;
  for (size_t i = 0; i < 256; ++i) {
    reactor_->spawn([](VosLogArena& self, size_t index, int& count) -> Task<void> {
      EXPECT_TRUE((co_await self.arena_->durable(self.set(index, 1))).ok());
      ++count;
    }(*this, i, done));
  }
  reactor_->runUntil([&] { return done == 256; });
  EXPECT_EQ(arena_->walCounters().groupCount - before, 1u);
}

TEST_F(VosLogArena, AnAbortedTransactionLeavesNoTrace) {
  create();
  makeNumbers(10);
  set(3, 33);
  arena_->begin();
  arena_->modify(numbers()[3]) = 44;
  arena_->abort();
  EXPECT_EQ(numbers()[3], 33u);
  set(4, 1);
  waitAll();
  crash();
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(numbers()[3], 33u);
}

TEST_F(VosLogArena, AClosedArenaOpensWithoutReplay) {
  create();
  makeNumbers(10);
  set(3, 33);
  close();
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(arena_->recovery().transactionCount, 0u);
  EXPECT_EQ(numbers()[3], 33u);
  set(3, 34);
  close();
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(numbers()[3], 34u);
}

// Goal: the log goes round many times, with checkpoints under way, and every crash finds the
// durable state. Method: random histories with a model of what is durable, crashed at random turns.
TEST_F(VosLogArena, RandomHistoriesWithCrashesKeepWhatWasDurable) {
  SeededRandom random(5);
  constexpr size_t kCount = 200000;
  create();
  makeNumbers(kCount);
  waitAll();
  std::map<size_t, uint64_t> durable;
  uint64_t value = 0;
  for (int round = 0; round < 30; ++round) {
    std::vector<std::pair<size_t, uint64_t>> history;  // in order of tickets, from 1 on
    const Ticket first = arena_->lastTicket();
    const uint64_t turns = 20 + random.below(60);
    for (uint64_t turn = 0; turn < turns; ++turn) {
      for (uint64_t i = random.below(300); i > 0; --i) {
        const size_t index = random.below(kCount);
        history.emplace_back(index, ++value);
        set(index, value);
      }
      reactor_->runOnce();
    }
    const size_t sure = arena_->durableTicket() - first;
    crash();
    ASSERT_TRUE(open().ok());
    // Everything up to some transaction at or after the last durable one.
    for (size_t i = 0; i < sure; ++i) durable[history[i].first] = history[i].second;
    size_t matched = sure;
    const auto isState = [&] {
      for (const auto& [index, expected] : durable) {
        if (numbers()[index] != expected) return false;
      }
      return true;
    };
    while (!isState() && matched < history.size()) {
      durable[history[matched].first] = history[matched].second;
      ++matched;
    }
    ASSERT_TRUE(isState()) << "round " << round;
  }
  EXPECT_GT(arena_->recovery().pageBytes, 0u);
}

TEST_F(VosLogArena, WritersWithoutTurnsOverrunTheLogAndLoseNothing) {
  create();
  constexpr size_t kCount = 100000;
  makeNumbers(kCount);
  for (size_t i = 0; i < kCount; ++i) set(i, i + 1);  // 8 MiB of log into 4
  EXPECT_GT(arena_->usedPercent(), 100u);
  waitAll();
  EXPECT_EQ(arena_->counters().resetCount, 1u);
  set(0, 12345);
  waitAll();
  crash();
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(numbers()[0], 12345u);
  for (size_t i = 1; i < kCount; ++i) ASSERT_EQ(numbers()[i], i + 1);
}

// The checkpoint that takes the place of the open group leaves the seal where it is until the next
// group is written there.
TEST_F(VosLogArena, ASealIsNoWitnessAgainstACheckpointInPlaceOfAFullLog) {
  create({.sealDelayNs = 100'000});
  constexpr size_t kCount = 100000;
  makeNumbers(kCount);
  waitAll();
  reactor_->runUntil([this] { return arena_->walCounters().sealCount > 0; });
  for (size_t i = 0; i < kCount; ++i) set(i, i + 1);
  waitAll();
  ASSERT_EQ(arena_->counters().resetCount, 1u);
  crash();
  const Status opened = open();
  ASSERT_TRUE(opened.ok()) << opened.error().describe();
  for (size_t i = 0; i < kCount; ++i) ASSERT_EQ(numbers()[i], i + 1);
  set(0, 12345);
  waitAll();
  crash();
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(numbers()[0], 12345u);
}

TEST_F(VosLogArena, AFullLogSlowsWritersUntilACheckpointMadeRoom) {
  create();
  makeNumbers(100000);
  waitAll();
  run([](VosLogArena& self) -> Task<int> {
    for (size_t i = 0; i < 300000; ++i) {
      if (!self.arena_->hasLogRoom()) {
        EXPECT_TRUE((co_await self.arena_->waitLogRoom()).ok());
      }
      self.set(i % 100000, i);
      if (i % 4096 == 0) co_await self.reactor_->yield();
      EXPECT_LT(self.arena_->usedPercent(), 90u);
    }
    co_return 0;
  }(*this));
  EXPECT_GT(arena_->counters().slowedCount, 0u);
  EXPECT_GT(arena_->counters().checkpointCount, 3u);
  EXPECT_EQ(arena_->counters().resetCount, 0u);
}

TEST_F(VosLogArena, AForeignStoreIsRefused) {
  create();
  close();
  store_ = Uuid::fromRandom(3, 4);
  EXPECT_EQ(open().code(), ErrorCode::kMismatch);
}

TEST_F(VosLogArena, EmptyDevicesHoldNoStore) { EXPECT_EQ(open().code(), ErrorCode::kDfInval); }

TEST_F(VosLogArena, DevicesThatAreTooSmallSayWhatIsNeeded) {
  const auto made = run(LogArena::create(devices(), kArenaSize * 2, store_, 77, {}));
  ASSERT_EQ(made.code(), ErrorCode::kNospace);
  EXPECT_NE(made.error().message().find(std::to_string(LogArena::metaSizeBytes(kArenaSize * 2))),
            std::string::npos);
}

TEST_F(VosLogArena, AFailedLogWriteStopsTheArenaForGood) {
  create();
  makeNumbers(10);
  waitAll();
  wal_->fail(Error(ErrorCode::kIo, "wal: gone"));
  const Ticket ticket = set(1, 1);
  const Status status = run(arena_->waitDurable(ticket));
  EXPECT_EQ(status.code(), ErrorCode::kIo);
  EXPECT_FALSE(arena_->isUsable());
  EXPECT_EQ(run(arena_->close()).code(), ErrorCode::kIo);
  arena_.reset();
}

}  // namespace
}  // namespace daos::vos
