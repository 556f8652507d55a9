// One target: its pools, and the services that clients reach. Everything it touches is an argument,
// so that the simulator runs many in one thread.
//
// Thread: the reactor's.
// Life:   construct; openAll(); serve; close(), then destroy. Sessions must have ended by then.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/hybrid_clock.h"
#include "base/log.h"
#include "base/planted.h"
#include "engine/aggregation.h"
#include "engine/container/open_container.h"
#include "engine/container/pool_key.h"
#include "engine/device_report.h"
#include "engine/object/io_context.h"
#include "engine/pool_store.h"
#include "engine/prewriting.h"
#include "engine/request_trace.h"
#include "rpc/rpc.h"
#include "runtime/random.h"
#include "runtime/reactor.h"

namespace daos::engine {

struct TargetOptions {
  uint32_t rank = 0;
  uint32_t index = 0;
  // Background work between requests: steps of garbage collection in one turn.
  uint32_t collectBudget = 256;
  AggregationOptions aggregation;
  PrewriteOptions prewrite;
  // Memory of a pool that is made ready in one step: takes tens of microseconds.
  size_t populateBytes = size_t{64} << 10;
  // Borrowed: where containers that want more of their quota are told; null: nobody gives any.
  QuotaRequests* quotaRequests = nullptr;
  // Borrowed: where requests that are traced leave their spans; null: nobody wants them.
  RequestSpans* requestSpans = nullptr;
  Log log;
};

// What targets answer about their share of a pool.
struct PoolShare {
  vos::PoolSpace space;
  uint64_t containerCount = 0;
};

class Target {
 public:
  // Reactor, random, endpoint and store are borrowed and outlive the target. Registers its handlers
  // with the endpoint.
  Target(Reactor& reactor, Random& random, rpc::Endpoint& endpoint, PoolStore& store,
         TargetOptions options);
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  // --- pools and containers, for the engine's control interface

  Task<Status> createPool(Uuid pool, PoolSizes sizes);
  // DER_ALREADY is not an error here: an open pool stays open. One that can't be opened answers
  // every request with the reason, until it is opened or destroyed.
  Task<Status> openPool(Uuid pool);
  // As Engine::resizePool.
  Task<Status> resizePool(Uuid pool, uint64_t dataBytes);
  Task<Status> destroyPool(Uuid pool);
  // As Engine::setPoolKey. A key older than the one there is ignored.
  void setPoolKey(const Uuid& pool, std::shared_ptr<const PoolKey> key);
  // As Engine::setPoolProperties.
  void setPoolProperties(const Uuid& pool, const PoolProperties& properties);
  // As Engine::setPoolMap.
  void setPoolMap(const Uuid& pool, std::shared_ptr<const PublishedMap> map);
  Task<Status> createContainer(Uuid pool, Uuid container);
  Task<Status> destroyContainer(Uuid pool, Uuid container);
  Result<PoolShare> queryPool(Uuid pool);
  // As Engine::setContainerQuota and freezeContainerQuota.
  void setContainerQuota(const Uuid& pool, const Uuid& container, const QuotaPart& part);
  Result<QuotaUsage> containerUsage(const Uuid& pool, const Uuid& container, bool isFrozen);
  // What was done since the pool was opened. DER_NONEXIST.
  Result<PoolMetrics> poolMetrics(Uuid pool);
  // The devices of open pools; of a target that has stopped, as they were then; and those that were
  // given up. (target_devices.cc)
  std::vector<DeviceReport> queryDevices() const;
  // As Engine's. DER_NONEXIST: no device of this target's.
  Task<Status> setDeviceFaulty(std::string path, std::string why);
  Task<Status> replaceDevice(std::string path, DeviceReplacement replacement);
  // A device of the engine's that this target uses: it has failed; it is about to be renewed, and
  // has to be closed; it was renewed, and the target serves again, unless another one is faulty.
  Task<Status> failDevice(uint32_t device, Error error);
  Task<Status> releaseDevice(uint32_t device);
  Task<Status> takeDevice(uint32_t device);
  // Something may have been absorbed: it is brought to the pool's data area in the background.
  void wakeSettler(const std::shared_ptr<OpenPool>& pool);
  // Waits for requests under way, makes everything durable, closes all pools.
  Task<Status> close();
  // The process behind the target dies: forgets its pools where they are. After
  // Reactor::dropTasks(), in place of close().
  void abandon();

  // A device has failed: from here on every request and control call but destroyPool ends with that
  // error, and all pools are closed as soon as what is under way has ended. Only a restart of the
  // engine or a replacement of the device brings the target back: what a device forgot can't be
  // known while it is in use.
  const std::optional<Error>& failure() const { return failure_; }
  void fail(const Error& error);
  // Its share of the pool could not be opened.
  bool isUnserved(const Uuid& pool) const { return unserved_.contains(pool); }

  // --- for the services

