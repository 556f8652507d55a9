#include "vos/reduction.h"

#include <algorithm>

#include "base/planted.h"
#include "vos/extent_merge.h"
#include "vos/extent_write.h"
#include "vos/places.h"
#include "vos/planted_fault.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {
// The least stamp after this one.
Stamp next(const Stamp& stamp) {
  if (stamp.minor == 0xffff) return {stamp.epoch + 1, 0};
  return {stamp.epoch, static_cast<uint16_t>(stamp.minor + 1)};
}

// What a walk has passed comes again in a tree that is out of order only.
bool isBefore(const ObjectId& left, const ObjectId& right) {
  return left.low != right.low ? left.low < right.low : left.high < right.high;
}
bool isBefore(const ExtentKey& left, const ExtentKey& right) {
  return left.index != right.index ? left.index < right.index : left.count < right.count;
}
}  // namespace

bool Reduction::Name::isAtMost(KeyType type, Bytes key) const {
  const uint64_t mine = SearchKey::prefixFor(type, bytes);
  const uint64_t other = SearchKey::prefixFor(type, key);
  if (mine != other) return mine < other;
  const int order = compareBytes(bytes, key);
  return place == Place::kAfter ? order < 0 : order <= 0;
}

void Reduction::Cursor::leaveAkey() {
  phase = Phase::kVersions;
  classesDone = 0;
  extent.reset();
  stamp.reset();
  judgement = {};
  mergeIndex = 0;
  hasLeftovers = false;
}

// One step: the walk within one arena transaction. Its functions return true when they have come to
// the end of what they are about, false when the turn is over before.
class Reduction::Turn {
 public:
  Turn(Reduction& reduction, WriteScope& scope, uint32_t budget)
      : reduction_(reduction), cursor_(reduction.cursor_), scope_(scope), arena_(scope.arena()),
        budget_{budget, scope.arena()} {}

  Result<bool> walk();

 private:
  Result<bool> walkObject(ObjectRecord& object);
  Result<bool> walkDkey(KeyRecord& dkey, KeyType akeyType, const Hidden& above);
  Result<bool> walkAkey(KeyRecord& akey, const Hidden& above);
  Result<bool> walkSingle(const Akey& akey, uint64_t* root);
  Result<bool> isSingleNeeded(const Akey& akey, const TreePath& path, const VersionRecord& version);
  Result<bool> migrateSingle(const Akey& akey, uint64_t* root, VersionRecord& version);
  Status moveSingle(uint64_t* root, VersionRecord& version, Migration& migration);
  bool belongsOnMedia(const StoredData& data) const;
  Result<bool> walkArray(const Akey& akey);
  Result<bool> walkClass(const Akey& akey, unsigned extentClass);
  Result<bool> mergeExtents(const Akey& akey);
  Result<bool> walkSlot(const Akey& akey, uint64_t item);
  Result<bool> walkPunches(uint64_t* root);
  Result<bool> dropPunches(KeyRecord& key);
  // Of a tree of keys, from the cursor's name on.
  template <typename Walk>
  Result<bool> walkKeys(uint64_t* root, KeyType type, Name* name, Walk&& walkOne);

  Hidden hiddenBelow(const Hidden& above, uint64_t* punches);
  bool isInRange(const VersionRecord& version) const {
    return version.transaction == 0 && version.epoch >= reduction_.range_.low &&
           version.epoch <= reduction_.range_.high;
  }
  bool isSeenBetween(const Stamp& stamp, Epoch end, const Hidden& hidden) const;
  Result<Answer> isExtentNeeded(const Akey& akey, const ExtentRecord& extent);
  void countDropped() { ++reduction_.counts_.droppedCount; }

  Reduction& reduction_;
  Cursor& cursor_;
  WriteScope& scope_;
  Arena& arena_;
  CollectBudget budget_;
};

Reduction Reduction::aggregation(ContainerState& container, Epoch upTo) {
  std::vector<Epoch> pins;
  for (const Epoch epoch : container.snapshots()) {
    if (epoch < upTo && !isPlanted(Planted::kAggregateOverSnapshots)) pins.push_back(epoch);
  }
  pins.push_back(upTo);
  bool mayMerge = true;
  for (const TransactionInfo& info : container.transactions.prepared(container.arena)) {
    if (info.epoch <= upTo) mayMerge = false;
  }
  return Reduction({0, upTo}, std::move(pins), false, mayMerge);
}

Reduction Reduction::discard(const EpochRange& range) { return Reduction(range, {}, true, false); }

