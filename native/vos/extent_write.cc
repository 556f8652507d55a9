#include "vos/extent_write.h"

#include "base/planted.h"
#include "vos/lookup.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {

// Stores the class of an array that has just one (and no table).
void setOnlyClass(Arena& arena, KeyRecord& akey, unsigned extentClass) {
  const auto kept = static_cast<uint8_t>(akey.flags & KeyRecord::kPunched);
  arena.modify(akey.flags) = static_cast<uint8_t>(kept | extentClass << KeyRecord::kClassShift);
}

// A table of the classes there are and of `extentClass`; false without space.
bool addClass(WriteScope& scope, KeyRecord& akey, const ExtentClasses& classes,
              unsigned extentClass) {
  Arena& arena = scope.arena();
  const uint64_t mask = classes.mask | uint64_t{1} << extentClass;
  const auto count = static_cast<size_t>(std::popcount(mask));
  const Offset block = scope.allocate(sizeof(ClassTable) + count * sizeof(uint64_t));
  if (block == 0) return false;
  auto* table = arena.at<ClassTable>(block);
  table->mask = mask;
  uint64_t* to = table->roots();
  for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
    uint64_t* from = classes.rootOf(static_cast<unsigned>(std::countr_zero(rest)));
    *to++ = from ? *from : 0;
  }
  uint64_t* child = childOf(arena, akey);
  if ((akey.flags & KeyRecord::kSeveralClasses) != 0) scope.free(*child);
  arena.modify(*child) = block;
  const auto kept = static_cast<uint8_t>(akey.flags & KeyRecord::kPunched);
  arena.modify(akey.flags) = static_cast<uint8_t>(kept | KeyRecord::kSeveralClasses);
  return true;
}

// The root of the class's tree, made when it is missing; null without space.
uint64_t* rootForClass(WriteScope& scope, KeyRecord& akey, unsigned extentClass) {
  Arena& arena = scope.arena();
  const ExtentClasses classes = ExtentClasses::of(arena, akey);
  if (classes.isDamaged) {
    arena.noteDamage();
    return nullptr;
  }
  if (classes.mask == 0 && (akey.flags & KeyRecord::kSeveralClasses) == 0) {
    setOnlyClass(arena, akey, extentClass);
    return childOf(arena, akey);
  }
  if (uint64_t* root = classes.rootOf(extentClass)) return root;
  if (!addClass(scope, akey, classes, extentClass)) return nullptr;
  return ExtentClasses::of(arena, akey).rootOf(extentClass);
}

// Makes a set out of the one extent there is at `slot`; returns its versions' root, null without
// space.
uint64_t* makeSet(WriteScope& scope, uint64_t* slot, const ExtentRecord& extent) {
  const Offset block = scope.allocate(sizeof(ExtentSetRecord));
  if (block == 0) return nullptr;
  auto* set = scope.arena().at<ExtentSetRecord>(block);
  *set = {itemOffset(*slot) | kDirectItem, {0, 0}, extent.index, extent.count};
  scope.arena().modify(*slot) = block | kExtentSetItem | (*slot & kDirectItem);
  return &set->versions;
}

}  // namespace

Status addExtent(WriteScope& scope, KeyRecord& akey, Offset record) {
  Arena& arena = scope.arena();
  const ExtentRecord& extent = *arena.at<ExtentRecord>(record);
  const bool isHole = DataWord::kind(extent.version.data) == DataKind::kHole;
  if (isHole && isPlanted(Planted::kLoseHole)) return {};
  uint64_t* root = rootForClass(scope, akey, extentClassOf(extent.count));
  if (!root) return scope.noSpace();
  const ExtentKey key{extent.index, extent.count};
  TreePath path;
  ExtentTree::seek(arena, root, key, path);
  if (path.isDamaged) return damagedTree();
  if (!path.isFound) {
    if (!ExtentTree::insert(arena, path, key, record, scope.usedBytes())) return scope.noSpace();
    return {};
  }
  uint64_t* slot = path.slot();
  uint64_t only;
  uint64_t* versions = extentVersionsAt(arena, *slot, &only);
  if (!versions) return damagedTree();
  if ((*slot & kExtentSetItem) == 0) {
    auto* present = arena.find<ExtentRecord>(itemOffset(*slot));
    if (!present) return damagedTree();
    if (stampOf(present->version) == stampOf(extent.version)) {
      if (present->version.transaction != extent.version.transaction) {
        return sameStampError(present->version);
      }
      arena.modify(*slot) = record | (*slot & kDirectItem);
      scope.forgetTouched(arena.offsetOf(present));
      return freeVersion(scope, present->version, present->count * akey.recordSize);
    }
    versions = makeSet(scope, slot, extent);
    if (!versions) return scope.noSpace();
  }
  return addVersion(scope, versions, record, extent.count * akey.recordSize);
}

// An extent set with one version left becomes that version again.
static void collapseSet(WriteScope& scope, uint64_t* slot, ExtentSetRecord& set) {
  if (!slot) return scope.arena().noteDamage();
  if ((set.versions & kDirectItem) == 0) return;
  const Offset only = itemOffset(set.versions);
  const Offset block = itemOffset(*slot);
  scope.arena().modify(*slot) = only | (*slot & kDirectItem);
  scope.free(block);
}

Status removeExtent(WriteScope& scope, KeyRecord& akey, ExtentRecord& extent) {
  Arena& arena = scope.arena();
  const uint64_t size = extent.count * akey.recordSize;
  uint64_t* root = extent.count == 0
                       ? nullptr
                       : ExtentClasses::of(arena, akey).rootOf(extentClassOf(extent.count));
  if (!root) return damagedTree();
  TreePath path;
  ExtentTree::seek(arena, root, {extent.index, extent.count}, path);
  if (path.isDamaged || !path.isFound) return damagedTree();
  const uint64_t item = path.item();
  if ((item & kExtentSetItem) == 0) {
    if (itemOffset(item) != arena.offsetOf(&extent)) return damagedTree();
    DAOS_CHECK(freeVersion(scope, extent.version, size));
    removeItem(arena, path, scope.usedBytes());
    return {};
  }
  auto* set = arena.find<ExtentSetRecord>(itemOffset(item));
  if (!set) return damagedTree();
  TreePath versionPath;
  VersionTree::seek(arena, &set->versions, stampOf(extent.version), versionPath);
  if (versionPath.isDamaged || !versionPath.isFound ||
      versionAt(arena, versionPath) != &extent.version) {
    return damagedTree();
  }
  DAOS_CHECK(freeVersion(scope, extent.version, size));
  removeItem(arena, versionPath, scope.usedBytes());
  if (set->versions == 0) {
    scope.free(itemOffset(item));
    removeItem(arena, path, scope.usedBytes());
  } else {
    collapseSet(scope, path.slot(), *set);
  }
  return {};
}

void tidyClasses(WriteScope& scope, KeyRecord& akey) {
  if ((akey.flags & KeyRecord::kSeveralClasses) == 0) return;
  Arena& arena = scope.arena();
  const ExtentClasses classes = ExtentClasses::of(arena, akey);
  for (int i = 0; i < std::popcount(classes.mask); ++i) {
    if (classes.roots[i] != 0) return;
  }
  uint64_t* child = childOf(arena, akey);
  if (classes.isDamaged || !child) return arena.noteDamage();
  scope.free(*child);
  arena.modify(*child) = 0;
  arena.modify(akey.flags) = static_cast<uint8_t>(akey.flags & KeyRecord::kPunched);
}

}  // namespace daos::vos
