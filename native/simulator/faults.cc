#include "simulator/faults.h"

#include <algorithm>
#include <cstdio>

#include "simulator/random_stream.h"

namespace daos::simulator {

using F = FaultOptions;
using U = SettingUnit;

static constexpr Setting<FaultOptions> kSettings[] = {
    {"network.delayMin", U::kDuration, &F::delayMinNs},
    {"network.delayMax", U::kDuration, &F::delayMaxNs},
    {"network.slow", U::kShare, &F::slowShare},
    {"network.slowMax", U::kDuration, &F::slowMaxNs},
    {"network.loss", U::kShare, &F::lossShare},
    {"network.duplicate", U::kShare, &F::duplicateShare},
    {"network.reorder", U::kShare, &F::reorderShare},
    {"network.break", U::kShare, &F::breakShare},
    {"network.corrupt", U::kShare, &F::corruptShare},
    {"network.corruptTransfer", U::kShare, &F::transferCorruptShare},
    {"network.partitionEvery", U::kDuration, &F::partitionEveryNs},
    {"network.partitionMax", U::kDuration, &F::partitionMaxNs},
    {"network.oneWay", U::kShare, &F::oneWayShare},
    {"network.clogEvery", U::kDuration, &F::clogEveryNs},
    {"network.clogMax", U::kDuration, &F::clogMaxNs},
    {"process.crashEvery", U::kDuration, &F::crashEveryNs},
    {"process.haltEvery", U::kDuration, &F::haltEveryNs},
    {"process.downMax", U::kDuration, &F::downMaxNs},
    {"process.pauseEvery", U::kDuration, &F::pauseEveryNs},
    {"process.pauseMax", U::kDuration, &F::pauseMaxNs},
    {"power.cutEvery", U::kDuration, &F::powerCutEveryNs},
    {"clock.jumpEvery", U::kDuration, &F::clockJumpEveryNs},
    {"clock.jumpMax", U::kDuration, &F::clockJumpMaxNs},
    {"clock.skewMax", U::kDuration, &F::clockSkewMaxNs},
    {"clock.driftMaxPpm", U::kCount, &F::clockDriftMaxPpm},
    {"disk.delayMin", U::kDuration, &F::diskDelayMinNs},
    {"disk.delayMax", U::kDuration, &F::diskDelayMaxNs},
    {"disk.readError", U::kShare, &F::readErrorShare},
    {"disk.writeError", U::kShare, &F::writeErrorShare},
    {"disk.flushError", U::kShare, &F::flushErrorShare},
    {"disk.misdirect", U::kShare, &F::misdirectShare},
    {"disk.bitRotEvery", U::kDuration, &F::bitRotEveryNs},
    {"disk.slowEvery", U::kDuration, &F::slowDiskEveryNs},
    {"disk.slowMax", U::kDuration, &F::slowDiskMaxNs},
    {"disk.torn", U::kSwitch, &F::torn},
    {"arena.size", U::kSize, &F::arenaSizeBytes},
    {"memory.refuse", U::kShare, &F::memoryRefusalShare},
    {"data.size", U::kSize, &F::dataSizeBytes},
};

std::span<const Setting<FaultOptions>> faultSettings() { return kSettings; }

static constexpr const char* kKindNames[] = {"partition", "clog",      "crash",
                                             "pause",     "power cut", "clock jump",
                                             "slow disk", "bit rot",   "halt"};
const char* faultKindName(FaultKind kind) { return kKindNames[static_cast<int>(kind)]; }

std::vector<FaultEvent> planFaults(uint64_t seed, const FaultOptions& options, uint64_t endNs) {
  struct Source {
    FaultKind kind;
    uint64_t everyNs;
    uint64_t durationMaxNs;
  };
  const Source sources[] = {
      {FaultKind::kPartition, options.partitionEveryNs, options.partitionMaxNs},
      {FaultKind::kClog, options.clogEveryNs, options.clogMaxNs},
      {FaultKind::kCrash, options.crashEveryNs, options.downMaxNs},
      {FaultKind::kPause, options.pauseEveryNs, options.pauseMaxNs},
      {FaultKind::kPowerCut, options.powerCutEveryNs, options.downMaxNs},
      {FaultKind::kClockJump, options.clockJumpEveryNs, options.clockJumpMaxNs},
      {FaultKind::kSlowDisk, options.slowDiskEveryNs, options.slowDiskMaxNs},
      {FaultKind::kBitRot, options.bitRotEveryNs, 0},
      {FaultKind::kHalt, options.haltEveryNs, options.downMaxNs},
  };
  std::vector<FaultEvent> events;
  for (const Source& source : sources) {
    if (source.everyNs == 0) continue;
    SeededRandom random = randomStream(seed, Stream::kFaults, static_cast<uint64_t>(source.kind));
    uint64_t timeNs = 0;
    while ((timeNs += 1 + random.below(2 * source.everyNs)) <= endNs) {
      const uint64_t durationNs = source.durationMaxNs ? 1 + random.below(source.durationMaxNs) : 0;
      events.push_back({0, source.kind, timeNs, durationNs, random.next()});
    }
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const FaultEvent& x, const FaultEvent& y) { return x.timeNs < y.timeNs; });
  for (uint32_t i = 0; i < events.size(); ++i) events[i].index = i;
  return events;
}

std::string describe(const FaultEvent& event) {
  char line[128];
  std::snprintf(line, sizeof(line), "fault %u: %s at %.3f ms for %.3f ms", event.index,
                faultKindName(event.kind), static_cast<double>(event.timeNs) / 1e6,
                static_cast<double>(event.durationNs) / 1e6);
  return line;
}

}  // namespace daos::simulator
