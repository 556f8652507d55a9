// The heap inside an arena: 64-bit offsets, size classes, exact accounting.
//
// The region is cut into chunks of 64 KiB. A chunk serves blocks of one size class, or belongs to a
// run of chunks that is one large block. Tables outside of the chunks hold what each chunk is and
// one bit per block that says whether it is allocated. What is free is volatile knowledge, rebuilt
// from the bits when the arena is opened, so that allocating changes one word of the arena, with
// the transaction that needs it.
//
// Thread:    owned by its arena.
// Invariant: bits and chunk headers change only in a transaction: a crash neither leaks nor doubles
//            a block.
// Invariant: a chunk without any bit set is free, whatever its header says.
// Invariant: used + free = total, always; a block counts with its whole size.
// Format:    docs/format/heap.md, version 1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/result.h"

namespace daos::vos {

// From the start of the arena's mapping; 0 is "nothing".
using Offset = uint64_t;

inline constexpr uint64_t kChunkSize = 64 * 1024;
inline constexpr size_t kBlockSizeMin = 32;
inline constexpr size_t kChunkWords = kChunkSize / kBlockSizeMin / 64;

// What an allocation is for: the reserve is kept for what gives space back.
enum class HeapUse : uint8_t { kNormal, kReclaim };

struct HeapSpace {
  uint64_t totalBytes = 0;
  uint64_t usedBytes = 0;     // allocated and reserved blocks, with rounding
  uint64_t reserveBytes = 0;  // of the free bytes, what HeapUse::kNormal does not get
  uint64_t freeBytes() const { return totalBytes - usedBytes; }
};

enum class ChunkKind : uint8_t { kUnused = 0, kBlocks = 1, kLarge = 2 };

// Persistent, one per chunk.
struct ChunkHeader {
  ChunkKind kind;
  uint8_t sizeClass;    // kBlocks: index into the size classes
  uint16_t zero;
  uint32_t chunkCount;  // kLarge: chunks of the run, this one included
};
static_assert(sizeof(ChunkHeader) == 8);

class Heap {
 public:
  using Pin = uint64_t;

  // Where a block's state is kept: what a transaction changes to allocate or free it.
  struct Place {
    uint64_t* word;        // in the arena
    uint64_t mask;
    ChunkHeader* header;   // in the arena
    ChunkHeader headerWanted;
    bool isHeaderChanged;  // `headerWanted` must be stored with the bit
  };

  // --- set-up; [begin, end) of the mapping at `base` is the heap's

  // Writes tables by plain stores. DER_INVAL when the range has no room for a chunk.
  Status format(std::byte* base, uint64_t begin, uint64_t end);
  // DER_DF_INVAL when the tables contradict themselves.
  Status attach(std::byte* base, uint64_t begin, uint64_t end);
  // Bytes of [begin, end) that are tables, not chunks.
  uint64_t tableSize() const { return chunksBegin_ - begin_; }

  // --- blocks

  // A block of at least `size` bytes, aligned to 16, and to 64 where the size class is a multiple
  // of 64; 0 when there is no space. Nothing persistent changes.
  Offset reserve(size_t size, HeapUse use);
  // Gives a reserved block back at once.
  void cancel(Offset block);
  // The words a transaction stores to when it allocates or frees `block`.
  Place place(Offset block);
  // After the commit that freed `block`: reuse it when no pin older than now remains.
  void retire(Offset block);
  size_t blockSize(Offset block) const;
  // Whether `block` is the start of an allocated block of at least `size` bytes: for offsets from a
  // disk.
  bool isBlock(Offset block, uint64_t size) const;
  bool holds(Offset offset, uint64_t size) const {
    return size <= totalBytes_ && offset - chunksBegin_ <= totalBytes_ - size;
  }
  // So many bytes after the last block can be read, though they belong to nobody: a reader may look
  // at the whole of the largest record of a kind before it knows how large this one is.
  static constexpr uint64_t kReadableBehind = 4096;
  // The size that reserve(size) would use.
  static size_t roundedSize(size_t size);

