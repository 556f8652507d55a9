#include "engine/aggregation.h"

#include <algorithm>

namespace daos::engine {

void Aggregation::start() {
  if (options_.historyNs == 0 || isStopping_) return;
  timer_ = reactor_.addTimer(reactor_.clock().nowNs() + options_.pauseNs, [this] {
    timer_ = 0;
    isRunning_ = true;
    reactor_.spawn(runRound());
  });
}

Task<void> Aggregation::stop() {
  isStopping_ = true;
  if (timer_ != 0) reactor_.cancelTimer(std::exchange(timer_, 0));
  while (isRunning_) co_await reactor_.sleep(100'000);
}

void Aggregation::abandon() {
  timer_ = 0;
  isRunning_ = false;
}

bool Aggregation::isNearlyFull() const {
  const vos::PoolSpace space = pool_.vos().space();
  const auto isTight = [](uint64_t usedBytes, uint64_t totalBytes) {
    return totalBytes != 0 && usedBytes >= totalBytes - totalBytes / 100 * kTightPercent;
  };
  return isTight(space.arena.usedBytes, space.arena.totalBytes) ||
         isTight(space.mediaUsedBytes, space.mediaTotalBytes);
}

bool Aggregation::isWanted() {
  const uint64_t nowNs = reactor_.clock().nowNs();
  const uint64_t operationCount = pool_.metrics.operationCount();
  if (usedNs_ == 0 || operationCount != std::exchange(operationCountSeen_, operationCount)) {
    usedNs_ = nowNs;
  }
  switch (pool_.properties.reclaim) {
    case Reclaim::kDisabled: return false;
    case Reclaim::kLazy: return nowNs - usedNs_ >= kIdleNs || isNearlyFull();
    case Reclaim::kTime: break;
  }
  return true;
}

Task<void> Aggregation::runRound() {
  const Epoch now = HybridClock::fromWall(reactor_.clock().wallNs());
  if (now > options_.historyNs && isWanted()) {
    const Epoch upTo = now - options_.historyNs;
    // Containers may come and go meanwhile.
    std::vector<std::shared_ptr<OpenContainer>> containers;
    for (const auto& [uuid, container] : pool_.containers) containers.push_back(container);
    for (const auto& container : containers) {
      if (isStopping_) break;
      const Status status = co_await aggregate(*container, upTo);
      if (options_.onEnd) options_.onEnd(status);
      if (status.ok()) continue;
      DAOS_LOG_ERROR(log_, "container " + container->uuid.toString() +
                               ": aggregation: " + status.error().describe());
    }
  }
  isRunning_ = false;
  start();
}

Task<Status> Aggregation::aggregate(OpenContainer& container, Epoch upTo) {
  if (!container.vos || container.isRollingBack || upTo <= container.vos->aggregatedEpoch())
    co_return Status{};
  // Nothing was written since that could be dropped now.
  const auto found = done_.find(container.uuid);
  if (found != done_.end() && pool_.vos().epochMax() <= found->second) co_return Status{};
  OpenContainer::Use use(container);
  DAOS_CO_CHECK(container.vos->beginAggregation(upTo));
  Status status = co_await finish(container, upTo);
  if (container.vos) container.vos->cancelReduction();
  co_return status;
}

// Ends early when the container is being closed.
Task<Status> Aggregation::finish(OpenContainer& container, Epoch upTo) {
  vos::Arena& arena = pool_.vos().arena();
  // Clients repeat modifications for a minute at most.
  const Epoch now = HybridClock::fromWall(reactor_.clock().wallNs());
  const Epoch forgetUpTo = std::min(upTo, now > kIdsKeptNs ? now - kIdsKeptNs : 0);
  bool isReducing = true;
  bool isForgetting = true;
  while (container.vos && !isStopping_ && (isReducing || isForgetting) && isWanted()) {
    if (!arena.hasLogRoom()) {
      DAOS_CO_CHECK(co_await arena.waitLogRoom());
      continue;
    }
    const uint64_t begin = reactor_.clock().nowNs();
    if (isReducing) {
      DAOS_CO_TRY(isReducing, container.vos->reduceStep(budget_));
    } else {
      DAOS_CO_TRY(isForgetting, container.vos->forgetCommittedStep(forgetUpTo, budget_));
    }
    const uint64_t took = reactor_.clock().nowNs() - begin;
    adapt(took);
    if (container.vos->hasReductionWrite()) {
      DAOS_CO_CHECK(co_await container.vos->writeReduction());
    }
    co_await reactor_.sleep(took * kRestFactor);
  }
  if (!isReducing && !isForgetting) done_[container.uuid] = upTo;
  co_return Status{};
}

// Records differ in cost: the budget follows what steps take.
void Aggregation::adapt(uint64_t stepNs) {
  if (stepNs > kStepNsMax) {
    budget_ = std::max(kBudgetMin, budget_ / 2);
  } else if (stepNs < kStepNsMax / 2) {
    budget_ = std::min(kBudgetMax, budget_ + budget_ / 4);
  }
}

}  // namespace daos::engine
