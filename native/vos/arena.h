// Arena: the byte-addressable, transactional memory that one VOS pool lives in. For VOS and for
//        implementers.
//
// One contiguous mapping; an Offset is 64 bits from its start, so translation is one addition. The
// start may differ at every opening: only offsets are ever stored. Blocks come from a heap that is
// part of the arena (heap.h), the same for every implementation.
//
// Thread:    owned by one target; never locked, never shared.
// Life of a transaction:
//   1. begin().
//   2. Reads anywhere. allocate() and free() blocks; fill fresh blocks by plain stores.
//   3. Before each store to a block that is not fresh: modify(). What an operation knows it will
//      store to may be announced with prepare(), so that several ranges share one persistence
//      fence.
//   4. commit() makes all of it take effect as one and returns its ticket; abort() undoes all of
//      it.
//   Transactions of one arena are strictly sequential and never wait: no co_await between begin and
//   commit.
// Invariant: after a crash at any instant, reopening finds the state between two transactions:
//            everything up to some ticket T, nothing after it, and T >= every ticket that was ever
//            reported durable.
// Invariant: a committed transaction is visible in memory at once, durable later. Whoever lets an
//            answer leave the target (of a write or of a read that saw the write) waits for the
//            ticket first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "runtime/page_maker.h"
#include "runtime/task.h"
#include "vos/heap.h"

namespace daos::vos {

// Commits are numbered 1, 2, 3 … for as long as the arena is open; 0 is durable from the start.
using Ticket = uint64_t;

struct ArenaRange {
  Offset offset;
  uint64_t size;
};

// Bulk data on a media beside the arena, in blocks of 4096 bytes.
struct ArenaData {
  uint64_t offset;      // on the media
  uint32_t blockCount;  // 0: what lies there is dropped
  uint32_t checksum;    // CRC32C of the blocks
};

class Arena {
 public:
  virtual ~Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // --- addresses

  std::byte* base() const { return base_; }
  uint64_t size() const { return size_; }
  template <typename T>
  T* at(Offset offset) const {
    return reinterpret_cast<T*>(base_ + offset);
  }
  Offset offsetOf(const void* address) const {
    return static_cast<uint64_t>(static_cast<const std::byte*>(address) - base_);
  }
  // Whether [offset, offset + size) lies within the blocks of the arena: for offsets read from a
  // disk.
  bool holds(Offset offset, uint64_t size) const { return heap_.holds(offset, size); }
  // What lies at an offset that was read from a disk; null where no T can lie.
  template <typename T>
  T* find(Offset offset) const {
    return offset % alignof(T) == 0 && holds(offset, sizeof(T)) ? at<T>(offset) : nullptr;
  }
  // The one block everything is found from; 0 in a new arena. setRoot only within a transaction.
  Offset root() const;
  void setRoot(Offset offset);

  // --- transactions

  // `use`: of all that is allocated in it.
  void begin(HeapUse use = HeapUse::kNormal);
  bool inTransaction() const { return isOpen_; }
  // Remembers the content of [address, address + size) without a fence; the store needs modify()
  // still.
  void prepare(const void* address, size_t size) {
    const Offset offset = offsetOf(address);
    if (!isLogged(offset, size)) appendUndo(offset, size);
  }
  // Call before storing to a range of a block that is not fresh; returns `address` for the store.
  void* modify(const void* address, size_t size) {
    prepare(address, size);
    if (isFencePending_) fenceUndo();
    return const_cast<void*>(address);
  }
  template <typename T>
  T& modify(const T& field) {
    return *static_cast<T*>(modify(&field, sizeof(T)));
  }
  template <typename T>
  void prepare(const T& field) {
    prepare(&field, sizeof(T));
  }
  // As modify(), of what this transaction has prepared: it is not searched for.
  template <typename T>
  T& modifyPrepared(const T& field) {
    if (isFencePending_) fenceUndo();
    return const_cast<T&>(field);
  }
  // Announces stores to bytes of no meaning yet (an unused slot of a node): made durable with the
  // transaction, but not restored by abort().
  void fill(const void* address, size_t size) { changed_.push_back({offsetOf(address), size}); }
  // False when the next step of a long operation might not fit the undo log any more: abort and
  // report DER_OVERFLOW. A step modifies at most kUndoStepMax bytes.
  bool hasUndoRoom() const {
    // commit() itself stores to the heap's tables, for each block at most so many bytes of record.
    const size_t atCommit = 64 * (published_.size() + freed_.size());
    return static_cast<size_t>(undoEnd_ - undoNext_) >= kUndoStepMax + atCommit;
  }
  static constexpr size_t kUndoStepMax = 64 * 1024;

