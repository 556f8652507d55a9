// Goal:   a device that fails, is given up, or is missing, stops the targets that use it and no
//         others; another in its place, and new shares, bring them back, and what other targets
//         hold is never touched.
// Method: an engine of two targets, with a device for the bulk data of each, on files used as
//         devices and on block devices of the kernel's.
#include <gtest/gtest.h>

#include <filesystem>

#include "system/device_fixture.h"

namespace daos::system {
namespace {

using bio::MediaRole;
using engine::DeviceState;

const bio::DeviceRoles kLog{MediaRole::kWal, MediaRole::kMeta};
const bio::DeviceRoles kData{MediaRole::kData};

class DeviceRenewal : public testing::TestWithParam<TestDeviceKind>, protected DeviceFixture {
 protected:
  // Device 0 has logs and metadata of both targets, 1 and 2 the bulk data of one each.
  void SetUp() override {
    makeDevices(GetParam(), {kLog, kData, kData});
    if (IsSkipped()) return;
    format();
    createStore(kSizes);
    connect();
    object_ = object(1, 2);
    ASSERT_EQ(putAll(*object_), kValueCount);
  }
  void TearDown() override { object_.reset(); }

  void restartAll() {
    object_.reset();
    restart();
    [[maybe_unused]] const Status opened =
        waitFor([&](auto done) { engine_->openPool(pool_, done); });
  }
  void connectAgain() {
    connect();
    object_ = object(1, 2);
  }
  DeviceState stateOf(size_t device) { return engine_->listDevices()[device].state; }
  void expectServed(bool isFirstServed, bool isSecondServed) {
    const auto all = shares();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].failure.empty(), isFirstServed) << all[0].failure;
    EXPECT_EQ(all[1].failure.empty(), isSecondServed) << all[1].failure;
  }
  // Keys of the target that stays: some, but not all.
  void expectHalf() {
    const int left = countIn(*object_);
    EXPECT_GT(left, 0);
    EXPECT_LT(left, kValueCount);
  }

  std::shared_ptr<client::Object> object_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, DeviceRenewal,
                         testing::Values(TestDeviceKind::kFile, TestDeviceKind::kLoop),
                         [](const auto& kind) {
                           return kind.param == TestDeviceKind::kFile ? "File" : "Loop";
                         });

TEST_P(DeviceRenewal, ADeviceThatIsGivenUpStopsItsTargetsAloneAlsoAfterARestart) {
  EXPECT_EQ(setFaulty("/dev/nothing").code(), ErrorCode::kNonexist);
  ASSERT_TRUE(setFaulty(path(2)).ok());
  ASSERT_TRUE(setFaulty(path(2)).ok());  // may be repeated
  for (int i = 0; i < 2; ++i) {
    expectServed(true, false);
    const auto failure = shares()[1].failure;
    EXPECT_NE(
        failure.find("target 1 of rank 0 has stopped: " + path(2) + " was set faulty: too old"),
        std::string::npos)
        << failure;
    expectHalf();
    EXPECT_EQ(stateOf(1), DeviceState::kNormal);
    EXPECT_EQ(stateOf(2), DeviceState::kFaulty);
    EXPECT_EQ(engine_->listDevices()[2].why, path(2) + " was set faulty: too old");
    if (i == 0) {
      restartAll();
      connectAgain();
    }
  }
}

TEST_P(DeviceRenewal, ARenewedDeviceAndANewShareBringATargetBack) {
  EXPECT_EQ(renew(path(2)).code(), ErrorCode::kBusy);
  ASSERT_TRUE(setFaulty(path(2)).ok());
  const Status early = replace(path(2), pool_);
  EXPECT_EQ(early.code(), ErrorCode::kBusy);
  EXPECT_NE(early.error().message().find("renew it first"), std::string::npos);
  const Uuid before = engine_->listDevices()[2].uuid;
  const Status renewed = renew(path(2));
  ASSERT_TRUE(renewed.ok()) << renewed.error().describe();
  EXPECT_NE(engine_->listDevices()[2].uuid, before);
  EXPECT_EQ(stateOf(2), DeviceState::kNew);
  expectServed(true, false);
  EXPECT_NE(shares()[1].failure.find("is lost"), std::string::npos) << shares()[1].failure;
  EXPECT_EQ(replace(path(2), Uuid::fromRandom(7, 7)).code(), ErrorCode::kNonexist);
  for (int i = 0; i < 2; ++i) {
    if (i == 0) restartAll();  // lost stays lost
    EXPECT_EQ(stateOf(2), DeviceState::kNew);
    int lostCount = 0;
    for (const auto& report : reports()) {
      if (!report.isFaulty) continue;
      ++lostCount;
      EXPECT_EQ(report.path, path(2));
      EXPECT_EQ(report.target, 1u);
      EXPECT_EQ(report.pool, pool_);
      EXPECT_EQ(report.roles, kData);
    }
    EXPECT_EQ(lostCount, 1);
  }
  const Status replaced = replace(path(2), pool_);
  ASSERT_TRUE(replaced.ok()) << replaced.error().describe();
  EXPECT_EQ(replace(path(2), pool_).code(), ErrorCode::kBusy);
  EXPECT_EQ(stateOf(2), DeviceState::kNormal);
  for (int i = 0; i < 2; ++i) {
    expectServed(true, true);
    connectAgain();
    if (i == 0) {
      expectHalf();
      EXPECT_EQ(putAll(*object_), kValueCount);
      restartAll();
    }
  }
  EXPECT_EQ(countIn(*object_), kValueCount);
}