  Reactor& reactor() const { return reactor_; }
  Random& random() const { return random_; }
  const TargetOptions& options() const { return options_; }
  // A new epoch, later than any this target has given or seen.
  Epoch nextEpoch() { return clock_.next(reactor_.clock().wallNs()); }
  // Of what this target holds, or the control plane knows from another one.
  void resumeClock(Epoch epoch) { clock_.resume(epoch); }
  Status observeEpoch(Epoch epoch) { return clock_.observe(epoch, reactor_.clock().wallNs()); }
  // Before a read at `epoch`: writes get later epochs from here on, also after a restart with a
  // clock that is behind. isSettled: that is so already, or the newest is read.
  bool isSettled(vos::Pool& pool, Epoch epoch) const {
    return epoch == kEpochMax || isPlanted(Planted::kForgetReadTimestamp) ||
           (epoch <= clock_.last() && epoch <= pool.epochMax());
  }
  Task<Status> settle(vos::Pool& pool, Epoch epoch);
  // DER_NONEXIST; DER_AGAIN while the pool is here but not open, as after a start, or while the
  // container is being taken back to a snapshot.
  Result<std::shared_ptr<OpenContainer>> findContainer(const Uuid& pool, const Uuid& container);
  // Also while it is being taken back.
  Result<std::shared_ptr<OpenContainer>> findAnyContainer(const Uuid& pool, const Uuid& container);
  // Null: the pool has no key, and lets everyone in.
  std::shared_ptr<const PoolKey> poolKey(const Uuid& pool) const;
  IoContextPool& ioContexts() { return ioContexts_; }
  // Of an operation that may be answered at once.
  OperationTimer fastTimer() {
    const bool isTimed = ++operationCount_ % kFastTimingStride == 0;
    return {reactor_.clock(), isTimed ? kFastTimingStride : 0};
  }
  OperationTimer timer() const { return {reactor_.clock(), 1}; }
  void wantQuota(const OpenContainer& container);
  // Tells that there may be garbage to collect.
  void wakeCollector(OpenPool& pool);
  Task<void> settle(std::shared_ptr<OpenPool> pool);

 private:
  Task<void> collect(std::shared_ptr<OpenPool> pool);
  Task<void> populate(std::shared_ptr<OpenPool> pool);
  void startPrewriting(const std::shared_ptr<OpenPool>& pool);
  Task<void> prewrite(std::shared_ptr<OpenPool> pool);
  Status adopt(Uuid pool, std::unique_ptr<StoredPool> stored);
  void addContainer(const std::shared_ptr<OpenPool>& pool, const Uuid& uuid, vos::Container* vos);
  Result<std::shared_ptr<OpenPool>> findPool(const Uuid& pool);
  bool isStored(const Uuid& pool) const;
  Task<void> closeContainers(OpenPool& pool);
  Task<void> cancelEvacuation(std::shared_ptr<OpenPool> pool);
  Task<Status> evacuate(std::shared_ptr<OpenPool> pool, uint64_t dataBytes);
  Task<void> runEvacuation(std::shared_ptr<OpenPool> pool, std::shared_ptr<Evacuating> evacuating);
  Task<Status> resizeClosed(std::shared_ptr<OpenPool> pool, uint64_t dataBytes);
  Task<void> closePoolsOfFailed();
  // `pool`: nil: of any.
  Result<DeviceReport> findDevice(const std::string& path, const Uuid& pool) const;
  void forgetFailure();
  Task<Status> openStoredPools();
  Task<Status> openStored(Uuid pool);
  Task<Status> revive(Uuid pool, std::unique_ptr<StoredPool> stored,
                      std::vector<Uuid> containers);

  Reactor& reactor_;
  Random& random_;
  rpc::Endpoint& endpoint_;
  PoolStore& store_;
  const TargetOptions options_;
  HybridClock clock_;
  IoContextPool ioContexts_;
  std::unordered_map<Uuid, std::shared_ptr<OpenPool>> pools_;
  std::unordered_map<Uuid, Error> unserved_;  // pools that could not be opened
  // Also of pools that are not open yet.
  std::unordered_map<Uuid, std::shared_ptr<const PoolKey>> keys_;
  std::unordered_map<Uuid, std::shared_ptr<const PublishedMap>> maps_;  // the same
  std::unordered_map<Uuid, PoolProperties> properties_;  // the same
  std::unordered_map<Uuid, QuotaPart> quotas_;  // by container; the same
  std::optional<Error> failure_;
  std::vector<DeviceReport> devicesAtFailure_;
  std::vector<std::shared_ptr<OpenPool>> poolsAtFailure_;
  PrewritePace prewritePace_;
  bool isStopping_ = false;  // has failed, and its pools are being closed
  uint32_t operationCount_ = 0;
};

// Counts one operation on a container, from when the target has found it; one that is not said to
// have succeeded has failed.
class Counted {
 public:
  Counted(const Target& target, OpenContainer& container, Operation operation)
      : timer_(target.timer()), pool_(container.pool), operation_(operation) {}
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { timer_.end(pool_->metrics.of(operation_), isOk_, bytes_); }
  void succeed(uint64_t bytes) {
    isOk_ = true;
    bytes_ = bytes;
  }

 private:
  const OperationTimer timer_;
  const std::shared_ptr<OpenPool> pool_;
  const Operation operation_;
  bool isOk_ = false;
  uint64_t bytes_ = 0;
};

inline FrameCache& frameCacheOf(Target& target) { return target.reactor().frames(); }

}  // namespace daos::engine