Result<bool> Reduction::step(ContainerState& container, uint32_t budget) {
  const Cursor before = cursor_;
  const ReductionCounts countsBefore = counts_;
  Result<bool> isMore = takeTurn(container, budget);
  if (isMore.ok() || isMore.error().code() != ErrorCode::kNospace || counts_.lacksSpace) {
    return isMore;
  }
  // The turn is undone. Merging takes space before it gives some back, dropping does not: so the
  // walk goes on with that alone.
  cursor_ = before;
  counts_ = countsBefore;
  counts_.lacksSpace = true;
  migration_ = {nullptr, true};
  return true;
}

Result<bool> Reduction::takeTurn(ContainerState& container, uint32_t budget) {
  WriteScope scope(container, 0, HeapUse::kReclaim);
  DAOS_TRY(const bool isDone, Turn(*this, scope, budget).walk());
  DAOS_CHECK(scope.commit());
  return !isDone;
}

Result<bool> Reduction::Turn::walk() {
  uint64_t* root = &scope_.container().record().objects;
  while (true) {
    if (!budget_.take()) return false;
    TreePath path;
    ObjectTree::seek(arena_, root, cursor_.oid, path);
    if (!settle(arena_, path)) return path.isDamaged ? Result<bool>(damagedTree()) : true;
    ObjectRecord* object = objectRecordAt(arena_, path.item());
    if (!object) return damagedRecord("object");
    const ObjectId oid = object->oid;
    if (isBefore(oid, cursor_.oid)) return damagedTree();
    cursor_.oid = oid;
    DAOS_TRY(const bool isDone, walkObject(*object));
    if (!isDone) return false;
    if (object->dkeys == 0 && object->punches == 0) {
      scope_.container().objects.forget(oid);
      scope_.free(arena_.offsetOf(object));
      scope_.addObjects(-1);
      removeItem(arena_, path, scope_.usedBytes());
    }
    cursor_.dkey = {};
    if (oid == ObjectId{~uint64_t{0}, ~uint64_t{0}}) return true;
    cursor_.oid =
        oid.high == ~uint64_t{0} ? ObjectId{oid.low + 1, 0} : ObjectId{oid.low, oid.high + 1};
  }
}

// What is hidden at each pin once the punches at `punches` are counted too.
Reduction::Hidden Reduction::Turn::hiddenBelow(const Hidden& above, uint64_t* punches) {
  Hidden hidden = above;
  if (!punches || *punches == 0) return hidden;
  for (size_t i = 0; i < reduction_.pins_.size(); ++i) {
    const View view{reduction_.pins_[i], 0, InDoubt::kSkip};
    Lookup(view).applyPunches(arena_, punches, &hidden[i]);
  }
  return hidden;
}

Result<bool> Reduction::Turn::walkObject(ObjectRecord& object) {
  const Hidden none(reduction_.pins_.size(), kNothingHidden);
  const Hidden hidden = hiddenBelow(none, &object.punches);
  const ObjectId oid = object.oid;
  DAOS_TRY(const bool isDone,
           walkKeys(&object.dkeys, oid.dkeyType(), &cursor_.dkey,
                    [&](KeyRecord& dkey) { return walkDkey(dkey, oid.akeyType(), hidden); }));
  if (!isDone) return false;
  return walkPunches(&object.punches);
}

template <typename Walk>
Result<bool> Reduction::Turn::walkKeys(uint64_t* root, KeyType type, Name* name, Walk&& walkOne) {
  using Place = Name::Place;
  while (name->place != Place::kEnd && *root != 0) {
    if (!budget_.take()) return false;
    TreePath path;
    if (name->place == Place::kFirst) {
      seekFirst(arena_, root, path);
    } else {
      KeyTree::seek(type, arena_, root, SearchKey(type, name->bytes), path);
      if (name->place == Place::kAfter && path.isFound) nextItem(arena_, path);
    }
    if (!settle(arena_, path)) {
      if (path.isDamaged) return damagedTree();
      break;
    }
    KeyRecord* key = keyRecordAt(arena_, path.item());
    if (!key) return damagedRecord("key");
    if (name->place != Place::kFirst && !name->isAtMost(type, keyOf(*key))) return damagedTree();
    name->bytes.assign(key->key(), key->key() + key->keySize());
    name->place = Place::kAt;
    DAOS_TRY(const bool isDone, walkOne(*key));
    if (!isDone) return false;
    name->place = Place::kAfter;
    if ((key->flags & KeyRecord::kPunched) == 0 && key->child == 0) {
      if (!key->isAkey() && !isPlanted(PlantedFault::kDroppedDkeyStaysKnown)) {
        scope_.container().pool.dkeys.forget(dkeyName(arena_, *root, *key));
      }
      scope_.free(arena_.offsetOf(key));
      removeItem(arena_, path, scope_.usedBytes());
    }
  }
  name->place = Place::kEnd;
  return true;
}