// The log of both targets lies there: nothing of the pool is left.
TEST_P(DeviceRenewal, ADeviceOfAllTargetsIsRenewedForAllOfThem) {
  ASSERT_TRUE(setFaulty(path(0)).ok());
  EXPECT_EQ(countIn(*object_), 0);
  ASSERT_TRUE(renew(path(0)).ok());
  const Status replaced = replace(path(0), pool_);
  ASSERT_TRUE(replaced.ok()) << replaced.error().describe();
  expectServed(true, true);
  EXPECT_EQ(putAll(*object_), kValueCount);
  EXPECT_EQ(countIn(*object_), kValueCount);
}

TEST_P(DeviceRenewal, AMissingDeviceStopsItsTargetsAndAnotherTakesItsPlace) {
  if (GetParam() == TestDeviceKind::kLoop) GTEST_SKIP() << "loop devices have paths of their own";
  object_.reset();
  stop();
  const std::string file = path(2);
  std::filesystem::rename(file, file + ".away");
  start();
  openPool();
  connectAgain();
  expectServed(true, false);
  expectHalf();
  EXPECT_NE(engine_->listDevices()[2].why.find("No such file"), std::string::npos);
  EXPECT_EQ(renew(file).code(), ErrorCode::kNonexist);
  // A foreign one is not taken; one that is too small neither.
  std::filesystem::copy_file(file + ".away", file);
  object_.reset();
  std::filesystem::resize_file(file, 64 * kMebibyte);
  const Status small = renew(file);
  EXPECT_EQ(small.code(), ErrorCode::kNospace);
  std::filesystem::remove(file);
  ASSERT_TRUE(bio::createMediaFile(file, kDeviceBytes + 4 * kMebibyte).ok());
  const Status renewed = renew(file);
  ASSERT_TRUE(renewed.ok()) << renewed.error().describe();
  ASSERT_TRUE(replace(file, pool_).ok());
  expectServed(true, true);
  // The one that was away is not what the engine knows any more.
  object_.reset();
  stop();
  std::filesystem::rename(file + ".away", file);
  start();
  EXPECT_EQ(stateOf(2), DeviceState::kFaulty);
  EXPECT_NE(engine_->listDevices()[2].why.find("which another one has replaced"),
            std::string::npos);
}

TEST_P(DeviceRenewal, WhatIsNotBlankIsRenewedOnlyByForce) {
  ASSERT_TRUE(setFaulty(path(2)).ok());
  {
    const int fd = open(path(2).c_str(), O_RDWR);
    ASSERT_GE(fd, 0);
    const std::string text(8192, 'x');
    EXPECT_EQ(pwrite(fd, text.data(), text.size(), 0), 8192);
    close(fd);
  }
  const Status refused = renew(path(2));
  EXPECT_EQ(refused.code(), ErrorCode::kExist);
  EXPECT_NE(refused.error().message().find("data of an unknown kind"), std::string::npos);
  EXPECT_EQ(stateOf(2), DeviceState::kFaulty);
  EXPECT_TRUE(renew(path(2), true).ok());
}

// The kernel reports errors of the medium: what lies beyond the end of the file can't be read.
TEST_P(DeviceRenewal, ErrorsOfTheMediumStopTheTargetsThatUseItAlone) {
  std::filesystem::resize_file(devices_[2]->file(), kMebibyte);
  for (int i = 0; i < 20; ++i) (void)countIn(*object_);
  expectServed(true, false);
  EXPECT_EQ(stateOf(2), DeviceState::kFaulty);
  EXPECT_NE(engine_->listDevices()[2].why.find(path(2)), std::string::npos);
  expectHalf();
  ASSERT_TRUE(destroy(pool_).ok());
  std::filesystem::resize_file(devices_[2]->file(), kDeviceBytes);
  object_.reset();
  // Nobody names the volumes that could not be freed, so that they are free after a start.
  restart();
  EXPECT_EQ(stateOf(2), DeviceState::kFaulty);
  EXPECT_NE(engine_->listDevices()[2].why.find("the region of target 1"), std::string::npos);
  EXPECT_EQ(renew(path(2)).code(), ErrorCode::kBusy) << "the device works, as far as is known";
  ASSERT_TRUE(setFaulty(path(2)).ok());
  ASSERT_TRUE(renew(path(2)).ok());
  EXPECT_EQ(stateOf(2), DeviceState::kNormal);
  createStore(kSizes);
}

TEST_P(DeviceRenewal, APoolThatHasNothingThereIsServedOnceTheDeviceIsRenewed) {
  const Uuid small = Uuid::fromRandom(4, 4);
  ASSERT_TRUE(create(small, {.arenaBytes = 2 << 20, .dataBytes = 0}).ok());
  ASSERT_TRUE(setFaulty(path(1)).ok());
  ASSERT_TRUE(renew(path(1)).ok());
  std::promise<Result<std::vector<engine::TargetShare>>> found;
  engine_->queryPool(small, [&](auto all) { found.set_value(std::move(all)); });
  const auto all = found.get_future().get();
  ASSERT_TRUE(all.ok()) << all.error().describe();
  for (const auto& share : *all) EXPECT_EQ(share.failure, "");
  // A pool whose share is lost can be destroyed in place of being replaced.
  ASSERT_TRUE(destroy(pool_).ok());
  EXPECT_EQ(stateOf(1), DeviceState::kNormal);
}

}  // namespace
}  // namespace daos::system
