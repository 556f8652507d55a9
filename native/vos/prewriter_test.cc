// Goal:   writing a data area in advance touches nothing that is or was somebody's, whatever else
//         goes on, ends once, goes on where it was after a restart, and an error of it is the
//         device's alone.
// Method: a pool on media in memory that is filled with a pattern first, so that zeros tell where
//         they were written.
#include "vos/prewriter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bio/faulty_media.h"
#include "bio/memory_media.h"
#include "runtime/random.h"
#include "testing/golden_file.h"
#include "vos/vos.h"
#include "vos/vos_fixture.h"

namespace daos::vos {
namespace {

constexpr uint64_t kBlock = bio::kMediaBlockSize;
constexpr uint64_t kBlockCount = 512;
constexpr uint64_t kStep = 64 * kBlock;

class VosPrewriter : public testing::Test {
 protected:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    buffers_ = bio::DmaPool::create(16 << 20).value();
    device_ = bio::openMemoryMedia(*reactor_, "disk", kBlockCount * kBlock).value();
    media_ = std::make_unique<bio::FaultyMedia>(*device_, random_);
    const auto pattern = buffers_->allocate(kBlockCount * kBlock).value();
    std::fill(pattern.bytes().begin(), pattern.bytes().end(), std::byte{0xa5});
    ASSERT_TRUE(run(whole(bio::MediaOperation::kWrite, pattern.bytes())).ok());
    auto arena = PmemArena::create(directory_.file("arena"), 32 << 20, {Flushing::kNone});
    pool_ = Pool::create(std::move(arena).value(), {*media_, *buffers_}, {}, {}).value();
    ASSERT_TRUE(pool_->createContainer(kUuid).ok());
    container_ = *pool_->openContainer(kUuid);
  }
  void reopen() {
    pool_->closeContainer(container_);
    pool_.reset();
    auto arena = PmemArena::open(directory_.file("arena"), {Flushing::kNone});
    pool_ = Pool::open(std::move(arena).value(), {*media_, *buffers_}, {}, {}).value();
    container_ = *pool_->openContainer(kUuid);
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
  Task<Status> whole(bio::MediaOperation operation, MutableBytes bytes) {
    bio::Media& media = *media_;
    if (operation == bio::MediaOperation::kRead) co_return co_await media.read(0, bytes);
    co_return co_await media.write(0, bytes);
  }
  // By block: 'z' zeros, '.' the pattern, 'x' anything else.
  std::string blocks() {
    const auto all = buffers_->allocate(kBlockCount * kBlock).value();
    EXPECT_TRUE(run(whole(bio::MediaOperation::kRead, all.bytes())).ok());
    std::string text;
    for (uint64_t block = 0; block < kBlockCount; ++block) {
      const Bytes bytes = Bytes(all.bytes()).subspan(block * kBlock, kBlock);
      const auto isAll = [&](std::byte wanted) {
        return std::all_of(bytes.begin(), bytes.end(),
                           [wanted](std::byte byte) { return byte == wanted; });
      };
      text += isAll(std::byte{0}) ? 'z' : isAll(std::byte{0xa5}) ? '.' : 'x';
    }
    return text;
  }
  uint64_t writtenBlocks() const { return pool_->space().mediaPrewrittenBytes / kBlock; }
  // Until it is done; how many steps that took.
  int prewriteAll() {
    for (int count = 1;; ++count) {
      const auto hasMore = run(pool_->prewriteStep(kStep));
      EXPECT_TRUE(hasMore.ok());
      if (!hasMore.ok() || !*hasMore) return count;
    }
  }
  PendingUpdate begin(const std::string& dkey, Epoch epoch, size_t size) {
    dkey_ = dkey;
    descriptor_ = {bytesOf("a"), ValueType::kSingle, size, {}, 0};
    request_ = {hashedObject(1), bytesOf(dkey_), {&descriptor_, 1}, {}, {}};
    request_.write.epoch = epoch;
    auto pending = container_->updateBegin(request_);
    EXPECT_TRUE(pending.ok());
    const MutableBytes bytes = pending->buffers()[0];
    std::fill(bytes.begin(), bytes.end(), std::byte{0x11});
    return std::move(pending).value();
  }
  void put(const std::string& dkey, Epoch epoch, size_t size) {
    PendingUpdate pending = begin(dkey, epoch, size);
    ASSERT_TRUE(run(pending.writeData()).ok());
    ASSERT_TRUE(container_->updateEnd(pending).ok());
  }
  bool isThere(const std::string& dkey, size_t size) {
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 0, {}, 0};
    FetchRequest request{hashedObject(1), bytesOf(dkey), {&descriptor, 1}, {}, false};
    FetchResult result;
    if (!container_->fetch(request, result).ok() || !run(result.readMedia()).ok()) return false;
    std::vector<std::byte> value(result.values()[0].size);
    result.copyTo(result.values()[0], value);
    return value == std::vector<std::byte>(size, std::byte{0x11});
  }

