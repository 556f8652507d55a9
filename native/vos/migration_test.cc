// Goal: aggregation brings to Media what is large enough, once small extents have grown together,
//       and
// merges what lies there, on either arena; nothing that a reader sees changes by it, and all space
// comes back.
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
    writeBulk(dkey, epoch, {bytesOf("x"), ValueType::kArray, 1, {&extent, 1}, 0}, value);
  }
  // All data goes to the arena.
  void writeToArena(uint64_t dkey, Epoch epoch, uint64_t index, const std::string& value) {
    const Extent extent{index, value.size()};
    putInArena(dkey, epoch, {bytesOf("x"), ValueType::kArray, 1, {&extent, 1}, 0}, value);
  }
  void writeSingle(uint64_t dkey, Epoch epoch, const std::string& value) {
    putInArena(dkey, epoch, {bytesOf("s"), ValueType::kSingle, value.size(), {}, 0}, value);
  }
  void putInArena(uint64_t dkey, Epoch epoch, const IoDescriptor& descriptor,
                  const std::string& value) {
    std::vector<std::byte> sums = sumsOf(value);
    const Checksums checksums{static_cast<uint16_t>(ChecksumType::kCrc32c), 4, kChunk, sums};
    UpdateRequest request{kOid, bytesOf(&dkey, sizeof dkey), {&descriptor, 1}, {&checksums, 1}, {}};
    request.write.epoch = epoch;
    const Bytes data = bytesOf(value);
    const auto ticket = container_->update(request, {&data, 1});
    ASSERT_TRUE(ticket.ok()) << ticket.error().describe();
    ASSERT_TRUE(run(pool_->arena().waitDurable(*ticket)).ok());
  }
  std::vector<std::byte> sumsOf(const std::string& value) {
    std::vector<std::byte> sums(chunkCount(value.size()) * 4);
    for (size_t i = 0; i * kChunk < value.size(); ++i) {
      checksumOf(ChecksumType::kCrc32c, bytesOf(value).subspan(i * kChunk).first(
                     std::min<size_t>(kChunk, value.size() - i * kChunk)),
                 MutableBytes(sums).subspan(i * 4, 4));
    }
    if (isLying_) sums[0] ^= std::byte{1};
    return sums;
  }
  void writeBulk(uint64_t dkey, Epoch epoch, const IoDescriptor& descriptor,
                 const std::string& value) {
    std::vector<std::byte> sums = sumsOf(value);
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
    return fetch(dkey, {bytesOf("x"), ValueType::kArray, 1, {&extent, 1}, 0}, extent.count, epoch);
  }
  std::string readSingle(uint64_t dkey, size_t size, Epoch epoch = kEpochMax) {
    return fetch(dkey, {bytesOf("s"), ValueType::kSingle, 0, {}, 0}, size, epoch);
  }
  std::string fetch(uint64_t dkey, const IoDescriptor& descriptor, size_t size, Epoch epoch) {
    FetchRequest request{kOid, bytesOf(&dkey, sizeof dkey), {&descriptor, 1}, {}, false};
    request.read.epoch = epoch;
    if (!container_->fetch(request, result_).ok() || !run(result_.readMedia()).ok()) return "?";
    for (const Segment& segment : result_.segments(result_.values()[0])) {
      if (segment.kind != SegmentKind::kHole && !isIntact(segment)) return "damaged";
    }
    std::string text(size, '.');
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
  uint64_t freePercent() const {
    const HeapSpace space = pool_->space().arena;
    return space.freeBytes() * 100 / space.totalBytes;
  }
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
  bool isLying_ = false;  // writes come with a wrong checksum
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
  // Runs of 32 become larger once more; what is large is left alone.
  aggregate(299);
  EXPECT_EQ(container_->reductionCounts().mergedCount, 2u);
  aggregate(300);
  EXPECT_EQ(container_->reductionCounts().mergedCount, 0u);
  // A later write above it, and a snapshot below.
  ASSERT_TRUE(container_->createSnapshot(300).ok());
  ASSERT_NO_FATAL_FAILURE(write(1, 310, 2000, "later"));
  aggregate(400);
  EXPECT_EQ(read(1, {0, expected.size()}, 300), expected);
  EXPECT_EQ(read(1, {1999, 7}), expected[1999] + std::string("later") + expected[2005]);
}

