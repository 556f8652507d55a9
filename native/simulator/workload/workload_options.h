// What clients do: how much, on how many keys, in which mixture. Read from files (settings.h).
#pragma once

#include <cstdint>
#include <span>

#include "simulator/settings.h"

namespace daos::simulator {

struct WorkloadOptions {
  // The system.
  uint64_t engineCount = 2;
  uint64_t targetCount = 2;  // of each engine
  uint64_t dataThreshold = 4096;  // bytes of a value or extent that lies in DATA, not in the arena
  uint64_t clientCount = 3;
  // How much.
  uint64_t operationCount = 60;  // of each client, at most; it also ends with the time
  uint64_t pauseMeanNs = 20'000'000;
  uint64_t timeoutNs = 5'000'000'000;
  // On what. A dkey has `singleCount` akeys with single values and `arrayCount` with arrays.
  uint64_t objectCount = 2;
  uint64_t dkeyCount = 3;
  uint64_t singleCount = 3;
  uint64_t arrayCount = 1;
  uint64_t recordCount = 12;
  uint64_t recordSizeBytes = 32;
  uint64_t valueSizeMaxBytes = 300;
  uint64_t largeSizeMaxBytes = 40000;  // of large values: over the thresholds of arena and message
  uint64_t largeShare = 50'000;        // of single values
  // Mixture: weights.
  uint64_t updateWeight = 30;
  uint64_t fetchWeight = 40;
  uint64_t punchAkeysWeight = 5;
  uint64_t punchDkeyWeight = 2;
  uint64_t punchObjectWeight = 1;
  uint64_t listAkeysWeight = 4;
  uint64_t listDkeysWeight = 3;
  uint64_t snapshotWeight = 8;
  uint64_t conditionShare = 200'000;  // of updates, fetches and punches
  uint64_t akeysPerCallMax = 3;
  // Background.
  uint64_t aggregateEveryNs = 0;
};
std::span<const Setting<WorkloadOptions>> workloadSettings();

}  // namespace daos::simulator
