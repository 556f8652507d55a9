#include "vos/record_data.h"

#include <bit>

#include "vos/lookup.h"

namespace daos::vos {

namespace {

size_t checksumTailSize(const Checksums& checksums) {
  if (checksums.type == 0) return 0;
  const bool isShift = std::has_single_bit(checksums.chunkSize);
  return sizeof(ChecksumHead) + (isShift ? 0 : sizeof(uint32_t)) + checksums.bytes.size();
}

// Returns the end of what was written.
std::byte* writeChecksums(std::byte* to, const Checksums& checksums) {
  if (checksums.type == 0) return to;
  const bool isShift = std::has_single_bit(checksums.chunkSize);
  const ChecksumHead head{static_cast<uint8_t>(checksums.type),
                          static_cast<uint8_t>(checksums.checksumSize),
                          isShift ? static_cast<uint8_t>(std::countr_zero(checksums.chunkSize))
                                  : ChecksumHead::kExplicitChunk,
                          0};
  storeAs(to, head);
  to += sizeof head;
  if (!isShift) {
    storeAs(to, checksums.chunkSize);
    to += sizeof checksums.chunkSize;
  }
  std::memcpy(to, checksums.bytes.data(), checksums.bytes.size());
  return to + checksums.bytes.size();
}

// Reads checksums at *next for data of `size` bytes and moves behind them; false when damaged.
bool readChecksums(const Arena& arena, Offset* next, uint64_t size, Checksums* checksums) {
  if (!arena.holds(*next, sizeof(ChecksumHead) + sizeof(uint32_t))) return false;
  const auto head = loadAs<ChecksumHead>(arena.at<std::byte>(*next));
  *next += sizeof head;
  checksums->type = head.type;
  checksums->checksumSize = head.checksumSize;
  if (head.chunkShift == ChecksumHead::kExplicitChunk) {
    checksums->chunkSize = loadAs<uint32_t>(arena.at<std::byte>(*next));
    *next += sizeof(uint32_t);
  } else if (head.chunkShift < 32) {
    checksums->chunkSize = 1u << head.chunkShift;
  }
  if (checksums->chunkSize == 0 || head.type == 0) return false;
  const uint64_t bytes = chunkCount(size, checksums->chunkSize) * head.checksumSize;
  if (!arena.holds(*next, bytes)) return false;
  checksums->bytes = {arena.at<std::byte>(*next), bytes};
  *next += bytes;
  return true;
}

// `next`: behind the fixed part of the record.
bool readData(const Arena& arena, uint64_t word, Offset next, StoredData* data) {
  data->kind = DataWord::kind(word);
  if (data->kind == DataKind::kHole) return true;
  if (DataWord::hasChecksums(word) && !readChecksums(arena, &next, data->size, &data->checksums)) {
    return false;
  }
  const uint64_t address = DataWord::address(word);
  if (data->kind == DataKind::kMedia) {
    data->mediaAddress = address;
    return true;
  }
  const Offset where = data->kind == DataKind::kInline ? next : address;
  if (!arena.holds(where, data->size)) return false;
  data->memory = arena.at<std::byte>(where);
  return true;
}

struct Placed {
  DataKind kind;
  uint64_t address;
  size_t inlineSize;
};

// Where new data goes; a block of its own is made for what is too large to stand in the record.
bool placeData(WriteScope& scope, const NewData& data, Placed* placed) {
  *placed = {DataKind::kHole, 0, 0};
  if (data.size == 0) return true;
  if (data.mediaAddress != 0) {
    *placed = {DataKind::kMedia, data.mediaAddress, 0};
  } else if (data.block != 0) {
    scope.publish(data.block, data.size);
    *placed = {DataKind::kBlock, data.block, 0};
  } else if (data.size <= kInlineSizeMax) {
    *placed = {DataKind::kInline, 0, data.size};
  } else {
    const Offset block = scope.allocate(data.size);
    if (block == 0) return false;
    std::memcpy(scope.arena().at<std::byte>(block), data.bytes.data(), data.size);
    *placed = {DataKind::kBlock, block, 0};
  }
  return true;
}

}  // namespace

bool readSingle(const Arena& arena, const VersionRecord& version, StoredData* data) {
  Offset next = arena.offsetOf(&version) + sizeof version;
  const DataKind kind = DataWord::kind(version.data);
  if (kind == DataKind::kInline) {
    data->size = DataWord::address(version.data);
  } else if (kind != DataKind::kHole) {
    const auto* size = arena.find<uint64_t>(next);
    if (!size) return false;
    data->size = *size;
    next += sizeof(uint64_t);
  }
  return readData(arena, version.data, next, data);
}

bool readExtent(const Arena& arena, const ExtentRecord& extent, uint64_t recordSize,
                StoredData* data) {
  if (DataWord::kind(extent.version.data) != DataKind::kHole) {
    if (extent.count > (uint64_t{1} << 48) / (recordSize + 1)) return false;
    data->size = extent.count * recordSize;
  }
  return readData(arena, extent.version.data, arena.offsetOf(&extent) + sizeof extent, data);
}

Offset makeSingle(WriteScope& scope, const NewVersion& version, const NewData& data) {
  Placed placed;
  if (!placeData(scope, data, &placed)) return 0;
  const bool hasSize = placed.kind == DataKind::kBlock || placed.kind == DataKind::kMedia;
  const bool hasChecksums = placed.kind != DataKind::kHole && data.checksums.type != 0;
  const size_t tail = hasChecksums ? checksumTailSize(data.checksums) : 0;
  const Offset block =
      scope.allocate(sizeof(VersionRecord) + (hasSize ? 8 : 0) + tail + placed.inlineSize);
  if (block == 0) return 0;
  auto* record = scope.arena().at<VersionRecord>(block);
  const uint64_t address = placed.kind == DataKind::kInline ? data.size : placed.address;
  *record = {version.stamp.epoch, version.transaction, version.stamp.minor, 0,
             DataWord::make(placed.kind, address, hasChecksums)};
  auto* next = reinterpret_cast<std::byte*>(record + 1);
  if (hasSize) {
    storeAs<uint64_t>(next, data.size);
    next += sizeof(uint64_t);
  }
  if (hasChecksums) next = writeChecksums(next, data.checksums);
  if (placed.inlineSize != 0) std::memcpy(next, data.bytes.data(), placed.inlineSize);
  return block;
}

Offset makeExtent(WriteScope& scope, const NewVersion& version, Extent extent,
                  const NewData& data) {
  Placed placed;
  if (!placeData(scope, data, &placed)) return 0;
  const bool hasChecksums = placed.kind != DataKind::kHole && data.checksums.type != 0;
  const size_t tail = hasChecksums ? checksumTailSize(data.checksums) : 0;
  const Offset block = scope.allocate(sizeof(ExtentRecord) + tail + placed.inlineSize);
  if (block == 0) return 0;
  auto* record = scope.arena().at<ExtentRecord>(block);
  *record = {{version.stamp.epoch, version.transaction, version.stamp.minor, 0,
              DataWord::make(placed.kind, placed.address, hasChecksums)},
             extent.index,
             extent.count};
  auto* next = reinterpret_cast<std::byte*>(record + 1);
  if (hasChecksums) next = writeChecksums(next, data.checksums);
  if (placed.inlineSize != 0) std::memcpy(next, data.bytes.data(), placed.inlineSize);
  return block;
}

Offset makePunch(WriteScope& scope, const NewVersion& version) {
  const Offset block = scope.allocate(sizeof(VersionRecord));
  if (block == 0) return 0;
  *scope.arena().at<VersionRecord>(block) = {version.stamp.epoch, version.transaction,
                                             version.stamp.minor, 0, 0};
  return block;
}

// Of a single value on Media: its size stands behind the record.
static uint64_t sizeOfSingle(const Arena& arena, const VersionRecord& version) {
  StoredData data;
  return readSingle(arena, version, &data) ? data.size : 0;
}

Status freeVersion(WriteScope& scope, VersionRecord& version, uint64_t extentSize) {
  const uint64_t address = DataWord::address(version.data);
  switch (DataWord::kind(version.data)) {
    case DataKind::kBlock: scope.free(address); break;
    case DataKind::kMedia: {
      const uint64_t size = extentSize ? extentSize : sizeOfSingle(scope.arena(), version);
      DAOS_CHECK(scope.dropMedia(address, size));
      break;
    }
    case DataKind::kHole:
    case DataKind::kInline: break;
  }
  scope.free(scope.arena().offsetOf(&version));
  return {};
}

Error sameStampError(const VersionRecord& present) {
  if (present.transaction != 0) {
    return Error(ErrorCode::kTxBusy, "another transaction has written at the same epoch");
  }
  return Error(ErrorCode::kTxRestart, "something else was written at the epoch of the transaction");
}

Status addVersion(WriteScope& scope, uint64_t* root, Offset record, uint64_t extentSize) {
  Arena& arena = scope.arena();
  const VersionRecord& version = *arena.at<VersionRecord>(record);
  TreePath path;
  VersionTree::seek(arena, root, stampOf(version), path);
  if (path.isDamaged) return damagedTree();
  if (!path.isFound) {
    if (!VersionTree::insert(arena, path, stampOf(version), record, scope.usedBytes())) {
      return scope.noSpace();
    }
    return {};
  }
  VersionRecord* present = versionAt(arena, path);
  if (!present) return damagedTree();
  if (present->transaction != version.transaction) return sameStampError(*present);
  uint64_t* slot = path.slot();
  arena.modify(*slot) = record | (*slot & kDirectItem);
  scope.forgetTouched(arena.offsetOf(present));
  return freeVersion(scope, *present, extentSize);
}

Status removeVersion(WriteScope& scope, uint64_t* root, VersionRecord& version,
                     uint64_t extentSize) {
  TreePath path;
  VersionTree::seek(scope.arena(), root, stampOf(version), path);
  if (path.isDamaged || !path.isFound || versionAt(scope.arena(), path) != &version) {
    return damagedTree();
  }
  DAOS_CHECK(freeVersion(scope, version, extentSize));
  removeItem(scope.arena(), path, scope.usedBytes());
  return {};
}

void tidyPunches(WriteScope& scope, KeyRecord& key) {
  Arena& arena = scope.arena();
  const uint64_t* punches = punchesOf(arena, key);
  if (!punches || *punches != 0) return;
  const Offset block = key.child;
  const uint64_t child = *childOf(arena, key);
  arena.modify(key.child) = child;
  arena.modify(key.flags) = static_cast<uint8_t>(key.flags & ~KeyRecord::kPunched);
  scope.free(block);
}

}  // namespace daos::vos
