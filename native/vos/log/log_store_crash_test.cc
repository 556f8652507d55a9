// Goal:   over a whole store on one bad disk, log, metadata and bulk data: whatever moment the
//         power is cut at, every acknowledged value is there with all of its bytes, none is torn,
//         and no block of the data area is lost or shared.
// Method: writers keep versions of their keys in flight, of sizes on both sides of the threshold,
//         while aggregation drops old ones and their blocks are reused,
//         while the area is written in advance from its beginning on; the power is cut after a
//         random number of turns, unflushed sectors are lost or kept at random, and the store is
//         opened again and compared.
#include <gtest/gtest.h>

#include "bio/faulty_media.h"
#include "bio/memory_media.h"
#include "vos/log/log_store.h"

namespace daos::vos {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kRoundCount = 15;
#else
constexpr int kRoundCount = 600;
#endif
constexpr size_t kWriterCount = 12;
constexpr PoolIdentity kIdentity{};
const Uuid kContainer = Uuid::fromRandom(1, 2);
const LogStoreSizes kSizes{.arenaBytes = 4 << 20, .walBytes = 512 << 10, .dataBytes = 1 << 20};

struct KeyState {
  uint64_t acknowledged = 0;
  uint64_t attempted = 0;
};

size_t sizeOf(uint64_t key, uint64_t version) {
  constexpr size_t kValueSizes[] = {40, 4096, 9000, 3000, 65536, 12288};
  return kValueSizes[(key + version) % std::size(kValueSizes)];
}

std::vector<std::byte> valueOf(uint64_t key, uint64_t version) {
  std::vector<std::byte> value(sizeOf(key, version));
  for (size_t i = 0; i + 8 <= value.size(); i += 8) {
    storeAs(value.data() + i, (version << 24) + (key << 16) + i / 8);
  }
  return value;
}

class VosLogStoreCrash : public testing::Test {
 protected:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    buffers_ = bio::DmaPool::create(16 << 20).value();
    const uint64_t size = bio::StoreDevices::deviceSizeBytes(LogStore::roleSizes(kSizes), 1, 0);
    disk_ = bio::openMemoryMedia(*reactor_, "disk", size).value();
    faulty_ = std::make_unique<bio::FaultyMedia>(*disk_, random_);
  }
  LogStore::Devices devices() {
    LogStore::Devices all;
    all.push_back(std::make_unique<bio::MediaSlice>(*faulty_, "whole", 0, faulty_->sizeBytes()));
    return all;
  }
  LogStoreContext context() { return {*buffers_, random_, log_}; }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }

  Task<Status> write(uint64_t key, uint64_t version) {
    const auto value = valueOf(key, version);
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, value.size(), {}, 0};
    const ObjectId oid = ObjectId::make({1, 1}, ObjectType::kDkeyUint64, 1, 1);
    UpdateRequest request{oid, bytesOf(&key, 8), {&descriptor, 1}, {}, {}};
    Arena& arena = store_->arena();
    if (!arena.hasLogRoom()) DAOS_CO_CHECK(co_await arena.waitLogRoom());
    request.write.epoch = epoch_ + 1;
    DAOS_CO_TRY(PendingUpdate pending, container_->updateBegin(request));
    std::memcpy(pending.buffers()[0].data(), value.data(), value.size());
    DAOS_CO_CHECK(co_await pending.writeData());
    request.write.epoch = ++epoch_;
    DAOS_CO_TRY(const Ticket ticket, container_->updateEnd(pending));
    co_return co_await arena.waitDurable(ticket);
  }
  Task<void> keepWriting(uint64_t key) {
    KeyState& state = keys_[key];
    while (true) {
      const Status status = co_await write(key, ++state.attempted);
      if (status.ok()) {
        state.acknowledged = state.attempted;
        ++acknowledgedCount_;
        continue;
      }
      // Old versions are in the way until they are aggregated.
      if (status.code() != ErrorCode::kNospace) ADD_FAILURE() << status.error().describe();
      co_await reactor_->sleep(100000);
    }
  }
  Task<void> keepAggregating() {
    while (true) {
      co_await reactor_->sleep(200000);
      if (!container_->beginAggregation(epoch_).ok()) continue;
      while (container_->reduceStep(16).value()) co_await reactor_->yield();
    }
  }

  // All over again in each round: what it had noted is not asked for.
  Task<void> keepPrewriting() {
    for (Result<bool> hasMore = true; hasMore.ok() && *hasMore;) {
      hasMore = co_await store_->pool().prewriteStep(8 * bio::kMediaBlockSize);
      prewrittenCount_ += hasMore.ok();
      co_await reactor_->yield();
    }
  }

  void compare(uint64_t key) {
    const KeyState& state = keys_[key];
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 0, {}, 0};
    FetchRequest request;
    request.oid = ObjectId::make({1, 1}, ObjectType::kDkeyUint64, 1, 1);
    request.dkey = bytesOf(&key, 8);
    request.descriptors = {&descriptor, 1};
    FetchResult result;
    ASSERT_TRUE(container_->fetch(request, result).ok());
    ASSERT_TRUE(run(result.readMedia()).ok());
    std::vector<std::byte> value(result.values()[0].size);
    result.copyTo(result.values()[0], value);
    if (value.empty()) {
      EXPECT_EQ(state.acknowledged, 0u) << "key " << key << " is lost";
      return;
    }
    const uint64_t version = loadAs<uint64_t>(value.data()) >> 24;
    EXPECT_GE(version, state.acknowledged) << "key " << key;
    EXPECT_LE(version, state.attempted) << "key " << key;
    EXPECT_EQ(value, valueOf(key, version)) << "key " << key << " is torn";
    keys_[key].acknowledged = version;
  }
  void openAndCompare() {
    auto opened = run(LogStore::open(devices(), context(), kIdentity));
    ASSERT_TRUE(opened.ok()) << opened.error().describe();
    store_ = std::move(opened).value();
    container_ = store_->pool().openContainer(kContainer).value();
    for (uint64_t key = 0; key < kWriterCount; ++key) compare(key);
    EXPECT_EQ(container_->usage().mediaBytes, store_->pool().space().mediaUsedBytes);
    epoch_ = store_->pool().epochMax();
  }
  void writeUntilTheCut() {
    for (uint64_t key = 0; key < kWriterCount; ++key) reactor_->spawn(keepWriting(key));
    reactor_->spawn(keepAggregating());
    reactor_->spawn(keepPrewriting());
    // Until a number of writes has ended, however fast this machine is, and some turns into others.
    const uint64_t enough = acknowledgedCount_ + random_.below(24);
    for (int turns = 0; acknowledgedCount_ < enough && turns < kTurnsMax; ++turns) {
      reactor_->runOnce();
    }
    for (uint64_t turns = random_.below(100); turns > 0; --turns) reactor_->runOnce();
    reactor_->dropTasks();
    store_.reset();
    ASSERT_TRUE(run(faulty_->cutPower()).ok());
  }

  static constexpr int kTurnsMax = 100000;
  SystemClock clock_;
  SeededRandom random_{20260301};
  Log log_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::unique_ptr<bio::Media> disk_;
  std::unique_ptr<bio::FaultyMedia> faulty_;
  std::unique_ptr<LogStore> store_;
  Container* container_ = nullptr;
  KeyState keys_[kWriterCount];
  Epoch epoch_ = 0;
  uint64_t acknowledgedCount_ = 0;
  uint64_t prewrittenCount_ = 0;
};

