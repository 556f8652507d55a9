// What a pool and its containers know in memory. For the files of vos/ only.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vos/absorbed_data.h"
#include "vos/dkey_cache.h"
#include "vos/extent_sweep.h"
#include "vos/media_area.h"
#include "vos/object_tree.h"
#include "vos/read_times.h"
#include "vos/transactions.h"
#include "vos/vos.h"

namespace daos::vos {

// Where objects were found last. An entry is a hint that is always right: who frees an object
// forgets it.
class ObjectCache {
 public:
  Offset find(const ObjectId& oid) const {
    const Entry& entry = entries_[indexOf(oid)];
    return entry.oid == oid ? entry.offset : 0;
  }
  void remember(const ObjectId& oid, Offset offset) { entries_[indexOf(oid)] = {oid, offset}; }
  void forget(const ObjectId& oid) {
    Entry& entry = entries_[indexOf(oid)];
    if (entry.oid == oid) entry = {};
  }
  void clear() { entries_.fill({}); }

 private:
  struct Entry {
    ObjectId oid;
    Offset offset = 0;
  };
  static size_t indexOf(const ObjectId& oid) { return std::hash<ObjectId>()(oid) % kCount; }
  static constexpr size_t kCount = 1024;
  std::array<Entry, kCount> entries_{};
};

struct PoolState;
class Reduction;

struct ContainerState {
  ContainerState(PoolState& poolState, Offset recordOffset);
  ~ContainerState();

  PoolState& pool;
  Arena& arena;
  const Offset offset;
  uint32_t openCount = 0;
  ObjectCache objects;
  Transactions transactions;
  std::unique_ptr<Reduction> reduction;  // the aggregation or discard under way
  ReductionCounts reductionCounts;       // of the one before
  ExtentSweep sweep;  // reused by every operation on extents
  Container handle;

  ContainerRecord& record() const { return *arena.at<ContainerRecord>(offset); }
  // Pinned epochs, ascending.
  std::span<const Epoch> snapshots() const;
  // Asked once, at opening.
  bool hasSoundSnapshots() const;
};

struct PoolState {
  explicit PoolState(std::unique_ptr<Arena> poolArena)
      : arena(std::move(poolArena)), dkeys(arena->size(), arena->pageMaker()) {}

  std::unique_ptr<Arena> arena;
  DkeyCache dkeys;
  PoolOptions options;
  std::optional<ReadTimes> readTimes;
  std::unique_ptr<MediaArea> media;  // null: all data is in the arena
  AbsorbedData absorbed{*this};
  std::vector<std::unique_ptr<ContainerState>> containers;  // all of the pool

  PoolRecord& record() const { return *arena->at<PoolRecord>(arena->root()); }
  bool belongsOnMedia(uint64_t size) const { return media && size >= options.dataThreshold; }
  // Before a write at `epoch`, within its transaction. The ceiling moves in steps, so that few
  // writes move it.
  void noteEpoch(Epoch epoch) {
    if (epoch <= epochNewest) return;
    epochNewest = epoch;
    if (epoch > epochCeiling) raiseCeiling(epoch);
  }
  void raiseCeiling(Epoch epoch);
  Epoch epochCeiling = 0;  // as in the record
  Epoch epochNewest = 0;   // the newest written; at opening the ceiling
  ContainerState* find(const Uuid& uuid) const;
};

// One modifying operation: an arena transaction that is undone unless it is committed, and what it
// adds to the container's accounts.
class WriteScope {
 public:
  // `epoch`: of the write; 0 for what writes at none.
  WriteScope(ContainerState& container, Epoch epoch, HeapUse use = HeapUse::kNormal)
      : container_(container), arena_(container.arena), epochBefore_(container.pool.epochNewest) {
    arena_.begin(use);
    arena_.prepare(&container.record().arenaBytes, 3 * sizeof(uint64_t));
    container.pool.noteEpoch(epoch);
  }
  WriteScope(const WriteScope&) = delete;
  WriteScope& operator=(const WriteScope&) = delete;
  ~WriteScope() {
    if (!isCommitted_) undo();
  }
  // DER_DF_INVAL when damage was met: then everything is undone.
  Result<Ticket> commit();

  ContainerState& container() { return container_; }
  Arena& arena() { return arena_; }
  // Takes the write's transaction into account; before any version is made. DER_ALREADY,
  // DER_NOSPACE.
  Status enter(const WriteContext& write);
  // The number that new versions carry.
  uint32_t transaction() const { return transaction_; }
  // Tells the transaction of a version it has written, or that one was replaced.
  Status touch(Offset version, const void* owner, TouchedKind kind) {
    if (transaction_ == 0) return {};
    return container_.transactions.touch(*this, transaction_,
                                         {version, arena_.offsetOf(owner), kind});
  }
  void forgetTouched(Offset version) {
    if (transaction_ != 0) container_.transactions.forgetTouched(*this, transaction_, version);
  }
  // The record becomes `wanted` with the other stores of the transaction: only these wait for the
  // fence after what was noted for the undoing. Once.
  void replaceAtCommit(CommittedRecord& record, const CommittedRecord& wanted) {
    arena_.prepare(record);
    replaced_ = &record;
    replacement_ = wanted;
  }
  void noteNewTransaction(const TransactionId& id) { newTransaction_ = id; }
  // What the pool's cache of dkeys knows once the transaction is committed. Once.
  void noteNewDkey(uint64_t name, uint64_t word) {
    newDkeyName_ = name;
    newDkeyWord_ = word;
  }

  // As the arena's, counted for the container.
  Offset allocate(size_t size) {
    const Offset block = arena_.allocate(size);
    if (block != 0) usedBytes_ += static_cast<int64_t>(arena_.blockSize(block));
    return block;
  }
  void publish(Offset block, size_t size) {
    arena_.publish(block, size);
    usedBytes_ += static_cast<int64_t>(arena_.blockSize(block));
  }
  void free(Offset block) {
    usedBytes_ -= static_cast<int64_t>(arena_.free(block));
  }
  int64_t* usedBytes() { return &usedBytes_; }
  // Data on Media becomes, or ceases to be, what a version names. DER_DF_INVAL.
  Status useMedia(MediaPiece& piece);
  Status dropMedia(uint64_t address, uint64_t size);
  void addObjects(int64_t count) { objectCount_ += count; }
  // Why something could not be made: there is no space, or the store is damaged.
  Error noSpace() const;

 private:
  void undo();
  ContainerState& container_;
  Arena& arena_;
  const Epoch epochBefore_;
  int64_t usedBytes_ = 0;
  int64_t mediaBytes_ = 0;
  MediaChanges mediaChanges_;
  int64_t objectCount_ = 0;
  bool isCommitted_ = false;
  uint32_t transaction_ = 0;
  TransactionId newTransaction_{};
  uint64_t newDkeyName_ = 0;
  uint64_t newDkeyWord_ = 0;
  CommittedRecord* replaced_ = nullptr;
  CommittedRecord replacement_;
};

inline Error damagedRecord(const char* what) {
  return Error(ErrorCode::kDfInval, std::string("a record of the store is damaged: ") + what);
}

}  // namespace daos::vos
