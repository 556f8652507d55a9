// Goal:   an engine on devices does what one on files does, over restarts, on each division of
//         roles among them; and refuses devices that are not formatted, not blank, in use or not
//         its own.
// Method: whole engines, on files used as devices and on block devices of the kernel's.
#include <gtest/gtest.h>

#include <fstream>

#include "engine/devices_file.h"
#include "engine/open_device.h"
#include "system/device_fixture.h"

namespace daos::system {
namespace {

using bio::MediaRole;
using engine::DeviceFormat;
using engine::DeviceState;

const bio::DeviceRoles kAll{MediaRole::kWal, MediaRole::kMeta, MediaRole::kData};
const bio::DeviceRoles kLog{MediaRole::kWal, MediaRole::kMeta};
const bio::DeviceRoles kData{MediaRole::kData};

struct Division {
  const char* name;
  TestDeviceKind kind;
  std::vector<bio::DeviceRoles> roles;
};

class EngineOnDevices : public testing::TestWithParam<Division>, protected DeviceFixture {
 protected:
  void SetUp() override { makeDevices(GetParam().kind, GetParam().roles); }
  // Of each target; the area's first block is a note (docs/format/prewrite_note.md).
  void expectDataBytes(uint64_t sizeBytes) {
    for (const auto& share : shares()) EXPECT_EQ(share.dataTotalBytes, sizeBytes - 4096);
  }
};

const bio::DeviceRoles kWal{MediaRole::kWal};
const bio::DeviceRoles kMeta{MediaRole::kMeta};
const bio::DeviceRoles kMetaAndData{MediaRole::kMeta, MediaRole::kData};

INSTANTIATE_TEST_SUITE_P(
    Divisions, EngineOnDevices,
    testing::Values(Division{"FileAll", TestDeviceKind::kFile, {kAll}},
                    Division{"FileLogAndData", TestDeviceKind::kFile, {kLog, kData}},
                    Division{"FileWalAndRest", TestDeviceKind::kFile, {kWal, kMetaAndData}},
                    Division{"FileTwoOfData", TestDeviceKind::kFile, {kLog, kData, kData}},
                    Division{"LoopAll", TestDeviceKind::kLoop, {kAll}},
                    Division{"LoopEach", TestDeviceKind::kLoop, {kWal, kMeta, kData}}),
    [](const auto& division) { return division.param.name; });

TEST_P(EngineOnDevices, PoolsAreThereAfterARestartWithAllTheyHeld) {
  format();
  createStore(kSizes);
  connect();
  auto object = this->object(1, 2);
  EXPECT_EQ(putAll(*object), kValueCount);
  object.reset();
  for (int i = 0; i < 2; ++i) {
    restart();
    openPool();
    connect();
    EXPECT_EQ(countIn(*this->object(1, 2)), kValueCount);
  }
}

TEST_P(EngineOnDevices, DevicesAreToldOfWithTheRolesThatSharesHaveThere) {
  format();
  createStore(kSizes);
  const auto all = engine_->listDevices();
  ASSERT_EQ(all.size(), devices_.size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].path, path(i));
    EXPECT_EQ(all[i].roles, options_.storage.devices[i].roles);
    EXPECT_EQ(all[i].state, DeviceState::kNormal);
    EXPECT_EQ(all[i].sizeBytes, kDeviceBytes);
    const uint64_t part = (kDeviceBytes - kMebibyte) / all[i].targets.size();
    EXPECT_EQ(all[i].bytesPerTarget, alignDown(part, kMebibyte) - kMebibyte);
  }
  std::map<uint32_t, bio::DeviceRoles> found;
  for (const engine::DeviceReport& report : reports()) {
    found[report.target] = found[report.target] | report.roles;
    EXPECT_EQ(report.pool, pool_);
    EXPECT_FALSE(report.isFaulty);
    EXPECT_GT(report.operations[1].count, 0u);
  }
  EXPECT_EQ(found.size(), 2u);
  // For each role 1 MiB and what it takes, in whole MiB: 16 of log; 2 for each of the arena's, and
  // the tables; 8 of data.
  uint64_t sizeBytes = 0;
  for (const engine::DeviceReport& report : reports()) sizeBytes += report.sizeBytes;
  EXPECT_EQ(sizeBytes, 2 * (17 + 6 + 9) * kMebibyte);
  for (const auto& [target, roles] : found) EXPECT_EQ(roles, kAll);
}

