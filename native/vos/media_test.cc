// Bulk data on Media: where it goes, that it comes back, and that its space does.
#include "base/generated/limits.h"
#include "vos/vos.h"

#include <gtest/gtest.h>

#include "bio/faulty_media.h"
#include "bio/memory_media.h"
#include "runtime/random.h"
#include "vos/vos_fixture.h"

namespace daos::vos {
namespace {

constexpr uint64_t kMediaSize = 8 << 20;
constexpr uint64_t kBlock = bio::kMediaBlockSize;

// Bytes that tell their place and whose they are.
std::string textOfSize(size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + (i >> 8) * 13 + seed);
  return text;
}

class VosMedia : public testing::Test {
 protected:
  void SetUp() override { create(kMediaSize, 16 << 20); }
  void create(uint64_t mediaSize, uint64_t bufferSize) {
    reactor_ = Reactor::create(clock_).value();
    buffers_ = bio::DmaPool::create(bufferSize).value();
    device_ = bio::openMemoryMedia(*reactor_, "disk", mediaSize).value();
    media_ = std::make_unique<bio::FaultyMedia>(*device_, random_);
    auto arena = PmemArena::create(directory_.file("arena"), 32 << 20, {Flushing::kNone});
    ASSERT_TRUE(arena.ok()) << arena.error().describe();
    auto pool = Pool::create(std::move(*arena), {*media_, *buffers_}, {}, {});
    ASSERT_TRUE(pool.ok()) << pool.error().describe();
    pool_ = std::move(*pool);
    ASSERT_TRUE(pool_->createContainer(kUuid).ok());
    container_ = *pool_->openContainer(kUuid);
  }
  void close() {
    result_.release();
    if (container_) pool_->closeContainer(container_);
    container_ = nullptr;
    pool_.reset();
  }
  void reopen() {
    close();
    auto arena = PmemArena::open(directory_.file("arena"), {Flushing::kNone});
    ASSERT_TRUE(arena.ok()) << arena.error().describe();
    auto pool = Pool::open(std::move(*arena), {*media_, *buffers_}, {}, {});
    ASSERT_TRUE(pool.ok()) << pool.error().describe();
    pool_ = std::move(*pool);
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

  Status update(const UpdateRequest& request, std::string_view value) {
    DAOS_TRY(PendingUpdate pending, container_->updateBegin(request));
    for (const MutableBytes buffer : pending.buffers()) {
      std::memcpy(buffer.data(), value.data(), buffer.size());
      value.remove_prefix(buffer.size());
    }
    DAOS_CHECK(run(pending.writeData()));
    DAOS_TRY([[maybe_unused]] const Ticket ticket, container_->updateEnd(pending));
    return {};
  }
  Status put(std::string_view dkey, Epoch epoch, std::string_view value) {
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, value.size(), {}, 0};
    UpdateRequest request{hashedObject(1), bytesOf(dkey), {&descriptor, 1}, {}, {}};
    request.write.epoch = epoch;
    return update(request, value);
  }
  Status write(std::string_view dkey, Epoch epoch, uint64_t index, std::string_view value) {
    const Extent extent{index, value.size()};
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kArray, 1, {&extent, 1}, 0};
    UpdateRequest request{hashedObject(1), bytesOf(dkey), {&descriptor, 1}, {}, {}};
    request.write.epoch = epoch;
    return update(request, value);
  }
  Status fetch(std::string_view dkey, const IoDescriptor& descriptor, Epoch epoch = kEpochMax) {
    FetchRequest request{hashedObject(1), bytesOf(dkey), {&descriptor, 1}, {}, false};
    request.read.epoch = epoch;
    return container_->fetch(request, result_);
  }
  // Holes read as dots; an error as its name.
  std::string textOf(const Status& fetched) {
    if (!fetched.ok()) return std::string(errorName(fetched.code()));
    const Status status = run(result_.readMedia());
    if (!status.ok()) return std::string(errorName(status.code()));
    const FetchedValue& value = result_.values()[0];
    std::string text(value.size, '.');
    result_.copyTo(value, bytesOf(text.data(), text.size()));
    result_.release();
    return text;
  }
  std::string get(std::string_view dkey, Epoch epoch = kEpochMax) {
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 0, {}, 0};
    return textOf(fetch(dkey, descriptor, epoch));
  }
  std::string read(std::string_view dkey, Extent extent, Epoch epoch = kEpochMax) {
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kArray, 1, {&extent, 1}, 0};
    return textOf(fetch(dkey, descriptor, epoch));
  }
  uint64_t usedBytes() const { return pool_->space().mediaUsedBytes; }

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
  FetchResult result_;
};

