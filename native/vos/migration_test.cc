// Goal: aggregation brings small extents from the arena to Media once they have grown together, on
// either arena; nothing that a reader sees changes by it, and all space comes back.
#include <gtest/gtest.h>

#include "bio/memory_media.h"
#include "codec/checksum.h"
#include "vos/log/log_store.h"
#include "vos/vos_fixture.h"

namespace daos::vos {
namespace {

enum class Kind { kPmem, kLog };

constexpr uint64_t kArenaSize = 32 << 20;
constexpr uint64_t kDataSize = 4 << 20;
const ObjectId kOid = hashedObject(1);

class VosMigration : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    buffers_ = bio::DmaPool::create(16 << 20).value();
    if (GetParam() == Kind::kLog) {
      const LogStoreSizes sizes{kArenaSize, 0, kDataSize};
      const uint64_t size = bio::StoreDevices::deviceSizeBytes(LogStore::roleSizes(sizes), 1, 0);
      LogStore::Devices devices;
      devices.push_back(bio::openMemoryMedia(*reactor_, "disk", size).value());
      auto made = run(LogStore::create(std::move(devices), {*buffers_, random_, log_}, {}, sizes));
      ASSERT_TRUE(made.ok()) << made.error().describe();
      store_ = std::move(*made);
      pool_ = &store_->pool();
    } else {
      media_ = bio::openMemoryMedia(*reactor_, "disk", kDataSize).value();
      auto arena = PmemArena::create(directory_.file("arena"), kArenaSize, {Flushing::kNone});
      ASSERT_TRUE(arena.ok()) << arena.error().describe();
      pmemPool_ = Pool::create(std::move(*arena), {*media_, *buffers_}, {}, {}).value();
      pool_ = pmemPool_.get();
    }
    ASSERT_TRUE(pool_->createContainer(kUuid).ok());
    container_ = *pool_->openContainer(kUuid);
  }
  void TearDown() override {
    result_.release();
    pool_->closeContainer(container_);
    if (store_) EXPECT_TRUE(run(store_->close()).ok());
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

  // Data from the threshold on goes to Media.
  void write(uint64_t dkey, Epoch epoch, uint64_t index, const std::string& value) {
    const Extent extent{index, value.size()};
    const IoDescriptor descriptor{bytesOf("x"), ValueType::kArray, 1, {&extent, 1}, 0};
    std::vector<std::byte> sums(chunkCount(value.size()) * 4);
    for (size_t i = 0; i * kChunk < value.size(); ++i) {
      checksumOf(ChecksumType::kCrc32c, bytesOf(value).subspan(i * kChunk).first(
                     std::min<size_t>(kChunk, value.size() - i * kChunk)),
                 MutableBytes(sums).subspan(i * 4, 4));
    }
    const Checksums checksums{static_cast<uint16_t>(ChecksumType::kCrc32c), 4, kChunk, sums};
    UpdateRequest request{kOid, bytesOf(&dkey, sizeof dkey), {&descriptor, 1}, {&checksums, 1}, {}};
    request.write.epoch = epoch;
    auto pending = container_->updateBegin(request);
    ASSERT_TRUE(pending.ok()) << pending.error().describe();
    std::memcpy(pending->buffers()[0].data(), value.data(), value.size());
    ASSERT_TRUE(run(pending->writeData()).ok());
    const auto ticket = container_->updateEnd(*pending);
    ASSERT_TRUE(ticket.ok()) << ticket.error().describe();
    ASSERT_TRUE(run(pool_->arena().waitDurable(*ticket)).ok());
  }
  void punchObject(Epoch epoch) {
    PunchRequest request{kOid, {}, {}, {}};
    request.write.epoch = epoch;
    ASSERT_TRUE(container_->punch(request).ok());
  }
  std::string read(uint64_t dkey, Extent extent, Epoch epoch = kEpochMax) {
    const IoDescriptor descriptor{bytesOf("x"), ValueType::kArray, 1, {&extent, 1}, 0};
    FetchRequest request{kOid, bytesOf(&dkey, sizeof dkey), {&descriptor, 1}, {}, false};
    request.read.epoch = epoch;
    if (!container_->fetch(request, result_).ok() || !run(result_.readMedia()).ok()) return "?";
    for (const Segment& segment : result_.segments(result_.values()[0])) {
      if (segment.kind != SegmentKind::kHole && !isIntact(segment)) return "damaged";
    }
    std::string text(extent.count, '.');
    result_.copyTo(result_.values()[0], bytesOf(text.data(), text.size()));
    result_.release();
    return text;
  }
  // Whether all chunks that the segment lies in match the checksums that came with it.
  static bool isIntact(const Segment& segment) {
    const std::byte* begin = segment.memory - segment.chunkSkip;
    const uint64_t size = segment.chunkSkip + segment.size + segment.chunkTail;
    if (segment.chunkSize != kChunk || segment.checksums.size() != chunkCount(size) * 4)
      return false;
    for (size_t i = 0; i * kChunk < size; ++i) {
      const Bytes chunk(begin + i * kChunk, std::min<uint64_t>(kChunk, size - i * kChunk));
      const Bytes sum = segment.checksums.subspan(i * 4, 4);
      if (!verifyChecksum(ChecksumType::kCrc32c, chunk, sum).ok()) return false;
    }
    return true;
  }
  void aggregate(Epoch upTo, bool isWriting = true, uint32_t budget = 100) {
    ASSERT_TRUE(container_->beginAggregation(upTo).ok());
    while (true) {
      const auto more = container_->reduceStep(budget);
      ASSERT_TRUE(more.ok()) << more.error().describe();
      if (isWriting) ASSERT_TRUE(run(container_->writeReduction()).ok());
      if (!*more) break;
    }
    ASSERT_TRUE(run(pool_->arena().waitDurable(pool_->arena().lastTicket())).ok());
  }
  static size_t chunkCount(size_t size) { return (size + kChunk - 1) / kChunk; }
  ContainerUsage usage() const { return container_->usage(); }
  uint64_t mediaUsed() const { return pool_->space().mediaUsedBytes; }

  static constexpr uint32_t kChunk = 512;
  static inline const Uuid kUuid = Uuid::fromRandom(1, 2);
  TestDirectory directory_;
  SystemClock clock_;
  SeededRandom random_{5};
  Log log_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::unique_ptr<bio::Media> media_;
  std::unique_ptr<Pool> pmemPool_;
  std::unique_ptr<LogStore> store_;
  Pool* pool_ = nullptr;
  Container* container_ = nullptr;
  FetchResult result_;
};

std::string textOfSize(size_t size, uint64_t seed) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + (i >> 8) * 13 + seed);
  return text;
}

