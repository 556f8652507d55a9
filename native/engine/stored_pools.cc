#include "engine/stored_pools.h"

namespace daos::engine {
namespace {

std::vector<StoredDevice> listOf(const bio::StoreDevices& devices) {
  std::vector<StoredDevice> all;
  for (size_t i = 0; i < devices.devices().size(); ++i) {
    all.push_back({devices.devices()[i].get(), devices.rolesOf(i)});
  }
  return all;
}

// A data area has a device for itself, the last one.
bool isSettled(bio::StoreDevices& devices, const vos::Pool& pool) {
  if (!devices.data()) return true;
  const uint64_t bytes = pool.mediaSizeBytes();
  return devices.data()->sizeBytes() == bytes &&
         devices.devices().back()->sizeBytes() == bio::kRolesOffset + bytes;
}

class PmemStoredPool final : public StoredPool {
 public:
  PmemStoredPool(std::unique_ptr<bio::StoreDevices> devices, std::unique_ptr<vos::Pool> pool)
      : devices_(std::move(devices)), pool_(std::move(pool)) {}
  vos::Pool& vos() override { return *pool_; }
  void onFailed(std::function<void(const Error&)> callback) override {
    if (!devices_) return;
    for (const auto& device : devices_->devices()) {
      device->onFailed(callback);
      if (device->isFailed()) callback(*device->failure());
    }
  }
  std::vector<StoredDevice> devices() override {
    if (!devices_) return {};
    return listOf(*devices_);
  }
  bool isDataSettled() override { return !devices_ || isSettled(*devices_, *pool_); }
  Task<Status> close() override {
    vos::Arena& arena = pool_->arena();
    co_return co_await arena.waitDurable(arena.lastTicket());
  }

 private:
  std::unique_ptr<bio::StoreDevices> devices_;
  std::unique_ptr<vos::Pool> pool_;
};

class LogStoredPool final : public StoredPool {
 public:
  explicit LogStoredPool(std::unique_ptr<vos::LogStore> store) : store_(std::move(store)) {}
  vos::Pool& vos() override { return store_->pool(); }
  void onFailed(std::function<void(const Error&)> callback) override {
    store_->onFailed(std::move(callback));
  }
  std::vector<StoredDevice> devices() override { return listOf(store_->devices()); }
  bool isDataSettled() override { return isSettled(store_->devices(), store_->pool()); }
  Task<Status> close() override { co_return co_await store_->close(); }

 private:
  std::unique_ptr<vos::LogStore> store_;
};

}  // namespace

std::unique_ptr<StoredPool> storedInPmem(std::unique_ptr<bio::StoreDevices> devices,
                                         std::unique_ptr<vos::Pool> pool) {
  return std::make_unique<PmemStoredPool>(std::move(devices), std::move(pool));
}

std::unique_ptr<StoredPool> storedInLog(std::unique_ptr<vos::LogStore> store) {
  return std::make_unique<LogStoredPool>(std::move(store));
}

}  // namespace daos::engine
