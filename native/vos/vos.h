// VOS: the versioned object store of one target. For callers (engine, bindings, tests).
//
// object → dkey → akey → single value or array of records, every write at an epoch, nothing
// overwritten. docs/vos.md states the semantics; in short:
//   - A write is stamped (epoch, minor). Stamps may arrive in any order.
//   - A punch of an object, dkey or akey at stamp P hides everything beneath it with a stamp <= P.
//   - A read at epoch E sees, of what is stamped (<= E, any minor) and not hidden, the newest.
//     Of writes of one stamp to exactly the same place (a single value, an extent of the same index
//     and count) the one that arrived last replaces the other; where different extents of one stamp
//     overlap, the one that starts later is seen, then the shorter: in whatever order they arrived.
//   - An akey exists at E when it has data visible at E, a dkey when an akey of it does, an object
//     when a dkey does: existence is derived, never stored.
//   - A range of an array never written, or punched, is a hole; a hole is not zeros.
//
// Thread:    one target's; no call blocks. What needs the device is a Task.
// Invariant: every modifying call is one arena transaction: it happens wholly or, with any error,
//            not at all.
// Durability: modifying calls return a Ticket, reads carry one; an answer leaves the target only
//            when Pool::isDurable(ticket) (see arena.h). With PmemArena that is always so.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/hybrid_clock.h"
#include "base/uuid.h"
#include "model/io.h"
#include "model/object_id.h"
#include "vos/arena.h"
#include "vos/requests.h"

namespace daos::bio {
class DmaPool;
class Media;
}

namespace daos::vos {

class Container;
struct ContainerState;
struct PoolState;

struct PoolOptions {
  // Values and extents of at least this size go to Media; kNeverToMedia keeps all in the arena.
  uint64_t dataThreshold = 4096;
  // Of those, updates with less in all go to the arena while few others are under way: the log
  // makes
  //           them durable, and settleStep() brings them to Media. 0: none do.
  uint64_t absorbBelow = 0;
  // Of the arena, percent kept back for punches, aggregation and garbage collection.
  uint32_t reservePercent = 2;
  // At opening: reads up to this epoch may have been tracked before; later ones were not. Usually
  //             the clock.
  Epoch readFloor = 0;
  static constexpr uint64_t kNeverToMedia = ~uint64_t{0};
};

// What a pool says about itself; given at creation, checked at opening.
struct PoolIdentity {
  Uuid pool;
  uint32_t targetIndex = 0;
  bool operator==(const PoolIdentity&) const = default;
};

// Where bulk data lies and the buffers it passes through; both outlive the pool.
struct PoolMedia {
  // All data stays in the arena.
  PoolMedia(std::nullptr_t = nullptr) {}  // NOLINT: null reads well at a call
  PoolMedia(bio::Media& dataMedia, bio::DmaPool& dataBuffers)
      : media(&dataMedia), buffers(&dataBuffers) {}
  bio::Media* media = nullptr;
  bio::DmaPool* buffers = nullptr;
};

struct PoolSpace {
  HeapSpace arena;
  uint64_t mediaTotalBytes = 0;
  uint64_t mediaUsedBytes = 0;  // whole blocks, with what is not free yet
  // Of the area's beginning, what was written before it is wanted, or used; 0 when nobody asked.
  uint64_t mediaPrewrittenBytes = 0;
};

class Pool {
 public:
  // Lays a pool out in a new arena and, where there is one, on a whole media.
  static Result<std::unique_ptr<Pool>> create(std::unique_ptr<Arena> arena, PoolMedia media,
                                              const PoolIdentity& identity, const PoolOptions&);
  // DER_MISMATCH for another identity, or media where there was none, or none where there was;
  // DER_DF_INCOMPT for another format version, DER_DF_INVAL for a damaged one.
  static Result<std::unique_ptr<Pool>> open(std::unique_ptr<Arena> arena, PoolMedia media,
                                            const PoolIdentity& identity, const PoolOptions&);
  ~Pool();

  // DER_EXIST.
  Result<Ticket> createContainer(const Uuid& uuid);
  // The container disappears at once; its space comes back by collectStep(). DER_NONEXIST, DER_BUSY
  // while it is open.
  Result<Ticket> destroyContainer(const Uuid& uuid);
  // Borrowed from the pool; each call is matched by one closeContainer. DER_NONEXIST.
  Result<Container*> openContainer(const Uuid& uuid);
  void closeContainer(Container* container);
  std::vector<Uuid> listContainers() const;

  PoolSpace space() const;

