#include "vos/proof/planted_hunt.h"

#include <cstdio>

#include "vos/planted_fault.h"
#include "vos/proof/history_hunt.h"

namespace daos::vos::proof {

#ifdef DAOS_PLANT

namespace {

struct HiddenFault {
  const char* name;
  PlantedFault fault;
  // Found within so many.
  uint64_t operationCountMax;
  // As in PoolOptions.
  uint64_t dataThreshold = PoolOptions::kNeverToMedia;
};

constexpr uint64_t kSmallThreshold = 300;

constexpr HiddenFault kFaults[] = {
    {"merge-stamps-first", PlantedFault::kMergeStampsFirst, 12'000},
    {"merge-loses-checksum", PlantedFault::kMergeLosesChecksum, 15'000},
    {"migrate-misplaces", PlantedFault::kMigrateMisplaces, 4'000, kSmallThreshold},
    {"settle-misplaces", PlantedFault::kSettleMisplaces, 4'000, kSmallThreshold},
    {"aggregate-drops-pinned", PlantedFault::kAggregateDropsPinned, 4'000},
    {"punch-forgets-akey", PlantedFault::kPunchForgetsAkey, 2'000},
    {"commit-loses-record", PlantedFault::kCommitLosesRecord, 3'000},
    {"dropped-dkey-stays-known", PlantedFault::kDroppedDkeyStaysKnown, 15'000},
    {"judge-at-newest", PlantedFault::kJudgeAtNewest, 2'000},
};

}  // namespace

bool findPlantedFaults(ArenaSource& source, uint64_t firstSeed) {
  size_t foundCount = 0;
  for (const HiddenFault& hidden : kFaults) {
    plantedFault = hidden.fault;
    HuntOptions options;
    options.firstSeed = firstSeed;
    options.operationCount = hidden.operationCountMax;
    options.dataThreshold = hidden.dataThreshold;
    options.shrinkTrialMax = 0;
    const auto words = huntFailures(source, options);
    plantedFault = PlantedFault::kNone;
    if (words) {
      ++foundCount;
      std::printf("found  %s: %s\n", hidden.name, words->substr(0, words->find('\n')).c_str());
    } else {
      std::printf("MISSED %s within %llu operations\n", hidden.name,
                  static_cast<unsigned long long>(hidden.operationCountMax));
    }
    std::fflush(stdout);
  }
  std::printf("%zu passed, %zu failed\n", foundCount, std::size(kFaults) - foundCount);
  return foundCount == std::size(kFaults);
}

#else

bool findPlantedFaults(ArenaSource&, uint64_t) {
  std::fprintf(stderr, "this build has no faults to plant: configure with -DDAOS_PLANT=ON\n");
  return false;
}

#endif

}  // namespace daos::vos::proof
