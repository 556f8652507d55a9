// Goal: a target that is away keeps nobody from the others: its pool is opened and its map updated
// without an address of it, and operations on it go on once there is one.
#include <gtest/gtest.h>

#include "system/loopback.h"

namespace daos::system {
namespace {

constexpr uint32_t kAway = 1;  // position of the target in the map

class AwayTarget : public testing::Test {
 protected:
  void SetUp() override {
    auto engine = engine::Engine::start({.dataDirectory = directory_.path(),
                                         .targetCount = 2,
                                         .transports = {"local"},
                                         .localNetwork = network_.get()});
    ASSERT_TRUE(engine.ok()) << engine.error().describe();
    engine_ = std::move(*engine);
    ASSERT_TRUE(waitFor([&](auto done) {
                  engine_->createPool(pool_, {.arenaBytes = 32ull << 20}, std::move(done));
                }).ok());
    ASSERT_TRUE(
        waitFor([&](auto done) { engine_->createContainer(pool_, container_, done); }).ok());
    client_ = LoopbackClient::create({"local"}, network_.get()).value();
  }
  void TearDown() override {
    open_.reset();
    client_.reset();
    EXPECT_TRUE(engine_->stop().ok());
  }
  placement::PoolMap partialMap() const {
    placement::PoolMap map = mapOf(*engine_);
    map.targets[kAway].addresses.clear();
    return map;
  }
  // To a dkey that lies on the target at this position.
  ErrorCode putOn(uint32_t target, uint64_t timeoutNs = 0) {
    const ObjectId oid = ObjectId::make({1, 0}, ObjectType::kMultiHashed, 1, 0xffff);
    const auto object = client::Object::open(open_, oid).value();
    std::string dkey = "k";
    while (object->targetOf(bytesOf(dkey)).value() != target) dkey += 'k';
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = 1};
    const Bytes data[] = {bytesOf("v")};
    return client_
        ->run(client::update(*object, {.dkey = bytesOf(dkey),
                                       .akeys = {&akey, 1},
                                       .data = data,
                                       .timeoutNs = timeoutNs}))
        .code();
  }

  const Uuid pool_ = Uuid::fromRandom(1, 9);
  const Uuid container_ = Uuid::fromRandom(2, 9);
  ScratchDirectory directory_{"/dev/shm"};
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<LoopbackClient> client_;
  std::shared_ptr<client::Container> open_;
};

TEST_F(AwayTarget, APoolIsOpenedWithoutItAndItIsReachedOnceItHasAnAddress) {
  open_ = client_->openContainer(pool_, container_, partialMap()).value();
  EXPECT_EQ(putOn(0), ErrorCode::kOk);
  const ErrorCode code = putOn(kAway, 100'000'000);
  EXPECT_TRUE(code == ErrorCode::kTimedout || code == ErrorCode::kUnreach) << errorName(code);
  ASSERT_TRUE(open_->pool().updateMap(mapOf(*engine_)).ok());
  EXPECT_EQ(putOn(kAway), ErrorCode::kOk);
}

TEST_F(AwayTarget, AMapWithoutItsAddressKeepsTheOneThatIsKnown) {
  open_ = client_->openContainer(pool_, container_, mapOf(*engine_)).value();
  ASSERT_TRUE(open_->pool().updateMap(partialMap()).ok());
  EXPECT_EQ(putOn(0), ErrorCode::kOk);
  EXPECT_EQ(putOn(kAway), ErrorCode::kOk);
}

}  // namespace
}  // namespace daos::system
