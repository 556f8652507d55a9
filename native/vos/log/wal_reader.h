// Recovery's side of the write-ahead log: finds the groups after a checkpoint, proves them whole,
// redoes them.
//
// Where the log ends: at the first place that holds no valid group of the next sequence number. If
// a later group, or the seal of the log, exists anywhere in the ring, then that place was durable
// once and is damaged now: an error, never a shorter history.
//
// Whether the bulk data of a group is on the medium: a later group or seal proves it, and so does a
// checkpoint that holds the group. Of the last group it has to be seen (UnprovenGroup).
#pragma once

#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vos/arena.h"
#include "vos/log/wal_format.h"

namespace daos::vos {

// What to do with the last group where nothing proves that the bulk data it tells of is on the
// medium. That it was never acknowledged is certain only when some of the data is not there.
enum class UnprovenGroup : uint8_t {
  kAsk,   // stop before it and name the data
  kRedo,  // all of the data is there
  kDrop,  // it is not: none of the group has happened
};

struct WalReplayRequest {
  Bytes ring;  // all of the log's device, whole blocks
  uint64_t salt = 0;
  WalPosition from;
  uint64_t transactionBefore = 0;   // the one before the first at `from`
  uint64_t transactionThrough = 0;  // the log must reach at least this one
  uint64_t checkpointGeneration = 0;
  UnprovenGroup unproven = UnprovenGroup::kAsk;
  MutableBytes arena;
  std::function<void(const ArenaRange&)> onRedone;
};

struct WalReplay {
  WalPosition next;  // where the log goes on
  uint64_t lastTransaction = 0;
  uint64_t groupCount = 0;
  uint64_t recordCount = 0;
  uint64_t bytes = 0;  // of groups
  // With UnprovenGroup::kAsk: what has to be looked at before replay goes on, from `next` and
  // `lastTransaction`, with one of the other two.
  std::vector<WalData> unproven;
  uint32_t unprovenStartMark = 0;  // of that group
};

// DER_CSUM: durable transactions are damaged, and the message says from which on. DER_DF_INVAL: a
// valid record that names memory outside of the arena. DER_DF_INCOMPT: a log of another version.
Result<WalReplay> replayWal(const WalReplayRequest& request);

}  // namespace daos::vos
