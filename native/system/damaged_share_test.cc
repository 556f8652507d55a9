// Goal: a pool opens without a target whose share is damaged: the other one serves what it holds,
// and the answers of this one say why it doesn't.
#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

class DamagedShare : public testing::Test, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(startEngine({.targetCount = 2, .transports = {"local"}}));
    ASSERT_NO_FATAL_FAILURE(
        createStore({.arenaBytes = 32 * kMebibyte, .dataBytes = 8 * kMebibyte}));
    stop();
    std::filesystem::resize_file(
        directory_.path() / "pools" / pool_.toString() / "target-1" / "store", 4096);
    ASSERT_NO_FATAL_FAILURE(startEngine({.targetCount = 2, .transports = {"local"}}));
    ASSERT_NO_FATAL_FAILURE(openPool());
    startClient();
  }
  std::vector<engine::TargetShare> shares() {
    std::promise<Result<std::vector<engine::TargetShare>>> answered;
    engine_->queryPool(pool_, [&](auto found) { answered.set_value(std::move(found)); });
    return answered.get_future().get().value();
  }
};

bool tells(std::string_view message) {
  return message.find("target 1 of rank 0 does not serve pool") != std::string_view::npos;
}

TEST_F(DamagedShare, IsToldOfWithItsPool) {
  const auto all = shares();
  EXPECT_EQ(all[0].failure, "");
  EXPECT_GT(all[0].arenaTotalBytes, 0u);
  EXPECT_TRUE(tells(all[1].failure)) << all[1].failure;
}

TEST_F(DamagedShare, LeavesTheOtherTargetInUse) {
  // Whichever of them is asked first.
  for (int i = 0; i < 20; ++i) ASSERT_NO_FATAL_FAILURE(openContainer());
  const auto wide = object(1, 2);
  int servedCount = 0;
  for (int i = 0; i < 64; ++i) {
    const auto written = put(*wide, std::to_string(i), "v");
    servedCount += written.ok();
    if (written.ok()) continue;
    EXPECT_EQ(written.code(), ErrorCode::kIo);
    EXPECT_TRUE(tells(written.error().describe())) << written.error().describe();
  }
  EXPECT_GT(servedCount, 8);
  EXPECT_LT(servedCount, 56);
}

TEST_F(DamagedShare, GoesWithItsPool) {
  ASSERT_TRUE(waitFor([&](auto done) { engine_->destroyPool(pool_, done); }).ok());
  EXPECT_TRUE(engine_->listPools()->empty());
}

}  // namespace
}  // namespace daos::system