  // The data area's size with what it keeps for itself; 0 without one.
  uint64_t mediaSizeBytes() const;
  // Whether the area has that size, rounded up to MiB; and whether it could be given it:
  // DER_NOSPACE when data lies beyond, and says how far; DER_INVAL without an area.
  bool isMediaSize(uint64_t sizeBytes) const;
  Status checkMediaSize(uint64_t sizeBytes) const;
  // Gives it that size, whole MiB that the media has; nothing may be under way on it. As
  // checkMediaSize; DER_NOSPACE also when the arena has no room for the larger bitmap.
  Result<Ticket> resizeMedia(uint64_t sizeBytes);
  // Moves what lies beyond that size to free places before it, while the pool is in use; nothing
  // new is written beyond it meanwhile, nor, when it has ended well, until the pool is closed. Then
  // resizeMedia() can cut the area, once what was under way has ended. May be ended, and begun
  // again, at any time: DER_CANCELED when `isStopped` says so.
  // DER_NOSPACE: the data does not fit; DER_IO; DER_INVAL without an area.
  Task<Status> evacuateMedia(uint64_t sizeBytes, std::function<bool()> isStopped);
  // After DER_NOSPACE: whether some data was dropped whose space comes back when the arena's last
  // ticket is durable and the fetches under way have ended.
  bool hasDroppedData() const;
  // --- blocks of the data area that were never written (prewriter.h)

  // Whether writing them before they are wanted is worth something here.
  bool hasReservedBlocks() const;
  // Reads how far it had come; before the steps, of which there is one at a time. Nothing may be
  // under way when the pool is destroyed.
  Task<Status> beginPrewriting();
  // Writes up to `sizeBytes` more; false: all is written. A failed one may be repeated. DER_IO,
  // DER_NOMEM.
  Task<Result<bool>> prewriteStep(uint64_t sizeBytes);
  // A step is under way: blocks that it has taken are free again when it ends.
  bool isPrewriting() const;
  // Notes how far it has come, for the next opening.
  Task<Status> notePrewriting();

  // --- data that the arena holds until it is brought to Media (absorbed_data.h)

  // Since the opening; what remained from before aggregation brings there.
  uint64_t absorbedBytes() const;
  // A good deal of what may be absorbed is.
  bool isFullOfAbsorbed() const;
  // Brings about `sizeMax` bytes of it to Media; false when nothing is left that could be brought
  // there now. One at a time, over by the time that the pool is destroyed. DER_IO; DER_NOMEM: to be
  // repeated.
  Task<Result<bool>> settleStep(uint64_t sizeMax);
  // A step that holds requests up by a millisecond at most, and the pause in which so much comes.
  static constexpr uint64_t kSettleBytes = 256 << 10;
  static constexpr uint64_t kSettlePauseNs = 20'000'000;

  // At or after every epoch that was ever written: a clock that starts after it makes new ones
  // only.
  Epoch epochMax() const;
  // Makes `epoch` one of those: for a read at an epoch that nothing may be written at any more.
  Result<Ticket> raiseEpochMax(Epoch epoch);

  // Whether destroyed containers wait to be collected.
  bool hasGarbage() const;
  // Frees up to `budget` records of them (below 1 µs each) in one transaction; true while there is
  // more.
  Result<bool> collectStep(uint32_t budget);

  Arena& arena();
  bool isDurable(Ticket ticket);

 private:
  explicit Pool(std::unique_ptr<PoolState> state);
  std::unique_ptr<PoolState> state_;
};

// One container. All spans in requests are borrowed for the call.
class Container {
 public:
  const Uuid& uuid() const;

  // --- writing (ops/update.cc, ops/punch.cc)

  // Stores values that are in memory: `data` has one range per descriptor, extents back to back.
  // The fast path: everything happens before it returns, and all data goes to the arena, whatever
  //                its size.
  Result<Ticket> update(const UpdateRequest& request, std::span<const Bytes> data);
  // Whether some of the data is so large that it belongs on Media; and whether it should go there
  // at once, that is by updateBegin, as things are now.
  bool isBulk(const UpdateRequest& request) const;
  bool needsMedia(const UpdateRequest& request) const;
  // Checks the request, reserves space and hands out buffers for the data (see PendingUpdate).
  // Nothing is visible before updateEnd; dropping the PendingUpdate gives the space back. The
  // request and its spans must live until then.
  Result<PendingUpdate> updateBegin(const UpdateRequest& request);
  // Conditions are judged here. Consumes `pending`, also with an error.
  Result<Ticket> updateEnd(PendingUpdate& pending);
  Result<Ticket> punch(const PunchRequest& request);

  // --- reading (ops/fetch.cc)

