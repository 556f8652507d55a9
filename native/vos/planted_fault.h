// Faults of the store, planted on purpose, to prove that random histories beside the model would
// notice them (vos/proof). Those that the simulator must notice are in base/planted.h.
//
// Only in a build with -DDAOS_PLANT=ON, and there only the one that is asked for; elsewhere the
// compiler takes all of it out.
#pragma once

namespace daos::vos {

enum class PlantedFault {
  kNone,
  kMergeStampsFirst,    // merged extents have the stamp of their first part, not of the newest
  kMergeLosesChecksum,  // of merged extents only the first chunk gets a checksum
  kMigrateMisplaces,    // of extents brought to media together the last one lies over the first
  kSettleMisplaces,  // of what is brought to media after it was absorbed, a byte is another's
  kAggregateDropsPinned,  // aggregation drops single values that only a snapshot sees
  kPunchForgetsAkey,      // of several akeys punched in one call the last one stays
  kCommitLosesRecord,     // one record of a committed transaction stays in doubt
  kDroppedDkeyStaysKnown,  // of a dkey that aggregation drops the cache is not told
  kJudgeAtNewest,         // conditions are judged by what is newest, not at the write's epoch
};

#ifdef DAOS_PLANT
inline PlantedFault plantedFault = PlantedFault::kNone;
inline bool isPlanted(PlantedFault fault) { return plantedFault == fault; }
#else
constexpr bool isPlanted(PlantedFault) { return false; }
#endif

}  // namespace daos::vos
