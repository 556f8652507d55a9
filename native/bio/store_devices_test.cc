#include "bio/store_devices.h"

#include <gtest/gtest.h>

#include <cstring>

#include "bio/device_label.h"
#include "bio/memory_media.h"
#include "testing/golden_file.h"

namespace daos::bio {
namespace {

constexpr RoleSizes kSizes{1 << 20, 2 << 20, 4 << 20};

class BioStoreDevices : public testing::Test {
 public:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    pool_ = DmaPool::create(1 << 20).value();
    for (int i = 0; i < 3; ++i) {
      disks_.push_back(openMemoryMedia(*reactor_, "disk" + std::to_string(i), 16 << 20).value());
    }
  }
  // Devices are given away and disks stay: a slice over the whole of each.
  StoreDevices::Devices devices(std::vector<size_t> order) {
    StoreDevices::Devices all;
    for (const size_t i : order) {
      all.push_back(std::make_unique<MediaSlice>(*disks_[i], "whole", 0, disks_[i]->sizeBytes()));
    }
    return all;
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
  auto format(std::vector<size_t> order, RoleSizes sizes = kSizes, FormatOptions options = {}) {
    return run(StoreDevices::format(devices(order), *pool_, identity_, sizes, random_, options));
  }
  auto open(std::vector<size_t> order) {
    return run(StoreDevices::open(devices(order), *pool_, identity_, log_));
  }

  SystemClock clock_;
  SeededRandom random_{1};
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }};
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<DmaPool> pool_;
  std::vector<std::unique_ptr<Media>> disks_;
  StoreIdentity identity_{Uuid::fromRandom(5, 6), 3};
};

TEST_F(BioStoreDevices, RolesAreFoundAgainOnOneTwoAndThreeDevices) {
  for (const auto& order : {std::vector<size_t>{0}, {0, 1}, {0, 1, 2}}) {
    ASSERT_TRUE(format(order, kSizes, {.isForced = true}).ok());
    auto store = open(order);
    ASSERT_TRUE(store.ok()) << store.error().describe();
    EXPECT_EQ((*store)->wal()->sizeBytes(), kSizes.walBytes);
    EXPECT_EQ((*store)->meta()->sizeBytes(), kSizes.metaBytes);
    EXPECT_EQ((*store)->data()->sizeBytes(), kSizes.dataBytes);
  }
}

TEST_F(BioStoreDevices, DataMayTakeTheRestOrNothing) {
  auto rest = format({0}, {1 << 20, 2 << 20, RoleSizes::kRestOfDevice});
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ((*rest)->data()->sizeBytes(), 12u << 20);
  auto none = format({1}, {1 << 20, 2 << 20, 0});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ((*none)->data(), nullptr);
}

TEST_F(BioStoreDevices, LogAndMetadataLieApartOnTwoDevicesWithoutData) {
  const RoleSizes sizes{1 << 20, 2 << 20, 0};
  ASSERT_TRUE(format({0, 1}, sizes).ok());
  EXPECT_EQ(StoreDevices::deviceSizeBytes(sizes, 2, 0), 2u << 20);
  EXPECT_EQ(StoreDevices::deviceSizeBytes(sizes, 2, 1), 3u << 20);
  const auto store = open({0, 1});
  ASSERT_TRUE(store.ok()) << store.error().describe();
  EXPECT_EQ((*store)->rolesOf(0), DeviceRoles{MediaRole::kWal});
  EXPECT_EQ((*store)->rolesOf(1), DeviceRoles{MediaRole::kMeta});
  EXPECT_EQ(&(*store)->meta()->device(), &disks_[1]->device());
}

TEST_F(BioStoreDevices, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(format({0}, {1 << 20, 32 << 20, 0}).code(), ErrorCode::kNospace);
}

TEST_F(BioStoreDevices, SwappedDevicesAreRefused) {
  ASSERT_TRUE(format({0, 1, 2}).ok());
  const auto swapped = open({0, 2, 1});
  ASSERT_EQ(swapped.code(), ErrorCode::kMismatch);
  EXPECT_NE(swapped.error().message().find("disk2"), std::string::npos);
  EXPECT_NE(swapped.error().message().find("swapped"), std::string::npos);
  EXPECT_EQ(open({0, 1}).code(), ErrorCode::kMismatch);
}

TEST_F(BioStoreDevices, ForeignAndEmptyDevicesAreRefused) {
  EXPECT_EQ(open({0}).code(), ErrorCode::kDfInval);
  ASSERT_TRUE(format({0}).ok());
  const StoreIdentity own = identity_;
  identity_.targetIndex = 4;
  EXPECT_EQ(open({0}).code(), ErrorCode::kMismatch);
  identity_ = {Uuid::fromRandom(7, 8), 3};
  EXPECT_EQ(open({0}).code(), ErrorCode::kMismatch);
  identity_ = own;
  EXPECT_TRUE(open({0}).ok());
}

// The same store formatted again on one device: its label is right in all but the siblings.
TEST_F(BioStoreDevices, AReplacedDeviceIsNoticed) {
  ASSERT_TRUE(format({0, 1}).ok());
  ASSERT_TRUE(format({2, 1}, kSizes, {.isForced = true}).ok());
  EXPECT_EQ(open({0, 1}).code(), ErrorCode::kMismatch);
  EXPECT_TRUE(open({2, 1}).ok());
}

TEST_F(BioStoreDevices, ADeviceInUseIsNotFormattedUnlessForced) {
  ASSERT_TRUE(format({0}).ok());
  EXPECT_EQ(format({0}).code(), ErrorCode::kExist);
  EXPECT_TRUE(format({0}, kSizes, {.isForced = true}).ok());
}

TEST_F(BioStoreDevices, OneDamagedLabelOfTwoIsSurvivedAndLogged) {
  ASSERT_TRUE(format({0}).ok());
  for (const uint64_t block : {0, 1}) {
    lines_.clear();
    run([](Media& disk, uint64_t offset) -> Task<int> {
      alignas(4096) static std::byte bytes[4096];
      EXPECT_TRUE((co_await disk.read(offset, bytes)).ok());
      bytes[20] ^= std::byte{1};
      EXPECT_TRUE((co_await disk.write(offset, bytes)).ok());
      co_return 0;
    }(*disks_[0], block * 4096));
    EXPECT_EQ(open({0}).ok(), block == 0);
    EXPECT_EQ(lines_.size(), 1u - block);
  }
  EXPECT_EQ(open({0}).code(), ErrorCode::kDfInval);
}

// Goal: labels that were written by version 1 are read by every later one, and written alike.
TEST_F(BioStoreDevices, ALabelIsWrittenAsTheGoldenFileHasIt) {
  ASSERT_TRUE(format({0, 1}).ok());
  std::string text;
  run([](Media& disk, std::string& hex) -> Task<int> {
    alignas(4096) static std::byte bytes[4096];
    EXPECT_TRUE((co_await disk.read(0, bytes)).ok());
    for (size_t i = 0; i < sizeof(DeviceLabel); ++i) {
      char digits[3];
      std::snprintf(digits, sizeof(digits), "%02x", std::to_integer<unsigned>(bytes[i]));
      hex += digits;
      if (i % 32 == 31 || i + 1 == sizeof(DeviceLabel)) hex += '\n';
    }
    co_return 0;
  }(*disks_[0], text));
  EXPECT_EQ(text, readGoldenFile("bio/golden/device_label_v1.hex"));
}

}  // namespace
}  // namespace daos::bio
