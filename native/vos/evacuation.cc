#include "vos/evacuation.h"

#include <algorithm>

#include "bio/media_batch.h"
#include "vos/extent_tree.h"
#include "vos/held_pin.h"
#include "vos/lookup.h"
#include "vos/planted_fault.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {

// Calls `visit(version, size of an extent's data or 0)` for each version of a set.
template <typename Visit>
Status visitVersions(const Arena& arena, uint64_t* root, uint64_t extentSize, Visit&& visit) {
  if (*root == 0) return {};
  TreePath path;
  VersionTree::seek(arena, root, Stamp{}, path);
  for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
    VersionRecord* version = versionAt(arena, path);
    if (!version) return damagedRecord("version");
    visit(*version, extentSize);
  }
  return path.isDamaged ? Status(damagedTree()) : Status{};
}

template <typename Visit>
Status visitClass(const Arena& arena, uint64_t* root, uint64_t recordSize, Visit&& visit) {
  TreePath path;
  seekFirst(arena, root, path);
  for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
    const ExtentKey* key = extentKeyAt(arena, path.item());
    uint64_t only;
    uint64_t* versions = key ? extentVersionsAt(arena, path.item(), &only) : nullptr;
    if (!versions) return damagedRecord("extent");
    DAOS_CHECK(visitVersions(arena, versions, key->count * recordSize, visit));
  }
  return path.isDamaged ? Status(damagedTree()) : Status{};
}

template <typename Visit>
Status visitAkey(const Arena& arena, KeyRecord& akey, Visit&& visit) {
  uint64_t* child = childOf(arena, akey);
  if (!child) return damagedTree();
  if (akey.kind == RecordKind::kSingle) return visitVersions(arena, child, 0, visit);
  if (akey.kind != RecordKind::kArray) return damagedRecord("akey");
  const ExtentClasses classes = ExtentClasses::of(arena, akey);
  if (classes.isDamaged) return damagedTree();
  uint64_t* root = classes.roots;
  for (uint64_t mask = classes.mask; mask != 0; mask &= mask - 1, ++root) {
    DAOS_CHECK(visitClass(arena, root, akey.recordSize, visit));
  }
  return {};
}

bool overlaps(const bio::BlockExtent& left, const bio::BlockExtent& right) {
  return left.block < right.end() && right.block < left.end();
}

}  // namespace

Error Evacuation::noRoom() const {
  const uint64_t used = area_.usedCount(area_.blockCount()) * bio::kMediaBlockSize;
  const uint64_t size = tail_.block * bio::kMediaBlockSize;
  return Error(ErrorCode::kNospace,
               "the data area can't be cut to " + std::to_string(size) + " bytes: " +
                   std::to_string(used) + " bytes of data lie in it" +
                   (used > size ? "" : ", in pieces that don't fit its gaps"));
}

Status Evacuation::checkFits() const {
  if (area_.usedCount(area_.blockCount()) <= tail_.block) return {};
  return noRoom();
}

Status Evacuation::checkStopped() const {
  if (!isStopped_()) return {};
  return Error(ErrorCode::kCanceled, "the end of the data area is not clear yet");
}

Task<Status> Evacuation::run(std::function<bool()> isStopped) {
  isStopped_ = std::move(isStopped);
  Reactor& reactor = area_.media().reactor();
  for (int windowCount = 0; windowCount < kWindowCountMax;) {
    DAOS_CO_CHECK(co_await collectGarbage());
    DAOS_CO_CHECK(checkFits());
    DAOS_CO_TRY(const Tally tally, co_await clear(tail_));
    DAOS_CO_CHECK(co_await pool_.arena->waitDurable(pool_.arena->lastTicket()));
    isClear_ = area_.usedEnd() <= tail_.block;
    if (isClear_) co_return Status{};
    if (tally.stayedBlocks > 0) {
      ++windowCount;
      DAOS_CO_CHECK(co_await clearWindow(tally));
    } else {
      // Of a write that had its blocks before.
      DAOS_CO_CHECK(checkStopped());
      co_await reactor.sleep(kPauseNs);
    }
  }
  co_return noRoom();
}

Task<Status> Evacuation::clearWindow(Tally wanted) {
  const uint64_t end = tail_.block;
  const uint64_t used = area_.usedCount(end);
  // A larger one spares walks, but what lies in it needs room as well.
  const uint64_t generous = std::min(wanted.stayedBlocks, (end - used) / 2);
  auto window = area_.leastUsed(std::max(generous, wanted.largestStayed), end);
  if (!window) window = area_.leastUsed(wanted.largestStayed, end);
  if (!window) co_return noRoom();
  area_.withhold(*window);
  const auto cleared = co_await clear(*window);
  Status durable = co_await pool_.arena->waitDurable(pool_.arena->lastTicket());
  area_.restore(*window);
  DAOS_CO_CHECK(std::move(durable));
  if (!cleared.ok()) co_return Status(cleared.error());
  if (cleared->movedCount == 0) co_await area_.media().reactor().sleep(kPauseNs);
  co_return Status{};
}