Result<bool> Reduction::Turn::walkDkey(KeyRecord& dkey, KeyType akeyType, const Hidden& above) {
  uint64_t* child = childOf(arena_, dkey);
  if (!child || dkey.kind != RecordKind::kDkey) return damagedRecord("dkey");
  const Hidden hidden = hiddenBelow(above, punchesOf(arena_, dkey));
  DAOS_TRY(bool isDone, walkKeys(child, akeyType, &cursor_.akey,
                                 [&](KeyRecord& akey) { return walkAkey(akey, hidden); }));
  if (!isDone) return false;
  DAOS_TRY(isDone, dropPunches(dkey));
  if (isDone) cursor_.akey = {};
  return isDone;
}

Result<bool> Reduction::Turn::walkAkey(KeyRecord& akey, const Hidden& above) {
  uint64_t* child = childOf(arena_, akey);
  if (!child || !akey.isAkey()) return damagedRecord("akey");
  const Hidden hidden = hiddenBelow(above, punchesOf(arena_, akey));
  DAOS_TRY(bool isDone, akey.kind == RecordKind::kSingle ? walkSingle({akey, hidden}, child)
                                                         : walkArray({akey, hidden}));
  if (!isDone) return false;
  DAOS_TRY(isDone, dropPunches(akey));
  if (isDone) cursor_.leaveAkey();
  return isDone;
}

Result<bool> Reduction::Turn::dropPunches(KeyRecord& key) {
  uint64_t* punches = punchesOf(arena_, key);
  if (!punches) return true;
  DAOS_TRY(const bool isDone, walkPunches(punches));
  if (isDone) tidyPunches(scope_, key);
  return isDone;
}

// Everything beneath has been dealt with.
Result<bool> Reduction::Turn::walkPunches(uint64_t* root) {
  while (*root != 0) {
    TreePath path;
    VersionTree::seek(arena_, root, cursor_.punch, path);
    if (!settle(arena_, path)) {
      if (path.isDamaged) return damagedTree();
      break;
    }
    VersionRecord* punch = versionAt(arena_, path);
    if (!punch || stampOf(*punch) < cursor_.punch) return damagedRecord("punch");
    if (punch->epoch > reduction_.range_.high) break;
    if (!budget_.take()) return false;
    cursor_.punch = next(stampOf(*punch));
    if (!isInRange(*punch)) continue;
    if (!reduction_.isDiscard_) {
      // What an earlier snapshot or an uncommitted transaction keeps must stay hidden.
      if (reduction_.pins_.front() < punch->epoch || !reduction_.mayMerge_) continue;
    }
    scope_.free(arena_.offsetOf(punch));
    removeItem(arena_, path, scope_.usedBytes());
    countDropped();
  }
  cursor_.punch = {};
  return true;
}

// Whether a version that is the newest from its stamp until before `end` is seen at a pin.
bool Reduction::Turn::isSeenBetween(const Stamp& stamp, Epoch end, const Hidden& hidden) const {
  const std::vector<Epoch>& pins = reduction_.pins_;
  const auto first = std::lower_bound(pins.begin(), pins.end(), stamp.epoch);
  for (auto i = static_cast<size_t>(first - pins.begin()); i < pins.size() && pins[i] < end; ++i) {
    const bool isSnapshot = i + 1 < pins.size();
    if (isSnapshot && isPlanted(PlantedFault::kAggregateDropsPinned)) continue;
    if (hidden[i] < stamp) return true;
  }
  return false;
}

Result<bool> Reduction::Turn::walkSingle(const Akey& akey, uint64_t* root) {
  while (*root != 0) {
    TreePath path;
    VersionTree::seek(arena_, root, cursor_.stamp.value_or(Stamp{}), path);
    if (!settle(arena_, path)) {
      if (path.isDamaged) return damagedTree();
      break;
    }
    if (!budget_.take()) return false;
    VersionRecord* version = versionAt(arena_, path);
    if (!version) return damagedRecord("version");
    const Stamp stamp = stampOf(*version);
    if (cursor_.stamp && stamp < *cursor_.stamp) return damagedTree();
    if (stamp.epoch > reduction_.range_.high) break;
    cursor_.stamp = stamp;
    if (isInRange(*version)) {
      DAOS_TRY(const bool isNeeded, isSingleNeeded(akey, path, *version));
      if (isNeeded) {
        DAOS_TRY(const bool isDone, migrateSingle(akey, root, *version));
        if (!isDone) return false;
      } else {
        DAOS_CHECK(freeVersion(scope_, *version, 0));
        removeItem(arena_, path, scope_.usedBytes());
        countDropped();
      }
    }
    cursor_.stamp = next(stamp);
  }
  return true;
}

