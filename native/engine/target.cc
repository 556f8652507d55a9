#include "engine/target.h"

#include <algorithm>

#include "engine/object/object_service.h"

namespace daos::engine {

// Between two steps of background work that can wait, while requests come.
static constexpr uint64_t kBusyPauseNs = 500'000;
// How long one call waits for the end of a data area to be clear; and when nobody wants it any
// more.
static constexpr uint64_t kEvacuationWaitNs = 20'000'000'000;
static constexpr uint64_t kEvacuationForgottenNs = 60'000'000'000;
static constexpr int kResizeAttemptCount = 3;

Target::Target(Reactor& reactor, Random& random, rpc::Endpoint& endpoint, PoolStore& store,
               TargetOptions options)
    : reactor_(reactor),
      random_(random),
      endpoint_(endpoint),
      store_(store),
      options_(std::move(options)) {
  registerContainerService(*this, endpoint_);
  registerObjectService(*this, endpoint_);
}

Target::~Target() { DAOS_ASSERT(pools_.empty()); }

Result<std::shared_ptr<OpenPool>> Target::findPool(const Uuid& pool) {
  if (failure_) return *failure_;
  const auto unserved = unserved_.find(pool);
  if (unserved != unserved_.end()) return unserved->second;
  const auto found = pools_.find(pool);
  if (found == pools_.end()) {
    // Its callers repeat what they ask: it is opened after a start, or again after a resize.
    if (isStored(pool))
      return Error(ErrorCode::kAgain, "pool " + pool.toString() + " is not open yet");
    return Error(ErrorCode::kNonexist, "no pool " + pool.toString() + " on target " +
                                           std::to_string(options_.index) + " of rank " +
                                           std::to_string(options_.rank));
  }
  return found->second;
}

bool Target::isStored(const Uuid& pool) const {
  const auto pools = store_.list();
  return pools.ok() && std::find(pools->begin(), pools->end(), pool) != pools->end();
}

Result<std::shared_ptr<OpenContainer>> Target::findContainer(const Uuid& pool,
                                                             const Uuid& container) {
  DAOS_TRY(auto found, findAnyContainer(pool, container));
  if (!found->isRollingBack) return found;
  return Error(ErrorCode::kAgain, "container " + container.toString() + " is being taken back");
}

Result<std::shared_ptr<OpenContainer>> Target::findAnyContainer(const Uuid& pool,
                                                                const Uuid& container) {
  DAOS_TRY(auto open, findPool(pool));
  const auto found = open->containers.find(container);
  if (found == open->containers.end()) {
    return Error(ErrorCode::kNonexist,
                 "no container " + container.toString() + " in pool " + pool.toString());
  }
  return found->second;
}

// Opens every container of the pool, so that a request finds it without a look at the store.
Status Target::adopt(Uuid pool, std::unique_ptr<StoredPool> stored) {
  auto open = std::make_shared<OpenPool>();
  open->uuid = pool;
  open->failure = failure_;  // another pool's device may have failed meanwhile
  open->stored = std::move(stored);
  open->key = poolKey(pool);
  if (const auto known = properties_.find(pool); known != properties_.end()) {
    open->properties = known->second;
  }
  if (const auto map = maps_.find(pool); map != maps_.end()) open->map = map->second;
  for (const Uuid& uuid : open->vos().listContainers()) {
    DAOS_TRY(vos::Container* const vos, open->vos().openContainer(uuid));
    addContainer(open, uuid, vos);
  }
  resumeClock(open->vos().epochMax());
  pools_.emplace(pool, open);
  open->stored->onFailed([this](const Error& error) { fail(error); });
  wakeCollector(*open);
  open->aggregation =
      std::make_unique<Aggregation>(reactor_, *open, options_.aggregation, options_.log);
  open->aggregation->start();
  open->isPopulating = true;
  reactor_.spawn(populate(open));
  startPrewriting(open);
  return {};
}

void Target::addContainer(const std::shared_ptr<OpenPool>& pool, const Uuid& uuid,
                          vos::Container* vos) {
  const auto entry = std::make_shared<OpenContainer>(pool, uuid, vos);
  if (const auto quota = quotas_.find(uuid); quota != quotas_.end()) {
    entry->quota.part = quota->second;
  }
  pool->containers.emplace(uuid, entry);
}

Task<Status> Target::createPool(Uuid pool, PoolSizes sizes) {
  if (failure_) co_return *failure_;
  if (pools_.contains(pool))
    co_return Error(ErrorCode::kExist, "pool " + pool.toString() + " exists");
  DAOS_CO_TRY(auto stored, co_await store_.create(pool, sizes));
  co_return adopt(pool, std::move(stored));
}

Task<Status> Target::openPool(Uuid pool) {
  Status opened = co_await openStored(pool);
  unserved_.erase(pool);
  if (opened.ok() || failure_) co_return opened;
  // What is cut short is no request's fault.
  const ErrorCode code = opened.code() == ErrorCode::kInval ? ErrorCode::kIo : opened.code();
  Error error(code, "target " + std::to_string(options_.index) + " of rank " +
                                 std::to_string(options_.rank) + " does not serve pool " +
                                 pool.toString() + ": " + std::string(opened.error().message()));
  if (isStored(pool)) unserved_.emplace(pool, error);
  co_return error;
}

Task<Status> Target::openStored(Uuid pool) {
  if (failure_) co_return *failure_;
  if (pools_.contains(pool)) co_return Status{};
  auto stored = co_await store_.open(pool);
  if (stored.ok()) co_return adopt(pool, std::move(stored).value());
  // As before the restart: a target serves nothing while one of its devices is given up.
  for (const FaultyDevice& device : store_.faultyDevices()) {
    if (device.pool != pool || device.isLost) continue;
    fail(stored.error());
    co_return *failure_;
  }
  co_return std::move(stored).error();
}

// From here on requests find nothing; those under way end first.
Task<void> Target::closeContainers(OpenPool& pool) {
  co_await pool.aggregation->stop();
  for (auto& [uuid, container] : pool.containers) {
    vos::Container* vos = std::exchange(container->vos, nullptr);
    while (container->userCount > 0) co_await reactor_.sleep(100'000);
    if (vos) pool.vos().closeContainer(vos);
  }
  pool.containers.clear();
  pool.isClosed = true;
  if (pool.prewriteTimer) reactor_.cancelTimer(std::exchange(pool.prewriteTimer, 0));
  while (pool.isCollecting || pool.isPopulating || pool.isPrewriting || pool.isEvacuating ||
         pool.isSettling) {
    co_await reactor_.sleep(100'000);
  }
}

void Target::setPoolKey(const Uuid& pool, std::shared_ptr<const PoolKey> key) {
  std::shared_ptr<const PoolKey>& known = keys_[pool];
  if (known && key->isOlderThan(*known)) return;
  known = std::move(key);
  const auto open = pools_.find(pool);
  if (open != pools_.end()) open->second->key = known;
}

void Target::setPoolProperties(const Uuid& pool, const PoolProperties& properties) {
  properties_[pool] = properties;
  const auto open = pools_.find(pool);
  if (open != pools_.end()) open->second->properties = properties;
}

void Target::setPoolMap(const Uuid& pool, std::shared_ptr<const PublishedMap> map) {
  std::shared_ptr<const PublishedMap>& known = maps_[pool];
  if (known && map->version < known->version) return;
  known = std::move(map);
  const auto open = pools_.find(pool);
  if (open != pools_.end()) open->second->map = known;
}

std::shared_ptr<const PoolKey> Target::poolKey(const Uuid& pool) const {
  const auto found = keys_.find(pool);
  return found == keys_.end() ? nullptr : found->second;
}

Task<Status> Target::resizePool(Uuid pool, uint64_t dataBytes) {
  for (int attempt = 1;; ++attempt) {
    DAOS_CO_TRY(const auto open, findPool(pool));
    if (open->evacuating && open->evacuating->dataBytes != dataBytes) {
      co_await cancelEvacuation(open);
    }
    // One that was cut short goes on, though the store has its new size.
    if (open->vos().isMediaSize(dataBytes) && open->stored->isDataSettled()) co_return Status{};
    DAOS_CO_CHECK(co_await evacuate(open, dataBytes));
    DAOS_CO_CHECK(open->vos().checkMediaSize(dataBytes));
    Status resized = co_await resizeClosed(open, dataBytes);
    // A write that had its blocks behind the end before that was cleared has come meanwhile.
    if (resized.code() != ErrorCode::kNospace || attempt == kResizeAttemptCount) co_return resized;
  }
}

Task<void> Target::cancelEvacuation(std::shared_ptr<OpenPool> pool) {
  pool->evacuating->isCanceled = true;
  while (pool->isEvacuating) co_await reactor_.sleep(kBusyPauseNs);
  pool->evacuating.reset();
}

// Goes on beside whoever waits for it: that one is answered in time, and asks again.
Task<Status> Target::evacuate(std::shared_ptr<OpenPool> pool, uint64_t dataBytes) {
  if (!pool->evacuating) {
    pool->evacuating = std::make_shared<Evacuating>(Evacuating{.dataBytes = dataBytes});
    pool->isEvacuating = true;
    reactor_.spawn(runEvacuation(pool, pool->evacuating));
  }
  const std::shared_ptr<Evacuating> evacuating = pool->evacuating;
  evacuating->askedNs = reactor_.nowNs();
  const uint64_t deadlineNs = evacuating->askedNs + kEvacuationWaitNs;
  while (!evacuating->hasEnded) {
    if (reactor_.nowNs() >= deadlineNs) {
      co_return Error(ErrorCode::kInprogress, "data is being moved to the front: ask again");
    }
    co_await reactor_.sleep(kBusyPauseNs);
  }
  if (pool->evacuating == evacuating) pool->evacuating.reset();
  if (pool->failure) co_return *pool->failure;
  if (evacuating->failure) co_return *evacuating->failure;
  co_return Status{};
}

Task<void> Target::runEvacuation(std::shared_ptr<OpenPool> pool,
                                 std::shared_ptr<Evacuating> evacuating) {
  const auto isStopped = [this, pool, evacuating] {
    return pool->isClosed || pool->failure || evacuating->isCanceled ||
           (evacuating->askedNs != 0 &&
            reactor_.nowNs() > evacuating->askedNs + kEvacuationForgottenNs);
  };
  const Status status = co_await pool->vos().evacuateMedia(evacuating->dataBytes, isStopped);
  if (!status.ok()) evacuating->failure = status.error();
  evacuating->hasEnded = true;
  pool->isEvacuating = false;
}

// Clients find their handles gone, and the pool not open yet, until it is open again.
Task<Status> Target::resizeClosed(std::shared_ptr<OpenPool> pool, uint64_t dataBytes) {
  pools_.erase(pool->uuid);
  co_await closeContainers(*pool);
  DAOS_CO_CHECK(co_await pool->stored->close());
  pool->stored.reset();
  Status resized = co_await store_.resize(pool->uuid, dataBytes);
  DAOS_CO_CHECK(co_await openPool(pool->uuid));
  pools_.at(pool->uuid)->metrics = pool->metrics;
  co_return resized;
}

Task<Status> Target::destroyPool(Uuid pool) {
  keys_.erase(pool);
  maps_.erase(pool);
  properties_.erase(pool);
  unserved_.erase(pool);
  const auto found = pools_.find(pool);
  if (found != pools_.end()) {
    const std::shared_ptr<OpenPool> open = found->second;
    pools_.erase(found);
    for (const auto& [uuid, container] : open->containers) quotas_.erase(uuid);
    co_await closeContainers(*open);
    const Status closed = co_await open->stored->close();
    open->stored.reset();
    // What a failed device can't keep is not wanted any more.
    if (!closed.ok() && !failure_) co_return closed.error();
  }
  co_return co_await store_.destroy(pool);
}

Task<Status> Target::createContainer(Uuid pool, Uuid container) {
  DAOS_CO_TRY(auto open, findPool(pool));
  DAOS_CO_TRY(const vos::Ticket ticket, open->vos().createContainer(container));
  DAOS_CO_TRY(vos::Container* const vos, open->vos().openContainer(container));
  addContainer(open, container, vos);
  co_return co_await open->vos().arena().waitDurable(ticket);
}

Task<Status> Target::destroyContainer(Uuid pool, Uuid container) {
  // DER_AGAIN while the pool is not open: what can't be seen yet is not gone.
  DAOS_CO_TRY(auto entry, findAnyContainer(pool, container));
  DAOS_CO_TRY(auto open, findPool(pool));
  open->containers.erase(container);
  quotas_.erase(container);
  vos::Container* vos = std::exchange(entry->vos, nullptr);
  while (entry->userCount > 0) co_await reactor_.sleep(100'000);
  open->vos().closeContainer(vos);
  DAOS_CO_TRY(const vos::Ticket ticket, open->vos().destroyContainer(container));
  wakeCollector(*open);
  co_return co_await open->vos().arena().waitDurable(ticket);
}

Result<PoolShare> Target::queryPool(Uuid pool) {
  DAOS_TRY(auto open, findPool(pool));
  return PoolShare{.space = open->vos().space(), .containerCount = open->containers.size()};
}

void Target::setContainerQuota(const Uuid& pool, const Uuid& container, const QuotaPart& part) {
  quotas_[container] = part;
  const auto open = pools_.find(pool);
  if (open == pools_.end()) return;
  const auto found = open->second->containers.find(container);
  if (found != open->second->containers.end()) found->second->quota.set(part, reactor_.nowNs());
}

Result<QuotaUsage> Target::containerUsage(const Uuid& pool, const Uuid& container,
                                          bool isFrozen) {
  DAOS_TRY(const auto found, findAnyContainer(pool, container));
  if (!found->vos) return Error(ErrorCode::kCanceled, "the container is being closed");
  const QuotaUsage usage = quotaUsage(*found, isFrozen);
  if (isFrozen) quotas_[container] = found->quota.part;
  return usage;
}

void Target::wantQuota(const OpenContainer& container) {
  if (options_.quotaRequests) options_.quotaRequests->add(container.pool->uuid, container.uuid);
}

Result<PoolMetrics> Target::poolMetrics(Uuid pool) {
  DAOS_TRY(auto open, findPool(pool));
  return open->metrics;
}

void Target::wakeCollector(OpenPool& pool) {
  if (pool.isCollecting || pool.isClosed || !pool.vos().hasGarbage()) return;
  pool.isCollecting = true;
  reactor_.spawn(collect(pools_.at(pool.uuid)));
}

// Small steps between the turns that serve requests.
Task<void> Target::collect(std::shared_ptr<OpenPool> pool) {
  while (!pool->isClosed) {
    const auto hasMore = pool->vos().collectStep(options_.collectBudget);
    if (!hasMore.ok()) {
      DAOS_LOG_ERROR(options_.log, "pool " + pool->uuid.toString() +
                                       ": garbage collection: " + hasMore.error().describe());
      break;
    }
    if (!*hasMore) break;
    co_await reactor_.yield();
  }
  pool->isCollecting = false;
}

void Target::wakeSettler(const std::shared_ptr<OpenPool>& pool) {
  if (pool->isSettling || pool->isClosed || pool->vos().absorbedBytes() == 0) return;
  pool->isSettling = true;
  reactor_.spawn(settle(pool));
}

// Many pieces at a time: what comes in a pause is written together.
Task<void> Target::settle(std::shared_ptr<OpenPool> pool) {
  while (!pool->isClosed && pool->vos().absorbedBytes() > 0) {
    if (!pool->vos().isFullOfAbsorbed()) co_await reactor_.sleep(vos::Pool::kSettlePauseNs);
    if (pool->isClosed) break;
    const auto hasMore = co_await pool->vos().settleStep(vos::Pool::kSettleBytes);
    if (hasMore.ok() && *hasMore) continue;
    if (!hasMore.ok() && hasMore.code() != ErrorCode::kNomem) {
      if (!pool->failure) {
        DAOS_LOG_WARNING(options_.log, "pool " + pool->uuid.toString() +
                                           ": absorbed data stays in its arena: " +
                                           hasMore.error().describe());
      }
      break;
    }
    if (pool->vos().isFullOfAbsorbed()) co_await reactor_.sleep(vos::Pool::kSettlePauseNs);
  }
  pool->isSettling = false;
}

// Fresh pages take longer to make than what is written to them, so they are made before: a few in
// each turn while no request comes, and fewer beside requests.
Task<void> Target::populate(std::shared_ptr<OpenPool> pool) {
  uint64_t requestCount = 0;
  while (!pool->isClosed && pool->vos().arena().populateStep(options_.populateBytes)) {
    const uint64_t count = endpoint_.statistics().requestCount;
    const bool isBusy = count != requestCount;
    requestCount = count;
    if (isBusy) {
      co_await reactor_.sleep(kBusyPauseNs);
    } else {
      co_await reactor_.yield();
    }
  }
  pool->isPopulating = false;
}

Task<Status> Target::close() {
  Status first;
  while (!pools_.empty()) {
    const std::shared_ptr<OpenPool> open = pools_.begin()->second;
    pools_.erase(pools_.begin());
    co_await closeContainers(*open);
    Status status = co_await open->stored->close();
    if (!status.ok() && first.ok()) first = std::move(status);
    open->stored.reset();
  }
  co_return first;
}

// Called while a device ends a request: only notes it here.
void Target::fail(const Error& error) {
  if (failure_) return;
  failure_ = Error(error).within("target " + std::to_string(options_.index) + " of rank " +
                                 std::to_string(options_.rank) + " has stopped");
  DAOS_LOG_ERROR(options_.log, failure_->describe());
  devicesAtFailure_ = queryDevices();
  for (auto& [uuid, pool] : pools_) {
    pool->failure = failure_;
    poolsAtFailure_.push_back(pool);
  }
  isStopping_ = true;
  reactor_.spawn(closePoolsOfFailed());
}

// Pools on sound devices are closed in order; the failed one's error is known already.
Task<void> Target::closePoolsOfFailed() {
  co_await reactor_.yield();
  [[maybe_unused]] const Status known = co_await close();
  isStopping_ = false;
}

Task<Status> Target::settle(vos::Pool& pool, Epoch epoch) {
  if (isSettled(pool, epoch)) co_return Status{};
  DAOS_CO_CHECK(observeEpoch(epoch));
  while (!pool.arena().hasLogRoom()) DAOS_CO_CHECK(co_await pool.arena().waitLogRoom());
  DAOS_CO_TRY(const vos::Ticket ticket, pool.raiseEpochMax(epoch));
  co_return co_await pool.arena().waitDurable(ticket);
}

void Target::abandon() {
  for (auto& [uuid, pool] : pools_) {
    // Sessions may still hold containers, and these their pool.
    for (auto& [_, container] : pool->containers) container->vos = nullptr;
    pool->containers.clear();
    pool->isClosed = true;
    pool->aggregation->abandon();
    pool->stored.reset();
  }
  pools_.clear();
}

}  // namespace daos::engine