// Only what containers name can be moved.
Task<Status> Evacuation::collectGarbage() {
  constexpr uint32_t kBudget = 256;
  while (owner_.hasGarbage()) {
    DAOS_CO_CHECK(checkStopped());
    if (!pool_.arena->hasLogRoom()) DAOS_CO_CHECK(co_await pool_.arena->waitLogRoom());
    DAOS_CO_TRY([[maybe_unused]] const bool isMore, owner_.collectStep(kBudget));
    co_await area_.media().reactor().yield();
  }
  co_return Status{};
}

Task<Result<Evacuation::Tally>> Evacuation::clear(bio::BlockExtent range) {
  Tally tally;
  std::vector<Uuid> uuids;
  for (const auto& container : pool_.containers) uuids.push_back(container->record().uuid);
  for (const Uuid& uuid : uuids) DAOS_CO_CHECK(co_await clearContainer(uuid, range, tally));
  co_return tally;
}

Task<Status> Evacuation::clearContainer(Uuid uuid, bio::BlockExtent range, Tally& tally) {
  Cursor cursor;
  for (uint64_t count = 1;; ++count) {
    DAOS_CO_CHECK(checkStopped());
    ContainerState* container = pool_.find(uuid);
    if (!container) co_return Status{};
    DAOS_CO_TRY(KeyRecord* const dkey, nextDkey(*container, cursor));
    if (!dkey) co_return Status{};
    DAOS_CO_CHECK(co_await clearDkey(uuid, cursor, range, tally));
    if (count % kDkeysPerTurn == 0) co_await area_.media().reactor().yield();
  }
}

Result<KeyRecord*> Evacuation::nextDkey(ContainerState& container, Cursor& cursor) {
  const Arena& arena = container.arena;
  uint64_t* root = &container.record().objects;
  while (*root != 0) {
    TreePath path;
    ObjectTree::seek(arena, root, cursor.oid, path);
    if (!settle(arena, path)) {
      if (path.isDamaged) return damagedTree();
      break;
    }
    ObjectRecord* object = objectRecordAt(arena, path.item());
    if (!object) return damagedRecord("object");
    const ObjectId oid = object->oid;
    if (oid != cursor.oid) cursor = {.oid = oid};
    DAOS_TRY(KeyRecord* const dkey, nextDkeyOf(*object, cursor));
    if (dkey) return dkey;
    if (oid == ObjectId{~uint64_t{0}, ~uint64_t{0}}) break;
    cursor = {.oid = oid.high == ~uint64_t{0} ? ObjectId{oid.low + 1, 0}
                                              : ObjectId{oid.low, oid.high + 1}};
  }
  return nullptr;
}

Result<KeyRecord*> Evacuation::nextDkeyOf(ObjectRecord& object, Cursor& cursor) {
  const Arena& arena = *pool_.arena;
  const KeyType type = object.oid.dkeyType();
  if (object.dkeys == 0) return nullptr;
  TreePath path;
  if (!cursor.hasDkey) {
    seekFirst(arena, &object.dkeys, path);
  } else {
    KeyTree::seek(type, arena, &object.dkeys, SearchKey(type, cursor.dkey), path);
    if (path.isFound) nextItem(arena, path);
  }
  if (!settle(arena, path)) return path.isDamaged ? Result<KeyRecord*>(damagedTree()) : nullptr;
  KeyRecord* key = keyRecordAt(arena, path.item());
  if (!key || key->isAkey()) return damagedRecord("key");
  // What is behind comes again in a tree that is out of order only.
  const uint64_t before = SearchKey::prefixFor(type, cursor.dkey);
  const uint64_t now = SearchKey::prefixFor(type, keyOf(*key));
  if (cursor.hasDkey &&
      (now < before || (now == before && compareBytes(keyOf(*key), cursor.dkey) <= 0))) {
    return damagedTree();
  }
  cursor.dkey.assign(key->key(), key->key() + key->keySize());
  cursor.hasDkey = true;
  return key;
}

KeyRecord* Evacuation::dkeyAt(ContainerState& container, const Cursor& cursor) {
  const Arena& arena = container.arena;
  uint64_t* root = &container.record().objects;
  if (*root == 0) return nullptr;
  TreePath path;
  ObjectTree::seek(arena, root, cursor.oid, path);
  ObjectRecord* object = path.isFound ? objectRecordAt(arena, path.item()) : nullptr;
  if (!object || object->dkeys == 0) return nullptr;
  const KeyType type = cursor.oid.dkeyType();
  TreePath keys;
  KeyTree::seek(type, arena, &object->dkeys, SearchKey(type, cursor.dkey), keys);
  return keys.isFound ? keyRecordAt(arena, keys.item()) : nullptr;
}