Result<bool> Reduction::Turn::isSingleNeeded(const Akey& akey, const TreePath& path,
                                             const VersionRecord& version) {
  if (reduction_.isDiscard_) return false;
  TreePath before = path;
  const bool isFirst = !previousItem(arena_, before);
  if (isFirst && DataWord::kind(version.data) == DataKind::kHole) return false;
  TreePath after = path;
  Epoch end = kEpochMax;
  while (nextItem(arena_, after)) {
    const VersionRecord* newer = versionAt(arena_, after);
    if (!newer) return damagedRecord("version");
    if (newer->transaction != 0) continue;
    end = newer->epoch;
    break;
  }
  return isSeenBetween(stampOf(version), end, akey.hidden);
}

// What was too large for the arena from the beginning on; and where that is running out of room,
// all that has a block of its own there.
bool Reduction::Turn::belongsOnMedia(const StoredData& data) const {
  const PoolState& pool = scope_.container().pool;
  if (!pool.media || reduction_.migration_.isRefused || data.memory == nullptr) return false;
  if (data.size >= pool.options.dataThreshold) return true;
  if (pool.options.dataThreshold == PoolOptions::kNeverToMedia) return false;
  const HeapSpace space = arena_.space();
  return data.kind == DataKind::kBlock && space.freeBytes() < space.totalBytes / 2;
}

// False when it waits to be brought to Media.
Result<bool> Reduction::Turn::migrateSingle(const Akey& akey, uint64_t* root,
                                            VersionRecord& version) {
  StoredData data;
  if (!readSingle(arena_, version, &data)) return damagedRecord("version");
  const Stamp stamp = stampOf(version);
  const Migration::Target target{arena_.offsetOf(&akey.record), {}, stamp};
  const auto made = reduction_.migration_.take(target);
  if (!made) {
    return !belongsOnMedia(data) ||
           !reduction_.migration_.begin(scope_.container(), target, {{data, 0, data.size}});
  }
  if (made->state() == Migration::State::kDamaged) {
    ++reduction_.counts_.damagedCount;
    return true;
  }
  DAOS_CHECK(scope_.useMedia(made->piece()));
  DAOS_CHECK(moveSingle(root, version, *made));
  ++reduction_.counts_.migratedCount;
  return true;
}

Status Reduction::Turn::moveSingle(uint64_t* root, VersionRecord& version, Migration& migration) {
  if (DataWord::kind(version.data) == DataKind::kBlock) {
    // The record of a value in a block and that of one on Media are alike but for this word: so a
    // full arena, too, can be relieved.
    const Offset block = DataWord::address(version.data);
    arena_.modify(version.data) =
        DataWord::make(DataKind::kMedia, migration.data().mediaAddress,
                       DataWord::hasChecksums(version.data));
    scope_.free(block);
    return {};
  }
  const Offset record = makeSingle(scope_, {stampOf(version), 0}, migration.data());
  if (record == 0) return scope_.noSpace();
  // It takes the place of the one of its stamp.
  return addVersion(scope_, root, record, 0);
}

// What the phase asks about a version of an extent.
Result<Answer> Reduction::Turn::isExtentNeeded(const Akey& akey, const ExtentRecord& extent) {
  if (reduction_.isDiscard_) return Answer::kNo;
  if (cursor_.phase != Cursor::Phase::kHoles) {
    const Pins pins{reduction_.pins_, akey.hidden};
    return isExtentSeen(scope_.container(), akey.record, extent, pins, cursor_.judgement, budget_);
  }
  if (DataWord::kind(extent.version.data) != DataKind::kHole) return Answer::kYes;
  return hidesOlder(arena_, akey.record, extent, cursor_.judgement, budget_);
}

