#include "vos/lookup.h"

#include <bit>

#include "vos/extent_sweep.h"

namespace daos::vos {

uint64_t* childOf(const Arena& arena, KeyRecord& key) {
  if ((key.flags & KeyRecord::kPunched) == 0) return &key.child;
  auto* punched = arena.find<PunchedChild>(key.child);
  return punched ? &punched->child : nullptr;
}

uint64_t* punchesOf(const Arena& arena, KeyRecord& key) {
  if ((key.flags & KeyRecord::kPunched) == 0) return nullptr;
  auto* punched = arena.find<PunchedChild>(key.child);
  return punched ? &punched->punches : nullptr;
}

ExtentClasses ExtentClasses::of(const Arena& arena, KeyRecord& akey) {
  uint64_t* child = childOf(arena, akey);
  if (!child) return {.isDamaged = true};
  if (*child == 0) return {};
  if ((akey.flags & KeyRecord::kSeveralClasses) == 0) {
    return {uint64_t{1} << (akey.flags >> KeyRecord::kClassShift), child};
  }
  auto* table = arena.find<ClassTable>(*child);
  if (!table) return {.isDamaged = true};
  const auto count = static_cast<size_t>(std::popcount(table->mask));
  if (!arena.holds(*child, sizeof(ClassTable) + count * sizeof(uint64_t))) {
    return {.isDamaged = true};
  }
  return {table->mask, table->roots()};
}

uint64_t* ExtentClasses::rootOf(unsigned extentClass) const {
  const uint64_t bit = uint64_t{1} << extentClass;
  return (mask & bit) != 0 ? roots + std::popcount(mask & (bit - 1)) : nullptr;
}

Outcome Lookup::seesVersion(const VersionRecord& version) {
  if (version.transaction == 0 || version.transaction == view.transaction) return Outcome::kFound;
  if (view.inDoubt == InDoubt::kSkip) return Outcome::kNone;
  blocker = version.transaction;
  return Outcome::kBlocked;
}

Outcome Lookup::newest(const Arena& arena, uint64_t* root, const Stamp& hidden,
                       VersionRecord** version) {
  *version = nullptr;
  if (*root == 0) return Outcome::kNone;
  TreePath path;
  if ((*root & kDirectItem) != 0) {
    // By far the most common: one version, no tree.
    path.root = root;
    const VersionRecord* only = versionAt(arena, path);
    if (!only) return Outcome::kDamaged;
    if (only->epoch > view.epoch) return Outcome::kNone;
  } else if (!VersionTree::seekAtMost(arena, root, {view.epoch, 0xffff}, path)) {
    return path.isDamaged ? Outcome::kDamaged : Outcome::kNone;
  }
  do {
    VersionRecord* found = versionAt(arena, path);
    if (!found) return Outcome::kDamaged;
    if (stampOf(*found) <= hidden) return Outcome::kNone;
    *version = found;
    const Outcome outcome = seesVersion(*found);
    if (outcome != Outcome::kNone) return outcome;
    *version = nullptr;
  } while (previousItem(arena, path));
  return path.isDamaged ? Outcome::kDamaged : Outcome::kNone;
}

Outcome Lookup::applyPunches(const Arena& arena, uint64_t* root, Stamp* hidden) {
  if (!root || *root == 0) return Outcome::kNone;
  VersionRecord* punch = nullptr;
  const Outcome outcome = newest(arena, root, *hidden, &punch);
  if (outcome == Outcome::kFound) *hidden = stampOf(*punch);
  return outcome;
}

Outcome Lookup::applyPunches(const Arena& arena, KeyRecord& key, Stamp* hidden) {
  if ((key.flags & KeyRecord::kPunched) == 0) return Outcome::kNone;
  uint64_t* root = punchesOf(arena, key);
  return root ? applyPunches(arena, root, hidden) : Outcome::kDamaged;
}

namespace {
bool isFinal(Outcome outcome) {
  return outcome == Outcome::kBlocked || outcome == Outcome::kDamaged;
}
}  // namespace

Outcome Lookup::arrayExists(const Arena& arena, KeyRecord& akey, Stamp hidden) {
  const ExtentClasses classes = ExtentClasses::of(arena, akey);
  if (classes.isEmpty()) return Outcome::kNone;
  ExtentSweep sweep;
  sweep.start(arena, classes, {0, kExtentEndMax}, *this, hidden);
  ExtentPiece piece;
  while (true) {
    const Outcome outcome = sweep.next(&piece);
    if (outcome != Outcome::kFound) return outcome;
    if (piece.isData() && piece.record->version.epoch >= view.epochLow) return Outcome::kFound;
  }
}

Outcome Lookup::akeyExists(const Arena& arena, KeyRecord& akey, Stamp hidden) {
  if (const Outcome punched = applyPunches(arena, akey, &hidden); isFinal(punched)) return punched;
  if (akey.kind == RecordKind::kArray) return arrayExists(arena, akey, hidden);
  uint64_t* child = childOf(arena, akey);
  if (!child || akey.kind != RecordKind::kSingle) return Outcome::kDamaged;
  VersionRecord* version = nullptr;
  const Outcome outcome = newest(arena, child, hidden, &version);
  if (outcome != Outcome::kFound) return outcome;
  const bool counts =
      DataWord::kind(version->data) != DataKind::kHole && version->epoch >= view.epochLow;
  return counts ? Outcome::kFound : Outcome::kNone;
}

Outcome Lookup::dkeyExists(const Arena& arena, KeyRecord& dkey, Stamp hidden) {
  if (const Outcome punched = applyPunches(arena, dkey, &hidden); isFinal(punched)) return punched;
  uint64_t* child = childOf(arena, dkey);
  if (!child || dkey.kind != RecordKind::kDkey) return Outcome::kDamaged;
  Outcome answer = Outcome::kNone;
  TreePath path;
  seekFirst(arena, child, path);
  for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
    KeyRecord* akey = keyRecordAt(arena, path.item());
    if (!akey) return Outcome::kDamaged;
    const Outcome outcome = akeyExists(arena, *akey, hidden);
    if (outcome == Outcome::kFound || outcome == Outcome::kDamaged) return outcome;
    if (outcome == Outcome::kBlocked) answer = outcome;
  }
  return path.isDamaged ? Outcome::kDamaged : answer;
}

Outcome Lookup::objectExists(const Arena& arena, ObjectRecord& object) {
  Stamp hidden = kNothingHidden;
  if (const Outcome punched = applyPunches(arena, &object.punches, &hidden); isFinal(punched)) {
    return punched;
  }
  Outcome answer = Outcome::kNone;
  TreePath path;
  seekFirst(arena, &object.dkeys, path);
  for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
    KeyRecord* dkey = keyRecordAt(arena, path.item());
    if (!dkey) return Outcome::kDamaged;
    const Outcome outcome = dkeyExists(arena, *dkey, hidden);
    if (outcome == Outcome::kFound || outcome == Outcome::kDamaged) return outcome;
    if (outcome == Outcome::kBlocked) answer = outcome;
  }
  return path.isDamaged ? Outcome::kDamaged : answer;
}

}  // namespace daos::vos
