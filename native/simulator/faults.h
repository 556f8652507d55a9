// What may go wrong, how often; and when it will, as a list made from the seed before the run.
//
// Faults of single messages and disk requests are drawn as they happen (rates). Faults that last or
// strike a whole process are events of a schedule, so that a failing run can be repeated with fewer
// of them. A rate or interval of 0 switches the fault off.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "simulator/settings.h"

namespace daos::simulator {

struct FaultOptions {
  // Messages. Shares in parts per million of messages.
  uint64_t delayMinNs = 2'000;
  uint64_t delayMaxNs = 30'000;
  uint64_t slowShare = 0;  // messages that take up to slowMaxNs
  uint64_t slowMaxNs = 50'000'000;
  uint64_t lossShare = 0;  // silently lost
  uint64_t duplicateShare = 0;
  uint64_t reorderShare = 0;  // overtaken by later ones
  // Lost together with the connection: both sides are told after a while.
  uint64_t breakShare = 0;
  uint64_t corruptShare = 0;  // a bit flips
  uint64_t transferCorruptShare = 0;  // the same in a transfer between memories
  // Events, by mean interval.
  uint64_t partitionEveryNs = 0;
  uint64_t partitionMaxNs = 2'000'000'000;
  uint64_t oneWayShare = 500'000;  // of partitions
  uint64_t clogEveryNs = 0;        // a random pair gets slow
  uint64_t clogMaxNs = 1'000'000'000;
  uint64_t crashEveryNs = 0;
  uint64_t haltEveryNs = 0;  // a crash in the middle of a turn
  uint64_t downMaxNs = 1'000'000'000;
  uint64_t pauseEveryNs = 0;
  uint64_t pauseMaxNs = 3'000'000'000;
  uint64_t powerCutEveryNs = 0;  // of everything at once
  uint64_t clockJumpEveryNs = 0;
  uint64_t clockJumpMaxNs = 10'000'000'000;
  uint64_t slowDiskEveryNs = 0;
  uint64_t slowDiskMaxNs = 1'000'000'000;
  uint64_t bitRotEveryNs = 0;  // of data at rest
  // Clocks.
  uint64_t clockSkewMaxNs = 0;
  uint64_t clockDriftMaxPpm = 0;
  // Disks. Shares of requests.
  uint64_t diskDelayMinNs = 10'000;
  uint64_t diskDelayMaxNs = 200'000;
  uint64_t readErrorShare = 0;
  uint64_t writeErrorShare = 0;
  uint64_t flushErrorShare = 0;
  uint64_t misdirectShare = 0;  // written elsewhere
  uint64_t torn = 1;            // a power cut decides by sector, not by request
  // Smaller than the world's, so that they fill up.
  uint64_t arenaSizeBytes = 0;
  uint64_t dataSizeBytes = 0;
  // Memory for data on its way to and from disks that is refused, share of requests; there is none
  // set aside then.
  uint64_t memoryRefusalShare = 0;

  // Bits rot or writes go astray: a store may refuse to open, if it says why.
  bool mayDestroyData() const { return bitRotEveryNs != 0 || misdirectShare != 0; }
};
std::span<const Setting<FaultOptions>> faultSettings();

enum class FaultKind : uint8_t {
  kPartition,
  kClog,
  kCrash,
  kPause,
  kPowerCut,
  kClockJump,
  kSlowDisk,
  kBitRot,
  kHalt,
};
const char* faultKindName(FaultKind kind);

struct FaultEvent {
  uint32_t index = 0;  // its name: stays the same when others are left out
  FaultKind kind = FaultKind::kCrash;
  uint64_t timeNs = 0;
  uint64_t durationNs = 0;
  uint64_t chance = 0;  // from which the world chooses victims
};

// All events in (0, endNs], by time.
std::vector<FaultEvent> planFaults(uint64_t seed, const FaultOptions& options, uint64_t endNs);
std::string describe(const FaultEvent& event);

}  // namespace daos::simulator
