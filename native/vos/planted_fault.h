// Faults of the store, planted on purpose, to prove that random histories beside the model would
// notice them (vos/proof); and faults of what keeps it durable, which crash enumeration, power
// cuts, kills and damage have to notice (system/planted). Those that the simulator must notice are
// in base/planted.h.
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

  // Of the log.
  kLogAnswersUnwritten,  // a transaction counts as durable before its group was submitted
  kLogAnswersUnflushed,  // … while its group is being written
  kLogGroupUnflushed,    // a group is written, and no flush follows
  kLogWrapUnflushed,     // a group that goes on at the ring's beginning has no flush
  kLogDataUnflushed,     // bulk data that a group tells of is not flushed with it
  kLogOverwritesItself,  // groups are written over those that no checkpoint holds
  kLogForgetsRange,      // of several ranges that a transaction changed the last is not logged
  kLogDropUntold,        // that a group drops what it brought itself is not noted in it

  // Of recovery.
  kReplayLosesLast,       // of each group's records the last is left out
  kReplayTrustsRecords,   // records are not compared with their checksums
  kReplayEndsAnywhere,    // a damaged group is the log's end, though a later one is there
  kReplayTrustsData,      // the last group counts without its bulk data
  kReplayKeepsDropped,    // a last group that is dropped stays in the log
  kReplayKnowsNoSalt,     // groups of an earlier store on the device count as well
  kRecoveryTrustsCaches,  // what is read is not made durable first
  kRecoveryMarksClean,    // pages that the log changed are left out of the next checkpoint

  // Of checkpoints.
  kTrimBeforeSuperblock,    // the log's room is given out before the superblock is durable
  kSuperblockBeforePages,   // the superblock is written while pages and table are not flushed
  kSuperblockUnflushed,     // the log is trimmed when the superblock is written, not when durable
  kCheckpointLosesChanges,  // a page that was changed after it was copied counts as clean
  kCheckpointBeforeLog,     // pages may hold what the log does not
  kCheckpointStartsLate,    // replay starts where the log was after the pages were copied
  kCheckpointOverPages,     // pages are written over those of the checkpoint before
  kCheckpointOverTable,     // so is the table
  kCheckpointHalfDirty,     // of a range over several pages only the first is copied
  kFullLogDataUnflushed,    // a checkpoint in place of a full log leaves bulk data unflushed
  kPageUnchecked,           // pages are not compared with their checksums
  kTableUnchecked,          // nor blocks of the page table
  kSuperblockUnchecked,     // nor superblocks

  // Of bulk data.
  kBlocksReusedEarly,  // blocks are given out again before what dropped them is durable
  kBlocksUnlogged,     // changes of the bitmap are not part of their transaction
  kSettleUnwritten,    // absorbed data leaves the arena before it was written to media
  kEvacuateUnwritten,  // data that is moved is named at its new place before it was written there
};

#ifdef DAOS_PLANT
inline PlantedFault plantedFault = PlantedFault::kNone;
inline bool isPlanted(PlantedFault fault) { return plantedFault == fault; }
#else
constexpr bool isPlanted(PlantedFault) { return false; }
#endif

}  // namespace daos::vos