  // A block of at least `size` bytes, aligned to 16 (to 64 from 64 bytes on), content undefined; 0
  // when there is no space. Fresh until the end of the transaction: stores need no modify().
  Offset allocate(size_t size);
  // The block is reused once the transaction is committed and no pin that was held then remains.
  // The bytes that come back: none when there is no such block, which is damage.
  size_t free(Offset block);
  size_t blockSize(Offset block) const { return heap_.blockSize(block); }
  // The open transaction has met something that a sound arena cannot hold: it has to be aborted.
  void noteDamage() { isDamaged_ = true; }
  bool hasMetDamage() const { return isDamaged_; }

  Ticket commit();
  void abort();

  // --- reservations: blocks filled before their transaction, as by a network transfer

  // As allocate(), within or outside of a transaction; a crash gives it back.
  Offset reserve(size_t size, HeapUse use = HeapUse::kNormal) { return heap_.reserve(size, use); }
  // Makes a reserved block an allocated one with this transaction; its first `size` bytes are
  // content and count as fresh.
  void publish(Offset block, size_t size);
  void cancelReservation(Offset block) { heap_.cancel(block); }

  // --- bulk data that a transaction makes visible

  // Whether a transaction may make data visible that was written to the media but not flushed:
  // whoever does so tells by addData(). The transaction is durable only together with the data, and
  // after a crash that lost some of the data it has never happened.
  virtual bool keepsData() const { return false; }
  // Within a transaction; the write has ended.
  void addData(const ArenaData& data) { data_.push_back(data); }
  // A write of bulk data of so many bytes has gone to the device, or has ended: a transaction that
  // makes it visible is to come, and those that are there may wait for it to share a flush.
  virtual void dataWriteBegun(uint64_t /*size*/) {}
  virtual void dataWriteEnded(uint64_t /*size*/) {}
  // Within a transaction, and before the blocks at `offset` are written again.
  void dropData(uint64_t offset) { data_.push_back({offset, 0, 0}); }

  // --- pins: while one is held, no block freed later is reused, so that pointers to it stay valid
  Heap::Pin pin() { return heap_.pin(); }
  void unpin(Heap::Pin pin) { heap_.unpin(pin); }

  // --- durability

  Ticket lastTicket() const { return lastTicket_; }
  // True when commit() makes a transaction durable before it returns.
  virtual bool isSynchronous() const { return false; }
  virtual Ticket durableTicket() const = 0;
  bool isDurable(Ticket ticket) const { return ticket <= durableTicket(); }
  // Whether every commit is durable when it returns, always.
  virtual bool isImmediatelyDurable() const { return false; }
  // Ends when `ticket` is durable. An error is final: the medium failed, the arena must be closed.
  virtual Task<Status> waitDurable(Ticket ticket) = 0;
  // Ends when there is room to log another operation; call it at the start of an operation whenever
  // hasLogRoom() is false. Slows writers down while a checkpoint makes room.
  virtual bool hasLogRoom() const { return true; }
  virtual Task<Status> waitLogRoom();
  // False after a failed flush: nothing may be written any more.
  virtual bool isUsable() const { return true; }

  // --- memory

  // Brings up to `sizeMax` bytes that blocks will lie in to where a store to them does not have to
  // wait for the kernel; nothing in them changes. True while there is more. For idle moments.
  virtual bool populateStep(size_t /*sizeMax*/) { return false; }
  // Who makes pages of memory that is soon to be used; outlives the arena. Null: nobody.
  virtual PageMaker* pageMaker() const { return nullptr; }

  HeapSpace space() const { return heap_.space(); }
  Heap& heap() { return heap_; }

