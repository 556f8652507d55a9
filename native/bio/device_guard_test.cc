#include "bio/device_guard.h"

#include <gtest/gtest.h>

#include "bio/media_test_drivers.h"

namespace daos::bio {
namespace {

TEST(BioDeviceGuard, SeveralMediaShareWhatAGuardHoldsAndNobodyElseHasIt) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  TestDirectory directory;
  const std::string path = directory.file("device");
  ASSERT_TRUE(createMediaFile(path, 1 << 20).ok());
  auto ring = IoRing::create(*reactor, Log(LogLevel::kOff, {})).value();
  auto guard = DeviceGuard::take(path, 0).value();
  auto first = openFileMedia(*ring, path, {.isShared = true});
  auto second = openFileMedia(*ring, path, {.isShared = true});
  EXPECT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(openFileMedia(*ring, path, {.lockWaitMs = 0}).code(), ErrorCode::kBusy);
  const auto other = DeviceGuard::take(path, 0);
  ASSERT_EQ(other.code(), ErrorCode::kBusy);
  EXPECT_NE(other.error().message().find(path), std::string::npos);
  guard.reset();
  EXPECT_EQ(DeviceGuard::take(path, 0).code(), ErrorCode::kBusy) << "media are open still";
  first->reset();
  second->reset();
  ring.reset();
  EXPECT_TRUE(DeviceGuard::take(path, 1000).ok());
}

TEST(BioDeviceGuard, WhatIsNotThereOrNoDeviceIsRefused) {
  EXPECT_EQ(DeviceGuard::take("/nowhere/at/all").code(), ErrorCode::kNonexist);
  EXPECT_EQ(DeviceGuard::take("/dev/null").code(), ErrorCode::kInval);
}

}  // namespace
}  // namespace daos::bio
