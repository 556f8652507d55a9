#include "vos/log/meta_image.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "codec/checksum.h"
#include "vos/planted_fault.h"

namespace daos::vos {

static constexpr uint64_t kTransferSize = 1 << 20;
static constexpr size_t kTransferDepth = 16;

MetaImage::MetaImage(bio::Media& media, bio::DmaPool& pool, const Log& log)
    : media_(media), pool_(pool), log_(log) {}

Status MetaImage::adopt(const Superblock& superblock) {
  geometry_ = MetaGeometry(superblock.arenaSize);
  const bool isPlausible = superblock.arenaSize > 0 && superblock.arenaSize % kPageSize == 0 &&
                           superblock.slotCount == geometry_.slotCount &&
                           geometry_.slotCount < UINT32_MAX;
  if (!isPlausible)
    return Error(ErrorCode::kDfInval, media_.name() + ": superblock contradicts itself");
  if (geometry_.sizeBytes() > media_.sizeBytes()) {
    return Error(ErrorCode::kDfInval, media_.name() + ": " + std::to_string(geometry_.sizeBytes()) +
                                          " bytes are needed, there are " +
                                          std::to_string(media_.sizeBytes()));
  }
  superblock_ = superblock;
  entries_.assign(geometry_.pageCount, {});
  tableChecksums_.assign(geometry_.tableBlockCount, 0);
  tableDirty_.assign(geometry_.tableBlockCount, 3);
  usedSlots_.assign((geometry_.slotCount + 63) / 64, 0);
  if (geometry_.slotCount % 64) usedSlots_.back() = ~uint64_t{0} << (geometry_.slotCount % 64);
  return {};
}

Status MetaImage::format(const Superblock& first) {
  Superblock superblock = first;
  superblock.magic = kSuperblockMagic;
  superblock.version = kSuperblockVersion;
  superblock.generation = 0;
  superblock.slotCount = MetaGeometry(first.arenaSize).slotCount;
  return adopt(superblock);
}

// --- slots

void MetaImage::setSlotUsed(uint32_t slot, bool used) {
  const uint64_t mask = uint64_t{1} << ((slot - 1) % 64);
  uint64_t& word = usedSlots_[(slot - 1) / 64];
  if (isPlanted(PlantedFault::kCheckpointOverPages)) return;
  DAOS_ASSERT(((word & mask) != 0) != used);
  word ^= mask;
}

// Goes round the slots, so that the pages of one checkpoint lie in a row where there is room.
std::vector<uint32_t> MetaImage::takeSlots(size_t count) {
  std::vector<uint32_t> slots;
  slots.reserve(count);
  if (isPlanted(PlantedFault::kCheckpointOverPages)) slots.resize(count);
  for (size_t looked = 0; slots.size() < count; ++looked) {
    DAOS_ASSERT(looked <= usedSlots_.size());
    uint64_t& word = usedSlots_[slotCursor_];
    while (word != ~uint64_t{0} && slots.size() < count) {
      const int bit = std::countr_one(word);
      word |= uint64_t{1} << bit;
      slots.push_back(static_cast<uint32_t>(slotCursor_ * 64 + static_cast<uint64_t>(bit) + 1));
    }
    if (slots.size() < count) slotCursor_ = (slotCursor_ + 1) % usedSlots_.size();
  }
  return slots;
}

void MetaImage::abandon(std::span<const PagePlace> pages) {
  for (const PagePlace& place : pages) setSlotUsed(place.entry.slot, false);
}

uint64_t MetaImage::pageCountStored() const {
  return static_cast<uint64_t>(std::count_if(entries_.begin(), entries_.end(),
                                             [](PageEntry entry) { return entry.slot != 0; }));
}

// --- writing

void MetaImage::writePages(bio::MediaBatch& batch, std::span<const PagePlace> pages, Bytes bytes) {
  for (size_t first = 0; first < pages.size();) {
    size_t end = first + 1;
    while (end < pages.size() && pages[end].entry.slot == pages[end - 1].entry.slot + 1) ++end;
    batch.write(geometry_.slotOffset(pages[first].entry.slot),
                bytes.subspan(first * kPageSize, (end - first) * kPageSize));
    ++counters_.writeCount;
    counters_.pageBytes += (end - first) * kPageSize;
    first = end;
  }
}

void MetaImage::fillTableBlock(TableBlock& block, uint64_t index) const {
  std::memset(&block, 0, sizeof(block));
  block.magic = kTableMagic;
  block.index = index;
  block.salt = superblock_.salt;
  const uint64_t first = index * kEntriesPerTableBlock;
  const uint64_t count = std::min(kEntriesPerTableBlock, entries_.size() - first);
  std::copy_n(entries_.begin() + static_cast<ptrdiff_t>(first), count, block.entries);
  block.checksum = crc32c(bytesOf(&block, sizeof(block)));
}

// Writes the blocks that changed since this copy was written last: in this generation or the one
// before.
Task<Status> MetaImage::writeTable(uint64_t generation) {
  const uint8_t copy = static_cast<uint8_t>(1u << (generation % 2));
  const uint64_t perBuffer = kTransferSize / kPageSize;
  std::vector<bio::DmaBuffer> buffers;
  bio::MediaBatch batch(media_);
  std::optional<Error> failure;
  uint64_t index = 0;
  while (index < geometry_.tableBlockCount) {
    if (!(tableDirty_[index] & copy)) {
      ++index;
      continue;
    }
    uint64_t end = index;
    while (end < geometry_.tableBlockCount && end - index < perBuffer && (tableDirty_[end] & copy))
      ++end;
    auto buffer = pool_.allocate((end - index) * kPageSize);
    if (!buffer.ok()) failure = buffer.error();
    if (failure) break;
    for (uint64_t i = index; i < end; ++i) {
      auto& block = *reinterpret_cast<TableBlock*>(buffer->data() + (i - index) * kPageSize);
      fillTableBlock(block, i);
      tableChecksums_[i] = block.checksum;
      tableDirty_[i] &= static_cast<uint8_t>(~copy);
    }
    batch.write(geometry_.tableOffset(generation) + index * kPageSize, buffer->bytes());
    ++counters_.writeCount;
    counters_.tableBytes += buffer->size();
    buffers.push_back(std::move(buffer).value());
    index = end;
  }
  Status status = co_await batch.all();
  if (failure) co_return *failure;
  co_return status;
}

Task<Status> MetaImage::writeSuperblock(const Superblock& superblock) {
  DAOS_CO_TRY(const bio::DmaBuffer buffer, pool_.allocate(2 * kPageSize));
  std::memset(buffer.data(), 0, buffer.size());
  storeAs(buffer.data(), superblock);
  const uint32_t checksum = crc32c({buffer.data(), kPageSize});
  storeAs(buffer.data() + offsetof(Superblock, checksum), checksum);
  std::memcpy(buffer.data() + kPageSize, buffer.data(), kPageSize);
  counters_.tableBytes += buffer.size();
  ++counters_.writeCount;
  const uint64_t offset = superblock.generation % 2 * 2 * kPageSize;
  if (isPlanted(PlantedFault::kSuperblockUnflushed))
    co_return co_await media_.write(offset, buffer.bytes());
  co_return co_await media_.writeDurable(offset, buffer.bytes());
}

Task<Status> MetaImage::publish(std::span<const PagePlace> pages, CheckpointMark mark) {
  std::vector<uint32_t> replaced;
  for (const PagePlace& place : pages) {
    PageEntry& entry = entries_[place.page];
    if (entry.slot) replaced.push_back(entry.slot);
    entry = place.entry;
    tableDirty_[place.page / kEntriesPerTableBlock] = 3;
  }
  Superblock next = superblock_;
  next.checksum = 0;
  ++next.generation;
  next.walBlock = mark.wal.block;
  next.walSequence = mark.wal.sequence;
  next.transactionBefore = mark.transactionBefore;
  next.transactionThrough = mark.transactionThrough;
  next.isClosed = mark.isClosed ? 1 : 0;
  DAOS_CO_CHECK(co_await writeTable(next.generation));
  next.tableChecksum =
      crc32c(bytesOf(tableChecksums_.data(), tableChecksums_.size() * sizeof(uint32_t)));
  if (!isPlanted(PlantedFault::kSuperblockBeforePages)) DAOS_CO_CHECK(co_await media_.flush());
  DAOS_CO_CHECK(co_await writeSuperblock(next));
  superblock_ = next;
  for (const uint32_t slot : replaced) setSlotUsed(slot, false);
  co_return Status{};
}

// --- reading

static bool isSuperblock(Bytes block, Superblock& out) {
  out = loadAs<Superblock>(block.data());
  if (out.magic != kSuperblockMagic) return false;
  std::vector<std::byte> copy(block.begin(), block.end());
  storeAs(copy.data() + offsetof(Superblock, checksum), uint32_t{0});
  return crc32c(copy) == out.checksum || isPlanted(PlantedFault::kSuperblockUnchecked);
}

Task<Status> MetaImage::readSuperblocks() {
  DAOS_CO_TRY(const bio::DmaBuffer buffer, pool_.allocate(kSuperblockCount * kPageSize));
  DAOS_CO_CHECK(co_await media_.read(0, buffer.bytes()));
  Superblock newest{};
  for (uint64_t i = 0; i < kSuperblockCount; ++i) {
    Superblock found;
    if (!isSuperblock(Bytes(buffer.bytes()).subspan(i * kPageSize, kPageSize), found)) {
      const bool isExpected = found.magic == 0;  // never written
      if (!isExpected)
        DAOS_LOG_WARNING(log_, media_.name() + ": superblock " + std::to_string(i) + " is damaged");
      continue;
    }
    if (found.generation > newest.generation) newest = found;
  }
  if (newest.generation == 0)
    co_return Error(ErrorCode::kDfInval, media_.name() + ": no readable superblock");
  if (newest.version != kSuperblockVersion) {
    co_return Error(ErrorCode::kDfIncompt,
                    media_.name() + ": a store of version " + std::to_string(newest.version) +
                        "; this is version " + std::to_string(kSuperblockVersion));
  }
  co_return adopt(newest);
}

Status MetaImage::takeTableBlock(const TableBlock& block, uint64_t index) {
  TableBlock copy = block;
  copy.checksum = 0;
  const bool isSound = crc32c(bytesOf(&copy, sizeof(copy))) == block.checksum ||
                       isPlanted(PlantedFault::kTableUnchecked);
  const bool isWhole = block.magic == kTableMagic && isSound;
  if (!isWhole || block.index != index || block.salt != superblock_.salt) {
    return Error(ErrorCode::kCsum, media_.name() + ": block " + std::to_string(index) +
                                       " of page table " +
                                       std::to_string(superblock_.generation % 2) + " is damaged");
  }
  tableChecksums_[index] = block.checksum;
  const uint64_t first = index * kEntriesPerTableBlock;
  const uint64_t count = std::min(kEntriesPerTableBlock, entries_.size() - first);
  for (uint64_t i = 0; i < count; ++i) {
    const PageEntry entry = block.entries[i];
    entries_[first + i] = entry;
    if (entry.slot == 0) continue;
    const bool isFree = entry.slot <= geometry_.slotCount &&
                        !(usedSlots_[(entry.slot - 1) / 64] >> ((entry.slot - 1) % 64) & 1);
    if (!isFree) {
      return Error(ErrorCode::kDfInval, media_.name() + ": page " + std::to_string(first + i) +
                                            " lies in slot " + std::to_string(entry.slot) +
                                            ", which is another's or none");
    }
    setSlotUsed(entry.slot, true);
  }
  tableDirty_[index] = static_cast<uint8_t>(3 & ~(1u << (superblock_.generation % 2)));
  return {};
}

Task<Status> MetaImage::readTable() {
  const uint64_t perBuffer = kTransferSize / kPageSize;
  DAOS_CO_TRY(const bio::DmaBuffer buffer, pool_.allocate(kTransferSize));
  for (uint64_t index = 0; index < geometry_.tableBlockCount; index += perBuffer) {
    const uint64_t count = std::min(perBuffer, geometry_.tableBlockCount - index);
    const uint64_t offset = geometry_.tableOffset(superblock_.generation) + index * kPageSize;
    DAOS_CO_CHECK(co_await media_.read(offset, buffer.bytes().first(count * kPageSize)));
    for (uint64_t i = 0; i < count; ++i) {
      const auto& block = *reinterpret_cast<const TableBlock*>(buffer.data() + i * kPageSize);
      DAOS_CO_CHECK(takeTableBlock(block, index + i));
    }
  }
  const uint32_t checksum =
      crc32c(bytesOf(tableChecksums_.data(), tableChecksums_.size() * sizeof(uint32_t)));
  if (checksum != superblock_.tableChecksum) {
    co_return Error(ErrorCode::kCsum,
                    media_.name() + ": the page table is not that of its superblock");
  }
  co_return Status{};
}

Task<Status> MetaImage::open() {
  DAOS_CO_CHECK(co_await readSuperblocks());
  co_return co_await readTable();
}

Status MetaImage::checkPages(std::span<const PagePlace> pages, MutableBytes arena) const {
  for (const PagePlace& place : pages) {
    const Bytes bytes = Bytes(arena).subspan(uint64_t{place.page} * kPageSize, kPageSize);
    const bool isTrusted = isPlanted(PlantedFault::kPageUnchecked);
    if (isTrusted || crc32c(bytes) == place.entry.checksum) continue;
    return Error(ErrorCode::kCsum, media_.name() + ": page " + std::to_string(place.page) + " at " +
                                       std::to_string(geometry_.slotOffset(place.entry.slot)) +
                                       " is damaged");
  }
  return {};
}

// Pages are read straight to their places; neighbours on both sides by one request.
Task<Status> MetaImage::load(MutableBytes arena) {
  DAOS_ASSERT(arena.size() == superblock_.arenaSize);
  std::vector<PagePlace> pages;
  for (uint64_t page = 0; page < entries_.size(); ++page) {
    if (entries_[page].slot) pages.push_back({static_cast<uint32_t>(page), entries_[page]});
  }
  constexpr size_t kRunMax = kTransferSize / kPageSize;
  bio::MediaBatch batch(media_);
  for (size_t first = 0; first < pages.size();) {
    size_t end = first + 1;
    while (end < pages.size() && end - first < kRunMax &&
           pages[end].page == pages[end - 1].page + 1 &&
           pages[end].entry.slot == pages[end - 1].entry.slot + 1) {
      ++end;
    }
    batch.read(geometry_.slotOffset(pages[first].entry.slot),
               arena.subspan(uint64_t{pages[first].page} * kPageSize, (end - first) * kPageSize));
    first = end;
    const Status status = co_await batch.atMost(kTransferDepth - 1);
    if (!status.ok()) break;
  }
  DAOS_CO_CHECK(co_await batch.all());
  DAOS_CO_CHECK(checkPages(pages, arena));
  co_return Status{};
}

}  // namespace daos::vos