 protected:
  // --- for implementers
  //
  // A constructor maps memory and calls formatArena (new) or attachArena (after its own recovery).
  // The kArenaHeaderSize bytes after `prefixSize` hold the arena header, the heap's tables follow.

  static constexpr uint64_t kArenaHeaderSize = 4096;
  Arena() = default;
  // Lays out header and heap over [0, size): the first `prefixSize` bytes stay the implementer's.
  // The header is written by plain stores: make [prefixSize, metadataSize()) durable after it.
  Status formatArena(std::byte* base, uint64_t size, uint64_t prefixSize);
  // Checks header and heap metadata and rebuilds the volatile side of the heap. DER_DF_INVAL,
  // DER_DF_INCOMPT.
  Status attachArena(std::byte* base, uint64_t size, uint64_t prefixSize);
  // Bytes from 0 to the first chunk of the heap.
  uint64_t metadataSize() const;
  // Where undo records go: [begin, end), kept by the implementer. Records are 8-byte aligned.
  void setUndoLog(std::byte* begin, std::byte* end);

  // Undo records [from, to) were appended: start making them durable (no fence yet). Only called
  // when the constructor has set `isUndoPersistent_`.
  virtual void flushUndo(const std::byte* from, const std::byte* to);
  // Wait until everything passed to flushUndo is durable.
  virtual void drainUndo();
  // Makes the transaction take effect: `changed` are all ranges modified or filled, in order of
  // appearance, possibly overlapping; their bytes in memory are the new content. Never fails: room
  // was secured by hasLogRoom(). Memory outside of `changed` may change too (reserved blocks being
  // filled): who copies the arena in the background may write the copy out only once lastTicket()
  // as of the copying is durable.
  virtual void commitRanges(Ticket ticket, std::span<const ArenaRange> changed) = 0;
  // What the transaction said of bulk data, in order; for commitRanges.
  std::span<const ArenaData> data() const { return data_; }
  // All stores of the transaction were undone in memory; `changed` as above.
  virtual void abortRanges(std::span<const ArenaRange> changed);
  // Applies complete undo records of `generation` in [begin, end), newest first: recovery of an
  // implementation whose undo log survives a crash. Returns the ranges restored; DER_DF_INVAL when
  // one lies outside of [0, size).
  static Result<std::vector<ArenaRange>> applyUndo(std::byte* base, uint64_t size,
                                                  const std::byte* begin, const std::byte* end,
                                                  uint64_t generation);

  bool isUndoPersistent_ = false;
  // Written to each undo record; an implementer whose log survives must change it with each commit.
  uint64_t undoGeneration_ = 1;

 private:
  // Precedes the old bytes (padded to 8) in the undo log.
  struct UndoRecord {
    Offset offset;
    uint32_t size;
    uint32_t checksum;  // CRC32C of generation, offset, size and the old bytes
    uint64_t generation;
  };
  static_assert(sizeof(UndoRecord) == 24);

  static uint32_t undoChecksum(const UndoRecord& record, const std::byte* oldBytes);
  bool isLogged(Offset offset, size_t size) const;
  void appendUndo(Offset offset, size_t size);
  void fenceUndo();
  void restoreFromUndo();
  void endTransaction();
  void applyHeapChanges();

  std::byte* base_ = nullptr;
  uint64_t size_ = 0;
  uint64_t headerOffset_ = 0;
  Heap heap_;
  bool isOpen_ = false;
  HeapUse use_ = HeapUse::kNormal;
  bool isFencePending_ = false;
  bool isDamaged_ = false;
  Ticket lastTicket_ = 0;
  std::byte* undoBegin_ = nullptr;
  std::byte* undoNext_ = nullptr;
  std::byte* undoEnd_ = nullptr;
  std::vector<ArenaRange> changed_;    // modified and fresh ranges of the open transaction
  std::vector<ArenaData> data_;
  std::vector<Offset> published_;      // blocks to mark allocated at commit
  std::vector<Offset> freed_;          // blocks to mark free at commit
  std::vector<Offset> dropped_;        // blocks both allocated and freed in the open transaction
};

}  // namespace daos::vos