  // Fills `result`, which is reusable: after the first calls nothing is allocated. Segments in
  // memory stay valid until result.release() or its reuse. DER_TX_BUSY: an uncommitted write of
  // another transaction decides the answer (result.blocker()); DER_NONEXIST only by conditions:
  // what is not there reads as size 0 or holes. DER_REC_SIZE when a descriptor of an array expects
  // another record size than that of the records it finds (of a single value any size is taken);
  // DER_OVERFLOW when the ranges of an array hold more bytes than 64 bits count.
  Status fetch(const FetchRequest& request, FetchResult& result);

  // --- listing (ops/enumerate.cc, ops/query.cc)

  // Calls `sink` for entries after `anchor`, in order, until it returns false (that entry is not
  // consumed), or the end (anchor.isEnd). The anchor is plain bytes and stays valid across writes,
  // aggregation and reopening: entries that are there throughout are listed exactly once.
  Status enumerate(const EnumerateRequest& request, Anchor& anchor, EntrySink& sink);
  // DER_NONEXIST when there is nothing to take the maximum or minimum of.
  Result<QueryResult> query(const QueryRequest& request);

  // --- transactions: writes whose WriteContext names one are prepared, and seen by others after
  // commit

  // Each is committed or aborted as one; what a crash interrupts is finished at the next opening.
  // Repeating is harmless. commit: DER_NONEXIST for an id that has prepared nothing here; those
  // before it are committed. abort: DER_ALREADY for one that has been committed; an unknown one is
  // nothing to do.
  Result<Ticket> commit(std::span<const TransactionId> ids);
  Result<Ticket> abort(std::span<const TransactionId> ids);
  TransactionState transactionState(const TransactionId& id) const;
  // Prepared and neither committed nor aborted, by id.
  std::vector<TransactionInfo> preparedTransactions() const;
  // When the write with this id was done; 0: it was not, or its slot was used since, or it was
  // forgotten as committed ids are.
  Epoch operationEpoch(const OperationId& operation) const;
  // Committed ids, and those of operations, of epochs up to `upTo` are known no longer. Looks at
  // `budget` ids; true while there are more.
  Result<bool> forgetCommittedStep(Epoch upTo, uint32_t budget);

  // --- history (ops/history.cc)

  // A snapshot pins its epoch: aggregation keeps what a read at it sees, and a write at it or
  // before is refused with DER_EP_OLD. createSnapshot: DER_EP_OLD before the last aggregation,
  // DER_EXIST. deleteSnapshot: DER_NONEXIST.
  Result<Ticket> createSnapshot(Epoch epoch);
  Result<Ticket> deleteSnapshot(Epoch epoch);
  // Makes `epochs` all snapshots there are: creates and deletes in one transaction. Repeating is
  // harmless. DER_EP_OLD as createSnapshot.
  Result<Ticket> setSnapshots(std::span<const Epoch> epochs);
  std::vector<Epoch> snapshots() const;

  // Aggregation drops versions up to `upTo` that neither a snapshot nor `upTo` sees, merges small
  // extents, and brings to Media what has grown to its threshold; discard drops all versions and
  // punches of `range`, as if they had never been written. What was aggregated can be discarded
  // only from right after a snapshot on, up to the aggregation's epoch or later: so a container
  // goes back to a snapshot. From its beginning on, aggregation refuses writes up to `upTo`, and
  // reads before it but at snapshots (DER_EP_OLD). One at a time: DER_BUSY. What a crash interrupts
  // is simply begun again.
  Status beginAggregation(Epoch upTo);
  Status beginDiscard(EpochRange range);
  // Up to where aggregation went, or goes; 0 without one.
  Epoch aggregatedEpoch() const;
  // Looks at about `budget` records, around a microsecond each, in one transaction; true while
  // there is more. The walk goes on where it was; other operations may come between steps.
  Result<bool> reduceStep(uint32_t budget);
  // Whether data waits to be brought to Media before the next step: writeReduction(), which may
  // take its time and lets others go first in between. Who goes on without it leaves the rest of
  // what there is in its place. DER_IO, DER_NOMEM.
  bool hasReductionWrite() const;
  Task<Status> writeReduction();
  bool isReducing() const;
  // Of the aggregation or discard under way, or else of the last one since the opening.
  ReductionCounts reductionCounts() const;
  void cancelReduction();

  // --- accounting
  ContainerUsage usage() const;
  // Whether `oid` is one of the objects that are counted; a damaged index holds none.
  bool holdsObject(const ObjectId& oid) const;

  // Made by its state, which it borrows.
  explicit Container(ContainerState& state) : state_(state) {}
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

 private:
  // How much of the request's data belongs on Media.
  uint64_t bulkSize(const UpdateRequest& request) const;
  // Whether the epoch may become a snapshot's.
  Status checkPin(Epoch epoch) const;
  ContainerState& state_;
};

}  // namespace daos::vos
