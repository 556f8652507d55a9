// Enumerate: objects, keys, extents, single-value versions and punches, from an anchor on.
#include "vos/ops/anchor.h"
#include "vos/ops/check_request.h"
#include "vos/ops/conditions.h"
#include "vos/ops/extent_list.h"
#include "vos/ops/named.h"
#include "vos/ops/stored_versions.h"
#include "vos/ops/tracking.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {

class Enumeration {
 public:
  Enumeration(ContainerState& container, const EnumerateRequest& request, Anchor& anchor,
              EntrySink& sink)
      : container_(container),
        arena_(container.arena),
        request_(request),
        anchor_(anchor),
        sink_(sink),
        isAll_(request.versions == Versions::kAll),
        view_{request.epochs.high, container.transactions.numberOf(request.transaction),
              isAll_ ? InDoubt::kSkip : request.inDoubt, request.epochs.low},
        lookup_(view_) {}

  Status run();

 private:
  Status findParents();
  Status listObjects();
  Status listKeys(uint64_t* root, KeyType type, EntryKind kind);
  Status listVisibleExtents(KeyRecord& akey);
  Status listVisibleExtentsDown(KeyRecord& akey, const ExtentClasses& classes);
  Status listAllExtents(KeyRecord& akey);
  Status listExtentVersions(KeyRecord& akey, uint64_t item, const VersionAnchor& after,
                            bool* isStopped);
  Status listSingle(KeyRecord& akey);
  Status listPunches();
  Status listVersions(uint64_t* root, EntryKind kind);
  Outcome isListed(KeyRecord& key);
  Outcome isListed(ObjectRecord& object);
  Status findPunchedParents();
  // Whether entries that are not the same before and after a range are asked for; and whether this
  // one may be, judged by `hasVersions` with a budget of its own.
  template <typename HasVersions>
  Outcome mayHaveChanged(const HasVersions& hasVersions);
  bool isVisitedOut() const { return request_.changed && visits_.left == 0; }
  bool isInRange(const VersionRecord& version) const {
    return version.epoch >= request_.epochs.low && version.epoch <= request_.epochs.high;
  }
  bool takeKey(const KeyRecord& key, EntryKind kind);
  bool takeExtent(const ExtentPiece& piece, uint64_t recordSize);

  ContainerState& container_;
  const Arena& arena_;
  const EnumerateRequest& request_;
  Anchor& anchor_;
  EntrySink& sink_;
  const bool isAll_;
  const View view_;
  Lookup lookup_;
  Named named_;
  VisitBudget visits_{EnumerateRequest::kVisitsMax};
  bool isParentPunched_ = false;  // in the range asked for: everything beneath it may have changed
};

Status Enumeration::run() {
  if (anchor_.isEnd) return {};
  if (request_.level == Level::kObject) return listObjects();
  DAOS_CHECK(request_.oid.validate());
  DAOS_CHECK(findParents());
  if (request_.level == Level::kPunch) return listPunches();
  if (request_.changed) DAOS_CHECK(findPunchedParents());
  anchor_.isEnd = true;  // unless a sink stops it
  switch (request_.level) {
    case Level::kDkey:
      return named_.object
                 ? listKeys(&named_.object->dkeys, request_.oid.dkeyType(), EntryKind::kDkey)
                 : Status{};
    case Level::kAkey: {
      uint64_t* root = named_.dkey ? childOf(arena_, *named_.dkey) : nullptr;
      return root ? listKeys(root, request_.oid.akeyType(), EntryKind::kAkey) : Status{};
    }
    case Level::kExtent:
      if (!named_.akey || named_.akey->kind != RecordKind::kArray) return {};
      return isAll_ ? listAllExtents(*named_.akey) : listVisibleExtents(*named_.akey);
    case Level::kSingle:
      if (!named_.akey || named_.akey->kind != RecordKind::kSingle) return {};
      return listSingle(*named_.akey);
    case Level::kObject:
    case Level::kPunch: break;
  }
  return {};
}

// Finds what is listed, or what it is listed of. Names that the level does not use are ignored.
Status Enumeration::findParents() {
  const bool isPunch = request_.level == Level::kPunch;
  const bool isVersions = request_.level == Level::kExtent || request_.level == Level::kSingle;
  Bytes dkey;
  Bytes akey;
  if (isVersions || request_.level == Level::kAkey || (isPunch && !request_.dkey.empty())) {
    dkey = request_.dkey;
    DAOS_CHECK(validateKey(dkey, request_.oid.dkeyType(), "dkey"));
  }
  if (isVersions || (isPunch && !request_.akey.empty())) {
    akey = request_.akey;
    DAOS_CHECK(validateKey(akey, request_.oid.akeyType(), "akey"));
  }
  return findNamed(container_, request_.oid, dkey, akey, lookup_, &named_);
}

