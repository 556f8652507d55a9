// Goal:   a device of a store that fails, whichever role it has, stops the whole store: nothing is
//         acknowledged afterwards, and what was acknowledged is there when the device works again.
// Method: three faulty disks, one a role; flushes of each fail in turn, one in two of them: who
//         tried a failed one again would succeed.
#include <gtest/gtest.h>

#include "bio/faulty_media.h"
#include "bio/memory_media.h"
#include "vos/log/log_store.h"

namespace daos::vos {
namespace {

constexpr uint32_t kSometimes = 500000;
constexpr int kTrialCountMax = 64;
constexpr PoolIdentity kIdentity{};
const Uuid kContainer = Uuid::fromRandom(1, 2);
const LogStoreSizes kSizes{.arenaBytes = 4 << 20, .walBytes = 512 << 10, .dataBytes = 1 << 20};

class VosLogStoreFailure : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    buffers_ = bio::DmaPool::create(16 << 20).value();
    const bio::RoleSizes roles = LogStore::roleSizes(kSizes);
    for (size_t i = 0; i < 3; ++i) {
      const uint64_t size = bio::StoreDevices::deviceSizeBytes(roles, 3, i);
      disks_.push_back(bio::openMemoryMedia(*reactor_, "disk" + std::to_string(i), size).value());
      random_.push_back(std::make_unique<SeededRandom>(i));
    }
    auto made = run(LogStore::create(devices(), context(), kIdentity, kSizes));
    ASSERT_TRUE(made.ok()) << made.error().describe();
    store_ = std::move(made).value();
    const Ticket ticket = store_->pool().createContainer(kContainer).value();
    ASSERT_TRUE(run(store_->arena().waitDurable(ticket)).ok());
    container_ = store_->pool().openContainer(kContainer).value();
    store_->onFailed([this](const Error& error) { told_.push_back(error.describe()); });
  }
  void TearDown() override {
    reactor_->dropTasks();
    store_.reset();
  }
  // Faulty ones over the same disks, which work again.
  LogStore::Devices devices() {
    faulty_.clear();
    LogStore::Devices all;
    for (size_t i = 0; i < 3; ++i) {
      all.push_back(std::make_unique<bio::FaultyMedia>(*disks_[i], *random_[i]));
      faulty_.push_back(static_cast<bio::FaultyMedia*>(all.back().get()));
    }
    return all;
  }
  LogStoreContext context() { return {*buffers_, *random_[0], log_}; }
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
    std::memset(pending.buffers()[0].data(), static_cast<int>(key), size);
    DAOS_CO_CHECK(co_await pending.writeData());
    DAOS_CO_TRY(const Ticket ticket, container_->updateEnd(pending));
    co_return co_await store_->arena().waitDurable(ticket);
  }
  // Empty: not there.
  std::string read(uint64_t key) {
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 0, {}, 0};
    const ObjectId oid = ObjectId::make({1, 1}, ObjectType::kDkeyUint64, 1, 1);
    FetchRequest request{oid, bytesOf(&key, 8), {&descriptor, 1}, {}, false};
    FetchResult result;
    EXPECT_TRUE(container_->fetch(request, result).ok());
    EXPECT_TRUE(run(result.readMedia()).ok());
    std::string value(result.values()[0].size, '\0');
    result.copyTo(result.values()[0], bytesOf(value.data(), value.size()));
    return value;
  }
  // Until a flush fails.
  Status provoke() {
    Status status;
    for (int i = 0; i < kTrialCountMax && status.ok(); ++i) {
      if (GetParam() == 1) {
        status = run(store_->arena().checkpoint());
      } else {
        status = run(write(9, GetParam() == 0 ? 100 : 9000));
      }
    }
    return status;
  }

  SystemClock clock_;
  Log log_;
  std::vector<std::unique_ptr<SeededRandom>> random_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::vector<std::unique_ptr<bio::Media>> disks_;
  std::vector<bio::FaultyMedia*> faulty_;
  std::unique_ptr<LogStore> store_;
  Container* container_ = nullptr;
  std::vector<std::string> told_;
  Epoch epoch_ = 0;
};

TEST_P(VosLogStoreFailure, AFailedFlushStopsTheStore) {
  ASSERT_TRUE(run(write(1, 100)).ok());
  ASSERT_TRUE(run(write(2, 9000)).ok());
  faulty_[GetParam()]->setRates({.flushError = kSometimes});
  const Status failed = provoke();
  ASSERT_EQ(failed.code(), ErrorCode::kIo);
  const std::string name = "disk" + std::to_string(GetParam());
  EXPECT_NE(failed.error().message().find(name), std::string::npos) << failed.error().message();
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_NE(told_[0].find(name), std::string::npos) << told_[0];
  // The device would work again; the store does not.
  faulty_[GetParam()]->setRates({});
  for (const size_t size : {100u, 9000u}) {
    const Status refused = run(write(3, size));
    ASSERT_EQ(refused.code(), ErrorCode::kIo) << size;
    EXPECT_NE(refused.error().message().find(name), std::string::npos);
  }
  EXPECT_EQ(run(store_->arena().checkpoint()).code(), ErrorCode::kIo);
  store_->pool().closeContainer(container_);
  EXPECT_EQ(run(store_->close()).code(), ErrorCode::kIo);
  store_.reset();
  auto opened = run(LogStore::open(devices(), context(), kIdentity));
  ASSERT_TRUE(opened.ok()) << opened.error().describe();
  store_ = std::move(opened).value();
  container_ = store_->pool().openContainer(kContainer).value();
  EXPECT_EQ(read(1), std::string(100, 1));
  EXPECT_EQ(read(2), std::string(9000, 2));
  EXPECT_EQ(read(3), "");
  EXPECT_TRUE(run(write(3, 9000)).ok());
  store_->pool().closeContainer(container_);
  EXPECT_TRUE(run(store_->close()).ok());
}

TEST_P(VosLogStoreFailure, WhoWaitsIsTold) {
  ASSERT_TRUE(run(write(1, 9000)).ok());
  Status ended[3];
  size_t endedCount = 0;
  // Under way at the log and in the data area when the device goes.
  const size_t sizes[] = {100, 9000, 100};
  for (size_t i = 0; i < 3; ++i) {
    reactor_->spawn([](Task<Status> task, Status& out, size_t& count) -> Task<void> {
      out = co_await std::move(task);
      ++count;
    }(write(4 + i, sizes[i]), ended[i], endedCount));
  }
  faulty_[GetParam()]->fail(Error(ErrorCode::kIo, "disk pulled out"));
  reactor_->runUntil([&] { return endedCount == 3; });
  for (const Status& status : ended) EXPECT_EQ(status.code(), ErrorCode::kIo);
  EXPECT_EQ(told_.size(), 1u);
  store_->pool().closeContainer(container_);
  EXPECT_EQ(run(store_->close()).code(), ErrorCode::kIo);
}

std::string roleName(const testing::TestParamInfo<size_t>& role) {
  constexpr const char* kNames[] = {"Wal", "Meta", "Data"};
  return kNames[role.param];
}
INSTANTIATE_TEST_SUITE_P(Roles, VosLogStoreFailure, testing::Values(0, 1, 2), roleName);

}  // namespace
}  // namespace daos::vos
