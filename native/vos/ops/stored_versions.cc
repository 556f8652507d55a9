#include "vos/ops/stored_versions.h"

#include "vos/extent_tree.h"

namespace daos::vos {

Outcome hasVersions(const Arena& arena, uint64_t* versions, const EpochRange& range,
                    VisitBudget& budget) {
  if (!versions || *versions == 0) return Outcome::kNone;
  if (!budget.take()) return Outcome::kFound;
  TreePath path;
  VersionTree::seek(arena, versions, {range.low, 0}, path);
  if (!settle(arena, path)) return path.isDamaged ? Outcome::kDamaged : Outcome::kNone;
  const VersionRecord* version = versionAt(arena, path);
  if (!version) return Outcome::kDamaged;
  return version->epoch <= range.high ? Outcome::kFound : Outcome::kNone;
}

namespace {

Outcome extentsHaveVersions(const Arena& arena, uint64_t* root, const EpochRange& range,
                            VisitBudget& budget) {
  TreePath path;
  seekFirst(arena, root, path);
  for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
    const uint64_t item = path.item();
    uint64_t only;
    uint64_t* versions = extentVersionsAt(arena, item, &only);
    if (!versions) return Outcome::kDamaged;
    const Outcome outcome = hasVersions(arena, versions, range, budget);
    if (outcome != Outcome::kNone) return outcome;
  }
  return path.isDamaged ? Outcome::kDamaged : Outcome::kNone;
}

Outcome keysHaveVersions(const Arena& arena, uint64_t* root, const EpochRange& range,
                         VisitBudget& budget) {
  TreePath path;
  seekFirst(arena, root, path);
  for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
    KeyRecord* key = keyRecordAt(arena, path.item());
    if (!key) return Outcome::kDamaged;
    const Outcome outcome = keyHasVersions(arena, *key, range, budget);
    if (outcome != Outcome::kNone) return outcome;
  }
  return path.isDamaged ? Outcome::kDamaged : Outcome::kNone;
}

}  // namespace

Outcome keyHasVersions(const Arena& arena, KeyRecord& key, const EpochRange& range,
                       VisitBudget& budget) {
  uint64_t* child = childOf(arena, key);
  if (!child) return Outcome::kDamaged;
  if (const Outcome punched = hasVersions(arena, punchesOf(arena, key), range, budget);
      punched != Outcome::kNone) {
    return punched;
  }
  switch (key.kind) {
    case RecordKind::kDkey: {
      TreePath path;
      // Keys of keys would be damage: do not follow them.
      seekFirst(arena, child, path);
      for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
        KeyRecord* akey = keyRecordAt(arena, path.item());
        if (!akey || !akey->isAkey()) return Outcome::kDamaged;
        const Outcome outcome = keyHasVersions(arena, *akey, range, budget);
        if (outcome != Outcome::kNone) return outcome;
      }
      return path.isDamaged ? Outcome::kDamaged : Outcome::kNone;
    }
    case RecordKind::kSingle: return hasVersions(arena, child, range, budget);
    case RecordKind::kArray: {
      const ExtentClasses classes = ExtentClasses::of(arena, key);
      if (classes.isDamaged) return Outcome::kDamaged;
      uint64_t* root = classes.roots;
      for (uint64_t mask = classes.mask; mask != 0; mask &= mask - 1, ++root) {
        const Outcome outcome = extentsHaveVersions(arena, root, range, budget);
        if (outcome != Outcome::kNone) return outcome;
      }
      return Outcome::kNone;
    }
    case RecordKind::kObject: break;
  }
  return Outcome::kDamaged;
}

Outcome objectHasVersions(const Arena& arena, ObjectRecord& object, const EpochRange& range,
                          VisitBudget& budget) {
  const Outcome punched = hasVersions(arena, &object.punches, range, budget);
  return punched != Outcome::kNone ? punched
                                   : keysHaveVersions(arena, &object.dkeys, range, budget);
}

}  // namespace daos::vos