Result<bool> Reduction::Turn::walkArray(const Akey& akey) {
  using Phase = Cursor::Phase;
  while (true) {
    const ExtentClasses classes = ExtentClasses::of(arena_, akey.record);
    if (classes.isDamaged) return damagedRecord("akey");
    if (cursor_.phase == Phase::kMerge) {
      DAOS_TRY(const bool isDone, mergeExtents(akey));
      if (!isDone) return false;
      if (!cursor_.hasLeftovers) return true;
      cursor_.phase = Phase::kLeftovers;
      continue;
    }
    const uint64_t left = classes.mask & ~cursor_.classesDone;
    if (left != 0) {
      const auto extentClass = static_cast<unsigned>(std::countr_zero(left));
      DAOS_TRY(const bool isDone, walkClass(akey, extentClass));
      if (!isDone) return false;
      cursor_.classesDone |= uint64_t{1} << extentClass;
      cursor_.extent.reset();
      continue;
    }
    tidyClasses(scope_, akey.record);
    if (reduction_.isDiscard_ || cursor_.phase == Phase::kLeftovers) return true;
    cursor_.phase = cursor_.phase == Phase::kVersions ? Phase::kHoles : Phase::kMerge;
    cursor_.classesDone = 0;
  }
}

Result<bool> Reduction::Turn::mergeExtents(const Akey& akey) {
  if (akey.record.child == 0 || !reduction_.mayMerge_ || reduction_.counts_.lacksSpace) return true;
  const std::vector<Epoch>& pins = reduction_.pins_;
  const Epoch above = pins.size() > 1 ? pins[pins.size() - 2] : 0;
  ExtentMerge merge(scope_, akey.record, {above, pins.back()}, akey.hidden.back(),
                    {reduction_.counts_, reduction_.migration_});
  DAOS_TRY(const bool isDone, merge.run(&cursor_.mergeIndex, budget_));
  cursor_.hasLeftovers |= merge.hasLeftovers();
  return isDone;
}

Result<bool> Reduction::Turn::walkClass(const Akey& akey, unsigned extentClass) {
  while (true) {
    uint64_t* root = ExtentClasses::of(arena_, akey.record).rootOf(extentClass);
    if (!root || *root == 0) return true;
    TreePath path;
    ExtentTree::seek(arena_, root, cursor_.extent.value_or(ExtentKey{0, 0}), path);
    if (!settle(arena_, path)) return path.isDamaged ? Result<bool>(damagedTree()) : true;
    const ExtentKey* key = extentKeyAt(arena_, path.item());
    if (!key) return damagedRecord("extent");
    if (cursor_.extent && isBefore(*key, *cursor_.extent)) return damagedTree();
    if (!cursor_.extent || cursor_.extent->index != key->index ||
        cursor_.extent->count != key->count) {
      cursor_.extent = *key;
      cursor_.stamp.reset();
    }
    if (!budget_.take()) return false;
    const ExtentKey behind{key->index, key->count + 1};
    DAOS_TRY(const bool isDone, walkSlot(akey, path.item()));
    if (!isDone) return false;
    cursor_.extent = behind;
    cursor_.stamp.reset();
  }
}

// All versions of one extent.
Result<bool> Reduction::Turn::walkSlot(const Akey& akey, uint64_t item) {
  std::vector<ExtentRecord*> dropped;
  uint64_t only;
  uint64_t* versions = extentVersionsAt(arena_, item, &only);
  if (!versions) return damagedRecord("extent");
  TreePath path;
  VersionTree::seek(arena_, versions, cursor_.stamp.value_or(Stamp{}), path);
  bool isWhole = true;
  for (bool more = settle(arena_, path); more; more = nextItem(arena_, path)) {
    VersionRecord* version = versionAt(arena_, path);
    const Stamp stamp = version ? stampOf(*version) : Stamp{};
    // Of the cursor's extent, and never one that comes before the last.
    ExtentRecord* extent = version ? extentOf(arena_, version, *cursor_.extent) : nullptr;
    if (!extent || (cursor_.stamp && stamp < *cursor_.stamp)) return damagedRecord("extent");
    if (stamp.epoch > reduction_.range_.high) break;
    if (!budget_.take()) {
      isWhole = false;
      break;
    }
    cursor_.stamp = next(stamp);
    if (!isInRange(*version)) continue;
    DAOS_TRY(const Answer answer, isExtentNeeded(akey, *extent));
    if (answer == Answer::kLater) {
      cursor_.stamp = stamp;
      isWhole = false;
      break;
    }
    if (answer == Answer::kNo) dropped.push_back(extent);
  }
  if (path.isDamaged) return damagedTree();
  for (ExtentRecord* extent : dropped) {
    DAOS_CHECK(removeExtent(scope_, akey.record, *extent));
    countDropped();
  }
  return isWhole;
}

}  // namespace daos::vos