TEST_F(VosMedia, DataFromTheThresholdOnGoesThereAndComesBack) {
  for (const size_t size : {size_t{1}, size_t{4095}, size_t{4096}, size_t{4097}, size_t{300001}}) {
    const std::string value = textOfSize(size, 1);
    const std::string key = std::to_string(size);
    const uint64_t before = usedBytes();
    ASSERT_TRUE(put(key, 5, value).ok());
    EXPECT_EQ(usedBytes() - before, size < 4096 ? 0 : alignUp(size, kBlock)) << size;
    EXPECT_EQ(get(key), value);
  }
  EXPECT_EQ(container_->usage().mediaBytes, usedBytes());
  const uint64_t used = usedBytes();
  reopen();
  EXPECT_EQ(usedBytes(), used);
  for (const size_t size : {4095, 4096, 4097, 300001}) {
    EXPECT_EQ(get(std::to_string(size)), textOfSize(size, 1));
  }
}

class VosMediaLimits : public VosMedia {
 protected:
  void SetUp() override { create(80 << 20, 256 << 20); }
};

TEST_F(VosMediaLimits, TheLargestValueComesBack) {
  const std::string value = textOfSize(kSingleValueSizeMax, 3);
  ASSERT_TRUE(put("large", 10, value).ok());
  EXPECT_EQ(usedBytes(), kSingleValueSizeMax);
  EXPECT_TRUE(get("large") == value);
  reopen();
  EXPECT_TRUE(get("large") == value);
}

TEST_F(VosMedia, AnUpdateThatIsNotEndedLeavesNothing) {
  const std::string value = textOfSize(100000, 2);
  const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, value.size(), {}, 0};
  UpdateRequest request{hashedObject(1), bytesOf("d"), {&descriptor, 1}, {}, {}};
  request.write.epoch = 3;
  {
    auto pending = container_->updateBegin(request);
    ASSERT_TRUE(pending.ok());
    EXPECT_TRUE(run(pending->writeData()).ok());
    EXPECT_GT(usedBytes(), 0u);
  }
  EXPECT_EQ(usedBytes(), 0u);
  EXPECT_EQ(get("d"), "");
  // A condition that fails at the end gives the blocks back, too.
  request.write.conditions = kDkeyUpdate;
  EXPECT_EQ(update(request, value).code(), ErrorCode::kNonexist);
  EXPECT_EQ(usedBytes(), 0u);
  reopen();
  EXPECT_EQ(usedBytes(), 0u);
}

TEST_F(VosMedia, WhatIsReplacedCollectedOrAggregatedIsFreed) {
  ASSERT_TRUE(put("d", 3, textOfSize(50000, 1)).ok());
  ASSERT_TRUE(put("d", 3, textOfSize(9000, 2)).ok());
  EXPECT_EQ(usedBytes(), 3 * kBlock);
  EXPECT_EQ(get("d"), textOfSize(9000, 2));
  ASSERT_TRUE(write("e", 3, 0, textOfSize(8192, 1)).ok());
  ASSERT_TRUE(write("e", 3, 0, textOfSize(8192, 3)).ok());
  EXPECT_EQ(usedBytes(), 5 * kBlock);
  ASSERT_TRUE(write("e", 4, 0, textOfSize(8192, 4)).ok());
  ASSERT_TRUE(put("d", 4, textOfSize(8192, 5)).ok());
  EXPECT_EQ(usedBytes(), 9 * kBlock);
  ASSERT_TRUE(container_->beginAggregation(10).ok());
  while (container_->reduceStep(100).value()) {}
  EXPECT_EQ(usedBytes(), 4 * kBlock);
  EXPECT_EQ(read("e", {0, 8192}), textOfSize(8192, 4));
  EXPECT_EQ(container_->usage().mediaBytes, usedBytes());
  pool_->closeContainer(std::exchange(container_, nullptr));
  ASSERT_TRUE(pool_->destroyContainer(kUuid).ok());
  while (pool_->collectStep(2).value()) {}
  EXPECT_EQ(usedBytes(), 0u);
}

TEST_F(VosMedia, AFullMediaRefusesAndKeepsWhatItHas) {
  Status last;
  Epoch epoch = 1;
  while (last.ok()) {
    ++epoch;
    last = put(std::to_string(epoch), epoch, textOfSize(1 << 20, 1));
  }
  EXPECT_EQ(last.code(), ErrorCode::kNospace);
  EXPECT_NE(last.error().message().find("disk"), std::string_view::npos);
  EXPECT_EQ(usedBytes(), 7u << 20);
  EXPECT_TRUE(put("small", epoch, "small").ok());
  EXPECT_EQ(get("2"), textOfSize(1 << 20, 1));
  EXPECT_EQ(get(std::to_string(epoch)), "");
}

