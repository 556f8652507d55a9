// The checkpoint of an arena on META: which page is where, and the writing and reading of it.
//
// A checkpoint never overwrites what the one before consists of: pages go to free slots, the table
// to its other copy, and the superblock, last and durable, makes it the newest. A crash anywhere
// leaves the one before.
//
// Life of a checkpoint: placePages and write (as often as needed), then publish. abandon() instead
// of publish gives its slots back.
//
// Thread: the target's. Outlives its tasks.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/log.h"
#include "bio/dma_buffer.h"
#include "bio/media.h"
#include "bio/media_batch.h"
#include "vos/log/meta_format.h"
#include "vos/log/wal_format.h"

namespace daos::vos {

struct PagePlace {
  uint32_t page;
  PageEntry entry;
};

// What a superblock says beyond what the image knows itself.
struct CheckpointMark {
  WalPosition wal;
  uint64_t transactionBefore = 0;
  uint64_t transactionThrough = 0;
  bool isClosed = false;
};

struct MetaCounters {
  uint64_t pageBytes = 0;
  uint64_t tableBytes = 0;  // superblocks included
  uint64_t writeCount = 0;
};

class MetaImage {
 public:
  MetaImage(bio::Media& media, bio::DmaPool& pool, const Log& log);

  // An empty image for an arena of `arenaSize`; nothing is written yet.
  Status format(const Superblock& first);
  // Reads superblock and table. DER_DF_INVAL: no superblock can be read. DER_DF_INCOMPT. DER_CSUM.
  Task<Status> open();
  // Reads all pages into the arena. DER_CSUM names the page and where it lies.
  Task<Status> load(MutableBytes arena);

  const Superblock& superblock() const { return superblock_; }
  const MetaGeometry& geometry() const { return geometry_; }
  uint64_t pageCountStored() const;

  // Free slots for `count` pages, in as few runs as there are.
  std::vector<uint32_t> takeSlots(size_t count);
  // Starts writing pages.size() pages that lie in `bytes`, in that order, to their slots,
  // neighbours together.
  void writePages(bio::MediaBatch& batch, std::span<const PagePlace> pages, Bytes bytes);
  // Makes `pages`, all of them written, part of a new durable generation.
  Task<Status> publish(std::span<const PagePlace> pages, CheckpointMark mark);
  void abandon(std::span<const PagePlace> pages);

  const MetaCounters& counters() const { return counters_; }

 private:
  Task<Status> readSuperblocks();
  Status adopt(const Superblock& superblock);
  Task<Status> readTable();
  Status takeTableBlock(const TableBlock& block, uint64_t index);
  Status checkPages(std::span<const PagePlace> pages, MutableBytes arena) const;
  Task<Status> writeTable(uint64_t generation);
  void fillTableBlock(TableBlock& block, uint64_t index) const;
  Task<Status> writeSuperblock(const Superblock& superblock);
  void setSlotUsed(uint32_t slot, bool used);

  bio::Media& media_;
  bio::DmaPool& pool_;
  const Log log_;
  MetaGeometry geometry_{0};
  Superblock superblock_{};
  std::vector<PageEntry> entries_;
  std::vector<uint32_t> tableChecksums_;  // of the blocks of the newest generation
  std::vector<uint8_t> tableDirty_;       // by block, bit c: copy c is out of date
  std::vector<uint64_t> usedSlots_;       // bit s - 1 for slot s
  uint64_t slotCursor_ = 0;
  MetaCounters counters_;
};

}  // namespace daos::vos
