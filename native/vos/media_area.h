// Bulk data on Media: which blocks of the DATA area are in use, and how data gets there and back.
//
// Life of an extent of blocks:
// 1. reserve(): taken in memory only, with a buffer for the data. Dropping the MediaPiece gives it
//    back.
// 2. write(): the data is on the medium, or, where the arena keeps data (arena.h), at the device.
// 3. use() within the arena transaction that makes the data visible; it belongs to that transaction
//    from then on, also when it is undone. Where the data is not on the medium yet, it comes there
//    with the transaction, or neither does.
// 4. drop() within the transaction that removes the data.
// 5. Reused once that transaction is durable and no fetch remains that began before its end.
//
// Thread:    the target's.
// Invariant: a block is used in the arena's bitmap exactly while a version there names it: a crash
//            leaks nothing and shares nothing.
// Invariant: no transaction that names a block is begun before the block's data was written, and
//            none is durable before the data is (docs/design/durable-data.md).
// Invariant: block 0 is never given out, so that address 0 is "nothing".
// Format:    docs/format/space_bitmap.md, version 1.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bio/dma_buffer.h"
#include "bio/flush_group.h"
#include "bio/media.h"
#include "bio/space_allocator.h"
#include "bio/write_queue.h"
#include "runtime/task.h"
#include "vos/arena.h"
#include "vos/prewriter.h"
#include "vos/records.h"

namespace daos::vos {

class MediaArea;

// Reserved blocks and the buffer of what goes there. Gives both back unless release() was called.
class MediaPiece {
 public:
  MediaPiece() = default;
  MediaPiece(MediaArea& area, bio::BlockExtent extent, bio::DmaBuffer buffer)
      : area_(&area), extent_(extent), buffer_(std::move(buffer)) {}
  MediaPiece(MediaPiece&& other) noexcept
      : area_(std::exchange(other.area_, nullptr)),
        extent_(other.extent_),
        buffer_(std::move(other.buffer_)),
        checksum_(other.checksum_) {}
  MediaPiece& operator=(MediaPiece&& other) noexcept {
    std::swap(area_, other.area_);
    std::swap(extent_, other.extent_);
    std::swap(buffer_, other.buffer_);
    std::swap(checksum_, other.checksum_);
    return *this;
  }
  ~MediaPiece();

  uint64_t address() const { return extent_.block * bio::kMediaBlockSize; }
  uint64_t blockCount() const { return extent_.count; }
  // Whole blocks; what lies behind the data is zeros.
  MutableBytes bytes() const { return buffer_.bytes(); }
  // Of all of bytes(), when they have been written.
  uint32_t checksum() const { return checksum_; }
  void setChecksum(uint32_t checksum) { checksum_ = checksum; }
  // The extent is the caller's.
  bio::BlockExtent release() {
    area_ = nullptr;
    return extent_;
  }

 private:
  MediaArea* area_ = nullptr;  // null: nothing to give back
  bio::BlockExtent extent_;
  bio::DmaBuffer buffer_;
  uint32_t checksum_ = 0;
};

// What one arena transaction does to extents; the owner ends it by committed() or aborted().
struct MediaChanges {
  std::vector<bio::BlockExtent> used;
  std::vector<bio::BlockExtent> dropped;
};

class MediaArea {
 public:
  // Within a transaction: makes the bitmap of a new area and notes it in the pool's record.
  // DER_NOSPACE, DER_INVAL.
  static Status format(Arena& arena, PoolRecord& record, const bio::Media& media);
  // All borrowed. DER_DF_INVAL: bitmap or media do not fit the record.
  static Result<std::unique_ptr<MediaArea>> open(Arena& arena, const PoolRecord& record,
                                                 bio::Media& media, bio::DmaPool& buffers);

  // Within a transaction, with nothing reserved: another number of blocks, and a bitmap of that
  // size. checkResize: whether blocks in use allow it. DER_NOSPACE.
  static Status resize(Arena& arena, PoolRecord& record, uint64_t blockCount);
  static Status checkResize(Arena& arena, const PoolRecord& record, uint64_t blockCount);

