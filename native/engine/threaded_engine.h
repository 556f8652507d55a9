// The engine behind engine.h. Its calls on devices are in threaded_engine_devices.cc.
//
// Thread: as engine.h says; what it owns is made by start() and gone after stop().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/data_directory.h"
#include "engine/device_renewal.h"
#include "engine/engine.h"
#include "engine/engine_devices.h"
#include "engine/target_thread.h"

namespace daos::engine {

// Of the first target that has one.
Status firstError(std::vector<Status>& statuses);

class ThreadedEngine final : public Engine {
 public:
  explicit ThreadedEngine(EngineOptions options) : options_(std::move(options)) {}
  ~ThreadedEngine() override { (void)stop(); }

  Status start();
  std::vector<std::vector<placement::TargetAddress>> addresses() const override;
  void createPool(Uuid pool, PoolSizes sizes, Done done) override;
  void openPool(Uuid pool, Done done) override;
  void setPoolKey(Uuid pool, PoolKey key, Done done) override;
  void setPoolProperties(Uuid pool, PoolProperties properties, Done done) override;
  void setPoolMap(Uuid pool, placement::PoolMap map, Done done) override;
  void resizePool(Uuid pool, uint64_t dataBytes, Done done) override;
  void destroyPool(Uuid pool, Done done) override;
  void createContainer(Uuid pool, Uuid container, Done done) override;
  void destroyContainer(Uuid pool, Uuid container, Done done) override;
  void newEpoch(std::function<void(Result<Epoch>)> done) override;
  void setContainerSnapshots(Uuid pool, Uuid container, std::vector<Epoch> epochs,
                             Done done) override;
  void rollbackContainer(Uuid pool, Uuid container, Epoch epoch, Done done) override;
  void setContainerQuota(Uuid pool, Uuid container, std::vector<QuotaPart> parts,
                         Done done) override;
  void containerUsage(Uuid pool, Uuid container, bool isFrozen,
                      std::function<void(Result<std::vector<QuotaUsage>>)> done) override;
  void awaitQuotaRequests(QuotaRequests::Done done) override {
    quotaRequests_.await(std::move(done));
  }
  void awaitRequestSpans(RequestSpans::Done done) override {
    requestSpans_.await(std::move(done));
  }
  void queryPool(Uuid pool, std::function<void(Result<std::vector<TargetShare>>)> done) override;
  void poolMetrics(Uuid pool,
                   std::function<void(Result<std::vector<TargetMetrics>>)> done) override;
  void queryDevices(std::function<void(std::vector<DeviceReport>)> done) override;
  void setDeviceFaulty(std::string path, std::string why, Done done) override;
  void replaceDevice(std::string path, DeviceReplacement replacement, Done done) override;
  std::vector<EngineDevice> listDevices() override {
    return devices_ ? devices_->list() : std::vector<EngineDevice>();
  }
  void renewDevice(std::string path, bool isForced, Done done) override;
  Result<std::vector<Uuid>> listPools() override { return directory_->pools(0); }
  Status stop() override;

 private:
  using Work = std::function<Task<Status>(Target&)>;
  using AllDone = std::function<void(std::vector<Status>)>;
  void onAll(Work work, AllDone done);
  // As onAll; the first error is the result.
  void onAllOrFail(Work work, Done done);
  // As onAll, of which one target has what is asked for and all others answer DER_NONEXIST.
  void onOwner(Work work, Done done);
  // As onAllOrFail; where some targets failed, `undo` runs on all others first.
  void onAllOrNone(Work work, Work undo, Done done);

  // As onAllOrFail, on those that use a device of the engine's.
  void onUsers(uint32_t device, Work work, Done done);
  Status openDevices();
  // A device that one target finds failed is failed for all that use it.
  void watchDevices();
  void giveUp(uint32_t device, std::string why, Done done);
  void replaceShares(uint32_t device, std::string path, DeviceReplacement replacement, Done done);
  void renew(uint32_t device, bool isForced, Done done);

  const EngineOptions options_;
  std::unique_ptr<DataDirectory> directory_;
  std::unique_ptr<EngineDevices> devices_;  // null: it was given none
  DeviceRenewal renewal_;
  QuotaRequests quotaRequests_;
  RequestSpans requestSpans_;
  std::vector<std::unique_ptr<TargetThread>> targets_;
};

}  // namespace daos::engine
