// A target's devices, as an administrator sees them: asked for, given up, replaced.
#include <algorithm>

#include "engine/target.h"

namespace daos::engine {

static DeviceReport reportOn(const FaultyDevice& device, uint32_t target) {
  DeviceReport report{.target = target,
                      .pool = device.pool,
                      .path = device.path,
                      .roles = device.roles,
                      .isLost = device.isLost,
                      .sizeBytes = device.sizeBytes,
                      .health = bio::readDeviceHealth(device.path)};
  return report;
}

std::vector<DeviceReport> Target::queryDevices() const {
  std::vector<DeviceReport> all = devicesAtFailure_;
  for (const auto& [uuid, pool] : pools_) {
    if (!pool->stored || pool->failure) continue;
    for (DeviceReport& report : reportsOn(pool->stored->devices(), options_.index, uuid)) {
      all.push_back(std::move(report));
    }
  }
  for (const FaultyDevice& device : store_.faultyDevices()) {
    auto found = std::find_if(all.begin(), all.end(), [&](const DeviceReport& report) {
      return report.path == device.path && report.pool == device.pool;
    });
    if (found == all.end()) {
      found = all.insert(all.end(), reportOn(device, options_.index));
    }
    found->isFaulty = true;
    if (found->failure.empty()) found->failure = device.why;
  }
  return all;
}

Result<DeviceReport> Target::findDevice(const std::string& path, const Uuid& pool) const {
  for (DeviceReport& report : queryDevices()) {
    const bool isPool = pool.isNil() || report.pool == pool;
    if (report.path == path && isPool) return std::move(report);
  }
  return Error(ErrorCode::kNonexist, "target " + std::to_string(options_.index) + " of rank " +
                                         std::to_string(options_.rank) + " has no device " + path);
}

// Remembered before it takes effect: a restart in between must not bring the device back.
Task<Status> Target::setDeviceFaulty(std::string path, std::string why) {
  DAOS_CO_TRY(const DeviceReport device, findDevice(path, Uuid{}));
  DAOS_CO_CHECK(store_.markFaulty(device.pool, path, why));
  const auto open = pools_.find(device.pool);
  if (open != pools_.end() && open->second->stored && !open->second->failure) {
    for (const StoredDevice& stored : open->second->stored->devices()) {
      if (stored.media->name() != path) continue;
      stored.media->fail(Error(ErrorCode::kIo, path + " was set faulty: " + why));
    }
  }
  while (isStopping_) co_await reactor_.sleep(100'000);
  co_return Status{};
}

Task<Status> Target::replaceDevice(std::string path, DeviceReplacement replacement) {
  DAOS_CO_TRY(const DeviceReport device, findDevice(path, replacement.pool));
  if (!device.isFaulty) {
    co_return Error(ErrorCode::kBusy, path + " is in use; set it faulty first");
  }
  if (!replacement.acceptsDataLoss) {
    co_return invalid("all that target " + std::to_string(options_.index) + " of rank " +
                      std::to_string(options_.rank) + " holds of pool " + device.pool.toString() +
                      " would be lost: nothing keeps a copy of it");
  }
  while (isStopping_) co_await reactor_.sleep(100'000);
  DAOS_CO_TRY(auto stored, co_await store_.replace(device.pool, replacement.sizes));
  co_return co_await revive(device.pool, std::move(stored), std::move(replacement.containers));
}

// Handles of before are gone, as after a restart; clients open containers again by themselves.
Task<Status> Target::revive(Uuid pool, std::unique_ptr<StoredPool> stored,
                            std::vector<Uuid> containers) {
  std::erase_if(devicesAtFailure_, [&](const DeviceReport& each) { return each.pool == pool; });
  for (const DeviceReport& other : queryDevices()) {
    if (!other.isFaulty || other.isLost) continue;
    DAOS_LOG_WARNING(options_.log, other.path + " is faulty too: the target stays stopped");
    co_return co_await stored->close();
  }
  forgetFailure();
  unserved_.erase(pool);
  DAOS_CO_CHECK(adopt(pool, std::move(stored)));
  for (const Uuid& container : containers) {
    DAOS_CO_CHECK(co_await createContainer(pool, container));
  }
  co_return co_await openStoredPools();
}

void Target::forgetFailure() {
  failure_.reset();
  devicesAtFailure_.clear();
  for (const auto& before : poolsAtFailure_) before->failure.reset();
  poolsAtFailure_.clear();
}

// One that can't be opened answers with the reason, and is told of by queryPool.
Task<Status> Target::openStoredPools() {
  DAOS_CO_TRY(const auto stored, store_.list());
  for (const Uuid& pool : stored) {
    const Status opened = co_await openPool(pool);
    if (!opened.ok()) DAOS_LOG_WARNING(options_.log, opened.error().describe());
  }
  co_return Status{};
}

// --- devices that the pools of all targets have in common

Task<Status> Target::failDevice(uint32_t device, Error error) {
  store_.failDevice(device, error);
  while (isStopping_) co_await reactor_.sleep(100'000);
  co_return Status{};
}

Task<Status> Target::releaseDevice(uint32_t device) {
  store_.failDevice(device, Error(ErrorCode::kIo, "a device is being renewed"));
  while (isStopping_) co_await reactor_.sleep(100'000);
  co_await store_.releaseDevice(device);
  co_return Status{};
}

// What the device of before held of a pool is lost, and that pool not served, until it is replaced.
Task<Status> Target::takeDevice(uint32_t device) {
  DAOS_CO_CHECK(co_await store_.takeDevice(device));
  if (const auto other = store_.failure()) {
    DAOS_LOG_WARNING(options_.log, "the target stays stopped: " + other->describe());
    co_return Status{};
  }
  forgetFailure();
  co_return co_await openStoredPools();
}

}  // namespace daos::engine
