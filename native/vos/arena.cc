#include "vos/arena.h"

#include <nmmintrin.h>

#include <algorithm>
#include <string>

namespace daos::vos {

namespace {

constexpr uint64_t kArenaMagic = 0x616e657261736f76;  // "vosarena"
constexpr uint32_t kArenaVersion = 1;
// How many of the newest ranges are searched before another undo record is written.
constexpr size_t kRecentCount = 8;

struct ArenaHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t chunkSize;
  uint64_t size;
  uint64_t root;
};
static_assert(sizeof(ArenaHeader) == 32);

size_t padded(size_t size) { return (size + 7) & ~size_t{7}; }

}  // namespace

uint32_t Arena::undoChecksum(const UndoRecord& record, const std::byte* oldBytes) {
  uint64_t crc = _mm_crc32_u64(record.generation, record.offset);
  crc = _mm_crc32_u64(crc, record.size);
  for (size_t i = 0; i < padded(record.size); i += 8) {
    crc = _mm_crc32_u64(crc, loadAs<uint64_t>(oldBytes + i));
  }
  return static_cast<uint32_t>(crc);
}

Status Arena::formatArena(std::byte* base, uint64_t size, uint64_t prefixSize) {
  base_ = base;
  size_ = size;
  headerOffset_ = prefixSize;
  *at<ArenaHeader>(headerOffset_) = {kArenaMagic, kArenaVersion, kChunkSize, size, 0};
  return heap_.format(base, prefixSize + kArenaHeaderSize, size);
}

Status Arena::attachArena(std::byte* base, uint64_t size, uint64_t prefixSize) {
  base_ = base;
  size_ = size;
  headerOffset_ = prefixSize;
  const ArenaHeader& header = *at<ArenaHeader>(headerOffset_);
  if (header.magic != kArenaMagic) {
    return Error(ErrorCode::kDfInval,
                 "the arena has no header: this is no store, or a damaged one");
  }
  if (header.version != kArenaVersion || header.chunkSize != kChunkSize) {
    return Error(ErrorCode::kDfIncompt, "arena format version " + std::to_string(header.version) +
                                            ", this program reads " +
                                            std::to_string(kArenaVersion));
  }
  if (header.size != size) {
    return Error(ErrorCode::kDfInval, "the arena was " + std::to_string(header.size) +
                                          " bytes, its file holds " + std::to_string(size));
  }
  DAOS_CHECK(heap_.attach(base, prefixSize + kArenaHeaderSize, size));
  if (header.root != 0 && !heap_.isBlock(header.root, 1)) {
    return Error(ErrorCode::kDfInval, "the arena's root is not a block");
  }
  return {};
}

uint64_t Arena::metadataSize() const {
  return headerOffset_ + kArenaHeaderSize + heap_.tableSize();
}

void Arena::setUndoLog(std::byte* begin, std::byte* end) {
  undoBegin_ = undoNext_ = begin;
  undoEnd_ = end;
}

Offset Arena::root() const { return at<ArenaHeader>(headerOffset_)->root; }

void Arena::setRoot(Offset offset) { modify(at<ArenaHeader>(headerOffset_)->root) = offset; }

void Arena::begin(HeapUse use) {
  DAOS_ASSERT(!isOpen_);
  isOpen_ = true;
  use_ = use;
}

bool Arena::isLogged(Offset offset, size_t size) const {
  const size_t count = std::min(changed_.size(), kRecentCount);
  const ArenaRange* range = changed_.data() + changed_.size();
  for (size_t i = 0; i < count; ++i) {
    --range;
    if (offset >= range->offset && offset + size <= range->offset + range->size) return true;
  }
  return false;
}

void Arena::appendUndo(Offset offset, size_t size) {
  DAOS_ASSERT(isOpen_);
  const size_t bytes = sizeof(UndoRecord) + padded(size);
  DAOS_ASSERT(bytes <= static_cast<size_t>(undoEnd_ - undoNext_));
  std::byte* old = undoNext_ + sizeof(UndoRecord);
  if (size % 8 != 0) storeAs<uint64_t>(old + padded(size) - 8, 0);
  std::memcpy(old, base_ + offset, size);
  UndoRecord record{offset, static_cast<uint32_t>(size), 0, undoGeneration_};
  if (isUndoPersistent_) record.checksum = undoChecksum(record, old);
  storeAs(undoNext_, record);
  if (isUndoPersistent_) {
    flushUndo(undoNext_, undoNext_ + bytes);
    isFencePending_ = true;
  }
  undoNext_ += bytes;
  changed_.push_back({offset, size});
}

