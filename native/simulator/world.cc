#include "simulator/world.h"

#include <algorithm>

#include "simulator/random_stream.h"

namespace daos::simulator {

// A turn under load does some.
static constexpr uint64_t kActionsToHaltMax = 24;

Node::~Node() { DAOS_ASSERT(!process_); }

void Node::boot() {
  DAOS_ASSERT(!process_);
  const FaultOptions& faults = world_.faults();
  SeededRandom random = randomStream(world_.seed(), Stream::kClock, id_);
  const auto draw = [&random](uint64_t max) {
    return max ? static_cast<int64_t>(random.below(2 * max + 1)) - static_cast<int64_t>(max) : 0;
  };
  ++bootCount_;
  world_.trace().add({world_.scheduler().nowNs(), id_, TraceKind::kStart, 0, bootCount_, 0});
  const int64_t skewNs = draw(faults.clockSkewMaxNs);
  process_ =
      std::make_unique<Process>(world_.scheduler(), world_.trace(),
                                ProcessOptions{.id = id_,
                                               .seed = world_.seed(),
                                               .clockSkewNs = skewNs + clockStepNs_,
                                               .clockDriftPpm = draw(faults.clockDriftMaxPpm)});
  onBoot();
  process_->wake();
}

void Node::crash() {
  if (!process_) return;
  world_.trace().add({world_.scheduler().nowNs(), id_, TraceKind::kCrash, 0,
                      process_->reactor().spawnedCount(), 0});
  process_->dropTasks();
  onCrash();
  process_.reset();
}

World::World(WorldArguments arguments)
    : arguments_(std::move(arguments)),
      scheduler_(arguments_.seed),
      trace_(arguments_.isRecording),
      network_(std::make_unique<SimulatedNetwork>(scheduler_, trace_, arguments_.faults,
                                                  arguments_.seed)) {}

World::~World() { clear(); }

void World::clear() {
  for (Place& place : places_) place.node->crash();
  places_.clear();
}

Node& World::addNode(std::unique_ptr<Node> node, std::vector<SimulatedDisk*> disks,
                     uint32_t group) {
  places_.push_back({std::move(node), std::move(disks), group, {}});
  return *places_.back().node;
}

SimulatedDisk& World::addDisk(DiskOptions options) {
  options.id = static_cast<uint32_t>(disks_.size());
  options.seed = arguments_.seed;
  disks_.push_back(std::make_unique<SimulatedDisk>(scheduler_, trace_, arguments_.faults, options));
  return *disks_.back();
}

void World::playFaults(uint64_t ns) {
  const uint64_t startNs = scheduler_.nowNs();
  plan_ = planFaults(arguments_.seed, arguments_.faults, ns);
  for (const FaultEvent& event : plan_) {
    if (arguments_.withoutFaults.contains(event.index)) continue;
    scheduler_.at(startNs + event.timeNs, [this, event] {
      if (!isHealed_) strike(event);
    });
  }
}

void World::bootLater(Place& place, uint64_t ns) {
  if (place.bootEvent) scheduler_.cancel(place.bootEvent);
  place.bootEvent = scheduler_.after(ns, [&place] {
    place.bootEvent = {};
    if (!place.node->isUp()) place.node->boot();
  });
}

void World::crash(Node& node, uint64_t downNs) {
  uint32_t group = 0;
  for (Place& place : places_) {
    if (place.node.get() == &node) group = place.group;
  }
  for (Place& place : places_) {
    const bool isMember = place.node.get() == &node || (group != 0 && place.group == group);
    if (!isMember || !place.node->isUp()) continue;
    place.node->crash();
    bootLater(place, downNs);
  }
}

void World::cutPower(uint64_t downNs) {
  for (Place& place : places_) {
    if (place.disks.empty()) continue;
    place.node->crash();
    bootLater(place, downNs);
  }
  for (const auto& disk : disks_) disk->cutPower();
}

// One node from all others, or one pair; one way or both.
void World::partition(const FaultEvent& event, SeededRandom& random) {
  const uint32_t victim = draw(random).node->id();
  const uint32_t only = draw(random).node->id();
  const bool isPair = random.chance(1, 2);
  const bool isOneWay = random.below(1'000'000) < arguments_.faults.oneWayShare;
  const bool isOutward = random.chance(1, 2);
  for (const Place& place : places_) {
    const uint32_t other = place.node->id();
    if (other == victim || (isPair && other != only)) continue;
    if (!isOneWay || isOutward) network_->partition(victim, other, event.durationNs);
    if (!isOneWay || !isOutward) network_->partition(other, victim, event.durationNs);
  }
}

void World::strike(const FaultEvent& event) {
  SeededRandom random(event.chance);
  trace_.add({scheduler_.nowNs(), 0, TraceKind::kFault, event.index,
              static_cast<uint64_t>(event.kind), event.durationNs});
  ++struck_[faultKindName(event.kind)];
  Place& place = draw(random);
  Node& node = *place.node;
  switch (event.kind) {
    case FaultKind::kPartition:
      return partition(event, random);
    case FaultKind::kClog:
      return network_->clog(node.id(), draw(random).node->id(), event.durationNs);
    case FaultKind::kCrash:
      return crash(node, event.durationNs);
    case FaultKind::kHalt:
      if (!node.isUp()) return;
      return node.process().haltAfter(random.below(kActionsToHaltMax),
                                      [this, &node, downNs = event.durationNs] {
                                        // Not from within its turn.
                                        scheduler_.after(0, [this, &node, downNs] {
                                          ++haltCount_;
                                          crash(node, downNs);
                                        });
                                      });
    case FaultKind::kPause:
      if (node.isUp()) node.process().pause(event.durationNs);
      return;
    case FaultKind::kPowerCut:
      return cutPower(event.durationNs);
    case FaultKind::kClockJump: {
      const int64_t ns = static_cast<int64_t>(event.durationNs) * (random.chance(1, 2) ? 1 : -1);
      node.clockStepNs_ += ns;
      if (node.isUp()) node.process().clock().step(ns);
      return;
    }
    case FaultKind::kSlowDisk:
      if (!disks_.empty()) disks_[random.below(disks_.size())]->slowDown(event.durationNs);
      return;
    case FaultKind::kBitRot:
      if (!disks_.empty()) disks_[random.below(disks_.size())]->rotBit();
      return;
  }
}

std::map<std::string, uint64_t> World::faultCounts() const {
  std::map<std::string, uint64_t> counts;
  for (const auto& [name, count] : struck_) counts["fault: " + name] = count;
  for (const auto& disk : disks_) {
    const DiskStatistics& statistics = disk->statistics();
    counts["fault: sectors lost"] += statistics.sectorsLost;
    counts["fault: unflushed sectors kept"] += statistics.sectorsKept;
    counts["fault: disk errors"] += statistics.errorCount;
    counts["fault: misdirected writes"] += statistics.misdirectCount;
    counts["fault: bits flipped"] += statistics.bitRotCount;
  }
  counts["fault: crashes within a turn"] = haltCount_;
  const NetworkStatistics& statistics = network_->statistics();
  counts["fault: messages lost"] = statistics.lostCount;
  counts["fault: messages doubled"] = statistics.duplicatedCount;
  counts["fault: messages overtaken"] = statistics.reorderedCount;
  counts["fault: messages damaged"] = statistics.corruptedCount;
  counts["fault: transfers damaged"] = statistics.damagedTransferCount;
  counts["fault: connections broken"] = statistics.brokenCount;
  return counts;
}

World::Damage World::damage() const {
  const bool isAtRest = std::any_of(disks_.begin(), disks_.end(), [](const auto& disk) {
    return disk->statistics().misdirectCount + disk->statistics().bitRotCount > 0;
  });
  if (isAtRest) return Damage::kAtRest;
  return network_->statistics().damagedTransferCount > 0 ? Damage::kOnTheWay : Damage::kNone;
}

void World::heal() {
  isHealed_ = true;
  healedAtNs_ = scheduler_.nowNs();
  network_->heal();
  for (const auto& disk : disks_) disk->heal();
  for (Place& place : places_) {
    if (place.node->isUp()) place.node->process().dontHalt();
    if (place.bootEvent) bootLater(place, 0);
  }
}

}  // namespace daos::simulator