  static inline const Uuid kUuid = Uuid::fromRandom(1, 2);
  TestDirectory directory_;
  SystemClock clock_;
  SeededRandom random_{5};
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::unique_ptr<bio::Media> device_;
  std::unique_ptr<bio::FaultyMedia> media_;
  std::unique_ptr<Pool> pool_;
  Container* container_ = nullptr;
  std::string dkey_;
  IoDescriptor descriptor_;
  UpdateRequest request_;
};

TEST_F(VosPrewriter, AnEmptyAreaIsWrittenOnceAndForAll) {
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_EQ(prewriteAll(), 8);
  EXPECT_EQ(blocks(), "x" + std::string(kBlockCount - 1, 'z'));
  EXPECT_EQ(writtenBlocks(), kBlockCount - 1);
  EXPECT_EQ(pool_->space().mediaUsedBytes, 0u);
  reopen();
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_EQ(writtenBlocks(), kBlockCount - 1);
  const uint64_t before = media_->statistics().of(bio::MediaOperation::kWrite).count;
  EXPECT_FALSE(run(pool_->prewriteStep(kStep)).value());
  EXPECT_EQ(media_->statistics().of(bio::MediaOperation::kWrite).count, before);
}

TEST_F(VosPrewriter, WhatIsStoredAndWhatIsBeingStoredIsLeftAlone) {
  put("stored", 5, 40 * kBlock);
  PendingUpdate underWay = begin("under way", 6, 30 * kBlock);
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_TRUE(run(pool_->prewriteStep(kStep)).value());
  // Blocks that are somebody's don't count as a step's work.
  EXPECT_EQ(blocks(), "." + std::string(40, 'x') + std::string(30, '.') + std::string(64, 'z') +
                          std::string(kBlockCount - 135, '.'));
  ASSERT_TRUE(run(underWay.writeData()).ok());
  ASSERT_TRUE(container_->updateEnd(underWay).ok());
  prewriteAll();
  EXPECT_TRUE(isThere("stored", 40 * kBlock));
  EXPECT_TRUE(isThere("under way", 30 * kBlock));
}

TEST_F(VosPrewriter, ItsBlocksAreNobodysWhileZerosAreOnTheirWay) {
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  std::optional<Result<bool>> ended;
  reactor_->spawn([](Task<Result<bool>> step, std::optional<Result<bool>>& out) -> Task<void> {
    out.emplace(co_await std::move(step));
  }(pool_->prewriteStep(kStep), ended));
  EXPECT_TRUE(pool_->isPrewriting());
  EXPECT_EQ(pool_->space().mediaUsedBytes, 0u);
  PendingUpdate other = begin("other", 5, 16 * kBlock);
  ASSERT_FALSE(ended.has_value());
  ASSERT_TRUE(run(other.writeData()).ok());
  ASSERT_TRUE(container_->updateEnd(other).ok());
  reactor_->runUntil([&] { return ended.has_value(); });
  EXPECT_TRUE((*ended).value());
  EXPECT_FALSE(pool_->isPrewriting());
  EXPECT_EQ(blocks().substr(0, 81), "." + std::string(64, 'z') + std::string(16, 'x'));
  EXPECT_TRUE(isThere("other", 16 * kBlock));
}

TEST_F(VosPrewriter, WhatIsWrittenIsGivenOutFirst) {
  put("first", 5, 4 * kBlock);
  put("last", 6, 4 * kBlock);
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_TRUE(run(pool_->prewriteStep(kStep)).value());
  const std::string before = blocks();
  for (int i = 0; i < 16; ++i) put(std::to_string(i), 7, 4 * kBlock);
  // All of them went to blocks that hold zeros.
  const std::string after = blocks();
  for (uint64_t block = 0; block < kBlockCount; ++block) {
    if (before[block] == after[block]) continue;
    EXPECT_EQ(before[block], 'z') << block;
  }
  EXPECT_EQ(std::count(after.begin(), after.end(), 'z'), 0);
}

TEST_F(VosPrewriter, ItGoesOnWhereItHadComeTo) {
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_TRUE(run(pool_->prewriteStep(kStep)).value());
  ASSERT_TRUE(run(pool_->notePrewriting()).ok());
  reopen();
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_EQ(writtenBlocks(), 64u);
  EXPECT_EQ(prewriteAll(), 7);
}

TEST_F(VosPrewriter, ANoteOfWhichNothingCanBeMadeCountsAsNone) {
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  prewriteAll();
  const auto block = buffers_->allocate(kBlock).value();
  ASSERT_TRUE(run([](bio::Media& media, MutableBytes bytes) -> Task<Status> {
                DAOS_CO_CHECK(co_await media.read(0, bytes));
                bytes[25] ^= std::byte{1};
                co_return co_await media.write(0, bytes);
              }(*media_, block.bytes()))
                  .ok());
  reopen();
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_EQ(writtenBlocks(), 0u);
}

TEST_F(VosPrewriter, AnErrorIsTheDevicesAndTheSameBlocksComeAgain) {
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  media_->setRates({.writeError = 1'000'000});
  EXPECT_EQ(run(pool_->prewriteStep(kStep)).code(), ErrorCode::kIo);
  EXPECT_FALSE(pool_->isPrewriting());
  EXPECT_EQ(media_->statistics().of(bio::MediaOperation::kWrite).errorCount, 1u);
  EXPECT_FALSE(media_->isFailed());
  EXPECT_EQ(writtenBlocks(), 0u);
  media_->setRates({});
  put("key", 5, 4 * kBlock);
  prewriteAll();
  EXPECT_TRUE(isThere("key", 4 * kBlock));
}

TEST_F(VosPrewriter, ALargerAreaIsGoneOnWith) {
  ASSERT_TRUE(pool_->resizeMedia(1 << 20).ok());
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_EQ(prewriteAll(), 4);
  ASSERT_TRUE(pool_->resizeMedia(2 << 20).ok());
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_EQ(writtenBlocks(), 255u);
  EXPECT_EQ(prewriteAll(), 4);
  // Cut and given back, what was noted before must not count for it.
  ASSERT_TRUE(pool_->resizeMedia(1 << 20).ok());
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  ASSERT_TRUE(run(pool_->notePrewriting()).ok());
  ASSERT_TRUE(pool_->resizeMedia(2 << 20).ok());
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  EXPECT_EQ(writtenBlocks(), 255u);
}

TEST_F(VosPrewriter, TheNoteIsAsItsGoldenFileHasIt) {
  ASSERT_TRUE(run(pool_->beginPrewriting()).ok());
  prewriteAll();
  const auto block = buffers_->allocate(kBlock).value();
  ASSERT_TRUE(run([](bio::Media& media, MutableBytes bytes) -> Task<Status> {
                co_return co_await media.read(0, bytes);
              }(*media_, block.bytes()))
                  .ok());
  std::string text;
  for (size_t i = 0; i < sizeof(PrewriteNote); ++i) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", std::to_integer<unsigned>(block.data()[i]));
    text += digits;
  }
  EXPECT_EQ(text + "\n", readGoldenFile("vos/golden/prewrite_note_v1.hex"));
}

}  // namespace
}  // namespace daos::vos