void Arena::fenceUndo() {
  drainUndo();
  isFencePending_ = false;
}

Offset Arena::allocate(size_t size) {
  const Offset block = heap_.reserve(size, use_);
  if (block != 0) publish(block, size);
  return block;
}

void Arena::publish(Offset block, size_t size) {
  DAOS_ASSERT(isOpen_);
  const Heap::Place place = heap_.place(block);
  prepare(*place.word);
  if (place.isHeaderChanged) prepare(*place.header);
  published_.push_back(block);
  changed_.push_back({block, size});
}

size_t Arena::free(Offset block) {
  DAOS_ASSERT(isOpen_);
  const auto fresh = std::find(published_.rbegin(), published_.rend(), block);
  if (fresh == published_.rend()) {
    if (!heap_.isBlock(block, 1)) {
      noteDamage();
      return 0;
    }
    freed_.push_back(block);
    return heap_.blockSize(block);
  }
  // Allocated by this very transaction: it comes back at the end, so that no pointer to it goes
  // stale.
  published_.erase(std::next(fresh).base());
  dropped_.push_back(block);
  return heap_.blockSize(block);
}

void Arena::applyHeapChanges() {
  for (const Offset block : freed_) prepare(*heap_.place(block).word);
  for (const Offset block : published_) {
    const Heap::Place place = heap_.place(block);
    modify(*place.word) |= place.mask;
    if (place.isHeaderChanged) modify(*place.header) = place.headerWanted;
  }
  // A block that is named twice, as only damage can, is freed once.
  std::erase_if(freed_, [this](Offset block) {
    const Heap::Place place = heap_.place(block);
    if ((*place.word & place.mask) == 0) return true;
    modify(*place.word) &= ~place.mask;
    return false;
  });
}

Ticket Arena::commit() {
  DAOS_ASSERT(isOpen_);
  applyHeapChanges();
  commitRanges(++lastTicket_, changed_);
  for (const Offset block : freed_) heap_.retire(block);
  for (const Offset block : dropped_) heap_.cancel(block);
  endTransaction();
  return lastTicket_;
}

void Arena::abort() {
  DAOS_ASSERT(isOpen_);
  restoreFromUndo();
  abortRanges(changed_);
  for (const Offset block : published_) heap_.cancel(block);
  for (const Offset block : dropped_) heap_.cancel(block);
  endTransaction();
}

void Arena::endTransaction() {
  changed_.clear();
  data_.clear();
  published_.clear();
  freed_.clear();
  dropped_.clear();
  undoNext_ = undoBegin_;
  isFencePending_ = isDamaged_ = false;
  isOpen_ = false;
}

void Arena::restoreFromUndo() {
  std::vector<const std::byte*> records;
  for (const std::byte* next = undoBegin_; next < undoNext_;) {
    records.push_back(next);
    next += sizeof(UndoRecord) + padded(loadAs<UndoRecord>(next).size);
  }
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    const auto header = loadAs<UndoRecord>(*record);
    std::memcpy(base_ + header.offset, *record + sizeof(UndoRecord), header.size);
  }
}

Result<std::vector<ArenaRange>> Arena::applyUndo(std::byte* base, uint64_t size,
                                                const std::byte* begin, const std::byte* end,
                                                uint64_t generation) {
  std::vector<const std::byte*> records;
  for (const std::byte* next = begin; end - next >= static_cast<ptrdiff_t>(sizeof(UndoRecord));) {
    const auto record = loadAs<UndoRecord>(next);
    const std::byte* old = next + sizeof(UndoRecord);
    // The first record that is not whole ends the log: the store it was for has not begun.
    if (record.generation != generation || padded(record.size) > static_cast<size_t>(end - old) ||
        record.checksum != undoChecksum(record, old)) {
      break;
    }
    if (record.offset > size || record.size > size - record.offset) {
      return Error(ErrorCode::kDfInval, "an undo record lies outside of the arena");
    }
    records.push_back(next);
    next = old + padded(record.size);
  }
  std::vector<ArenaRange> restored;
  for (auto at = records.rbegin(); at != records.rend(); ++at) {
    const auto record = loadAs<UndoRecord>(*at);
    std::memcpy(base + record.offset, *at + sizeof(UndoRecord), record.size);
    restored.push_back({record.offset, record.size});
  }
  return restored;
}

void Arena::flushUndo(const std::byte*, const std::byte*) {}
void Arena::drainUndo() {}
void Arena::abortRanges(std::span<const ArenaRange>) {}
Task<Status> Arena::waitLogRoom() { co_return Status{}; }

}  // namespace daos::vos
