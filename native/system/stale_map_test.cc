// Goal: clients with an old pool map go on with the new one, which comes with the answer, and no
// operation fails. Method: maps change under load of many tasks.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "system/loopback.h"

namespace daos::system {
namespace {

class StaleMap : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    engine_ = engine::Engine::start({.dataDirectory = directory_.path(),
                                     .targetCount = 2,
                                     .transports = {GetParam()},
                                     .localNetwork = network_.get(),
                                     .arenaKind = engine::ArenaKind::kPmem})
                  .value();
    ASSERT_TRUE(waitFor([&](auto done) {
                  engine_->createPool(pool_, {.arenaBytes = 64ull << 20}, done);
                }).ok());
    ASSERT_TRUE(waitFor([&](auto done) { engine_->createContainer(pool_, pool_, done); }).ok());
    client_ = LoopbackClient::create({GetParam()}, network_.get()).value();
  }
  void TearDown() override {
    object_.reset();
    container_.reset();
    client_.reset();
    EXPECT_TRUE(engine_->stop().ok());
  }

  void open(placement::PoolMap map) {
    container_ = client_->openContainer(pool_, pool_, std::move(map)).value();
    object_ = client::Object::open(container_, ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1,
                                                              placement::kGroupCountMax))
                  .value();
  }
  Status publish(placement::PoolMap map) {
    return waitFor([&](auto done) { engine_->setPoolMap(pool_, map, done); });
  }
  uint32_t knownVersion() const { return container_->pool().map().version; }

  Task<Result<Epoch>> put(uint64_t dkey, uint64_t value) {
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = sizeof value};
    const Bytes data[] = {bytesOf(&value, sizeof value)};
    co_return co_await client::update(
        *object_, {.dkey = bytesOf(&dkey, sizeof dkey), .akeys = {&akey, 1}, .data = data});
  }
  Task<Result<uint64_t>> get(uint64_t dkey) {
    uint64_t value = 0;
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = sizeof value};
    const MutableBytes buffers[] = {bytesOf(&value, sizeof value)};
    client::AkeyResult result;
    DAOS_CO_TRY([[maybe_unused]] const Epoch epoch,
                co_await client::fetch(*object_, {.dkey = bytesOf(&dkey, sizeof dkey),
                                                  .akeys = {&akey, 1},
                                                  .buffers = buffers,
                                                  .results = {&result, 1}}));
    co_return value;
  }
  // Writes and reads a key of its own until the maps have stopped changing.
  Task<void> work(uint64_t dkey) {
    ++runningCount_;
    for (uint64_t value = 1; !hasStopped_; ++value) {
      const auto written = co_await put(dkey, value);
      EXPECT_TRUE(written.ok()) << written.error().describe();
      const auto found = co_await get(dkey);
      EXPECT_TRUE(found.ok()) << found.error().describe();
      if (!written.ok() || !found.ok()) break;
      EXPECT_EQ(*found, value);
    }
    --runningCount_;
  }

  const Uuid pool_ = SystemRandom().uuid();
  ScratchDirectory directory_{"/dev/shm"};
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<LoopbackClient> client_;
  std::shared_ptr<client::Container> container_;
  std::shared_ptr<client::Object> object_;
  std::atomic<bool> hasStopped_ = false;
  size_t runningCount_ = 0;
};

TEST_P(StaleMap, ItsClientGoesOnWithTheOneThatTheAnswerBrings) {
  open(mapOf(*engine_, 1));
  ASSERT_TRUE(client_->run(put(1, 7)).ok());
  placement::PoolMap newer = mapOf(*engine_, 5);
  newer.targets[1].addresses.push_back({"tcp", "fi_sockaddr_in://192.0.2.1:1"});
  ASSERT_TRUE(publish(newer).ok());
  EXPECT_EQ(knownVersion(), 1u);
  EXPECT_EQ(client_->run(get(1)).value(), 7u);
  EXPECT_EQ(knownVersion(), 5u);
  EXPECT_EQ(container_->pool().map().targets[1].addresses, newer.targets[1].addresses);
  // An older one changes nothing.
  ASSERT_TRUE(publish(mapOf(*engine_, 3)).ok());
  ASSERT_TRUE(client_->run(put(1, 8)).ok());
  EXPECT_EQ(knownVersion(), 5u);
}

TEST_P(StaleMap, NoOperationFailsWhileMapsChange) {
  constexpr uint32_t kVersionCount = 200;
  open(mapOf(*engine_, 1));
  std::thread control([this] {
    for (uint32_t version = 2; version <= kVersionCount; ++version) {
      EXPECT_TRUE(publish(mapOf(*engine_, version)).ok());
    }
    hasStopped_ = true;
  });
  for (uint64_t dkey = 0; dkey < 16; ++dkey) client_->reactor().spawn(work(dkey));
  client_->reactor().runUntil([&] { return runningCount_ == 0 && hasStopped_; });
  control.join();
  for (uint64_t dkey = 0; dkey < 16; ++dkey) EXPECT_TRUE(client_->run(put(dkey, 1)).ok());
  EXPECT_EQ(knownVersion(), kVersionCount);
}

INSTANTIATE_TEST_SUITE_P(Transports, StaleMap, testing::Values("local", "shm", "tcp"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace daos::system
