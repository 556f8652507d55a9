#include "simulator/system/target_node.h"

#include <algorithm>

#include "engine/container/snapshots.h"

namespace daos::simulator {

TargetNode::TargetNode(World& world, uint32_t id, SimulatedDisk& disk, Recorder& recorder,
                       TargetNodeArguments arguments)
    : Node(world, id), disk_(disk), recorder_(recorder), arguments_(std::move(arguments)) {}

void TargetNode::onBoot() {
  Process& own = process();
  media_ = disk_.open(own, "disk of node " + std::to_string(id()));
  media_->onFailed([this](const Error&) { restart(); });
  store_ = std::make_unique<DiskPoolStore>(*media_, own.random(), label_, arguments_.layout,
                                           arguments_.index, memoryOf(own));
  endpoint_ = rpc::Endpoint::create(own.reactor(), own.random());
  engine::AggregationOptions aggregates = aggregation();
  isAggregatingAtRandom_ = arguments_.aggregateEveryNs > 0 && aggregates.historyNs == 0;
  endpoint_->addTransport(world().network().createTransport(own));
  target_ = std::make_unique<engine::Target>(
      own.reactor(), own.random(), *endpoint_, *store_,
      engine::TargetOptions{.rank = arguments_.rank,
                            .index = arguments_.index,
                            .aggregation = std::move(aggregates)});
  own.reactor().spawn(open());
}

// Memory for I/O as the faults give it; empty when they don't touch it.
bio::DmaPool::Permission TargetNode::memoryOf(Process& own) {
  const uint64_t share = world().faults().memoryRefusalShare;
  if (share == 0) return {};
  return [this, &own, share](uint64_t) {
    const bool isRefused = !world().isHealed() && own.random().below(1'000'000) < share;
    if (isRefused) ++memoryRefusalCount_;
    return !isRefused;
  };
}

void TargetNode::onCrash() {
  isServing_ = false;
  isPinning_ = false;
  target_->abandon();
  target_.reset();
  endpoint_.reset();
  store_.reset();
  media_.reset();
}

// A new disk is laid out before faults begin; a crash meanwhile starts over.
Task<Status> TargetNode::layOut() {
  label_ = {};
  DAOS_CO_CHECK(
      co_await target_->createPool(arguments_.pool, {.arenaBytes = arguments_.layout.arenaBytes}));
  DAOS_CO_TRY(emptyUsedBytes_, usedBytes());
  DAOS_CO_CHECK(co_await target_->createContainer(arguments_.pool, arguments_.container));
  isLaidOut_ = true;
  co_return Status{};
}

static bool tellsOfDamage(ErrorCode code) {
  return code == ErrorCode::kCsum || code == ErrorCode::kDfInval || code == ErrorCode::kDataLoss;
}

Task<void> TargetNode::open() {
  Status status;
  if (isLaidOut_) {
    status = co_await target_->openPool(arguments_.pool);
  } else {
    status = co_await layOut();
  }
  // A refused read or write, or memory for it: there may be one next time.
  if (status.code() == ErrorCode::kIo || status.code() == ErrorCode::kNomem) co_return restart();
  if (world().faults().mayDestroyData() && tellsOfDamage(status.code())) {
    hasLostData_ = true;
    co_return;
  }
  if (!status.ok()) {
    recorder_.violate(
        {"recovery", "node " + std::to_string(id()) + ": " + status.error().describe(), {}});
    co_return;
  }
  redoneTransactionCount_ += store_->recovery().transactionCount;
  isServing_ = true;
  process().reactor().spawn(watch());
  if (isAggregatingAtRandom_) process().reactor().spawn(aggregateAtRandom());
}

// A store that failed without its device (a refused write of a checkpoint) is of no use either.
Task<void> TargetNode::watch() {
  while (!store_->hasFailed()) co_await process().reactor().sleep(10'000'000);
  restart();
}

// As the engine does it. In other lives it is done here, in steps and pauses of any length.
engine::AggregationOptions TargetNode::aggregation() {
  const uint64_t everyNs = arguments_.aggregateEveryNs;
  if (everyNs == 0 || process().random().chance(1, 2)) return {};
  return {.historyNs = 1 + process().random().below(300'000'000),
          .pauseNs = everyNs,
          .onEnd = [this](const Status& status) { judgeAggregation(status); }};
}

// Up to a moment a little ago, over and over, beside whatever clients do.
Task<void> TargetNode::aggregateAtRandom() {
  for (;;) {
    co_await process().reactor().sleep(
        1 + process().random().below(2 * arguments_.aggregateEveryNs));
    const auto container = target_->findContainer(arguments_.pool, arguments_.container);
    if (!container.ok()) co_return;
    const Status status = co_await aggregateOnce(**container);
    if ((*container)->vos == nullptr) co_return;
    judgeAggregation(status);
  }
}

void TargetNode::judgeAggregation(const Status& status) {
  const ErrorCode code = status.code();
  process().trace().add({world().scheduler().nowNs(), id(), TraceKind::kBackground, 0, 1,
                         static_cast<uint64_t>(code)});
  if (status.ok()) ++aggregationCount_;
  // A full store has no room for the log of it either, memory may be refused; a failed store is
  // restarted.
  const bool isExpected = status.ok() || code == ErrorCode::kNospace || code == ErrorCode::kIo ||
                          code == ErrorCode::kNomem;
  const bool isDamage = world().faults().mayDestroyData() && tellsOfDamage(code);
  if (!isExpected && !isDamage && !store_->hasFailed())
    recorder_.violate({"aggregation", status.error().describe(), {}});
}

Task<Status> TargetNode::aggregateOnce(engine::OpenContainer& container) {
  Reactor& reactor = process().reactor();
  vos::Pool& pool = container.pool->vos();
  const uint64_t ageNs = process().random().below(300'000'000);
  const Epoch now = std::min(target_->nextEpoch(), pool.epochMax());
  if (now <= ageNs) co_return Status{};
  Status begun = container.vos->beginAggregation(now - ageNs);
  // Some of this has been aggregated before.
  if (begun.code() == ErrorCode::kEpOld) co_return Status{};
  if (!begun.ok()) co_return begun;
  for (;;) {
    while (container.vos && !pool.arena().hasLogRoom())
      DAOS_CO_CHECK(co_await pool.arena().waitLogRoom());
    if (!container.vos) co_return Status{};
    auto hasMore = container.vos->reduceStep(1 + process().random().below(64));
    if (!hasMore.ok()) {
      container.vos->cancelReduction();
      co_return std::move(hasMore).error();
    }
    if (!*hasMore) co_return Status{};
    // Now and then nobody does, and what could go to Media stays in the arena.
    if (container.vos->hasReductionWrite() && !process().random().chance(1, 8)) {
      engine::OpenContainer::Use use(container);
      Status written = co_await container.vos->writeReduction();
      if (!written.ok() && container.vos) container.vos->cancelReduction();
      if (!written.ok()) co_return written;
    }
    if (!container.vos) co_return Status{};
    co_await reactor.sleep(1 + process().random().below(500'000));
    if (!container.vos) co_return Status{};
  }
}

// As the control plane asks for it: one request after the other, each with all that is pinned.
Task<Status> TargetNode::createSnapshot(Epoch epoch) {
  while (isPinning_) co_await process().reactor().sleep(1'000'000);
  DAOS_CO_TRY(const auto container,
              target_->findContainer(arguments_.pool, arguments_.container));
  if (!container->vos) co_return Error(ErrorCode::kNonexist, "the container is gone");
  std::vector<Epoch> epochs = container->vos->snapshots();
  epochs.push_back(epoch);
  isPinning_ = true;
  Status status = co_await engine::setContainerSnapshots(
      *target_, arguments_.pool, arguments_.container, std::move(epochs));
  isPinning_ = false;
  co_return status;
}

// What an operator does: the target dies, and comes back with what the device still gives.
void TargetNode::restart() {
  world().scheduler().after(1000, [this, boot = bootCount()] {
    if (isUp() && bootCount() == boot) world().crash(*this, 50'000'000);
  });
}

Result<uint64_t> TargetNode::usedBytes() const {
  DAOS_TRY(const engine::PoolShare share, target_->queryPool(arguments_.pool));
  return share.space.arena.usedBytes + share.space.mediaUsedBytes;
}

}  // namespace daos::simulator
