#include "vos/collect.h"

#include "vos/extent_tree.h"
#include "vos/lookup.h"
#include "vos/record_data.h"

namespace daos::vos {

Result<bool> collectVersions(WriteScope& scope, uint64_t* root, uint64_t recordSize,
                             CollectBudget& budget) {
  Arena& arena = scope.arena();
  while (*root != 0) {
    if (!budget.take()) return false;
    TreePath path;
    seekFirst(arena, root, path);
    VersionRecord* version = path.isDamaged ? nullptr : versionAt(arena, path);
    if (!version) return damagedTree();
    DAOS_CHECK(freeVersion(scope, *version, recordSize));
    removeItem(arena, path, scope.usedBytes());
  }
  return true;
}

namespace {

// Frees the extents of one class.
Result<bool> collectExtents(WriteScope& scope, uint64_t* root, uint64_t recordSize,
                            CollectBudget& budget) {
  Arena& arena = scope.arena();
  while (*root != 0) {
    if (!budget.take()) return false;
    TreePath path;
    seekFirst(arena, root, path);
    if (path.isDamaged || !path.slot()) return damagedTree();
    const uint64_t item = path.item();
    const ExtentKey* key = extentKeyAt(arena, item);
    if (!key) return damagedTree();
    const uint64_t size = key->count * recordSize;
    uint64_t only;
    uint64_t* versions = extentVersionsAt(arena, item, &only);
    if (!versions) return damagedTree();
    if (versions != &only) {
      DAOS_TRY(const bool isGone, collectVersions(scope, versions, size, budget));
      if (!isGone) return false;
      scope.free(itemOffset(item));
    } else {
      auto* version = arena.find<VersionRecord>(itemOffset(item));
      if (!version) return damagedTree();
      DAOS_CHECK(freeVersion(scope, *version, size));
    }
    removeItem(arena, path, scope.usedBytes());
  }
  return true;
}

Result<bool> emptyArray(WriteScope& scope, KeyRecord& akey, uint64_t* child,
                        CollectBudget& budget) {
  const ExtentClasses classes = ExtentClasses::of(scope.arena(), akey);
  if (classes.isDamaged) return damagedTree();
  uint64_t* root = classes.roots;
  for (uint64_t mask = classes.mask; mask != 0; mask &= mask - 1, ++root) {
    DAOS_TRY(const bool isGone, collectExtents(scope, root, akey.recordSize, budget));
    if (!isGone) return false;
  }
  if ((akey.flags & KeyRecord::kSeveralClasses) != 0) {
    scope.free(*child);
    scope.arena().modify(*child) = 0;
    scope.arena().modify(akey.flags) = static_cast<uint8_t>(akey.flags & KeyRecord::kPunched);
  }
  return true;
}

Result<bool> collectKeys(WriteScope& scope, uint64_t* root, bool areAkeys, CollectBudget& budget) {
  Arena& arena = scope.arena();
  while (*root != 0) {
    TreePath path;
    seekFirst(arena, root, path);
    KeyRecord* key = path.isDamaged ? nullptr : keyRecordAt(arena, path.item());
    if (!key || key->isAkey() != areAkeys) return damagedTree();
    DAOS_TRY(const bool isGone, emptyKey(scope, *key, budget));
    if (!isGone || !budget.take()) return false;
    if (!areAkeys) scope.container().pool.dkeys.forget(dkeyName(arena, *root, *key));
    scope.free(itemOffset(path.item()));
    removeItem(arena, path, scope.usedBytes());
  }
  return true;
}

}  // namespace

Result<bool> emptyKey(WriteScope& scope, KeyRecord& key, CollectBudget& budget) {
  Arena& arena = scope.arena();
  uint64_t* child = childOf(arena, key);
  if (!child) return damagedTree();
  bool isGone = true;
  switch (key.kind) {
    case RecordKind::kDkey: {
      DAOS_TRY(isGone, collectKeys(scope, child, true, budget));
      break;
    }
    case RecordKind::kSingle: {
      DAOS_TRY(isGone, collectVersions(scope, child, 0, budget));
      break;
    }
    case RecordKind::kArray: {
      DAOS_TRY(isGone, emptyArray(scope, key, child, budget));
      break;
    }
    case RecordKind::kObject: return damagedTree();
  }
  if (!isGone || (key.flags & KeyRecord::kPunched) == 0) return isGone;
  DAOS_TRY(isGone, collectVersions(scope, punchesOf(arena, key), 0, budget));
  if (!isGone) return false;
  scope.free(key.child);
  arena.modify(key.child) = 0;
  arena.modify(key.flags) = static_cast<uint8_t>(key.flags & ~KeyRecord::kPunched);
  return true;
}

Result<bool> collectObjects(WriteScope& scope, uint64_t* root, CollectBudget& budget) {
  Arena& arena = scope.arena();
  while (*root != 0) {
    TreePath path;
    seekFirst(arena, root, path);
    ObjectRecord* object = path.isDamaged ? nullptr : objectRecordAt(arena, path.item());
    if (!object) return damagedTree();
    DAOS_TRY(bool isGone, collectKeys(scope, &object->dkeys, false, budget));
    if (!isGone) return false;
    DAOS_TRY(isGone, collectVersions(scope, &object->punches, 0, budget));
    if (!isGone || !budget.take()) return false;
    scope.container().objects.forget(object->oid);
    scope.free(itemOffset(path.item()));
    scope.addObjects(-1);
    removeItem(arena, path, scope.usedBytes());
  }
  return true;
}

}  // namespace daos::vos
