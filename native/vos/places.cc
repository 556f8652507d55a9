#include "vos/places.h"

#include "vos/lookup.h"

namespace daos::vos {

Status ObjectPlace::find(ContainerState& container, const ObjectId& oid) {
  oid_ = oid;
  if (const Offset known = container.objects.find(oid); known != 0) {
    record_ = container.arena.find<ObjectRecord>(known);
    return record_ ? Status{} : damagedRecord("object");
  }
  ObjectTree::seek(container.arena, &container.record().objects, oid, path_);
  if (path_.isDamaged) return damagedTree();
  if (!path_.isFound) return {};
  record_ = objectRecordAt(container.arena, path_.item());
  if (!record_) return damagedRecord("object");
  container.objects.remember(oid, itemOffset(path_.item()));
  return {};
}

Status ObjectPlace::make(WriteScope& scope) {
  const Offset block = scope.allocate(sizeof(ObjectRecord));
  if (block == 0) return scope.noSpace();
  made_ = scope.arena().at<ObjectRecord>(block);
  *made_ = ObjectRecord{0, 0, oid_, RecordKind::kObject, {}};
  return {};
}

Status ObjectPlace::link(WriteScope& scope) {
  const Offset item = scope.arena().offsetOf(made_);
  if (!ObjectTree::insert(scope.arena(), path_, oid_, item, scope.usedBytes()))
    return scope.noSpace();
  scope.addObjects(1);
  return {};
}

Status KeyPlace::find(const Arena& arena, uint64_t* root) {
  KeyTree::seek(type_, arena, root, key_, path_);
  if (path_.isDamaged) return damagedTree();
  if (!path_.isFound) return {};
  record_ = keyRecordAt(arena, path_.item());
  if (!record_ || !childOf(arena, *record_)) return damagedRecord("key");
  return {};
}

Status KeyPlace::findDkey(ContainerState& container, ObjectRecord& object) {
  Arena& arena = container.arena;
  DkeyCache& known = container.pool.dkeys;
  const uint64_t name = dkeyName(arena, object.dkeys, hash());
  if (const uint64_t item = known.find(name); item != 0) {
    prefetchKey(arena, item);
    KeyRecord* record = keyRecordAt(arena, item);
    if (!record || !childOf(arena, *record)) return damagedRecord("key");
    if (compareBytes(keyOf(*record), key_.bytes) == 0) {
      record_ = record;
      return {};
    }
  }
  DAOS_CHECK(find(arena, &object.dkeys));
  if (record_) known.remember(name, path_.item());
  return {};
}

Status KeyPlace::make(WriteScope& scope, RecordKind kind, uint32_t recordSize) {
  const Offset block = scope.allocate(sizeof(KeyRecord) + key_.bytes.size());
  if (block == 0) return scope.noSpace();
  made_ = scope.arena().at<KeyRecord>(block);
  *made_ = KeyRecord{0, recordSize, static_cast<uint16_t>(key_.bytes.size() - 1), kind, 0};
  std::memcpy(made_->key(), key_.bytes.data(), key_.bytes.size());
  return {};
}

Status KeyPlace::link(WriteScope& scope, uint64_t* root, Offset nearby) {
  if (path_.root != root) KeyTree::seek(type_, scope.arena(), root, key_, path_);
  const Offset record = scope.arena().offsetOf(made_);
  item_ = record | NearbyHint::make(record, nearby);
  if (!KeyTree::insert(type_, scope.arena(), path_, key_, item_, scope.usedBytes())) {
    return scope.noSpace();
  }
  return {};
}

Status KeyPlace::linkDkey(WriteScope& scope, ObjectRecord& object, Offset nearby) {
  DAOS_CHECK(link(scope, &object.dkeys, nearby));
  scope.noteNewDkey(dkeyName(scope.arena(), object.dkeys, hash()), item_);
  return {};
}

}  // namespace daos::vos
