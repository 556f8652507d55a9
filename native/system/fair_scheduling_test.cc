// Goal: what a target does in the background delays no request by more than one small step of each
// kind of work, however much of it there is; and steps shrink when they take long.
// Method: target and client share one loop that the test turns, by a clock that moves by a fixed
//         time at each reading, so that every step seems to take as long. What a step has done is
//         seen by the space that its turn has freed. No real time is measured.
#include <gtest/gtest.h>

#include "engine/folder_pool_store.h"
#include "engine/target.h"
#include "system/loopback.h"

namespace daos::system {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

// Two readings, one before and one after it, tell how long a step has taken.
class CountingClock final : public Clock {
 public:
  uint64_t nowNs() const override { return nowNs_ += readingNs; }
  uint64_t wallNs() const override { return 1'700'000'000'000'000'000 + nowNs_; }
  void advance(uint64_t ns) { nowNs_ += ns; }
  uint64_t readingNs = 1000;

 private:
  mutable uint64_t nowNs_ = 1;
};

class FairScheduling : public testing::Test {
 protected:
  static constexpr size_t kValueSize = 1000;
  static constexpr uint32_t kCollectBudget = 64;

  void SetUp() override {
    reactor_ = Reactor::create(clock_, {.spinNs = UINT64_MAX}).value();
    directory_ = engine::DataDirectory::open(scratch_.path() / "engine", 0, 1).value();
    store_ = engine::FolderPoolStore::create(*reactor_, random_, *directory_, engineOptions_, 0)
                 .value();
    server_ = rpc::Endpoint::create(*reactor_, random_);
    server_->addTransport(network_->createTransport().value());
    target_ = std::make_unique<engine::Target>(
        *reactor_, random_, *server_, *store_,
        engine::TargetOptions{.collectBudget = kCollectBudget,
                              .aggregation = {.historyNs = kMillisecond,
                                              .pauseNs = kMillisecond}});
    ASSERT_TRUE(run(target_->createPool(pool_, {.arenaBytes = 64ull << 20})).ok());
    for (const Uuid& container : {kept_, doomed_})
      ASSERT_TRUE(run(target_->createContainer(pool_, container)).ok());
    caller_ = rpc::Endpoint::create(*reactor_, random_);
    caller_->addTransport(network_->createTransport().value());
    context_ = std::make_unique<client::Context>(*reactor_, random_, *caller_);
  }
  void TearDown() override {
    objects_.clear();
    caller_->shutdown();
    server_->shutdown();
    while (!caller_->isQuiet() || !server_->isQuiet()) reactor_->runOnce();
    EXPECT_TRUE(run(target_->close()).ok());
    while (reactor_->spawnedCount() > 0) reactor_->runOnce();
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
  client::Object& objectIn(const Uuid& container) {
    placement::PoolMap map{.version = 1};
    map.targets.push_back({.addresses = {{"local", server_->addresses()}}});
    auto pool = client::Pool::open(*context_, pool_, map).value();
    auto open = run(client::Container::open(std::move(pool), container, {})).value();
    const ObjectId oid = ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 1);
    objects_.push_back(client::Object::open(std::move(open), oid).value());
    return *objects_.back();
  }
  Task<Result<Epoch>> put(client::Object& object, uint64_t dkey) {
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = kValueSize};
    const std::string value(kValueSize, 'v');
    const Bytes data[] = {bytesOf(value)};
    co_return co_await client::update(
        object, {.dkey = bytesOf(&dkey, sizeof dkey), .akeys = {&akey, 1}, .data = data});
  }
  // One fetch after the other, until the test has seen enough.
  Task<void> fetchAll(client::Object& object, uint64_t dkey) {
    while (!hasSeenEnough_) {
      const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = kValueSize};
      std::string value(kValueSize, '\0');
      const MutableBytes room[] = {bytesOf(value.data(), value.size())};
      client::AkeyResult found;
      const auto fetched =
          co_await client::fetch(object, {.dkey = bytesOf(&dkey, sizeof dkey),
                                          .akeys = {&akey, 1},
                                          .buffers = room,
                                          .results = {&found, 1}});
      EXPECT_TRUE(fetched.ok()) << fetched.error().describe();
      EXPECT_EQ(found.recordSize, kValueSize);
      ++fetchCount_;
      if (!fetched.ok()) break;
    }
    isFetching_ = false;
  }
  uint64_t usedBytes() { return target_->queryPool(pool_).value().space.arena.usedBytes; }

  struct Seen {
    size_t stepCount = 0;            // turns that have freed something
    size_t stepsPerFetchMax = 0;     // between the ends of two fetches
    uint64_t freedPerTurnMax = 0;    // bytes, once steps have their size
    uint64_t fetchCount = 0;
  };
  // Turns the loop beside an endless row of fetches of `dkey` until no more than `wantedBytes` are
  // in use.
  Seen watch(client::Object& object, uint64_t dkey, uint64_t wantedBytes) {
    constexpr size_t kTurnCountMax = 1'000'000;
    constexpr size_t kStepsUntilSettled = 12;  // from 512 or 64 down to 16, or up
    Seen seen;
    hasSeenEnough_ = false;
    isFetching_ = true;
    reactor_->spawn(fetchAll(object, dkey));
    const uint64_t fetchCountBefore = fetchCount_;
    uint64_t used = usedBytes(), fetches = fetchCount_;
    size_t steps = 0;
    for (size_t turn = 0; turn < kTurnCountMax && used > wantedBytes; ++turn) {
      reactor_->runOnce();
      const uint64_t usedNow = usedBytes();
      const bool hasStepped = usedNow < used;
      seen.stepCount += hasStepped;
      if (hasStepped && seen.stepCount > kStepsUntilSettled)
        seen.freedPerTurnMax = std::max(seen.freedPerTurnMax, used - usedNow);
      if (std::exchange(fetches, fetchCount_) != fetchCount_) steps = 0;
      seen.stepsPerFetchMax = std::max(seen.stepsPerFetchMax, steps += hasStepped);
      used = usedNow;
    }
    EXPECT_LE(used, wantedBytes);
    seen.fetchCount = fetchCount_ - fetchCountBefore;
    hasSeenEnough_ = true;
    while (isFetching_) reactor_->runOnce();
    return seen;
  }

  // Aggregation of `versionCount` versions, each reading of the clock taking `readingNs`.
  Seen aggregate(uint32_t versionCount, uint64_t readingNs) {
    client::Object& object = objectIn(kept_);
    clock_.readingNs = 1;  // none is old enough meanwhile
    EXPECT_TRUE(run(put(object, 1)).ok());
    const uint64_t before = usedBytes();
    for (uint32_t i = 0; i < versionCount; ++i) EXPECT_TRUE(run(put(object, 1)).ok());
    versionBytes_ = (usedBytes() - before) / versionCount;
    clock_.advance(10 * kMillisecond);
    clock_.readingNs = readingNs;
    return watch(object, 1, before + (usedBytes() - before) / 20);
  }

  CountingClock clock_;
  SystemRandom random_;
  const Uuid pool_ = SystemRandom().uuid();
  const Uuid kept_ = SystemRandom().uuid();
  const Uuid doomed_ = SystemRandom().uuid();
  ScratchDirectory scratch_{"/dev/shm"};
  const engine::EngineOptions engineOptions_{.dataDirectory = scratch_.path() / "engine",
                                             .arenaKind = engine::ArenaKind::kPmem};
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  std::unique_ptr<engine::DataDirectory> directory_;
  std::unique_ptr<engine::FolderPoolStore> store_;
  std::unique_ptr<rpc::Endpoint> server_;
  std::unique_ptr<engine::Target> target_;
  std::unique_ptr<rpc::Endpoint> caller_;
  std::unique_ptr<client::Context> context_;
  std::vector<std::shared_ptr<client::Object>> objects_;
  uint64_t versionBytes_ = 0;
  uint64_t fetchCount_ = 0;
  bool hasSeenEnough_ = false;
  bool isFetching_ = false;
};