TEST_F(VosLogStoreCrash, EveryCutOfThePowerLeavesWhatWasAcknowledged) {
  auto made = run(LogStore::create(devices(), context(), kIdentity, kSizes));
  ASSERT_TRUE(made.ok()) << made.error().describe();
  store_ = std::move(made).value();
  const Ticket ticket = store_->pool().createContainer(kContainer).value();
  ASSERT_TRUE(run(store_->arena().waitDurable(ticket)).ok());
  container_ = store_->pool().openContainer(kContainer).value();
  for (int round = 0; round < kRoundCount; ++round) {
    faulty_->setRates({.slow = 300000, .slowNsMax = 300000});
    ASSERT_NO_FATAL_FAILURE(writeUntilTheCut());
    faulty_->setRates({});
    ASSERT_NO_FATAL_FAILURE(openAndCompare()) << "round " << round;
    if (HasFailure()) break;
  }
  const bio::FaultCounts& counts = faulty_->counts();
  std::printf("%llu acknowledged; power cuts lost %llu sectors and kept %llu\n",
              static_cast<unsigned long long>(acknowledgedCount_),
              static_cast<unsigned long long>(counts.sectorsLost),
              static_cast<unsigned long long>(counts.sectorsKept));
  EXPECT_GT(acknowledgedCount_, 5u * kRoundCount);
  EXPECT_GT(counts.sectorsLost, 1000u);
  EXPECT_GT(prewrittenCount_, 5u * kRoundCount);
  store_->pool().closeContainer(container_);
  EXPECT_TRUE(run(store_->close()).ok());
  store_.reset();
}

}  // namespace
}  // namespace daos::vos
