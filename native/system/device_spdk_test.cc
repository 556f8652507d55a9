// Goal:   an engine keeps pools on block devices of SPDK as on others: shared by its targets, given
//         up and renewed, and told of what is free.
// Method: block devices in SPDK's memory, without huge pages and without a look at the PCI bus.
//         SPDK is set up once in a process, so all of it is one test.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "engine/open_device.h"
#include "system/device_fixture.h"

namespace daos::system {
namespace {

using bio::MediaRole;

class EngineOnSpdk : public testing::Test, protected DeviceFixture {
 protected:
  uint64_t discardedBytes() { return engine_->listDevices()[1].discardedBytes; }
  static std::string configuration() {
    const auto disk = [](const char* name) {
      return std::string(R"({"method": "bdev_malloc_create", "params": {"name": ")") + name +
             R"(", "num_blocks": )" + std::to_string(kDeviceBytes / 4096) +
             R"(, "block_size": 4096}})";
    };
    return R"({"subsystems": [{"subsystem": "bdev", "config": [)" + disk("first") + ", " +
           disk("second") + "]}]}";
  }
};

TEST_F(EngineOnSpdk, PoolsLieOnItsDevicesAndOneIsRenewed) {
  if (!engine::hasSpdk()) GTEST_SKIP() << "this build has no SPDK (docs/spdk.md)";
  options_.storage.devices = {{"spdk:first", {MediaRole::kWal, MediaRole::kMeta}},
                              {"spdk:second", {MediaRole::kData}}};
  options_.storage.spdk = {.hasHugePages = false, .memoryBytes = 1024 * kMebibyte,
                           .configuration = configuration()};
  options_.storage.format = engine::DeviceFormat::kBlank;
  start();
  ASSERT_NE(engine_, nullptr);
  createStore(kSizes);
  connect();
  auto object = this->object(1, 2);
  EXPECT_EQ(putAll(*object), kValueCount);
  EXPECT_EQ(countIn(*object), kValueCount);
  ASSERT_TRUE(setFaulty("spdk:second").ok());
  EXPECT_EQ(countIn(*object), 0);
  const Status renewed = renew("spdk:second");
  ASSERT_TRUE(renewed.ok()) << renewed.error().describe();
  const Status replaced = replace("spdk:second", pool_);
  ASSERT_TRUE(replaced.ok()) << replaced.error().describe();
  EXPECT_EQ(putAll(*object), kValueCount);
  EXPECT_EQ(countIn(*object), kValueCount);
  const uint64_t before = discardedBytes();
  ASSERT_TRUE(destroy(pool_).ok());
  for (int i = 0; i < 500 && discardedBytes() < before + kSizes.dataBytes; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_GE(discardedBytes(), before + kSizes.dataBytes);
}

}  // namespace
}  // namespace daos::system
