// Goal:   what pools give up on a device is given back to what lies below it, and nothing that they
//         hold; unless the engine was told not to.
// Method: the blocks that files have in their file system: files used as devices, and files below
//         block devices of the kernel's, which get the requests that a disk would get.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "system/device_fixture.h"

namespace daos::system {
namespace {

using bio::MediaRole;

class DeviceDiscard : public testing::TestWithParam<TestDeviceKind>, protected DeviceFixture {
 protected:
  static constexpr engine::PoolSizes kLarge{.arenaBytes = 2 << 20, .dataBytes = 24 << 20};

  void SetUp() override {
    makeDevices(GetParam(), {{MediaRole::kWal, MediaRole::kMeta}, {MediaRole::kData}});
  }
  uint64_t blockBytes(size_t device) const {
    struct stat status {};
    EXPECT_EQ(stat(devices_[device]->file().c_str(), &status), 0);
    return static_cast<uint64_t>(status.st_blocks) * 512;
  }
  void expectSoon(size_t device, uint64_t mostBytes) {
    for (int i = 0; i < 500 && blockBytes(device) > mostBytes; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_LE(blockBytes(device), mostBytes) << "device " << device;
  }
  // Until nothing fits any more.
  int fill(client::Object& object) {
    int count = 0;
    while (count < 400 && put(object, "f" + std::to_string(count), value_).ok()) ++count;
    return count;
  }
  bool holds(client::Object& object, int count) {
    for (int i = 0; i < count; ++i) {
      const auto found = get(object, "f" + std::to_string(i), value_.size());
      if (!found.ok() || *found != value_) return false;
    }
    return true;
  }

  const std::string value_ = std::string(500'000, 'v');
};

INSTANTIATE_TEST_SUITE_P(Kinds, DeviceDiscard,
                         testing::Values(TestDeviceKind::kFile, TestDeviceKind::kLoop),
                         [](const auto& kind) {
                           return kind.param == TestDeviceKind::kFile ? "File" : "Loop";
                         });

TEST_P(DeviceDiscard, WhatPoolsGiveUpIsGivenBackAndWhatTheyHoldStays) {
  EXPECT_GE(blockBytes(1), kDeviceBytes);
  format();
  // Labels and tables of volumes stay.
  expectSoon(0, 8 * kMebibyte);
  expectSoon(1, 8 * kMebibyte);
  createStore(kLarge);
  if (GetParam() == TestDeviceKind::kFile) {
    // A write to it can't lack room.
    EXPECT_GE(blockBytes(1), 2 * kLarge.dataBytes);
  }
  connect();
  auto object = this->object(1, 2);
  const int count = fill(*object);
  ASSERT_GT(count, 80);
  const Uuid other = Uuid::fromRandom(1, 5);
  ASSERT_TRUE(create(other, kLarge).ok());
  const uint64_t both = blockBytes(1);
  ASSERT_TRUE(destroy(other).ok());
  expectSoon(1, std::min(both, 2 * kLarge.dataBytes + 10 * kMebibyte));
  EXPECT_TRUE(holds(*object, count));
  restart();
  openPool();
  connect();
  object = this->object(1, 2);
  EXPECT_TRUE(holds(*object, count));
  EXPECT_EQ(engine_->listDevices()[1].discardedBytes, 0u);
  ASSERT_TRUE(destroy(pool_).ok());
  expectSoon(0, 8 * kMebibyte);
  expectSoon(1, 8 * kMebibyte);
  const uint64_t volumeBytes = 2 * (kLarge.dataBytes + kMebibyte);
  for (int i = 0; i < 500 && engine_->listDevices()[1].discardedBytes < volumeBytes; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const auto device = engine_->listDevices()[1];
  EXPECT_EQ(device.discardedBytes, volumeBytes);
  EXPECT_EQ(device.discardErrorCount, 0u);
}

TEST_P(DeviceDiscard, AShrunkDataAreaGivesBackItsEnd) {
  format();
  createStore(kLarge);
  connect();
  const int count = fill(*object(1, 2));
  ASSERT_GT(count, 80);
  ASSERT_TRUE(waitFor([&](auto done) {
                engine_->destroyContainer(pool_, container_, done);
              }).ok());
  const Status shrunk =
      waitFor([&](auto done) { engine_->resizePool(pool_, 4 * kMebibyte, done); });
  ASSERT_TRUE(shrunk.ok()) << shrunk.error().describe();
  expectSoon(1, 2 * 4 * kMebibyte + 10 * kMebibyte);
}

TEST_P(DeviceDiscard, AnEngineThatIsToldNotToLeavesTheDeviceAlone) {
  options_.storage.isDiscarding = false;
  format();
  createStore(kLarge);
  ASSERT_TRUE(destroy(pool_).ok());
  stop();
  EXPECT_GE(blockBytes(0), kDeviceBytes);
  EXPECT_GE(blockBytes(1), kDeviceBytes);
}

}  // namespace
}  // namespace daos::system