TEST_P(VosMigration, SmallExtentsBecomeLargeOnesOnMedia) {
  std::string expected;
  for (uint64_t i = 0; i < 100; ++i) {
    const std::string value = textOfSize(1024, i);
    ASSERT_NO_FATAL_FAILURE(write(1, 10 + i, i * value.size(), value));
    expected += value;
  }
  ASSERT_NO_FATAL_FAILURE(write(2, 50, 0, "too small"));
  EXPECT_EQ(usage().mediaBytes, 0u);
  const uint64_t arenaBytes = usage().arenaBytes;
  aggregate(200);
  EXPECT_EQ(usage().mediaBytes, alignUp(expected.size(), 4096));
  EXPECT_EQ(mediaUsed(), usage().mediaBytes);
  EXPECT_LT(usage().arenaBytes, arenaBytes / 20);
  EXPECT_EQ(read(1, {0, expected.size()}), expected);
  EXPECT_EQ(read(1, {777, 5000}), expected.substr(777, 5000));
  EXPECT_EQ(read(2, {0, 9}), "too small");
  // What lies there is left alone.
  aggregate(300);
  EXPECT_EQ(container_->reductionCounts().mergedCount, 0u);
  // A later write above it, and a snapshot below.
  ASSERT_TRUE(container_->createSnapshot(300).ok());
  ASSERT_NO_FATAL_FAILURE(write(1, 310, 2000, "later"));
  aggregate(400);
  EXPECT_EQ(read(1, {0, expected.size()}, 300), expected);
  EXPECT_EQ(read(1, {1999, 7}), expected[1999] + std::string("later") + expected[2005]);
}