Status Enumeration::findPunchedParents() {
  for (uint64_t* root : {named_.object ? &named_.object->punches : nullptr,
                         named_.dkey ? punchesOf(arena_, *named_.dkey) : nullptr}) {
    VisitBudget unlimited;
    const Outcome outcome = hasVersions(arena_, root, *request_.changed, unlimited);
    if (outcome == Outcome::kFound) isParentPunched_ = true;
    if (outcome == Outcome::kDamaged) return damagedRecord("punch");
  }
  return {};
}

template <typename HasVersions>
Outcome Enumeration::mayHaveChanged(const HasVersions& hasVersions) {
  visits_.take();
  if (!request_.changed || isParentPunched_) return Outcome::kFound;
  VisitBudget own{std::min(visits_.left, EnumerateRequest::kVisitsOfEntryMax)};
  const uint64_t given = own.left;
  const Outcome outcome = hasVersions(*request_.changed, own);
  visits_.left -= given - own.left;
  return outcome;
}

Outcome Enumeration::isListed(ObjectRecord& object) {
  VisitBudget unlimited;
  if (isAll_) return objectHasVersions(arena_, object, request_.epochs, unlimited);
  const Outcome changed = mayHaveChanged([&](const EpochRange& range, VisitBudget& budget) {
    return objectHasVersions(arena_, object, range, budget);
  });
  return changed == Outcome::kFound ? lookup_.objectExists(arena_, object) : changed;
}

Status Enumeration::listObjects() {
  uint64_t* root = &container_.record().objects;
  TreePath path;
  if (anchor_.size == 0) {
    seekFirst(arena_, root, path);
  } else {
    ObjectId last;
    DAOS_CHECK(loadAnchor(anchor_, &last));
    ObjectTree::seek(arena_, root, last, path);
    if (path.isFound) nextItem(arena_, path);
  }
  anchor_.isEnd = true;
  ObjectId passed;
  bool hasPassed = false;
  for (bool more = settle(arena_, path); more; more = nextItem(arena_, path)) {
    ObjectRecord* object = objectRecordAt(arena_, path.item());
    if (!object) return damagedRecord("object");
    if (isVisitedOut()) {
      anchor_.isEnd = false;
      break;
    }
    const Outcome outcome = isListed(*object);
    DAOS_CHECK(asStatus(outcome));
    if (outcome == Outcome::kFound) {
      Entry entry;
      entry.kind = EntryKind::kObject;
      entry.oid = object->oid;
      if (!sink_.take(entry)) {
        anchor_.isEnd = false;
        break;
      }
    }
    passed = object->oid;
    hasPassed = true;
  }
  if (hasPassed) storeAnchor(anchor_, passed);
  return path.isDamaged ? Status(damagedTree()) : Status{};
}

Outcome Enumeration::isListed(KeyRecord& key) {
  VisitBudget unlimited;
  if (isAll_) return keyHasVersions(arena_, key, request_.epochs, unlimited);
  const Outcome changed = mayHaveChanged([&](const EpochRange& range, VisitBudget& budget) {
    return keyHasVersions(arena_, key, range, budget);
  });
  if (changed != Outcome::kFound) return changed;
  return key.kind == RecordKind::kDkey ? lookup_.dkeyExists(arena_, key, named_.hidden)
                                       : lookup_.akeyExists(arena_, key, named_.hidden);
}

bool Enumeration::takeKey(const KeyRecord& key, EntryKind kind) {
  Entry entry;
  entry.kind = kind;
  entry.key = keyOf(key);
  if (key.kind == RecordKind::kArray) {
    entry.valueType = ValueType::kArray;
    entry.recordSize = key.recordSize;
  }
  return sink_.take(entry);
}

Status Enumeration::listKeys(uint64_t* root, KeyType type, EntryKind kind) {
  TreePath path;
  DAOS_CHECK(seekAfter(arena_, root, type, anchor_, path));
  const KeyRecord* passed = nullptr;
  for (bool more = settle(arena_, path); more; more = nextItem(arena_, path)) {
    prefetchKeysAhead(arena_, path);
    KeyRecord* key = keyRecordAt(arena_, path.item());
    if (!key) return damagedRecord("key");
    if (isVisitedOut()) {
      anchor_.isEnd = false;
      break;
    }
    const Outcome outcome = isListed(*key);
    DAOS_CHECK(asStatus(outcome));
    if (outcome == Outcome::kFound && !takeKey(*key, kind)) {
      anchor_.isEnd = false;
      break;
    }
    passed = key;
  }
  if (passed) storeKeyAnchor(anchor_, type, keyOf(*passed));
  return path.isDamaged ? Status(damagedTree()) : Status{};
}

