#include "bio/device_health.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace daos::bio {
namespace {

TEST(BioDeviceHealth, APageOfADeviceIsRead) {
  std::array<std::byte, 512> page{};
  page[0] = std::byte{5};
  page[1] = std::byte{0x37};  // 0x0137 = 311 K
  page[2] = std::byte{0x01};
  page[3] = std::byte{9};
  page[4] = std::byte{10};
  page[5] = std::byte{101};
  storeAs(page.data() + 128, uint64_t{4321});
  storeAs(page.data() + 144, uint64_t{17});
  storeAs(page.data() + 160, uint64_t{3});
  const auto health = parseNvmeHealth(page);
  ASSERT_TRUE(health.ok());
  EXPECT_TRUE(health->isAvailable);
  EXPECT_TRUE(health->isCritical());
  EXPECT_EQ(health->criticalWarning, 5u);
  EXPECT_EQ(health->temperatureKelvin, 311u);
  EXPECT_EQ(health->sparePercent, 9u);
  EXPECT_EQ(health->spareThresholdPercent, 10u);
  EXPECT_EQ(health->usedPercent, 101u);
  EXPECT_EQ(health->powerOnHours, 4321u);
  EXPECT_EQ(health->unsafeShutdownCount, 17u);
  EXPECT_EQ(health->mediaErrorCount, 3u);
  EXPECT_EQ(parseNvmeHealth(Bytes(page).first(511)).code(), ErrorCode::kInval);
}

TEST(BioDeviceHealth, WhatHasNoneSaysWhy) {
  char path[] = "/tmp/daos-health-XXXXXX";
  const int fd = mkstemp(path);
  ASSERT_GE(fd, 0);
  const DeviceHealth file = readDeviceHealth(path);
  EXPECT_FALSE(file.isAvailable);
  EXPECT_EQ(file.why, "a file, not a device");
  std::remove(path);
  EXPECT_EQ(readDeviceHealth(path).why, "No such file or directory");
  EXPECT_FALSE(readDeviceHealth(path).isCritical());
}

}  // namespace
}  // namespace daos::bio