Task<Status> Evacuation::clearDkey(Uuid uuid, const Cursor& cursor, bio::BlockExtent range,
                                   Tally& tally) {
  uint64_t stayedCount = 0;
  while (true) {
    ContainerState* container = pool_.find(uuid);
    KeyRecord* dkey = container ? dkeyAt(*container, cursor) : nullptr;
    if (!dkey) co_return Status{};
    const HeldPin pin(*pool_.arena);
    DAOS_CO_TRY(const std::vector<Found> batch, find(*dkey, range, stayedCount));
    for (const Found& found : batch) {
      DAOS_CO_CHECK(checkStopped());
      DAOS_CO_TRY(const Moved moved, co_await move(uuid, found));
      if (moved == Moved::kDone) ++tally.movedCount;
      if (moved != Moved::kNoRoom) continue;
      ++stayedCount;
      tally.stayedBlocks += found.blocks().count;
      tally.largestStayed = std::max(tally.largestStayed, found.blocks().count);
    }
    if (batch.size() < kBatchMax) co_return Status{};
  }
}

Result<std::vector<Evacuation::Found>> Evacuation::find(KeyRecord& dkey, bio::BlockExtent range,
                                                        uint64_t skipCount) {
  const Arena& arena = *pool_.arena;
  std::vector<Found> batch;
  uint64_t* akeys = childOf(arena, dkey);
  if (!akeys) return damagedTree();
  if (*akeys == 0) return batch;
  const auto visit = [&](const VersionRecord& version, uint64_t extentSize) {
    if (DataWord::kind(version.data) != DataKind::kMedia || batch.size() == kBatchMax) return;
    StoredData data{.size = extentSize};
    if (extentSize == 0 && !readSingle(arena, version, &data)) return;
    const Found found{arena.offsetOf(&version), DataWord::address(version.data), data.size};
    if (!area_.holds(found.address, found.size) || !overlaps(found.blocks(), range)) return;
    if (skipCount > 0) {
      --skipCount;
    } else {
      batch.push_back(found);
    }
  };
  TreePath path;
  seekFirst(arena, akeys, path);
  for (bool more = settle(arena, path); more && batch.size() < kBatchMax;
       more = nextItem(arena, path)) {
    KeyRecord* akey = keyRecordAt(arena, path.item());
    if (!akey) return damagedRecord("key");
    DAOS_CHECK(visitAkey(arena, *akey, visit));
  }
  if (path.isDamaged) return damagedTree();
  return batch;
}

// Buffers come back when what others read or write has ended.
Task<Result<MediaPiece>> Evacuation::reserve(uint64_t size, uint64_t nearWhat) {
  while (true) {
    auto piece = area_.reserve(size, nearWhat);
    if (piece.code() != ErrorCode::kNomem) co_return piece;
    DAOS_CO_CHECK(checkStopped());
    co_await area_.media().reactor().sleep(kPauseNs);
  }
}

// The caller holds a pin since the version was found.
Task<Result<Evacuation::Moved>> Evacuation::move(Uuid uuid, Found found) {
  Arena& arena = *pool_.arena;
  // What was dropped since may lie where others have been: its blocks are free.
  if (!area_.isUsed(found.blocks())) co_return Moved::kGone;
  auto reserved = co_await reserve(found.size, found.version);
  if (reserved.code() == ErrorCode::kNospace) co_return Moved::kNoRoom;
  DAOS_CO_TRY(MediaPiece piece, std::move(reserved));
  bio::MediaBatch batch(area_.media());
  batch.read(found.address, piece.bytes());
  DAOS_CO_CHECK(co_await batch.all());
  const bool isUnwritten = isPlanted(PlantedFault::kEvacuateUnwritten);
  if (!isUnwritten) DAOS_CO_CHECK(co_await area_.write({&piece, 1}));
  if (!arena.hasLogRoom()) DAOS_CO_CHECK(co_await arena.waitLogRoom());
  // Blocks in use that were in use all the while are named by the same record: neither they nor it
  // can have been reused under the pin.
  auto* version = arena.find<VersionRecord>(found.version);
  ContainerState* container = pool_.find(uuid);
  const bool isThere = container && version && area_.isUsed(found.blocks()) &&
                       DataWord::kind(version->data) == DataKind::kMedia &&
                       DataWord::address(version->data) == found.address;
  if (!isThere) co_return Moved::kGone;
  WriteScope scope(*container, 0, HeapUse::kReclaim);
  const uint64_t address = piece.address();
  DAOS_CO_CHECK(scope.useMedia(piece));
  DAOS_CO_CHECK(scope.dropMedia(found.address, found.size));
  arena.modify(version->data) = DataWord::make(DataKind::kMedia, address,
                                               DataWord::hasChecksums(version->data));
  DAOS_CO_TRY([[maybe_unused]] const Ticket ticket, scope.commit());
  if (isUnwritten) DAOS_CO_CHECK(co_await area_.write({&piece, 1}));
  co_return Moved::kDone;
}

}  // namespace daos::vos
