#include "engine/devices_file.h"

#include <gtest/gtest.h>

#include "engine/device_layout.h"

namespace daos::engine {
namespace {

using bio::MediaRole;

const bio::DeviceRoles kLog{MediaRole::kWal, MediaRole::kMeta};
const bio::DeviceRoles kData{MediaRole::kData};
const bio::DeviceRoles kAll{MediaRole::kWal, MediaRole::kMeta, MediaRole::kData};

DevicesFile exampleFile() {
  return {.engine = Uuid::fromRandom(1, 2),
          .isFormatting = false,
          .devices = {{.uuid = Uuid::fromRandom(3, 4),
                       .roles = kLog,
                       .deviceBytes = 100 << 20,
                       .regionBytes = 99 << 20,
                       .path = "/dev/a disk with spaces"},
                      {.uuid = Uuid::fromRandom(5, 6),
                       .roles = kData,
                       .deviceBytes = 200 << 20,
                       .regionBytes = 99 << 20,
                       .isFaulty = true,
                       .why = "it smells of smoke",
                       .path = "spdk:nvme0n1"}}};
}

TEST(EngineDevicesFile, WhatIsWrittenIsReadAgain) {
  for (const bool isFormatting : {false, true}) {
    DevicesFile file = exampleFile();
    file.isFormatting = isFormatting;
    const auto read = parseDevicesFile(textOf(file));
    ASSERT_TRUE(read.ok()) << read.error().describe();
    EXPECT_EQ(*read, file);
  }
}

TEST(EngineDevicesFile, AReasonOfSeveralLinesBecomesOne) {
  DevicesFile file = exampleFile();
  file.devices[1].why = "smoke\ndevice of another line";
  const auto read = parseDevicesFile(textOf(file));
  ASSERT_TRUE(read.ok()) << read.error().describe();
  EXPECT_EQ(read->devices.size(), 2u);
  EXPECT_EQ(read->devices[1].why, "smoke device of another line");
}

TEST(EngineDevicesFile, DamageIsRefused) {
  const std::string good = textOf(exampleFile());
  EXPECT_FALSE(parseDevicesFile("").ok());
  EXPECT_FALSE(parseDevicesFile(good.substr(0, 40)).ok());
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"daos-devices", "something-else"},
           {"state ready", "state shaken"},
           {"normal /dev", "unwell /dev"},
           {" 3 104857600", " 9 104857600"},
           {" 3 104857600", " 0 104857600"},
           {"device ", "gadget "}}) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    EXPECT_FALSE(parseDevicesFile(text).ok()) << text;
  }
  std::string newer = good;
  newer.replace(newer.find("devices 1"), 9, "devices 2");
  EXPECT_EQ(parseDevicesFile(newer).code(), ErrorCode::kDfIncompt);
}

TEST(EngineDeviceLayout, TargetsTakeTurnsAtTheDevicesOfARole) {
  const auto layout = DeviceLayout::of({{"a", kLog}, {"b", kData}, {"c", kData}}, 5).value();
  EXPECT_EQ(layout.usersOf(0), (std::vector<uint32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(layout.usersOf(1), (std::vector<uint32_t>{0, 2, 4}));
  EXPECT_EQ(layout.usersOf(2), (std::vector<uint32_t>{1, 3}));
  EXPECT_EQ(layout.rolesOf(3, 2), kData);
  EXPECT_TRUE(layout.rolesOf(3, 1).isEmpty());
  EXPECT_EQ(layout.rolesOf(3, 0), kLog);
  EXPECT_EQ(layout.regionBytes(1, 100 << 20), 33u << 20);
  EXPECT_EQ(layout.regionBytes(1, 6 << 20), 0u);
  EXPECT_EQ(layout.regionBytes(1, 0), 0u);
}

TEST(EngineDeviceLayout, DevicesThatDoNotFitTheEngineAreRefusedByName) {
  const auto refusal = [](const std::vector<DeviceOption>& devices, uint32_t targetCount) {
    const auto layout = DeviceLayout::of(devices, targetCount);
    EXPECT_EQ(layout.code(), ErrorCode::kInval);
    return layout.ok() ? std::string() : std::string(layout.error().message());
  };
  EXPECT_NE(refusal({{"a", kLog}}, 1).find("the role data"), std::string::npos);
  EXPECT_NE(refusal({{"a", kAll}, {"a", kData}}, 2).find("a is named twice"), std::string::npos);
  EXPECT_NE(refusal({{"a", kLog}, {"b", kData}, {"c", kData}}, 1).find("device c (data)"),
            std::string::npos);
  EXPECT_NE(refusal({{"a", {}}}, 1).find("no role"), std::string::npos);
  refusal({}, 1);
  refusal({{"", kAll}}, 1);
  refusal(std::vector<DeviceOption>(65, {"x", kAll}), 80);
}

}  // namespace
}  // namespace daos::engine
