// The bytes of META: superblocks, page tables and page slots. docs/format/meta.md and
// superblock.md, version 1.
//
//   blocks 0…3   superblocks: generation g in blocks 2 (g mod 2) and 2 (g mod 2) + 1, twice the
//   same two tables   generation g is described by table g mod 2: where each page of the arena is,
//   and its checksum slots        pages of 4 KiB; never overwritten while a durable table points to
//   them
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/uuid.h"
#include "vos/planted_fault.h"

namespace daos::vos {

inline constexpr uint64_t kPageSize = 4096;
inline constexpr uint64_t kSuperblockMagic = 0x3130425553534f44;  // "DOSSUB01"
inline constexpr uint32_t kSuperblockVersion = 1;
inline constexpr uint32_t kTableMagic = 0x31425444;  // "DTB1"
inline constexpr uint64_t kSuperblockCount = 4;

// Zeros follow to the end of the block.
struct Superblock {
  uint64_t magic;
  uint32_t version;
  uint32_t checksum;  // CRC32C of the block with zero here
  Uuid store;
  uint64_t salt;        // of the log's groups
  uint64_t generation;  // 1, 2, 3 …
  uint64_t arenaSize;
  uint64_t slotCount;
  uint64_t walBlock;  // replay from here
  uint64_t walSequence;
  uint64_t transactionBefore;   // the one before the first at that place
  uint64_t transactionThrough;  // the newest that a page may hold: the log must reach it
  uint64_t walBlockCount;       // the ring's size: positions mean nothing in another
  uint32_t tableChecksum;       // CRC32C over the checksums of the table's blocks, in order
  uint32_t isClosed;            // 1: closed in order, with nothing in the log
};
static_assert(sizeof(Superblock) == 112);

struct PageEntry {
  uint32_t slot;      // counts from 1; 0: the page is zeros
  uint32_t checksum;  // CRC32C of the page
};
static_assert(sizeof(PageEntry) == 8);

inline constexpr uint64_t kEntriesPerTableBlock = 508;
struct TableBlock {
  uint32_t magic;
  uint32_t checksum;  // CRC32C of the block with zero here; the same content, the same checksum in
                      // both tables
  uint64_t index;     // of the block in its table
  uint64_t salt;
  uint64_t reserved;
  PageEntry entries[kEntriesPerTableBlock];
};
static_assert(sizeof(TableBlock) == kPageSize);

// Places in META for an arena of `arenaSize` bytes, in blocks of 4 KiB. Twice as many slots as
// pages: any checkpoint fits beside the one before.
struct MetaGeometry {
  explicit MetaGeometry(uint64_t arenaSize)
      : pageCount(arenaSize / kPageSize),
        tableBlockCount((pageCount + kEntriesPerTableBlock - 1) / kEntriesPerTableBlock),
        slotCount(pageCount * 2) {}
  uint64_t pageCount;
  uint64_t tableBlockCount;
  uint64_t slotCount;

  uint64_t tableOffset(uint64_t generation) const {
    const uint64_t copy = isPlanted(PlantedFault::kCheckpointOverTable) ? 0 : generation % 2;
    return (kSuperblockCount + copy * tableBlockCount) * kPageSize;
  }
  uint64_t slotOffset(uint32_t slot) const {
    return (kSuperblockCount + 2 * tableBlockCount + slot - 1) * kPageSize;
  }
  uint64_t sizeBytes() const {
    return (kSuperblockCount + 2 * tableBlockCount + slotCount) * kPageSize;
  }
};

}  // namespace daos::vos