TEST_P(EngineOnDevices, AFullDeviceRefusesAPoolAndADestroyedOneMakesRoom) {
  format();
  int count = 0;
  Status created;
  for (; created.ok() && count < 20; ++count) created = create(Uuid::fromRandom(1, count));
  --count;
  EXPECT_EQ(created.code(), ErrorCode::kNospace);
  EXPECT_NE(created.error().message().find("MiB are free"), std::string::npos);
  EXPECT_GT(count, 0);
  EXPECT_EQ(engine_->listPools()->size(), static_cast<size_t>(count));
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(destroy(Uuid::fromRandom(1, 0)).ok());
    const Status again = create(Uuid::fromRandom(1, 0));
    ASSERT_TRUE(again.ok()) << again.error().describe();
  }
  restart();
  EXPECT_EQ(engine_->listPools()->size(), static_cast<size_t>(count));
}

TEST_P(EngineOnDevices, DataAreasGrowAndShrink) {
  format();
  createStore(kSizes);
  connect();
  auto object = this->object(1, 2);
  EXPECT_EQ(putAll(*object), kValueCount);
  for (const uint64_t mebibytes : {16, 4, 12}) {
    const Status resized =
        waitFor([&](auto done) { engine_->resizePool(pool_, mebibytes * kMebibyte, done); });
    ASSERT_TRUE(resized.ok()) << resized.error().describe();
    expectDataBytes(mebibytes * kMebibyte);
    EXPECT_EQ(countIn(*object), kValueCount);
  }
  const Status refused =
      waitFor([&](auto done) { engine_->resizePool(pool_, kDeviceBytes, done); });
  EXPECT_EQ(refused.code(), ErrorCode::kNospace);
  EXPECT_EQ(countIn(*object), kValueCount);
  object.reset();
  restart();
  openPool();
  expectDataBytes(12 * kMebibyte);
}

TEST_P(EngineOnDevices, APoolWithoutDataNeedsNoSpaceForIt) {
  format();
  createStore({.arenaBytes = 2 << 20, .dataBytes = 0});
  for (const engine::DeviceReport& report : reports()) {
    EXPECT_FALSE(report.roles.has(MediaRole::kData));
  }
  restart();
  openPool();
  connect();
  EXPECT_TRUE(put(*object(1), "k", "small").ok());
}

// --- what is refused

