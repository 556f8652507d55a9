// Bugs planted on purpose, to prove that the simulator would notice them (docs/simulator.md).
//
// Only in a build with -DDAOS_PLANT=ON, and there only the one that is asked for; elsewhere the
// compiler takes all of it out.
#pragma once

namespace daos {

enum class Planted {
  kNone,
  kAcknowledgeBeforeFlush,  // an update is answered before it is durable
  kSkipChecksum,            // a frame is taken as it comes
  kApplyRetryTwice,         // a repeated modification runs again
  kReturnUncommitted,       // a fetch answers what a power cut may still take back
  kLoseHole,                // a punched range of an array is forgotten
  kForgetReadTimestamp,     // a read of the past does not hold back later writes
  kStoreDamaged,            // an update that was damaged on its way is stored
  kAggregateOverSnapshots,  // aggregation drops what a snapshot sees

  // Not for the simulator, but for the proofs of durability (system/planted).
  kRetryFailedFlush,  // a flush that failed is tried again
};

#ifdef DAOS_PLANT
inline Planted planted = Planted::kNone;
inline bool isPlanted(Planted bug) { return planted == bug; }
#else
constexpr bool isPlanted(Planted) { return false; }
#endif

}  // namespace daos
