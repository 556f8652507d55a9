// Goal:   an update that is alone costs one flush, whether its value lies in the arena or on media;
//         updates of one turn share one.
// Method: a store on one device in memory, whose counters say what it was asked for; time stands
//         still, so that no seal comes in between.
#include <gtest/gtest.h>

#include <cstring>

#include "bio/memory_media.h"
#include "vos/log/log_store.h"

namespace daos::vos {
namespace {

constexpr PoolIdentity kIdentity{};
const Uuid kContainer = Uuid::fromRandom(1, 2);
const LogStoreSizes kSizes{.arenaBytes = 4 << 20, .walBytes = 512 << 10, .dataBytes = 8 << 20};

class VosLogStoreFlushes : public testing::Test {
 protected:
  void SetUp() override {
    LogStore::Devices devices;
    const uint64_t size = bio::StoreDevices::deviceSizeBytes(LogStore::roleSizes(kSizes), 1, 0);
    devices.push_back(bio::openMemoryMedia(*reactor_, "disk", size).value());
    auto made = run(LogStore::create(std::move(devices), {*buffers_, random_, log_}, kIdentity,
                                     kSizes));
    ASSERT_TRUE(made.ok()) << made.error().describe();
    store_ = std::move(made).value();
    const Ticket ticket = store_->pool().createContainer(kContainer).value();
    ASSERT_TRUE(run(store_->arena().waitDurable(ticket)).ok());
    container_ = store_->pool().openContainer(kContainer).value();
  }
  void TearDown() override {
    reactor_->dropTasks();
    store_.reset();
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
  Task<Status> write(uint64_t key, size_t size) {
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, size, {}, 0};
    const ObjectId oid = ObjectId::make({1, 1}, ObjectType::kDkeyUint64, 1, 1);
    UpdateRequest request{oid, bytesOf(&key, 8), {&descriptor, 1}, {}, {}};
    request.write.epoch = ++epoch_;
    DAOS_CO_TRY(PendingUpdate pending, container_->updateBegin(request));
    std::memset(pending.buffers()[0].data(), 7, size);
    DAOS_CO_CHECK(co_await pending.writeData());
    DAOS_CO_TRY(const Ticket ticket, container_->updateEnd(pending));
    co_return co_await store_->arena().waitDurable(ticket);
  }
  uint64_t flushCount() const {
    const bio::MediaStatistics& all = store_->devices().devices()[0]->statistics();
    return all.of(bio::MediaOperation::kFlush).count + all.durableWriteCount;
  }

  ManualClock clock_;
  Log log_;
  SeededRandom random_{1};
  std::unique_ptr<Reactor> reactor_ = Reactor::create(clock_).value();
  std::unique_ptr<bio::DmaPool> buffers_ = bio::DmaPool::create(16 << 20).value();
  std::unique_ptr<LogStore> store_;
  Container* container_ = nullptr;
  Epoch epoch_ = 0;
};

TEST_F(VosLogStoreFlushes, AnUpdateAloneCostsOne) {
  for (const size_t size : {64u, 4096u, 9000u, 1u << 20}) {
    const uint64_t before = flushCount();
    for (uint64_t key = 0; key < 3; ++key) ASSERT_TRUE(run(write(key, size)).ok()) << size;
    EXPECT_EQ(flushCount() - before, 3u) << size;
  }
}

TEST_F(VosLogStoreFlushes, UpdatesOfATurnShareOne) {
  const uint64_t before = flushCount();
  int doneCount = 0;
  for (uint64_t key = 0; key < 200; ++key) {
    reactor_->spawn([](Task<Status> task, int& count) -> Task<void> {
      EXPECT_TRUE((co_await std::move(task)).ok());
      ++count;
    }(write(key, 64), doneCount));
  }
  reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
  EXPECT_EQ(doneCount, 200);
  EXPECT_EQ(flushCount() - before, 1u);
}

}  // namespace
}  // namespace daos::vos
