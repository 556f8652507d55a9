// Which blocks of a DATA area are free: extents in memory, a bitmap in the arena.
//
// Life of an extent:
// 1. reserve: taken here, in memory only; the caller writes its data and makes it durable.
// 2. publish: inside the arena transaction that makes the data visible, the caller also calls
//    markUsed on the bitmap's bytes. cancel instead gives the extent back. A crash before the
//    transaction is durable leaks nothing: the bitmap never heard of it.
// 3. release: inside the transaction that drops the data, the caller calls markFree on the bitmap's
//    bytes.
// 4. reclaim: once that transaction is durable the blocks may be reserved again, not before: a
//    crash could bring the old transaction's view back.
//
// Thread:    the target's.
// Invariant: free extents never touch each other (they are merged), nor reserved or used blocks.
// Format:    docs/format/space_bitmap.md, version 1.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace daos::bio {

struct BlockExtent {
  uint64_t block = 0;
  uint64_t count = 0;
  uint64_t end() const { return block + count; }
  bool operator==(const BlockExtent&) const = default;
};

struct ReserveOptions {
  // Where the extent had best lie: the end of the object's last extent. It, or the next free place
  // after.
  uint64_t hint = UINT64_MAX;
  // Fewer blocks than asked for are welcome down to this; 0: all or DER_NOSPACE.
  uint64_t countMin = 0;
  // The extent starts at a multiple of this.
  uint64_t alignment = 1;
};

struct SpaceCounts {
  uint64_t free = 0;
  uint64_t reserved = 0;
  uint64_t used = 0;
  uint64_t released = 0;  // dropped, but not durably
  uint64_t total() const { return free + reserved + used + released; }
};

class SpaceAllocator {
 public:
  // All blocks free.
  explicit SpaceAllocator(uint64_t blockCount);
  // From the bitmap in the arena. DER_DF_INVAL when its size or its padding bits are wrong.
  static Result<SpaceAllocator> load(Bytes bitmap, uint64_t blockCount);

  // DER_NOSPACE says what is free and how much of it is in one piece.
  Result<BlockExtent> reserve(uint64_t count, ReserveOptions options = {});
  void cancel(BlockExtent extent);
  void publish(BlockExtent extent);
  // `ticket`: of the transaction; tickets never decrease from call to call.
  void release(BlockExtent extent, uint64_t ticket);
  // All that was released up to and with `ticketDurable` is free again.
  void reclaim(uint64_t ticketDurable);

  // Takes the first free blocks of `within`, as many as lie in a row there; none: none is free.
  std::optional<BlockExtent> reserveFirst(BlockExtent within);
  // Where free blocks begin, at `block` or after; the number of blocks when there are none.
  uint64_t nextFree(uint64_t block) const;
  // Blocks before `block` are given out first, wherever the hint is: those behind it cost more.
  void preferBefore(uint64_t block) { preferredEnd_ = block; }

  // From here on nothing of `range` is given out, whether it is free or becomes so; restore() of
  // the same range ends that. Ranges don't overlap. What is withheld counts as free.
  void withhold(BlockExtent range);
  void restore(BlockExtent range);

  const SpaceCounts& counts() const { return counts_; }
  uint64_t largestFreeCount() const { return bySize_.empty() ? 0 : bySize_.rbegin()->first; }
  size_t freeExtentCount() const { return byBlock_.size(); }

 private:
  using ByBlock = std::map<uint64_t, uint64_t>;
  struct Released {
    uint64_t ticket;
    BlockExtent extent;
  };
  // What is wanted: so many blocks, from such a multiple on, ending at `end` or before.
  struct Wanted {
    uint64_t count;
    uint64_t alignment;
    uint64_t end;
    bool fits(uint64_t start, uint64_t size) const {
      const uint64_t taken = alignUp(start, alignment) + count;
      return taken <= start + size && taken <= end;
    }
  };
  ByBlock::iterator findNear(uint64_t hint, const Wanted& wanted);
  ByBlock::iterator findBest(const Wanted& wanted);
  std::optional<BlockExtent> reserveBefore(uint64_t end, uint64_t count,
                                           const ReserveOptions& options);
  BlockExtent carve(ByBlock::iterator from, uint64_t start, uint64_t count);
  // Merged with free neighbours, but for what is withheld of it.
  void insertFree(BlockExtent extent);
  void mergeFree(BlockExtent extent);
  void eraseFree(ByBlock::iterator at);
  Error noSpace(uint64_t count) const;

  uint64_t blockCount_;
  uint64_t preferredEnd_ = UINT64_MAX;
  ByBlock byBlock_;
  std::set<std::pair<uint64_t, uint64_t>> bySize_;
  std::deque<Released> released_;
  std::vector<BlockExtent> withheld_;      // the ranges
  std::vector<BlockExtent> withheldFree_;  // what is free of them
  SpaceCounts counts_;
};

// The bitmap: one bit per block, set when used, in 64-bit words; bits past the last block are set.
struct BitmapRange {
  uint64_t offset = 0;  // bytes, multiple of 8
  uint64_t size = 0;
};
uint64_t bitmapSizeBytes(uint64_t blockCount);
// A fresh bitmap of all free blocks; `bitmap` has bitmapSizeBytes.
void formatBitmap(MutableBytes bitmap, uint64_t blockCount);
// The bytes that marking `extent` changes: what the transaction must declare as modified.
BitmapRange bitmapRange(BlockExtent extent);
// `bitmap` is the whole of it. DER_DF_INVAL, with nothing changed, when a block is in that state
// already.
Status markUsed(MutableBytes bitmap, BlockExtent extent);
Status markFree(MutableBytes bitmap, BlockExtent extent);

}  // namespace daos::bio
