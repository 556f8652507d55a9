// Writes zeros to blocks of a data area that nobody has used yet, before somebody wants them.
//
// In a file whose blocks are only reserved, the file system has to note the first write of each,
// and the flush after it writes that down: such a write costs two to three times as much as a later
// one. Who calls step() decides when there is time for it.
//
// Life of a step:
// 1. Free blocks behind those of the last step are reserved, so that nobody gets them meanwhile.
// 2. Zeros are written to them. Blocks that are not free are somebody's, and are passed over.
// 3. They are given back, and the allocator gives out first what lies before them.
// Every kNoteBytes, and at the end, the device is flushed and block 0 notes how far it has come.
//
// Thread:    the target's.
// Invariant: what is written to is free in the bitmap that is durable, and reserved: nothing that
//            anybody may read, before a crash or after it, lies there.
// Invariant: the note is a hint. Without it, or with one that says too much, nothing is lost but
//            time.
// Format:    docs/format/prewrite_note.md, version 1.
#pragma once

#include <cstdint>

#include "bio/dma_buffer.h"
#include "bio/media.h"
#include "bio/space_allocator.h"
#include "runtime/task.h"

namespace daos::vos {

inline constexpr uint64_t kPrewriteMagic = 0x3130455752504f44;  // "DOPRWE01"
inline constexpr uint32_t kPrewriteVersion = 1;

// At the beginning of block 0, which is never given out; zeros behind it.
struct PrewriteNote {
  uint64_t magic;
  uint32_t version;
  uint32_t checksum;      // CRC32C of the note with zero here
  uint64_t blockCount;    // of the data area then
  uint64_t writtenCount;  // blocks before it were written, by whomever
};
static_assert(sizeof(PrewriteNote) == 32);

class Prewriter {
 public:
  static constexpr uint64_t kNoteBytes = 256 << 20;

  // All borrowed.
  Prewriter(bio::Media& media, bio::DmaPool& buffers, bio::SpaceAllocator& space,
            uint64_t blockCount)
      : media_(media), buffers_(buffers), space_(space), blockCount_(blockCount) {}

  // Reads how far it had come; once, before the first step. A note of which nothing can be made
  // counts as none. DER_IO, DER_NOMEM.
  Task<Status> begin();
  // Goes on by up to `sizeBytes` of the area; false: it is done. One at a time; with an error the
  // same blocks come again. DER_IO, which the device counts as its own; DER_NOMEM.
  Task<Result<bool>> step(uint64_t sizeBytes);
  // Writes the note, if it has anything new to tell.
  Task<Status> note();

  bool isDone() const { return written_ >= blockCount_; }
  // Blocks that a step has reserved: nobody's.
  uint64_t takenCount() const { return takenCount_; }
  // Blocks that are known to have been written, or to be somebody's.
  uint64_t writtenCount() const { return written_; }

 private:
  class Taken;
  friend class Taken;
  Status prepareZeros();
  Task<Status> writeZeros(bio::BlockExtent range);

  bio::Media& media_;
  bio::DmaPool& buffers_;
  bio::SpaceAllocator& space_;
  const uint64_t blockCount_;
  uint64_t written_ = 1;  // block 0 is the note's
  uint64_t noted_ = 1;
  uint64_t takenCount_ = 0;
  bio::DmaBuffer zeros_;
};

}  // namespace daos::vos