TEST_P(VosMigration, WhoDoesNotWriteLeavesThemInTheArena) {
  for (uint64_t i = 0; i < 20; ++i) {
    ASSERT_NO_FATAL_FAILURE(write(1, 10 + i, i * 512, textOfSize(512, i)));
  }
  const std::string before = read(1, {0, 20 * 512});
  aggregate(100, false);
  EXPECT_EQ(container_->reductionCounts().mergedCount, 20u);
  EXPECT_EQ(usage().mediaBytes, 0u);
  EXPECT_EQ(mediaUsed(), 0u);
  EXPECT_EQ(read(1, {0, 20 * 512}), before);
  // The next one brings them there.
  aggregate(101);
  EXPECT_EQ(usage().mediaBytes, alignUp(20 * 512, 4096));
  EXPECT_EQ(read(1, {0, 20 * 512}), before);
}

TEST_P(VosMigration, AWalkGivenUpInTheMiddleLeavesNothingOnMedia) {
  for (uint64_t i = 0; i < 20; ++i) {
    ASSERT_NO_FATAL_FAILURE(write(1, 10 + i, i * 512, textOfSize(512, i)));
  }
  const std::string before = read(1, {0, 20 * 512});
  ASSERT_TRUE(container_->beginAggregation(100).ok());
  while (!container_->hasReductionWrite()) ASSERT_TRUE(container_->reduceStep(20).value());
  ASSERT_TRUE(run(container_->writeReduction()).ok());
  EXPECT_GT(mediaUsed(), 0u);
  container_->cancelReduction();
  EXPECT_EQ(mediaUsed(), 0u);
  EXPECT_EQ(read(1, {0, 20 * 512}), before);
}

TEST_P(VosMigration, AFullDeviceLeavesThemInTheArena) {
  const uint64_t size = 512 << 10;
  for (uint64_t i = 0; mediaUsed() + size <= pool_->space().mediaTotalBytes; ++i) {
    ASSERT_NO_FATAL_FAILURE(write(5, 5, i * size, textOfSize(size, i)));
  }
  const uint64_t rest = pool_->space().mediaTotalBytes - mediaUsed();
  for (uint64_t i = 0; i * 2048 < rest + 100'000; ++i) {
    ASSERT_NO_FATAL_FAILURE(write(1, 10 + i, i * 2048, textOfSize(2048, i)));
  }
  const std::string before = read(1, {0, rest + 100'000});
  aggregate(1000);
  EXPECT_EQ(read(1, {0, rest + 100'000}), before);
  EXPECT_EQ(read(5, {0, size}), textOfSize(size, 0));
}

// Fill, punch, aggregate: a hundred times, and the store is as empty as it was.
TEST_P(VosMigration, AllSpaceComesBackAHundredTimes) {
  Epoch epoch = 1;
  uint64_t empty = 0;
  for (int round = 0; round < 100; ++round) {
    for (uint64_t i = 0; i < 30; ++i, ++epoch) {
      ASSERT_NO_FATAL_FAILURE(write(i % 3, epoch, i / 3 * 700, textOfSize(700, i)));
    }
    ASSERT_NO_FATAL_FAILURE(write(7, epoch++, 0, textOfSize(20'000, 1)));
    if (round % 2 == 0) aggregate(epoch - 1, round % 4 == 0, 50);
    ASSERT_NO_FATAL_FAILURE(punchObject(epoch));
    aggregate(epoch++, true, 30);
    EXPECT_EQ(usage().objectCount, 0u);
    EXPECT_EQ(usage().arenaBytes, 0u);
    EXPECT_EQ(usage().mediaBytes, 0u);
    EXPECT_EQ(mediaUsed(), 0u);
    if (round == 0) empty = pool_->space().arena.usedBytes;
    ASSERT_EQ(pool_->space().arena.usedBytes, empty) << "after round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Arenas, VosMigration, testing::Values(Kind::kPmem, Kind::kLog),
                         [](const auto& info) {
                           return info.param == Kind::kPmem ? "Pmem" : "Log";
                         });

}  // namespace
}  // namespace daos::vos
