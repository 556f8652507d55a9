// How late things were read: what keeps a write from changing what a transaction has read already.
//
// Volatile; one for all containers of a pool. Times are kept by hash, so that two names may share
// one and a write may be refused needlessly, but never wrongly let through.
//
// A read marks what it is about and everything above; a write asks at its own level and above:
//   read of an akey:    akey "any", dkey "any", object "any"
//   list of akeys:      dkey "whole" and the "any" of dkey and object;   of dkeys: object "whole"
//   and "any" update of an akey:  akey "any", dkey "whole", object "whole", container "whole"
//   punch of a dkey:    dkey "any", object "whole", container "whole";   of an object: object
//   "any", …
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/hybrid_clock.h"
#include "base/uuid.h"
#include "model/object_id.h"

namespace daos::vos {

// A name's hash at each level; levels without a name stay 0.
struct NameHashes {
  uint64_t container = 0;
  uint64_t object = 0;
  uint64_t dkey = 0;
  uint64_t akey = 0;

  static NameHashes of(const Uuid& container, const ObjectId& oid, Bytes dkey);
  NameHashes withAkey(Bytes name) const;
};

// Who reads or writes, and when. A transaction does not conflict with itself.
struct ReadTime {
  Epoch epoch = 0;
  uint64_t reader = 0;  // hash of the transaction; 0: nobody's or several's
};

class ReadTimes {
 public:
  enum class Level : uint8_t { kContainer, kObject, kDkey, kAkey };

  // Everything up to `floor` may have been read by a life before this one.
  explicit ReadTimes(Epoch floor) : floor_(floor) {}

  // Nothing can come too late for a write at `epoch`: no need to ask.
  bool isClear(Epoch epoch) const { return !hasReads_ && epoch > floor_; }
  void noteAkey(const NameHashes& names, const ReadTime& time);
  // A list of what is beneath `level`, or a judgement on whether it exists.
  void noteWhole(Level level, const NameHashes& names, const ReadTime& time);
  // Whether a write of all of the thing at `level` comes too late.
  bool isReadAfter(Level level, const NameHashes& names, const ReadTime& write) const;

 private:
  static constexpr size_t kCount = 16384;
  enum Kind : uint8_t { kAny, kWhole };
  ReadTime& at(Level level, Kind kind, const NameHashes& names);
  void raise(ReadTime& to, const ReadTime& time);
  bool isAfter(Level level, Kind kind, const NameHashes& names, const ReadTime& write) const;

  const Epoch floor_;
  bool hasReads_ = false;
  std::vector<ReadTime> times_;  // by level and kind; made with the first read
};

}  // namespace daos::vos
