// Goal: a target that is away keeps nobody from the others: its pool is opened and its map updated
// without an address of it, and operations on it go on once there is one.
#include <gtest/gtest.h>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

constexpr uint32_t kAway = 1;  // position of the target in the map

class AwayTarget : public testing::Test, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(startEngine({.targetCount = 2, .transports = {"local"}}));
    ASSERT_NO_FATAL_FAILURE(createStore({.arenaBytes = 32 * kMebibyte}));
    startClient();
  }
  placement::PoolMap partialMap() const {
    placement::PoolMap map = mapOf(*engine_);
    map.targets[kAway].addresses.clear();
    return map;
  }
  // To a dkey that lies on the target at this position.
  ErrorCode putOn(uint32_t target, uint64_t timeoutNs = 0) {
    const auto wide = object(1, 0xffff);
    std::string dkey = "k";
    while (wide->targetOf(bytesOf(dkey)).value() != target) dkey += 'k';
    return put(*wide, dkey, "v", 0, timeoutNs).code();
  }
};

TEST_F(AwayTarget, APoolIsOpenedWithoutItAndItIsReachedOnceItHasAnAddress) {
  ASSERT_NO_FATAL_FAILURE(openContainer(partialMap()));
  EXPECT_EQ(putOn(0), ErrorCode::kOk);
  const ErrorCode code = putOn(kAway, 100'000'000);
  EXPECT_TRUE(code == ErrorCode::kTimedout || code == ErrorCode::kUnreach) << errorName(code);
  ASSERT_TRUE(open_->pool().updateMap(mapOf(*engine_)).ok());
  EXPECT_EQ(putOn(kAway), ErrorCode::kOk);
}

TEST_F(AwayTarget, AMapWithoutItsAddressKeepsTheOneThatIsKnown) {
  ASSERT_NO_FATAL_FAILURE(openContainer());
  ASSERT_TRUE(open_->pool().updateMap(partialMap()).ok());
  EXPECT_EQ(putOn(0), ErrorCode::kOk);
  EXPECT_EQ(putOn(kAway), ErrorCode::kOk);
}

}  // namespace
}  // namespace daos::system