bool Enumeration::takeExtent(const ExtentPiece& piece, uint64_t recordSize) {
  Entry entry;
  entry.kind = EntryKind::kExtent;
  entry.valueType = ValueType::kArray;
  entry.extent = {piece.index, piece.count};
  entry.epoch = piece.record->version.epoch;
  entry.minor = piece.record->version.minor;
  entry.recordSize = recordSize;
  return sink_.take(entry);
}

Status Enumeration::listVisibleExtents(KeyRecord& akey) {
  const ExtentClasses classes = ExtentClasses::of(arena_, akey);
  if (request_.isReverse) return listVisibleExtentsDown(akey, classes);
  uint64_t from = 0;
  if (anchor_.size != 0) DAOS_CHECK(loadAnchor(anchor_, &from));
  if (from >= kExtentEndMax) return {};
  ExtentSweep& sweep = container_.sweep;
  sweep.start(arena_, classes, {from, kExtentEndMax - from}, lookup_, named_.hidden);
  ExtentPiece piece;
  Outcome outcome;
  while ((outcome = sweep.next(&piece)) == Outcome::kFound) {
    if (!piece.isData() || piece.record->version.epoch < request_.epochs.low) continue;
    if (!takeExtent(piece, akey.recordSize)) {
      anchor_.isEnd = false;
      break;
    }
    from = piece.end();
  }
  storeAnchor(anchor_, from);
  return asStatus(outcome);
}

Status Enumeration::listVisibleExtentsDown(KeyRecord& akey, const ExtentClasses& classes) {
  uint64_t end = kExtentEndMax;
  if (anchor_.size != 0) DAOS_CHECK(loadAnchor(anchor_, &end));
  ReversePieces pieces(arena_, classes, end, lookup_, named_.hidden);
  ExtentPiece piece;
  Outcome outcome;
  while ((outcome = pieces.next(&piece)) == Outcome::kFound) {
    if (piece.record->version.epoch < request_.epochs.low) continue;
    if (!takeExtent(piece, akey.recordSize)) {
      anchor_.isEnd = false;
      break;
    }
    end = piece.index;
  }
  storeAnchor(anchor_, end);
  return asStatus(outcome);
}

// The versions of one extent that come after `after`; moves the anchor over those that are taken.
Status Enumeration::listExtentVersions(KeyRecord& akey, uint64_t item, const VersionAnchor& after,
                                       bool* isStopped) {
  const ExtentKey& key = *extentKeyAt(arena_, item);
  uint64_t only;
  uint64_t* versions = extentVersionsAt(arena_, item, &only);
  if (!versions) return damagedRecord("extent");
  TreePath path;
  const bool isSame = after.index == key.index && after.count == key.count;
  const Stamp start = isSame ? Stamp{after.epoch, static_cast<uint16_t>(after.minor)} : Stamp{};
  VersionTree::seek(arena_, versions, start, path);
  if (isSame && path.isFound) nextItem(arena_, path);
  for (bool more = settle(arena_, path); more; more = nextItem(arena_, path)) {
    const VersionRecord* version = versionAt(arena_, path);
    if (!version) return damagedRecord("extent");
    if (!isInRange(*version)) continue;
    Entry entry;
    entry.kind = EntryKind::kExtent;
    entry.valueType = ValueType::kArray;
    entry.extent = {key.index, key.count};
    entry.epoch = version->epoch;
    entry.minor = version->minor;
    entry.isHole = DataWord::kind(version->data) == DataKind::kHole;
    entry.isInDoubt = version->transaction != 0;
    entry.recordSize = akey.recordSize;
    if (!sink_.take(entry)) {
      *isStopped = true;
      break;
    }
    storeAnchor(anchor_, VersionAnchor{key.index, key.count, version->epoch, version->minor});
  }
  return path.isDamaged ? Status(damagedTree()) : Status{};
}