// A fetch takes two turns: its request leaves in one and is answered in the next.
constexpr size_t kStepsPerFetch = 2;
// Of aggregation, in records; around a microsecond each.
constexpr uint64_t kBudgetMin = 16;
constexpr uint64_t kBudgetMax = 512;

TEST_F(FairScheduling, AStepOfAggregationThatIsFastIsStillBounded) {
  const Seen seen = aggregate(12'000, 1000);
  EXPECT_GT(seen.stepCount, 12'000 / kBudgetMax);
  EXPECT_LE(seen.stepsPerFetchMax, kStepsPerFetch);
  EXPECT_LE(seen.freedPerTurnMax, kBudgetMax * versionBytes_);
}

TEST_F(FairScheduling, StepsOfAggregationThatTakeLongBecomeSmall) {
  const Seen seen = aggregate(3'000, 150'000);
  EXPECT_GT(seen.stepCount, 3'000 / kBudgetMax);
  EXPECT_LE(seen.stepsPerFetchMax, kStepsPerFetch);
  EXPECT_GT(seen.freedPerTurnMax, 0u);
  EXPECT_LE(seen.freedPerTurnMax, kBudgetMin * versionBytes_);
}

TEST_F(FairScheduling, WhatIsLeftOfAContainerGoesAFewRecordsATurn) {
  constexpr uint64_t kKeyCount = 3'000;
  client::Object& object = objectIn(kept_);
  ASSERT_TRUE(run(put(object, 1)).ok());
  client::Object& doomed = objectIn(doomed_);
  const uint64_t before = usedBytes();
  for (uint64_t dkey = 0; dkey < kKeyCount; ++dkey) ASSERT_TRUE(run(put(doomed, dkey)).ok());
  const uint64_t keyBytes = (usedBytes() - before) / kKeyCount;
  objects_.pop_back();
  ASSERT_TRUE(run(target_->destroyContainer(pool_, doomed_)).ok());
  const Seen seen = watch(object, 1, before + (usedBytes() - before) / 20);
  EXPECT_LE(seen.stepsPerFetchMax, kStepsPerFetch);
  EXPECT_GT(seen.stepCount, kKeyCount / kCollectBudget / 2);
  EXPECT_LE(seen.freedPerTurnMax, kCollectBudget * keyBytes * 2);
}

}  // namespace
}  // namespace daos::system
