// Clears the end of a data area, so that it can be cut: what lies there goes to free blocks before
// it, while the pool is in use.
//
// Life of one version's data:
// 1. Found by a walk through the containers; its record is pinned.
// 2. Copied to new blocks.
// 3. One transaction: the new blocks are used, the record names them, the old ones are dropped. The
//    record stays where it is, and says the same but for that one word.
//
// A crash leaves the data in one of the two places. Where the free blocks before the end are in
// pieces too small for what has to move, a window of them is cleared first, in the same way.
//
// Invariant: nothing is given out in what is being cleared; once it is clear it stays so until the
//            pool is closed, or another evacuation begins.
#pragma once

#include <functional>
#include <vector>

#include "vos/state.h"

namespace daos::vos {

class Evacuation {
 public:
  // The pool and its state are borrowed; it has a data area. What lies at `endBlock` or behind it
  // is to move.
  Evacuation(Pool& pool, PoolState& state, uint64_t endBlock)
      : owner_(pool), pool_(state), area_(*state.media),
        tail_{endBlock, state.media->blockCount() - endBlock} {
    area_.limitTo(endBlock);
  }
  ~Evacuation() {
    if (!isClear_) area_.limitTo(area_.blockCount());
  }
  Evacuation(const Evacuation&) = delete;
  Evacuation& operator=(const Evacuation&) = delete;

  // Ends when nothing lies behind the end that a container names. DER_NOSPACE: it does not fit
  // before it; DER_CANCELED: `isStopped` said so; DER_IO: some of it can't be read.
  Task<Status> run(std::function<bool()> isStopped);

 private:
  // Data of a version that has to move.
  struct Found {
    Offset version = 0;
    uint64_t address = 0;
    uint64_t size = 0;
    bio::BlockExtent blocks() const {
      return {address / bio::kMediaBlockSize,
              MediaArea::roundedSize(size) / bio::kMediaBlockSize};
    }
  };
  // Of one walk: how many moved, and the blocks of those that there was no room for in one piece.
  struct Tally {
    uint64_t movedCount = 0;
    uint64_t stayedBlocks = 0;
    uint64_t largestStayed = 0;
  };
  // How far a walk through a container has come: by name, since records may go meanwhile.
  struct Cursor {
    ObjectId oid{};
    std::vector<std::byte> dkey;
    bool hasDkey = false;
  };
  enum class Moved : uint8_t { kDone, kGone, kNoRoom };

  // Moves all that reaches into `range`.
  Task<Result<Tally>> clear(bio::BlockExtent range);
  Task<Status> clearContainer(Uuid uuid, bio::BlockExtent range, Tally& tally);
  // The next dkey behind the cursor, which goes there; null at the end. DER_DF_INVAL.
  Result<KeyRecord*> nextDkey(ContainerState& container, Cursor& cursor);
  Result<KeyRecord*> nextDkeyOf(ObjectRecord& object, Cursor& cursor);
  // The dkey that the cursor is at; null when it is gone.
  KeyRecord* dkeyAt(ContainerState& container, const Cursor& cursor);
  Task<Status> clearDkey(Uuid uuid, const Cursor& cursor, bio::BlockExtent range, Tally& tally);
  // Up to kBatchMax of those beneath that reach into the range, behind the first `skipCount`.
  Result<std::vector<Found>> find(KeyRecord& dkey, bio::BlockExtent range, uint64_t skipCount);
  Task<Result<Moved>> move(Uuid uuid, Found found);
  Task<Result<MediaPiece>> reserve(uint64_t size, uint64_t nearWhat);
  Task<Status> collectGarbage();
  // Makes room in one piece before the end. DER_NOSPACE: there is none to be made.
  Task<Status> clearWindow(Tally wanted);
  Status checkFits() const;
  Status checkStopped() const;
  Error noRoom() const;

  static constexpr size_t kBatchMax = 4096;
  static constexpr uint64_t kDkeysPerTurn = 64;
  static constexpr int kWindowCountMax = 256;
  static constexpr uint64_t kPauseNs = 1'000'000;

  Pool& owner_;
  PoolState& pool_;
  MediaArea& area_;
  const bio::BlockExtent tail_;  // what is to be cleared
  bool isClear_ = false;
  std::function<bool()> isStopped_;
};

}  // namespace daos::vos