Status Enumeration::listAllExtents(KeyRecord& akey) {
  const ExtentClasses classes = ExtentClasses::of(arena_, akey);
  if (classes.isDamaged) return damagedRecord("akey");
  VersionAnchor after{};
  if (anchor_.size != 0) DAOS_CHECK(loadAnchor(anchor_, &after));
  // By index, then count: of the next extent of each class the first.
  std::vector<TreePath> paths;
  uint64_t* root = classes.roots;
  for (uint64_t mask = classes.mask; mask != 0; mask &= mask - 1, ++root) {
    TreePath& path = paths.emplace_back();
    ExtentTree::seek(arena_, root, {after.index, after.count}, path);
    settle(arena_, path);
  }
  while (true) {
    TreePath* first = nullptr;
    const ExtentKey* firstKey = nullptr;
    for (TreePath& path : paths) {
      if (path.isDamaged) return damagedTree();
      if (!path.slot()) continue;
      const ExtentKey* key = extentKeyAt(arena_, path.item());
      if (!key) return damagedRecord("extent");
      const bool isBefore = !firstKey || key->index < firstKey->index ||
                            (key->index == firstKey->index && key->count < firstKey->count);
      if (!isBefore) continue;
      first = &path;
      firstKey = key;
    }
    if (!first) return {};
    bool isStopped = false;
    DAOS_CHECK(listExtentVersions(akey, first->item(), after, &isStopped));
    if (isStopped) {
      anchor_.isEnd = false;
      return {};
    }
    nextItem(arena_, *first);
  }
}

Status Enumeration::listVersions(uint64_t* root, EntryKind kind) {
  VersionAnchor after{};
  if (anchor_.size != 0) DAOS_CHECK(loadAnchor(anchor_, &after));
  TreePath path;
  VersionTree::seek(arena_, root, {after.epoch, static_cast<uint16_t>(after.minor)}, path);
  if (anchor_.size != 0 && path.isFound) nextItem(arena_, path);
  for (bool more = settle(arena_, path); more; more = nextItem(arena_, path)) {
    const VersionRecord* version = versionAt(arena_, path);
    if (!version) return damagedRecord("version");
    if (!isInRange(*version)) continue;
    Entry entry;
    entry.kind = kind;
    entry.epoch = version->epoch;
    entry.minor = version->minor;
    entry.isInDoubt = version->transaction != 0;
    if (kind == EntryKind::kSingle) {
      StoredData data;
      if (!readSingle(arena_, *version, &data)) return damagedRecord("single value");
      entry.recordSize = data.size;
      entry.isHole = data.kind == DataKind::kHole;
    }
    if (!sink_.take(entry)) {
      anchor_.isEnd = false;
      break;
    }
    storeAnchor(anchor_, VersionAnchor{0, 0, version->epoch, version->minor});
  }
  return path.isDamaged ? Status(damagedTree()) : Status{};
}

Status Enumeration::listSingle(KeyRecord& akey) {
  uint64_t* root = childOf(arena_, akey);
  if (!root) return damagedRecord("akey");
  if (isAll_) return listVersions(root, EntryKind::kSingle);
  if (anchor_.size != 0) return {};  // at most one is visible
  VersionRecord* version = nullptr;
  const Outcome outcome = lookup_.newest(arena_, root, named_.hidden, &version);
  if (outcome != Outcome::kFound) return asStatus(outcome);
  StoredData data;
  if (!readSingle(arena_, *version, &data)) return damagedRecord("single value");
  if (data.kind == DataKind::kHole || version->epoch < request_.epochs.low) return {};
  Entry entry;
  entry.kind = EntryKind::kSingle;
  entry.epoch = version->epoch;
  entry.minor = version->minor;
  entry.recordSize = data.size;
  anchor_.isEnd = sink_.take(entry);
  return {};
}

Status Enumeration::listPunches() {
  anchor_.isEnd = true;
  uint64_t* root = nullptr;
  if (!request_.akey.empty()) {
    root = named_.akey ? punchesOf(arena_, *named_.akey) : nullptr;
  } else if (!request_.dkey.empty()) {
    root = named_.dkey ? punchesOf(arena_, *named_.dkey) : nullptr;
  } else {
    root = named_.object ? &named_.object->punches : nullptr;
  }
  return root ? listVersions(root, EntryKind::kPunch) : Status{};
}

}  // namespace

Status Container::enumerate(const EnumerateRequest& request, Anchor& anchor, EntrySink& sink) {
  if (request.versions == Versions::kVisible && request.level != Level::kPunch) {
    DAOS_CHECK(checkReadEpoch(state_, request.epochs.high));
  }
  if (request.isTracked) trackEnumerate(state_, request);
  return Enumeration(state_, request, anchor, sink).run();
}

}  // namespace daos::vos
