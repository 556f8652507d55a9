// Data that belongs on Media by its size, and lies in the arena for a while.
//
// On Media a small extent takes a write of its own before the log can tell of it. Where few
// operations are under way nobody shares that wait, so the log takes the data as well: one write
// and one flush make it durable. Afterwards it is brought to Media, many pieces at a time.
//
// Life of an item:
// 1. takes() is asked for each update; the transaction that stores the data calls add().
// 2. settle() copies it to new blocks of Media and, when they are written, lets its version name
//    them. The version stays what and where it is.
// 3. What is not in the arena any more by then, or belongs to an open transaction, is forgotten:
//    aggregation brings to Media what remains, as it does after a restart.
//
// Thread:    the target's.
// Invariant: an item is found by its names, never by an address: it may name nothing any more.
// Invariant: at most budgetBytes() lie there, so that neither the log nor the arena fill with it.
#pragma once

#include <deque>
#include <vector>

#include "base/uuid.h"
#include "model/io.h"
#include "model/object_id.h"
#include "runtime/task.h"
#include "vos/media_area.h"
#include "vos/version_set.h"

namespace daos::vos {

struct ContainerState;
struct PoolState;

class AbsorbedData {
 public:
  explicit AbsorbedData(PoolState& pool) : pool_(pool) {}

  // Whether an update with so much data for Media is to go to the arena instead.
  bool takes(uint64_t size);

  struct Names {
    const ObjectId& oid;
    Bytes dkey;
    Bytes akey;
    Extent extent{};  // no records: a single value
  };
  // Within the transaction that stores it.
  void add(const ContainerState& container, const Names& names, Stamp stamp, uint64_t size);

  uint64_t heldBytes() const { return heldBytes_; }
  uint64_t budgetBytes() const;

  // Brings up to `sizeMax` bytes of what was added first to Media, and more with the first item;
  // false when nothing is left that could be brought there now. One at a time. DER_IO; DER_NOMEM:
  // all buffers are taken.
  Task<Result<bool>> settle(uint64_t sizeMax);

 private:
  struct Item {
    Uuid container;
    ObjectId oid;
    std::vector<std::byte> keys;
    size_t dkeySize;
    Extent extent;
    Stamp stamp;
    uint64_t size;
    Ticket ticket;
  };
  // What is on its way to Media.
  struct Move {
    Item item;
    Offset block;
  };
  struct Batch {
    std::vector<Move> moves;
    std::vector<MediaPiece> pieces;  // one for each
    uint64_t size = 0;
  };
  // Of updates that are not durable yet. More under way share the device's waits by themselves.
  static constexpr uint64_t kUnprovenMax = 64 << 10;
  static constexpr uint64_t kBudgetMax = 16 << 20;
  static constexpr size_t kMovesPerTurn = 64;

  KeyRecord* findAkey(ContainerState& container, const Item& item) const;
  // The version, if its data still lies in the arena; null when there is nothing to be moved.
  VersionRecord* inArena(const Item& item, Bytes* bytes) const;
  Status gather(uint64_t sizeMax, Batch& batch);
  Status take(const Move& move, MediaPiece& piece);
  void drop(const Item& item) { heldBytes_ -= item.size; }

  PoolState& pool_;
  std::deque<Item> items_;
  uint64_t heldBytes_ = 0;
  // Items ever taken out of the front, and the first of all that may not be durable.
  uint64_t takenCount_ = 0;
  uint64_t unprovenFirst_ = 0;
  uint64_t unprovenBytes_ = 0;
};

}  // namespace daos::vos
