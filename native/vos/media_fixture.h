// Tests of pools with a data area, on either arena: values of known content go in, are read at any
// epoch, punched and aggregated.
#pragma once

#include <gtest/gtest.h>

#include "bio/memory_media.h"
#include "vos/log/log_store.h"
#include "vos/vos_fixture.h"

namespace daos::vos {

enum class ArenaSort { kPmem, kLog };

inline constexpr uint64_t kMebibyte = 1 << 20;
inline constexpr uint64_t kDataSize = 4 * kMebibyte;
inline constexpr uint64_t kBlock = bio::kMediaBlockSize;
inline const ObjectId kOid = hashedObject(1);

inline std::string textOf(size_t size, uint64_t seed) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + (i >> 8) * 13 + seed);
  return text;
}

class MediaFixture : public testing::TestWithParam<ArenaSort> {
 protected:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    buffers_ = bio::DmaPool::create(16 << 20).value();
    if (GetParam() == ArenaSort::kLog) {
      const LogStoreSizes sizes{32 << 20, 0, kDataSize};
      const uint64_t size = bio::StoreDevices::deviceSizeBytes(LogStore::roleSizes(sizes), 1, 0);
      LogStore::Devices devices;
      devices.push_back(bio::openMemoryMedia(*reactor_, "disk", size).value());
      store_ = run(LogStore::create(std::move(devices), context(), {}, sizes))
                   .value();
      pool_ = &store_->pool();
    } else {
      media_ = bio::openMemoryMedia(*reactor_, "disk", kDataSize).value();
      auto arena = PmemArena::create(directory_.file("arena"), 32 << 20, {Flushing::kNone});
      ASSERT_TRUE(arena.ok()) << arena.error().describe();
      pmemPool_ = Pool::create(std::move(*arena), {*media_, *buffers_}, {}, options_).value();
      pool_ = pmemPool_.get();
    }
    ASSERT_TRUE(pool_->createContainer(kUuid).ok());
    container_ = *pool_->openContainer(kUuid);
  }
  void TearDown() override {
    pool_->closeContainer(container_);
    if (store_) EXPECT_TRUE(run(store_->close()).ok());
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn(keep(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }
  template <typename T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }

  // A single value, or the part of an array that begins at `index`.
  Result<Ticket> put(uint64_t dkey, Epoch epoch, const std::string& value,
                     std::optional<uint64_t> index = {}, TransactionId transaction = {}) {
    const Extent extent{index.value_or(0), value.size()};
    const IoDescriptor single{bytesOf("s"), ValueType::kSingle, value.size(), {}, 0};
    const IoDescriptor array{bytesOf("x"), ValueType::kArray, 1, {&extent, 1}, 0};
    UpdateRequest request{kOid, bytesOf(&dkey, sizeof dkey), {index ? &array : &single, 1}, {}, {}};
    request.write.epoch = epoch;
    request.write.transaction = transaction;
    auto pending = container_->updateBegin(request);
    if (!pending.ok()) return std::move(pending).error();
    std::memcpy(pending->buffers()[0].data(), value.data(), value.size());
    if (Status written = run(pending->writeData()); !written.ok()) return written.error();
    return container_->updateEnd(*pending);
  }
  std::string get(uint64_t dkey, size_t size, Epoch epoch = kEpochMax,
                  std::optional<uint64_t> index = {}) {
    FetchResult result;
    EXPECT_TRUE(begin(result, dkey, size, epoch, index).ok());
    return finish(result, size);
  }
  Status begin(FetchResult& result, uint64_t dkey, size_t size, Epoch epoch = kEpochMax,
               std::optional<uint64_t> index = {}) {
    const Extent extent{index.value_or(0), size};
    const IoDescriptor single{bytesOf("s"), ValueType::kSingle, 0, {}, 0};
    const IoDescriptor array{bytesOf("x"), ValueType::kArray, 1, {&extent, 1}, 0};
    FetchRequest request{kOid, bytesOf(&dkey, 8), {index ? &array : &single, 1}, {}, false};
    request.read.epoch = epoch;
    return container_->fetch(request, result);
  }
  std::string finish(FetchResult& result, size_t size) {
    if (!run(result.readMedia()).ok()) return "?";
    std::string text(size, '.');
    result.copyTo(result.values()[0], bytesOf(text.data(), text.size()));
    result.release();
    return text;
  }
  ErrorCode punch(uint64_t dkey, Epoch epoch) {
    PunchRequest request{kOid, bytesOf(&dkey, 8), {}, {}};
    request.write.epoch = epoch;
    return container_->punch(request).code();
  }
  // Drops what is hidden.
  void aggregate(Epoch upTo) {
    ASSERT_TRUE(container_->beginAggregation(upTo).ok());
    while (container_->reduceStep(100).value()) {
    }
    ASSERT_TRUE(run(pool_->arena().waitDurable(pool_->arena().lastTicket())).ok());
  }
  uint64_t used() const { return pool_->space().mediaUsedBytes; }

  LogStoreContext context() {
    return {.pool = *buffers_, .random = random_, .log = log_, .vos = options_};
  }

  PoolOptions options_;  // before SetUp
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
};

inline std::string arenaSortName(const testing::TestParamInfo<ArenaSort>& kind) {
  return kind.param == ArenaSort::kPmem ? "Pmem" : "Log";
}

}  // namespace daos::vos