TEST_F(VosMedia, PartsOfExtentsAreReadWithHolesBetween) {
  const std::string first = textOfSize(20000, 1);
  const std::string second = textOfSize(6000, 2);
  ASSERT_TRUE(write("e", 3, 1000, first).ok());
  ASSERT_TRUE(write("e", 4, 5000, second).ok());
  ASSERT_TRUE(write("e", 4, 30000, "tail").ok());
  std::string expected(30010, '.');
  expected.replace(1000, first.size(), first);
  expected.replace(5000, second.size(), second);
  expected.replace(30000, 4, "tail");
  for (const Extent range : {Extent{0, 30010}, {1, 1000}, {4999, 2}, {4999, 6002}, {20999, 9005}}) {
    EXPECT_EQ(read("e", range), expected.substr(range.index, range.count)) << range.index;
  }
  EXPECT_EQ(read("e", {0, 21000}, 3), std::string(1000, '.') + first);
}

// Goal: blocks that a fetch is about to read are not given to another write meanwhile.
TEST_F(VosMedia, BlocksAreNotReusedUnderAFetch) {
  const std::string old = textOfSize(6 << 20, 1);
  ASSERT_TRUE(put("d", 3, old).ok());
  const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 0, {}, 0};
  ASSERT_TRUE(fetch("d", descriptor).ok());
  ASSERT_TRUE(put("d", 3, "small").ok());
  EXPECT_EQ(put("e", 3, textOfSize(6 << 20, 2)).code(), ErrorCode::kNospace);
  EXPECT_TRUE(pool_->hasDroppedData());
  EXPECT_EQ(textOf({}), old);
  EXPECT_TRUE(put("e", 3, textOfSize(6 << 20, 2)).ok());
}

TEST_F(VosMedia, AReadErrorNamesDeviceAndOffset) {
  ASSERT_TRUE(put("d", 3, textOfSize(50000, 1)).ok());
  media_->setRates({.readError = 1000000});
  const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 0, {}, 0};
  ASSERT_TRUE(fetch("d", descriptor).ok());
  const Status status = run(result_.readMedia());
  ASSERT_EQ(status.code(), ErrorCode::kIo);
  EXPECT_NE(status.error().message().find("disk"), std::string_view::npos);
  EXPECT_NE(status.error().message().find(" at 4096"), std::string_view::npos)
      << status.error().message();
  media_->setRates({});
  EXPECT_EQ(get("d"), textOfSize(50000, 1));
}

TEST_F(VosMedia, AfterAFailedFlushNothingMoreIsAccepted) {
  ASSERT_TRUE(put("d", 3, textOfSize(50000, 1)).ok());
  media_->setRates({.flushError = 1000000});
  const Status first = put("d", 4, textOfSize(50000, 2));
  EXPECT_EQ(first.code(), ErrorCode::kIo);
  media_->setRates({});
  const Status second = put("d", 5, textOfSize(50000, 2));
  ASSERT_EQ(second.code(), ErrorCode::kIo);
  EXPECT_EQ(second.error().message(), first.error().message());
  EXPECT_EQ(get("d"), "DER_IO");
}

TEST_F(VosMedia, APoolIsOpenedOnlyWithTheMediaItWasMadeWith) {
  close();
  const auto open = [&](PoolMedia media) {
    auto arena = PmemArena::open(directory_.file("arena"), {Flushing::kNone}).value();
    return Pool::open(std::move(arena), media, {}, {}).code();
  };
  EXPECT_EQ(open(nullptr), ErrorCode::kMismatch);
  const auto half = bio::openMemoryMedia(*reactor_, "half", kMediaSize / 2).value();
  EXPECT_EQ(open({*half, *buffers_}), ErrorCode::kDfInval);
  EXPECT_EQ(open({*media_, *buffers_}), ErrorCode::kOk);
}

// Goal: a record whose address is damaged is an error, never a wild read.
TEST_F(VosMedia, AnAddressOutsideOfTheMediaIsDamage) {
  ASSERT_TRUE(put("d", 3, textOfSize(50000, 1)).ok());
  Arena& arena = pool_->arena();
  const uint64_t word = DataWord::make(DataKind::kMedia, kBlock, false);
  uint64_t changedCount = 0;
  for (Offset at = 0; at + 8 <= arena.size(); at += 8) {
    if (*arena.at<uint64_t>(at) != word) continue;
    *arena.at<uint64_t>(at) = DataWord::make(DataKind::kMedia, kMediaSize - kBlock, false);
    ++changedCount;
  }
  ASSERT_EQ(changedCount, 1u);
  EXPECT_EQ(get("d"), "DER_DF_INVAL");
}

}  // namespace
}  // namespace daos::vos
