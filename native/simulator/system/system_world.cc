#include "simulator/system/system_world.h"

#include <algorithm>

#include "simulator/random_stream.h"

namespace daos::simulator {

namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint32_t kFirstTarget = 1;
constexpr uint32_t kFirstClient = 101;
constexpr uint32_t kVerifier = 900;
// After the last fault, all that was asked must have ended within this time.
constexpr uint64_t kLivenessLimitNs = 60 * kSecond;

}  // namespace

SystemWorld::SystemWorld(const CaseArguments& arguments)
    : World({arguments.seed, arguments.faults, arguments.withoutFaults, arguments.isRecording}),
      arguments_(arguments),
      snapshotRandom_(randomStream(arguments.seed, Stream::kWorld, 3)),
      keys_(arguments.workload),
      recorder_(scheduler(), trace(), keys_) {
  recorder_.setDamageSource(
      [this](bool isStored) { return damage() > (isStored ? Damage::kOnTheWay : Damage::kNone); });
  build();
}

SystemWorld::~SystemWorld() { clear(); }

void SystemWorld::build() {
  SeededRandom random = randomStream(seed(), Stream::kWorld);
  pool_ = random.uuid();
  container_ = random.uuid();
  network().setInlineSizeMax(random.chance(1, 2) ? 1024 : 16384);
  placement::PoolMap map{.version = 1};
  DiskLayout layout;
  layout.dataThreshold = arguments_.workload.dataThreshold;
  if (faults().arenaSizeBytes) layout.arenaBytes = faults().arenaSizeBytes;
  if (faults().dataSizeBytes) layout.dataBytes = faults().dataSizeBytes;
  uint32_t id = kFirstTarget;
  for (uint32_t rank = 0; rank < arguments_.workload.engineCount; ++rank) {
    for (uint32_t index = 0; index < arguments_.workload.targetCount; ++index, ++id) {
      SimulatedDisk& disk = addDisk(
          {.sizeBytes = layout.sizeBytes(), .sectorSizeBytes = random.chance(1, 2) ? 512u : 4096u});
      auto node = std::make_unique<TargetNode>(
          *this, id, disk, recorder_, TargetNodeArguments{rank, index, pool_, container_, layout,
                                               arguments_.workload.aggregateEveryNs});
      targets_.push_back(node.get());
      addNode(std::move(node), {&disk}, rank + 1);
      map.targets.push_back(
          {.rank = rank, .index = index, .addresses = {{"sim", SimulatedNetwork::addressOf(id)}}});
    }
  }
  ClientNodeArguments client{.pool = pool_,
                             .container = container_,
                             .map = map,
                             .operationCount = arguments_.workload.operationCount,
                             .hasChecksums = random.chance(3, 4)};
  // Only checksums tell of damage to bulk data.
  if (faults().mayDestroyData()) client.hasChecksums = true;
  if (client.hasChecksums) network().damageTransfers();
  // Side by side or one after another: as many operations in all.
  client.depth = 1 + static_cast<uint32_t>(random.below(3));
  client.operationCount /= client.depth;
  for (uint32_t i = 0; i < arguments_.workload.clientCount; ++i) {
    auto node = std::make_unique<ClientNode>(*this, kFirstClient + i, keys_, recorder_, client);
    clients_.push_back(node.get());
    addNode(std::move(node));
  }
  auto verifier = std::make_unique<ClientNode>(*this, kVerifier, keys_, recorder_, client);
  verifier_ = verifier.get();
  addNode(std::move(verifier));
}

bool SystemWorld::runFor(uint64_t ns, const std::function<bool()>& done) {
  const auto isOver = [&] { return recorder_.violation() || hasLostData() || done(); };
  if (!isOver()) scheduler().runUntil(scheduler().nowNs() + ns, isOver);
  return done();
}

// A target has refused to open damaged data, and said so, or nobody could: the run ends, with what
// was answered so far.
bool SystemWorld::hasLostData() const {
  return std::any_of(targets_.begin(), targets_.end(), [](const TargetNode* node) {
    return node->hasLostData() || node->hidesDamage();
  });
}

