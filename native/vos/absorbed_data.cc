#include "vos/absorbed_data.h"

#include <algorithm>
#include <cstring>

#include "vos/extent_tree.h"
#include "vos/held_pin.h"
#include "vos/lookup.h"
#include "vos/planted_fault.h"
#include "vos/record_data.h"

namespace daos::vos {

uint64_t AbsorbedData::budgetBytes() const {
  return std::min({pool_.arena->size() / 16, pool_.media->totalBytes() / 16, kBudgetMax});
}

bool AbsorbedData::takes(uint64_t size) {
  const PoolOptions& options = pool_.options;
  if (size >= options.absorbBelow || heldBytes_ + size > budgetBytes()) return false;
  const Arena& arena = *pool_.arena;
  while (unprovenFirst_ < takenCount_ + items_.size()) {
    const Item& item = items_[unprovenFirst_ - takenCount_];
    if (!arena.isDurable(item.ticket)) break;
    unprovenBytes_ -= item.size;
    ++unprovenFirst_;
  }
  if (unprovenBytes_ + size > kUnprovenMax || !arena.hasLogRoom()) return false;
  // Both tiers have to have room: what is accepted here goes there.
  const HeapSpace space = arena.space();
  return space.freeBytes() >= space.totalBytes / 4 &&
         pool_.media->usedBytes() + 2 * budgetBytes() <= pool_.media->totalBytes();
}

void AbsorbedData::add(const ContainerState& container, const Names& names, Stamp stamp,
                       uint64_t size) {
  if (heldBytes_ + size > budgetBytes()) return;
  Item item{.container = container.record().uuid,
            .oid = names.oid,
            .keys = {names.dkey.begin(), names.dkey.end()},
            .dkeySize = names.dkey.size(),
            .extent = names.extent,
            .stamp = stamp,
            .size = size,
            .ticket = pool_.arena->lastTicket() + 1};
  item.keys.insert(item.keys.end(), names.akey.begin(), names.akey.end());
  items_.push_back(std::move(item));
  heldBytes_ += size;
  unprovenBytes_ += size;
}

KeyRecord* AbsorbedData::findAkey(ContainerState& container, const Item& item) const {
  const Arena& arena = container.arena;
  const Bytes keys = item.keys;
  TreePath path;
  ObjectTree::seek(arena, &container.record().objects, item.oid, path);
  ObjectRecord* object = path.isFound ? objectRecordAt(arena, path.item()) : nullptr;
  if (!object) return nullptr;
  const auto keyIn = [&](uint64_t* root, KeyType type, Bytes key) -> KeyRecord* {
    if (!root) return nullptr;
    KeyTree::seek(type, arena, root, SearchKey(type, key), path);
    return path.isFound ? keyRecordAt(arena, path.item()) : nullptr;
  };
  KeyRecord* dkey = keyIn(&object->dkeys, item.oid.dkeyType(), keys.first(item.dkeySize));
  if (!dkey || dkey->kind != RecordKind::kDkey) return nullptr;
  KeyRecord* akey = keyIn(childOf(arena, *dkey), item.oid.akeyType(), keys.subspan(item.dkeySize));
  return akey && akey->isAkey() ? akey : nullptr;
}

static VersionRecord* versionOf(const Arena& arena, uint64_t* versions, const Stamp& stamp) {
  if (!versions) return nullptr;
  TreePath path;
  VersionTree::seek(arena, versions, stamp, path);
  return path.isFound ? versionAt(arena, path) : nullptr;
}

static VersionRecord* singleOf(const Arena& arena, KeyRecord& akey, const Stamp& stamp,
                               StoredData* data) {
  if (akey.kind != RecordKind::kSingle) return nullptr;
  VersionRecord* version = versionOf(arena, childOf(arena, akey), stamp);
  return version && readSingle(arena, *version, data) ? version : nullptr;
}

static VersionRecord* extentOf(const Arena& arena, KeyRecord& akey, const Extent& extent,
                               const Stamp& stamp, StoredData* data) {
  if (akey.kind != RecordKind::kArray) return nullptr;
  const ExtentClasses classes = ExtentClasses::of(arena, akey);
  uint64_t* root = classes.isDamaged ? nullptr : classes.rootOf(extentClassOf(extent.count));
  if (!root) return nullptr;
  const ExtentKey key{extent.index, extent.count};
  TreePath path;
  ExtentTree::seek(arena, root, key, path);
  uint64_t only = 0;
  uint64_t* versions = path.isFound ? extentVersionsAt(arena, path.item(), &only) : nullptr;
  VersionRecord* version = versionOf(arena, versions, stamp);
  ExtentRecord* record = version ? extentOf(arena, version, key) : nullptr;
  return record && readExtent(arena, *record, akey.recordSize, data) ? version : nullptr;
}

// What has the item's names and stamp by now may be another version, of another size.
VersionRecord* AbsorbedData::inArena(const Item& item, Bytes* bytes) const {
  const Arena& arena = *pool_.arena;
  ContainerState* container = pool_.find(item.container);
  KeyRecord* akey = container ? findAkey(*container, item) : nullptr;
  if (!akey) return nullptr;
  StoredData data;
  VersionRecord* version = item.extent.count == 0
                               ? singleOf(arena, *akey, item.stamp, &data)
                               : extentOf(arena, *akey, item.extent, item.stamp, &data);
  if (!version || version->transaction != 0) return nullptr;
  if (data.kind != DataKind::kBlock || data.size != item.size) return nullptr;
  *bytes = {data.memory, data.size};
  return version;
}

// Some of a batch is enough.
Status AbsorbedData::gather(uint64_t sizeMax, Batch& batch) {
  while (!items_.empty() && (batch.size == 0 || batch.size + items_.front().size <= sizeMax)) {
    const Item& front = items_.front();
    if (!pool_.arena->isDurable(front.ticket)) break;
    Bytes data;
    if (inArena(front, &data)) {
      auto piece = pool_.media->reserve(front.size, std::hash<ObjectId>()(front.oid));
      if (piece.code() == ErrorCode::kNomem) {
        return batch.moves.empty() ? Status(std::move(piece).error()) : Status{};
      }
      if (piece.ok()) {
        std::memcpy(piece->bytes().data(), data.data(), data.size());
        if (isPlanted(PlantedFault::kSettleMisplaces) && !batch.pieces.empty()) {
          std::memcpy(piece->bytes().data(), batch.pieces.back().bytes().data(), 1);
        }
        batch.moves.push_back({front, pool_.arena->offsetOf(data.data())});
        batch.pieces.push_back(std::move(*piece));
        batch.size += front.size;
      } else {
        drop(front);
      }
    } else {
      drop(front);
    }
    if (unprovenFirst_ == takenCount_++) {
      unprovenBytes_ -= front.size;
      unprovenFirst_ = takenCount_;
    }
    items_.pop_front();
  }
  return {};
}

// The version names the new blocks, and is the same in everything else.
Status AbsorbedData::take(const Move& move, MediaPiece& piece) {
  Bytes data;
  VersionRecord* version = inArena(move.item, &data);
  if (!version || DataWord::address(version->data) != move.block) return {};
  WriteScope scope(*pool_.find(move.item.container), 0, HeapUse::kReclaim);
  const uint64_t address = piece.address();
  DAOS_CHECK(scope.useMedia(piece));
  scope.arena().modify(version->data) =
      DataWord::make(DataKind::kMedia, address, DataWord::hasChecksums(version->data));
  scope.free(move.block);
  DAOS_TRY([[maybe_unused]] const Ticket ticket, scope.commit());
  return {};
}

Task<Result<bool>> AbsorbedData::settle(uint64_t sizeMax) {
  Arena& arena = *pool_.arena;
  // So that a block is no other's when its data has been written.
  const HeldPin pin(arena);
  Batch batch;
  DAOS_CO_CHECK(gather(sizeMax, batch));
  if (batch.moves.empty()) co_return false;
  const bool isUnwritten = isPlanted(PlantedFault::kSettleUnwritten);
  Status written;
  if (!isUnwritten) written = co_await pool_.media->write(batch.pieces);
  for (size_t i = 0; i < batch.moves.size(); ++i) {
    drop(batch.moves[i].item);
    if (!written.ok()) continue;
    if (i % kMovesPerTurn == kMovesPerTurn - 1) co_await pool_.media->media().reactor().yield();
    if (!arena.hasLogRoom()) DAOS_CO_CHECK(co_await arena.waitLogRoom());
    DAOS_CO_CHECK(take(batch.moves[i], batch.pieces[i]));
  }
  if (isUnwritten) written = co_await pool_.media->write(batch.pieces);
  DAOS_CO_CHECK(std::move(written));
  co_return !items_.empty() && arena.isDurable(items_.front().ticket);
}

}  // namespace daos::vos