  // --- pins
  Pin pin();
  void unpin(Pin pin);
  // For what is dropped now and lies outside of the heap: whoever holds a pin may still be reading
  // it. isPassed: all of them are gone.
  Pin fence() {
    isPinStale_ = true;
    return firstPin_ + pins_.size() - 1;
  }
  bool isPassed(Pin fence) const { return fence < firstPin_; }

  // Single chunks come from the first free one on, which is not before the frontier; runs from the
  // end, so far down to runsBegin.
  Offset frontier() const { return chunksBegin_ + uint64_t{freeChunkHint_} * kChunkSize; }
  Offset runsBegin() const { return chunksBegin_ + uint64_t{runsBegin_} * kChunkSize; }

  HeapSpace space() const { return {totalBytes_, usedBytes_, reserveBytes_}; }
  void setReserve(uint64_t bytes) { reserveBytes_ = bytes; }

 private:
  static constexpr uint32_t kNoChunk = ~uint32_t{0};
  static constexpr size_t kClassCount = 39;
  // Volatile, one per chunk.
  struct ChunkState {
    ChunkHeader header;      // what it is used for now; may be ahead of the persistent one
    uint32_t next, previous; // in its class's list of chunks with free blocks
    uint16_t usedCount;      // blocks reserved or allocated
    uint16_t wordHint;       // no free block before this word
    bool isUsed;
    bool isListed;
  };
  struct Retired {
    Offset block;
    Pin after;  // reusable when every pin <= after is gone
  };

  static const std::array<uint32_t, kClassCount> kClassSizes;
  static size_t classOf(size_t size);
  uint32_t chunkOf(Offset block) const {
    return static_cast<uint32_t>((block - chunksBegin_) / kChunkSize);
  }
  uint64_t* occupied(uint32_t chunk) { return &occupied_[uint64_t{chunk} * kChunkWords]; }
  Status setGeometry(std::byte* base, uint64_t begin, uint64_t end);
  Status attachChunk(uint32_t* chunk);
  Offset reserveBlock(size_t sizeClass, HeapUse use);
  Offset reserveLarge(size_t size, HeapUse use);
  bool isAffordable(uint64_t size, HeapUse use) const;
  static void fillPadding(uint64_t* words, uint32_t count);
  uint32_t takeChunk();
  uint32_t takeRun(uint32_t count);
  bool isChunkFree(uint32_t chunk) const {
    return (freeChunks_[chunk / 64] >> (chunk % 64) & 1) != 0;
  }
  void claimChunk(uint32_t chunk);
  void releaseChunk(uint32_t chunk);
  void list(uint32_t chunk);
  void unlist(uint32_t chunk);

  std::byte* base_ = nullptr;
  uint64_t begin_ = 0, end_ = 0, chunksBegin_ = 0;
  ChunkHeader* headers_ = nullptr;  // in the arena
  uint64_t* words_ = nullptr;       // in the arena, kChunkWords per chunk
  uint32_t chunkCount_ = 0;
  uint64_t totalBytes_ = 0, usedBytes_ = 0, reserveBytes_ = 0;
  std::vector<ChunkState> states_;
  std::vector<uint64_t> occupied_;  // as words_, with reservations
  std::vector<uint64_t> freeChunks_;
  uint32_t freeChunkHint_ = 0;
  uint32_t freeChunkCount_ = 0;
  uint32_t runsBegin_ = 0;
  std::array<uint32_t, kClassCount> partial_{};
  std::deque<Retired> retired_;
  std::deque<uint32_t> pins_;  // holders of the pins firstPin_, firstPin_ + 1, …
  Pin firstPin_ = 1;
  bool isPinStale_ = false;  // something was retired since the last pin was made
};

}  // namespace daos::vos
