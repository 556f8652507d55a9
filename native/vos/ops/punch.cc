// Punch: a stamp at an object, dkey or akey that hides everything beneath it up to that stamp.
#include "vos/ops/check_request.h"
#include "vos/ops/conditions.h"
#include "vos/ops/tracking.h"
#include "vos/places.h"
#include "vos/planted_fault.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {

class PunchOperation {
 public:
  PunchOperation(WriteScope& scope, const PunchRequest& request)
      : scope_(scope), request_(request), 
        version_{{request.write.epoch, request.write.minor}, scope.transaction()} {}

  Status run();

 private:
  Status judgeConditions(ObjectPlace& object, KeyPlace& dkey);
  Status addPunch(uint64_t* root, const void* owner, TouchedKind kind);
  Status punchKey(KeyRecord& key);
  Status punchAkey(KeyRecord& dkey, Bytes akey);

  WriteScope& scope_;
  const PunchRequest& request_;
  const NewVersion version_;
};

Status PunchOperation::judgeConditions(ObjectPlace& object, KeyPlace& dkey) {
  const Conditions conditions = request_.write.conditions;
  const View view{request_.write.epoch, scope_.transaction()};
  Lookup lookup(view);
  const ConditionTarget target{scope_.arena(), object.record(), dkey.record(),
                               request_.oid.akeyType()};
  if ((conditions & kObjectPunch) != 0) DAOS_CHECK(judgeObject(target, lookup, Wanted::kPresent));
  if ((conditions & kDkeyPunch) != 0) DAOS_CHECK(judgeDkey(target, lookup, Wanted::kPresent));
  if ((conditions & kAkeyPunch) == 0) return {};
  for (const Bytes akey : request_.akeys) {
    DAOS_CHECK(judgeAkey(target, lookup, akey, Wanted::kPresent));
  }
  return {};
}

Status PunchOperation::addPunch(uint64_t* root, const void* owner, TouchedKind kind) {
  const Offset punch = makePunch(scope_, version_);
  if (punch == 0) return scope_.noSpace();
  DAOS_CHECK(addVersion(scope_, root, punch, 0));
  return scope_.touch(punch, owner, kind);
}

Status PunchOperation::punchKey(KeyRecord& key) {
  Arena& arena = scope_.arena();
  if ((key.flags & KeyRecord::kPunched) == 0) {
    const Offset block = scope_.allocate(sizeof(PunchedChild));
    if (block == 0) return scope_.noSpace();
    *arena.at<PunchedChild>(block) = {0, key.child};
    arena.modify(key.child) = block;
    arena.modify(key.flags) = static_cast<uint8_t>(key.flags | KeyRecord::kPunched);
  }
  uint64_t* root = punchesOf(arena, key);
  return root ? addPunch(root, &key, TouchedKind::kKeyPunch) : damagedRecord("key");
}

Status PunchOperation::punchAkey(KeyRecord& dkey, Bytes akey) {
  if (!scope_.arena().hasUndoRoom()) {
    return Error(ErrorCode::kOverflow, "the punch is too large for one transaction of this store");
  }
  uint64_t* root = childOf(scope_.arena(), dkey);
  if (!root) return damagedRecord("dkey");
  KeyPlace place(request_.oid.akeyType(), akey);
  DAOS_CHECK(place.find(scope_.arena(), root));
  if (!place.isNew()) return punchKey(*place.record());
  DAOS_CHECK(place.make(scope_, RecordKind::kSingle, 0));
  DAOS_CHECK(punchKey(*place.record()));
  return place.link(scope_, root);
}

Status PunchOperation::run() {
  ObjectPlace object;
  DAOS_CHECK(object.find(scope_.container(), request_.oid));
  KeyPlace dkey(request_.oid.dkeyType(), request_.dkey);
  const bool hasDkey = !request_.dkey.empty();
  if (hasDkey && !object.isNew()) {
    DAOS_CHECK(dkey.findDkey(scope_.container(), *object.record()));
  }
  if (request_.write.conditions != 0) DAOS_CHECK(judgeConditions(object, dkey));
  const bool isObjectNew = object.isNew();
  if (isObjectNew) DAOS_CHECK(object.make(scope_));
  if (!hasDkey) {
    DAOS_CHECK(addPunch(&object.record()->punches, object.record(), TouchedKind::kObjectPunch));
    return isObjectNew ? object.link(scope_) : Status{};
  }
  const bool isDkeyNew = dkey.isNew();
  if (isDkeyNew) DAOS_CHECK(dkey.make(scope_, RecordKind::kDkey, 0));
  if (request_.akeys.empty()) DAOS_CHECK(punchKey(*dkey.record()));
  for (const Bytes& akey : request_.akeys) {
    const bool isLast = &akey != request_.akeys.data() && &akey == &request_.akeys.back();
    if (isLast && isPlanted(PlantedFault::kPunchForgetsAkey)) break;
    DAOS_CHECK(punchAkey(*dkey.record(), akey));
  }
  if (isDkeyNew) DAOS_CHECK(dkey.linkDkey(scope_, *object.record()));
  return isObjectNew ? object.link(scope_) : Status{};
}

}  // namespace

Result<Ticket> Container::punch(const PunchRequest& request) {
  DAOS_CHECK(checkPunch(state_, request));
  DAOS_CHECK(checkReads(state_, request));
  WriteScope scope(state_, request.write.epoch, HeapUse::kReclaim);
  DAOS_CHECK(scope.enter(request.write));
  DAOS_CHECK(PunchOperation(scope, request).run());
  trackConditions(state_, request);
  return scope.commit();
}

}  // namespace daos::vos