bool SystemWorld::areAllServing() const {
  return std::all_of(targets_.begin(), targets_.end(),
                     [](const TargetNode* node) { return node->isServing(); });
}

bool SystemWorld::areClientsDone() const {
  return std::all_of(clients_.begin(), clients_.end(),
                     [](const ClientNode* node) { return node->isUp() && node->isDone(); });
}

void SystemWorld::phase(uint64_t number) {
  trace().add({scheduler().nowNs(), 0, TraceKind::kPhase, 0, number, 0});
}

void SystemWorld::violate(std::string check, std::string explanation) {
  if (hasLostData()) return;
  recorder_.violate({std::move(check), std::move(explanation), {}});
}

bool SystemWorld::start() {
  phase(1);
  for (TargetNode* target : targets_) target->boot();
  if (runFor(10 * kSecond, [&] { return areAllServing(); })) return true;
  violate("start", "a target does not serve 10 s after its first boot");
  return false;
}

bool SystemWorld::work() {
  phase(2);
  for (ClientNode* client : clients_) client->boot();
  playFaults(arguments_.durationNs);
  if (arguments_.workload.aggregateEveryNs > 0) takeSnapshots();
  runFor(arguments_.durationNs, [&] { return areClientsDone(); });
  return !recorder_.violation();
}

// Without pins, aggregation would leave little of the past to ask about.
void SystemWorld::takeSnapshots() {
  const uint64_t everyNs = arguments_.workload.aggregateEveryNs;
  scheduler().after(1 + snapshotRandom_.below(2 * everyNs), [this] {
    if (isHealed()) return;
    if (areAllServing()) takeSnapshot();
    takeSnapshots();
  });
}

// Of all targets at one epoch; it counts when each has said that it is durable.
void SystemWorld::takeSnapshot() {
  Epoch epoch = 0;
  for (TargetNode* target : targets_) epoch = std::max(epoch, target->target().nextEpoch());
  const auto missingCount = std::make_shared<size_t>(targets_.size());
  for (TargetNode* target : targets_) {
    target->process().reactor().spawn(
        [](TargetNode& node, Recorder& recorder, Epoch at,
           std::shared_ptr<size_t> missing) -> Task<void> {
          const Status status = co_await node.createSnapshot(at);
          if (status.ok() && --*missing == 0) recorder.pin(at);
        }(*target, recorder_, epoch, missingCount));
    target->process().wake();
  }
}

bool SystemWorld::finish() {
  phase(3);
  heal();
  for (ClientNode* client : clients_) client->stop();
  const auto isQuiet = [&] {
    return areAllServing() && areClientsDone() && recorder_.liveness().pendingCount() == 0;
  };
  if (runFor(kLivenessLimitNs + kSecond, isQuiet)) return !recorder_.violation();
  auto violation = recorder_.liveness().check(scheduler().nowNs(), healedAtNs(), kLivenessLimitNs);
  if (violation) recorder_.violate(std::move(*violation));
  violate("liveness", areAllServing() ? "clients have not finished" : "a target does not serve");
  return false;
}

bool SystemWorld::recover() {
  phase(4);
  cutPower(1'000'000);
  if (runFor(30 * kSecond, [&] { return areAllServing(); })) return true;
  violate("recovery", "a target does not serve 30 s after the power cut");
  return false;
}

bool SystemWorld::verify() {
  phase(5);
  verifier_->boot();
  const auto& questions = recorder_.questions();
  verifier_->verify({questions.begin(), questions.end()});
  if (!runFor(kLivenessLimitNs, [&] { return verifier_->isVerified(); })) {
    violate("liveness", "not everything could be read after recovery");
  }
  return !recorder_.violation();
}