// A pass makes one extent of 32 neighbours, the next one of 32 of those.
TEST_P(VosMigration, AnArrayWrittenInPiecesOf64BytesEndsOnMedia) {
  constexpr uint64_t kPieceSize = 64;
  const std::string expected = textOfSize(1 << 20, 3);
  for (uint64_t index = 0; index < expected.size(); index += kPieceSize) {
    const std::string piece = expected.substr(index, kPieceSize);
    ASSERT_NO_FATAL_FAILURE(writeToArena(1, 10 + index / kPieceSize, index, piece));
  }
  const uint64_t arenaBytes = usage().arenaBytes;
  EXPECT_GT(arenaBytes, expected.size());
  EXPECT_EQ(usage().mediaBytes, 0u);
  ASSERT_NO_FATAL_FAILURE(aggregate(100'000));
  ASSERT_NO_FATAL_FAILURE(aggregate(100'001));
  EXPECT_EQ(usage().mediaBytes, expected.size());
  EXPECT_EQ(mediaUsed(), usage().mediaBytes);
  EXPECT_LT(usage().arenaBytes, arenaBytes / 50);
  EXPECT_TRUE(read(1, {0, expected.size()}) == expected);
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

TEST_P(VosMigration, NeighboursOnMediaBecomeOne) {
  std::string expected;
  for (uint64_t i = 0; i < 16; ++i) {
    const std::string value = textOfSize(4096, i);
    ASSERT_NO_FATAL_FAILURE(write(1, 10 + i, i * 4096, value));
    expected += value;
  }
  // Rests that keep whole extents: of each only the beginning is still seen.
  std::string overwritten;
  for (uint64_t i = 0; i < 8; ++i) {
    const std::string value = textOfSize(9000, i);
    ASSERT_NO_FATAL_FAILURE(write(2, 10 + i, i * 2000, value));
    overwritten = overwritten.substr(0, i * 2000) + value;
  }
  EXPECT_EQ(usage().mediaBytes, 16 * 4096u + 8 * 12288u);
  const uint64_t arenaBytes = usage().arenaBytes;
  ASSERT_NO_FATAL_FAILURE(aggregate(100));
  EXPECT_EQ(container_->reductionCounts().mergedCount, 24u);
  EXPECT_EQ(container_->reductionCounts().migratedCount, 24u);
  EXPECT_EQ(usage().mediaBytes, 16 * 4096u + alignUp(overwritten.size(), 4096));
  EXPECT_EQ(mediaUsed(), usage().mediaBytes);
  EXPECT_LT(usage().arenaBytes, arenaBytes);
  EXPECT_EQ(read(1, {0, expected.size()}), expected);
  EXPECT_EQ(read(2, {0, overwritten.size()}), overwritten);
}

TEST_P(VosMigration, WhatOnlyASnapshotTellsApartIsNotMerged) {
  ASSERT_NO_FATAL_FAILURE(write(1, 10, 0, textOfSize(8192, 1)));
  ASSERT_TRUE(container_->createSnapshot(20).ok());
  ASSERT_NO_FATAL_FAILURE(write(1, 30, 4096, textOfSize(8192, 2)));
  ASSERT_NO_FATAL_FAILURE(aggregate(100));
  EXPECT_EQ(container_->reductionCounts().mergedCount, 0u);
  EXPECT_EQ(read(1, {0, 8192}, 20), textOfSize(8192, 1));
  EXPECT_EQ(read(1, {0, 12288}), textOfSize(8192, 1).substr(0, 4096) + textOfSize(8192, 2));
}

// However small the appended extents are, one that has grown is written again only to become twice
// as large.
TEST_P(VosMigration, AppendingDoesNotWriteTheSameDataAgainAndAgain) {
  constexpr uint64_t kCount = 64;
  std::string expected;
  uint64_t rewritten = 0;
  for (uint64_t i = 0; i < kCount; ++i) {
    const std::string value = textOfSize(4096, i);
    ASSERT_NO_FATAL_FAILURE(write(1, 10 + i, i * 4096, value));
    expected += value;
    ASSERT_NO_FATAL_FAILURE(aggregate(10 + i));
    rewritten += container_->reductionCounts().mergedCount;
  }
  EXPECT_GT(rewritten, kCount);
  EXPECT_LE(rewritten, 2 * kCount);
  EXPECT_EQ(read(1, {0, expected.size()}), expected);
  EXPECT_EQ(usage().mediaBytes, kCount * 4096);
}

TEST_P(VosMigration, DamagedDataOnMediaStaysWhereItIs) {
  for (uint64_t i = 0; i < 8; ++i) {
    isLying_ = i == 3;
    ASSERT_NO_FATAL_FAILURE(write(1, 10 + i, i * 4096, textOfSize(4096, i)));
    ASSERT_NO_FATAL_FAILURE(writeSingle(i, 10 + i, textOfSize(6000, i)));
  }
  isLying_ = false;
  ASSERT_NO_FATAL_FAILURE(aggregate(100));
  EXPECT_EQ(container_->reductionCounts().damagedCount, 2u);
  EXPECT_EQ(container_->reductionCounts().migratedCount, 7u);
  EXPECT_EQ(mediaUsed(), usage().mediaBytes);
  EXPECT_EQ(read(1, {3 * 4096, 4096}), "damaged");
  EXPECT_EQ(read(1, {4 * 4096, 4096}), textOfSize(4096, 4));
  EXPECT_EQ(readSingle(3, 6000), "damaged");
}

// Written in one call they are in the arena first, whatever their size.
TEST_P(VosMigration, LargeValuesLeaveTheArena) {
  const std::string large = textOfSize(300'000, 1);
  ASSERT_NO_FATAL_FAILURE(writeSingle(1, 10, textOfSize(20'000, 1)));
  ASSERT_TRUE(container_->createSnapshot(15).ok());
  ASSERT_NO_FATAL_FAILURE(writeSingle(1, 20, textOfSize(5000, 2)));
  ASSERT_NO_FATAL_FAILURE(writeSingle(2, 20, textOfSize(3000, 3)));
  ASSERT_NO_FATAL_FAILURE(writeToArena(3, 20, 0, large));
  EXPECT_EQ(usage().mediaBytes, 0u);
  ASSERT_NO_FATAL_FAILURE(aggregate(100));
  EXPECT_EQ(container_->reductionCounts().migratedCount, 3u);
  EXPECT_EQ(usage().mediaBytes, 20'480u + 8192 + alignUp(large.size(), 4096));
  EXPECT_EQ(mediaUsed(), usage().mediaBytes);
  EXPECT_LT(usage().arenaBytes, 10'000u);
  EXPECT_EQ(readSingle(1, 20'000, 15), textOfSize(20'000, 1));
  EXPECT_EQ(readSingle(1, 5000), textOfSize(5000, 2));
  EXPECT_EQ(readSingle(2, 3000), textOfSize(3000, 3));
  EXPECT_EQ(read(3, {0, large.size()}), large);
}

// Values below the threshold stay in the arena as long as that has room.
TEST_P(VosMigration, SmallValuesLeaveAnArenaThatIsHalfFull) {
  uint64_t count = 0;
  while (freePercent() > 50) {
    ++count;
    ASSERT_NO_FATAL_FAILURE(writeSingle(count, 10, textOfSize(500, count)));
  }
  ASSERT_NO_FATAL_FAILURE(aggregate(20));
  EXPECT_EQ(container_->reductionCounts().migratedCount, 0u);
  const uint64_t first = count;
  while (freePercent() > 45) {
    ++count;
    ASSERT_NO_FATAL_FAILURE(writeSingle(count, 30, textOfSize(3000, count)));
  }
  ASSERT_NO_FATAL_FAILURE(aggregate(40));
  EXPECT_GT(container_->reductionCounts().migratedCount, (count - first) / 4);
  EXPECT_LE(usage().mediaBytes, (count - first) * 4096);
  EXPECT_GT(freePercent(), 46u);
  for (uint64_t i = first + 1; i <= count; ++i) {
    ASSERT_TRUE(readSingle(i, 3000) == textOfSize(3000, i)) << i;
  }
  EXPECT_TRUE(readSingle(1, 500) == textOfSize(500, 1));
}

// Merging takes space before it gives some back: what needs none is done all the same.
TEST_P(VosMigration, AFullArenaIsRelievedAsFarAsPossible) {
  const std::string value = textOfSize(6000, 1);
  for (uint64_t i = 0; i < 400; ++i) {
    ASSERT_NO_FATAL_FAILURE(writeSingle(i, 10, value));
    ASSERT_NO_FATAL_FAILURE(writeToArena(i, 10, 0, "neighbours"));
    ASSERT_NO_FATAL_FAILURE(writeToArena(i, 11, 10, "of one another"));
  }
  // Long keys fill the arena, and punches, which have a reserve, take the rest.
  Epoch epoch = 20;
  const IoDescriptor tiny{bytesOf("s"), ValueType::kSingle, 8, {}, 0};
  for (const size_t keySize : {60'000, 3000, 300, 30}) {
    for (bool isStored = true; isStored;) {
      const std::string dkey = std::to_string(++epoch) + std::string(keySize, 'k');
      UpdateRequest request{kOid, bytesOf(dkey), {&tiny, 1}, {}, {}};
      request.write.epoch = epoch;
      const Bytes data = bytesOf(value).first(8);
      const auto ticket = container_->update(request, {&data, 1});
      isStored = ticket.ok();
      if (isStored) ASSERT_TRUE(run(pool_->arena().waitDurable(*ticket)).ok());
    }
  }
  for (bool isStored = true; isStored;) {
    const std::string dkey = std::to_string(++epoch) + std::string(3000, 'p');
    PunchRequest request{kOid, bytesOf(dkey), {}, {}};
    request.write.epoch = epoch;
    const auto ticket = container_->punch(request);
    isStored = ticket.ok();
    if (isStored) ASSERT_TRUE(run(pool_->arena().waitDurable(*ticket)).ok());
  }
  const uint64_t free = pool_->space().arena.freeBytes();
  ASSERT_NO_FATAL_FAILURE(aggregate(epoch));
  EXPECT_EQ(container_->aggregatedEpoch(), epoch);
  EXPECT_GT(container_->reductionCounts().droppedCount, 0u);
  EXPECT_EQ(container_->reductionCounts().migratedCount, 400u);
  EXPECT_GT(pool_->space().arena.freeBytes(), free + 400 * 6000);
  EXPECT_TRUE(readSingle(7, value.size()) == value);
  EXPECT_EQ(read(7, {0, 24}), "neighboursof one another");
  ASSERT_NO_FATAL_FAILURE(writeSingle(7, epoch + 1, "there is room again"));
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
    ASSERT_NO_FATAL_FAILURE(write(7, epoch++, 20'000, textOfSize(20'000, 2)));
    ASSERT_NO_FATAL_FAILURE(writeSingle(8, epoch++, textOfSize(7000, 3)));
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
                         [](const auto& instance) {
                           return instance.param == Kind::kPmem ? "Pmem" : "Log";
                         });

}  // namespace
}  // namespace daos::vos