  // `nearWhat`: data of the same hash had best lie together. DER_NOSPACE says what is free;
  // DER_NOMEM.
  Result<MediaPiece> reserve(uint64_t size, uint64_t nearWhat);
  // True when space comes back as soon as the arena's last ticket is durable.
  bool hasDropped() const { return !dropped_.empty(); }
  void cancel(bio::BlockExtent extent) { space_.cancel(extent); }

  // Brings pieces to the device, and to the medium unless the arena does that with the transaction;
  // they live until it ends. DER_IO: the device has failed.
  Task<Status> write(std::span<MediaPiece> pieces);

  // Within a transaction. DER_DF_INVAL: the bitmap says otherwise.
  Status use(MediaPiece& piece, MediaChanges& changes);
  Status drop(uint64_t address, uint64_t size, MediaChanges& changes);
  void committed(MediaChanges& changes, Ticket ticket);
  void aborted(MediaChanges& changes);

  // Nothing is given out from this block on; blockCount(): everything is.
  void limitTo(uint64_t endBlock);
  // As of SpaceAllocator, for ranges before the limit; what may be reused comes back first.
  void withhold(bio::BlockExtent range) { space_.withhold(range); }
  void restore(bio::BlockExtent range) {
    reclaim();
    space_.restore(range);
  }
  // --- what transactions use, durable or not

  uint64_t blockCount() const { return blockCount_; }
  // Of the blocks before `end`; and whether all of `extent` are.
  uint64_t usedCount(uint64_t end) const;
  bool isUsed(bio::BlockExtent extent) const;
  // Behind the last one.
  uint64_t usedEnd() const;
  // Of the ranges of so many blocks between the first block and `end` (whole words of the bitmap,
  // and perhaps a few blocks more), the one with the fewest in use. None: it is too near.
  std::optional<bio::BlockExtent> leastUsed(uint64_t blockCount, uint64_t end) const;

  // Whether data of `size` bytes may lie at `address`.
  bool holds(uint64_t address, uint64_t size) const;
  // The bytes that data of `size` bytes takes.
  static uint64_t roundedSize(uint64_t size) { return alignUp(size, bio::kMediaBlockSize); }

  uint64_t totalBytes() const { return (blockCount_ - 1) * bio::kMediaBlockSize; }
  // With blocks that are reserved, or dropped and not free yet.
  uint64_t usedBytes() {
    reclaim();
    const uint64_t free = space_.counts().free + prewriter_.takenCount();
    return totalBytes() - free * bio::kMediaBlockSize;
  }
  bio::Media& media() { return media_; }
  Prewriter& prewriter() { return prewriter_; }
  bio::DmaPool& buffers() { return buffers_; }

 private:
  // Dropped extents in order; `sequence` is their ticket at the allocator.
  struct Dropped {
    uint64_t sequence;
    Ticket ticket;
    Heap::Pin fence;
  };
  static constexpr size_t kHintCount = 256;
  struct Writing;

  MediaArea(Arena& arena, const PoolRecord& record, bio::Media& media, bio::DmaPool& buffers,
            bio::SpaceAllocator space);
  Task<Status> writeInTurn(std::span<MediaPiece> pieces, uint64_t size);
  Task<void> computeChecksums(std::span<MediaPiece> pieces);
  MutableBytes bitmap() const;
  // The bitmap's words of `extent`, for the transaction to change.
  void prepareBits(bio::BlockExtent extent);
  void reclaim();

  Arena& arena_;
  const Offset bitmap_;
  const uint64_t blockCount_;
  // The bitmap as this process made it: what a damaged arena stores to the bitmap's place does not
  // get between it and the allocator.
  std::vector<std::byte> known_;
  bio::Media& media_;
  bio::DmaPool& buffers_;
  bio::SpaceAllocator space_;
  Prewriter prewriter_;
  bio::FlushGroup flushes_;
  bio::WriteQueue writes_;
  std::deque<Dropped> dropped_;
  uint64_t sequence_ = 0;
  uint64_t limit_;  // the block that nothing is given out from
  std::array<uint64_t, kHintCount> hints_;  // by hash: the end of the last extent
};

inline MediaPiece::~MediaPiece() {
  if (area_) area_->cancel(extent_);
}

}  // namespace daos::vos
