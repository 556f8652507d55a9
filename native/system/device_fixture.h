// An engine on devices, and a client, for tests.
#pragma once

#include <future>

#include "system/system_fixture.h"
#include "system/test_block_devices.h"

namespace daos::system {

class DeviceFixture : public SystemFixture {
 protected:
  static constexpr engine::PoolSizes kSizes{.arenaBytes = 2 << 20, .dataBytes = 8 << 20};
  static constexpr uint64_t kDeviceBytes = 128 * kMebibyte;
  using Roles = std::vector<bio::DeviceRoles>;

  // Skips the test where there are none of that kind.
  void makeDevices(TestDeviceKind kind, const Roles& roles) {
    for (const bio::DeviceRoles& each : roles) {
      const std::string file = disks_.path() / ("disk" + std::to_string(made_++));
      auto made = TestBlockDevice::make(kind, file, kDeviceBytes);
      DAOS_NEED_DEVICE(made);
      devices_.push_back(std::move(*made));
      options_.storage.devices.push_back({devices_.back()->path(), each});
    }
  }
  engine::EngineOptions optionsHere() {
    engine::EngineOptions options = options_;
    options.dataDirectory = directory_.path();
    options.transports = {"local"};
    options.localNetwork = network_.get();
    return options;
  }
  auto tryStart() { return engine::Engine::start(optionsHere()); }
  void start() { startEngine(optionsHere()); }
  void format() {
    options_.storage.format = engine::DeviceFormat::kBlank;
    start();
    options_.storage.format = engine::DeviceFormat::kNever;
  }
  void restart() {
    stop();
    start();
  }
  Status create(const Uuid& pool, engine::PoolSizes sizes = kSizes) {
    return waitFor([&](auto done) { engine_->createPool(pool, sizes, done); });
  }
  Status destroy(const Uuid& pool) {
    return waitFor([&](auto done) { engine_->destroyPool(pool, done); });
  }
  Status setFaulty(const std::string& path) {
    return waitFor([&](auto done) { engine_->setDeviceFaulty(path, "too old", done); });
  }
  Status renew(const std::string& path, bool isForced = false) {
    return waitFor([&](auto done) { engine_->renewDevice(path, isForced, done); });
  }
  Status replace(const std::string& path, const Uuid& pool) {
    return waitFor([&](auto done) {
      engine_->replaceDevice(path, {pool, kSizes, {container_}, true}, done);
    });
  }
  std::vector<engine::DeviceReport> reports() {
    std::promise<std::vector<engine::DeviceReport>> found;
    engine_->queryDevices([&](auto all) { found.set_value(std::move(all)); });
    return found.get_future().get();
  }
  std::vector<engine::TargetShare> shares() {
    std::promise<Result<std::vector<engine::TargetShare>>> found;
    engine_->queryPool(pool_, [&](auto all) { found.set_value(std::move(all)); });
    auto all = found.get_future().get();
    EXPECT_TRUE(all.ok()) << (all.ok() ? "" : all.error().describe());
    return all.ok() ? *all : std::vector<engine::TargetShare>();
  }
  const std::string& path(size_t device) const { return devices_[device]->path(); }

  // Small values and large ones, on all targets.
  static constexpr int kValueCount = 24;
  static std::string valueOf(int key) { return std::string(key % 2 ? 100 : 50'000, 'a' + key); }
  int putAll(client::Object& object) {
    int count = 0;
    for (int i = 0; i < kValueCount; ++i) {
      count += put(object, std::to_string(i), valueOf(i)).ok();
    }
    return count;
  }
  int countIn(client::Object& object) {
    int count = 0;
    for (int i = 0; i < kValueCount; ++i) {
      const auto value = get(object, std::to_string(i), 50'000);
      count += value.ok() && *value == valueOf(i);
    }
    return count;
  }
  void connect() {
    startClient();
    openContainer();
  }

  ScratchDirectory disks_;  // on a file system that knows O_DIRECT
  int made_ = 0;
  std::vector<std::unique_ptr<TestBlockDevice>> devices_;
  engine::EngineOptions options_{.targetCount = 2, .log = Log(LogLevel::kOff, {})};
};

}  // namespace daos::system
