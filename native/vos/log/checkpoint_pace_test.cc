// How fast a checkpoint goes to its device: easily beside others' work, at once when nobody else
// works or the log's room gets short. On memory devices and a clock that the test moves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "bio/memory_media.h"
#include "runtime/random.h"
#include "vos/log/log_arena.h"

namespace daos::vos {
namespace {

constexpr uint64_t kArenaSize = 16 << 20;
constexpr uint64_t kPageSize = 4096;
constexpr size_t kPageCount = 1024;  // that each test changes before its checkpoint
constexpr uint64_t kTurnNs = 10'000;
constexpr uint64_t kWindowNs = 390'000;  // shorter than a pause

class VosCheckpointPace : public testing::Test {
 public:
  struct Sample {
    uint64_t ns;
    uint64_t metaBytes;
  };

  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    pool_ = bio::DmaPool::create(32 << 20).value();
    wal_ = bio::openMemoryMedia(*reactor_, "wal", 64 << 20).value();
    meta_ = bio::openMemoryMedia(*reactor_, "meta", LogArena::metaSizeBytes(kArenaSize)).value();
    auto made = run(LogArena::create({*wal_, *meta_, *pool_, log_}, kArenaSize, store_, 77,
                                     {.thresholds = {90, 95, 99}}));
    ASSERT_TRUE(made.ok()) << made.error().describe();
    arena_ = std::move(made).value();
    // One block is at most a few hundred KiB large: a root that names many.
    arena_->begin();
    const Offset root = arena_->allocate(kPageCount * sizeof(Offset));
    for (size_t i = 0; i < kPageCount; ++i) {
      arena_->at<Offset>(root)[i] = arena_->allocate(kPageSize);
    }
    arena_->setRoot(root);
    arena_->commit();
    ASSERT_TRUE(run(arena_->checkpoint()).ok());
  }
  void TearDown() override {
    ASSERT_TRUE(run(arena_->close()).ok());
    arena_.reset();
  }

  void turn() {
    reactor_->runOnce();
    clock_.advance(kTurnNs);
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    while (!result) turn();
    return std::move(*result);
  }
  void change(size_t page, uint64_t size = 8) {
    arena_->begin();
    void* block = arena_->at<void>(arena_->at<Offset>(arena_->root())[page]);
    std::memset(arena_->modify(block, size), static_cast<int>(++value_), size);
    arena_->commit();
  }
  void changeAll() {
    for (size_t i = 0; i < kPageCount; ++i) change(i);
  }
  uint64_t metaBytes() const {
    return meta_->statistics().of(bio::MediaOperation::kWrite).sizeBytes;
  }
  // A checkpoint, with `work` in each turn; what META has got by when, until all pages are there.
  template <typename Work>
  std::vector<Sample> checkpointBeside(Work&& work) {
    const uint64_t before = metaBytes();
    const uint64_t count = arena_->counters().checkpointCount;
    bool isDone = false;
    reactor_->spawn([](LogArena& arena, bool& done) -> Task<void> {
      const Status status = co_await arena.checkpoint();
      EXPECT_TRUE(status.ok());
      done = true;
    }(*arena_, isDone));
    std::vector<Sample> samples;
    while (!isDone) {
      work();
      turn();
      const uint64_t bytes = metaBytes() - before;
      if (bytes <= kPageCount * kPageSize) samples.push_back({clock_.nowNs(), bytes});
    }
    EXPECT_GT(arena_->counters().checkpointCount, count);
    return samples;
  }
  // The most that META got within less than a pause.
  static uint64_t burstOf(const std::vector<Sample>& samples) {
    uint64_t most = 0;
    for (size_t first = 0, last = 0; last < samples.size(); ++last) {
      while (samples[last].ns - samples[first].ns > kWindowNs) ++first;
      most = std::max(most, samples[last].metaBytes - samples[first].metaBytes);
    }
    return most;
  }
  static uint64_t nsOf(const std::vector<Sample>& samples) {
    return samples.back().ns - samples.front().ns;
  }

  ManualClock clock_;
  Log log_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> pool_;
  std::unique_ptr<bio::Media> wal_;
  std::unique_ptr<bio::Media> meta_;
  Uuid store_ = Uuid::fromRandom(1, 2);
  std::unique_ptr<LogArena> arena_;
  uint64_t value_ = 0;
};

TEST_F(VosCheckpointPace, BesideOthersWorkItGoesInSmallPiecesWithPauses) {
  changeAll();
  const auto samples = checkpointBeside([&] { change(0); });
  // A piece, or the last one with the table that tells of them all.
  EXPECT_LE(burstOf(samples), (16u + 4) * kPageSize);
  // 1024 pages in pieces of 16, with 400 us between them.
  EXPECT_GT(nsOf(samples), 60u * 400'000);
}

TEST_F(VosCheckpointPace, WhileNobodyElseWorksItTakesNoPauses) {
  changeAll();
  const auto samples = checkpointBeside([] {});
  EXPECT_LT(nsOf(samples), 5u * 400'000);
  EXPECT_GT(burstOf(samples), 1u << 20);
}

// What others write takes the log's room faster than the checkpoint gets on.
TEST_F(VosCheckpointPace, WhenTheLogsRoomGoesFasterThanItGetsOnItHurries) {
  changeAll();
  const uint64_t before = arena_->usedPercent();
  size_t page = 0;
  const auto samples = checkpointBeside([&] {
    for (int i = 0; i < 48; ++i) change(page++ % kPageCount, kPageSize);
  });
  EXPECT_GT(arena_->usedPercent() + 90, before);
  EXPECT_LT(nsOf(samples), 20u * 400'000);
  EXPECT_GT(burstOf(samples), 256u << 10);
}

}  // namespace
}  // namespace daos::vos