// What is left of a pool after its container was destroyed and collected is what it was when it was
// new.
bool SystemWorld::giveSpaceBack() {
  phase(6);
  for (ClientNode* client : clients_) client->crash();
  verifier_->crash();
  size_t destroyedCount = 0;
  for (TargetNode* node : targets_) {
    node->process().reactor().spawn([](TargetNode& target, Recorder& recorder,
                                       size_t& count) -> Task<void> {
      const TargetNodeArguments& of = target.arguments();
      const Status status = co_await target.target().destroyContainer(of.pool, of.container);
      if (!status.ok())
        recorder.violate({"space", "destroying the container: " + status.error().describe(), {}});
      ++count;
    }(*node, recorder_, destroyedCount));
    node->process().wake();
  }
  const auto isEmpty = [&] {
    return destroyedCount == targets_.size() &&
           std::all_of(targets_.begin(), targets_.end(), [](const TargetNode* node) {
             return node->usedBytes().value() <= node->emptyUsedBytes();
           });
  };
  if (!runFor(20 * kSecond, isEmpty)) {
    for (const TargetNode* node : targets_) {
      violate("space", "node " + std::to_string(node->id()) + ": " +
                           std::to_string(node->usedBytes().value()) +
                           " bytes are in use after the container was destroyed; " +
                           std::to_string(node->emptyUsedBytes()) + " when the pool was new");
    }
  }
  return !recorder_.violation();
}

void SystemWorld::judge(bool isWhole) {
  phase(7);
  const std::vector<uint64_t>& verifying = verifier_->verifyingReads();
  for (GroupId group = 0; isWhole && group < keys_.groupCount(); ++group) {
    History before, reads;
    for (Operation& operation : recorder_.historyOf(group)) {
      const bool isVerifying =
          std::find(verifying.begin(), verifying.end(), operation.id) != verifying.end();
      (isVerifying ? reads : before).push_back(std::move(operation));
    }
    if (auto violation = checkDurability(before, reads)) {
      violation->explanation = keys_.describe(group) + ": " + violation->explanation;
      return recorder_.violate(std::move(*violation));
    }
  }
  if (auto violation = recorder_.judge(undecidedCount_)) recorder_.violate(std::move(*violation));
}

CaseResult SystemWorld::run() {
  const bool isWhole = start() && work() && finish() && recover() && verify() && giveSpaceBack();
  if (isWhole || (hasLostData() && !recorder_.violation())) judge(isWhole);
  return result();
}

std::string SystemWorld::timeline() const {
  if (!recorder_.violation()) return {};
  return recorder_.timeline(*recorder_.violation());
}

CaseResult SystemWorld::result() {
  CaseResult result{.violation = recorder_.violation(),
                    .traceHash = trace().hash(),
                    .eventCount = trace().eventCount(),
                    .virtualNs = scheduler().nowNs(),
                    .plan = plan(),
                    .timeline = timeline()};
  auto& counts = result.counts;
  for (const auto& [id, operation] : recorder_.operations()) {
    ++counts["operations"];
    ++counts[operation.isAnswered
                 ? std::string("answered ") + std::string(operation.code == ErrorCode::kOk
                                                              ? "OK"
                                                              : errorName(operation.code))
             : operation.code == ErrorCode::kOk
                 ? std::string("unanswered")
                 : "unknown " + std::string(errorName(operation.code))];
  }
  counts["undecided"] = undecidedCount_;
  const bool isTold = std::any_of(targets_.begin(), targets_.end(),
                                  [](const TargetNode* node) { return node->hasLostData(); });
  counts["runs ended by damage that was told"] = isTold;
  counts["runs ended by damage none can tell"] = hasLostData() && !isTold;
  counts["snapshots"] = recorder_.pinned().size();
  counts["snapshot answers"] = recorder_.snapshots().questionCount();
  for (const TargetNode* node : targets_) {
    counts["boots"] += node->bootCount();
    counts["fault: memory refused"] += node->memoryRefusalCount();
    counts["aggregations"] += node->aggregationCount();
    counts["transactions redone"] += node->redoneTransactionCount();
  }
  const NetworkStatistics& net = network().statistics();
  counts["messages"] = net.sentCount;
  counts.merge(faultCounts());
  counts["transfers"] = net.transferCount;
  for (const TraceEvent& event : trace().events()) result.trace += describe(event) + "\n";
  return result;
}

CaseResult runSystemCase(const CaseArguments& arguments) {
  SystemWorld world(arguments);
  return world.run();
}

}  // namespace daos::simulator