class EngineDeviceLabels : public testing::TestWithParam<TestDeviceKind>,
                           protected DeviceFixture {
 protected:
  void SetUp() override { makeDevices(GetParam(), {kLog, kData}); }
  // What `start` refuses has to tell.
  void expectRefused(ErrorCode code, const std::vector<std::string>& texts) {
    const auto refused = tryStart();
    ASSERT_EQ(refused.code(), code) << (refused.ok() ? "" : refused.error().describe());
    for (const std::string& text : texts) {
      EXPECT_NE(refused.error().message().find(text), std::string::npos)
          << text << "\n" << refused.error().message();
    }
  }
  void overwrite(size_t device, uint64_t offset, std::string_view text) {
    std::fstream file(path(device), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << text;
    file.flush();
    ASSERT_TRUE(file.good());
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, EngineDeviceLabels,
                         testing::Values(TestDeviceKind::kFile, TestDeviceKind::kLoop),
                         [](const auto& kind) {
                           return kind.param == TestDeviceKind::kFile ? "File" : "Loop";
                         });

TEST_P(EngineDeviceLabels, DevicesThatAreNotFormattedAreNamedWithWhatLiesThere) {
  expectRefused(ErrorCode::kUninit, {path(0) + " (blank)", path(1) + " (blank)"});
  overwrite(1, 1080, "\x53\xef");
  expectRefused(ErrorCode::kUninit, {path(1) + " (an ext file system)"});
  options_.storage.format = DeviceFormat::kBlank;
  expectRefused(ErrorCode::kExist, {path(1) + " (an ext file system)"});
  options_.storage.format = DeviceFormat::kForce;
  start();
  createStore(kSizes);
  // Formatted already: nothing is formatted again, forced or not.
  for (const DeviceFormat format : {DeviceFormat::kForce, DeviceFormat::kBlank}) {
    options_.storage.format = format;
    restart();
    openPool();
  }
}

TEST_P(EngineDeviceLabels, AFormatThatWasKilledIsGoneOnWith) {
  format();
  stop();
  auto file = engine::readDevicesFile(directory_.path()).value().value();
  file.isFormatting = true;
  ASSERT_TRUE(engine::writeDevicesFile(directory_.path(), file).ok());
  expectRefused(ErrorCode::kUninit, {"device 0 of engine " + file.engine.toString()});
  format();
  createStore(kSizes);
}

TEST_P(EngineDeviceLabels, AnotherEnginesDevicesAreRefusedAndNamed) {
  format();
  stop();
  std::filesystem::remove(directory_.path() / "devices");
  options_.storage.format = DeviceFormat::kBlank;
  expectRefused(ErrorCode::kExist, {path(0) + " (device 0 of engine ", "(rank 0)"});
}

TEST_P(EngineDeviceLabels, DevicesThatWereSwappedAreRefused) {
  format();
  stop();
  std::swap(options_.storage.devices[0].path, options_.storage.devices[1].path);
  expectRefused(ErrorCode::kMismatch, {"were they swapped?"});
  std::swap(options_.storage.devices[0].path, options_.storage.devices[1].path);
  start();
}

TEST_P(EngineDeviceLabels, AConfigurationThatDiffersFromWhatWasFormattedIsRefused) {
  format();
  stop();
  options_.storage.devices[0].roles = kAll;
  expectRefused(ErrorCode::kMismatch, {path(0), "wal, meta, data", "devices"});
  options_.storage.devices.pop_back();
  expectRefused(ErrorCode::kMismatch, {"names 1 devices, not 2"});
  options_.storage.devices[0].roles = kLog;
  expectRefused(ErrorCode::kInval, {"no device of the engine has the role data"});
}

TEST_P(EngineDeviceLabels, ADeviceInUseIsBusy) {
  format();
  {
    ScratchDirectory other("/dev/shm");
    engine::EngineOptions options = optionsHere();
    options.dataDirectory = other.path();
    options.storage.format = DeviceFormat::kForce;
    const auto second = engine::Engine::start(options);
    ASSERT_EQ(second.code(), ErrorCode::kBusy);
    EXPECT_NE(second.error().message().find(path(0) + ": in use"), std::string::npos);
  }
  if (GetParam() == TestDeviceKind::kFile) return;
  // As a mounted file system has it.
  stop();
  const int fd = open(path(1).c_str(), O_RDWR | O_EXCL);
  ASSERT_GE(fd, 0);
  expectRefused(ErrorCode::kBusy, {path(1) + ": in use"});
  close(fd);
}

TEST_P(EngineDeviceLabels, ADeviceOfSpdkNeedsABuildWithIt) {
  if (engine::hasSpdk()) GTEST_SKIP() << "this build has SPDK";
  options_.storage.devices[1].path = "spdk:nvme0n1";
  expectRefused(ErrorCode::kNosys, {"DAOS_WITH_SPDK", "docs/spdk.md"});
}

TEST_P(EngineDeviceLabels, SharesOfFilesStayReadableBesideThoseOnDevices) {
  auto devices = std::exchange(options_.storage.devices, {});
  start();
  createStore(kSizes);
  stop();
  options_.storage.devices = std::move(devices);
  format();
  openPool();
  const Uuid second = Uuid::fromRandom(2, 2);
  ASSERT_TRUE(create(second).ok());
  EXPECT_EQ(engine_->listPools()->size(), 2u);
  stop();
  options_.storage.devices.clear();
  start();
  openPool();
  const Status refused = waitFor([&](auto done) { engine_->openPool(second, done); });
  EXPECT_EQ(refused.code(), ErrorCode::kNosys);
  EXPECT_NE(refused.error().message().find("the configuration names none"), std::string::npos);
}

}  // namespace
}  // namespace daos::system
