#include "vos/ops/conditions.h"

namespace daos::vos {

Status asStatus(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFound:
    case Outcome::kNone: return {};
    case Outcome::kBlocked: return Error(ErrorCode::kTxBusy);
    case Outcome::kDamaged: break;
  }
  return Error(ErrorCode::kDfInval, "a record of the store is damaged");
}

Status judge(Wanted wanted, Outcome exists, const char* what) {
  DAOS_CHECK(asStatus(exists));
  if (wanted == Wanted::kPresent && exists != Outcome::kFound) {
    return Error(ErrorCode::kNonexist, std::string("the ") + what + " does not exist");
  }
  if (wanted == Wanted::kAbsent && exists == Outcome::kFound) {
    return Error(ErrorCode::kExist, std::string("the ") + what + " exists already");
  }
  return {};
}

Outcome hiddenFrom(const ConditionTarget& target, Lookup& lookup, Stamp* hidden) {
  *hidden = kNothingHidden;
  const Outcome above = lookup.applyPunches(target.arena, &target.object->punches, hidden);
  if (isFailure(above)) return above;
  return lookup.applyPunches(target.arena, *target.dkey, hidden);
}

Status judgeObject(const ConditionTarget& target, Lookup& lookup, Wanted wanted) {
  const Outcome exists =
      target.object ? lookup.objectExists(target.arena, *target.object) : Outcome::kNone;
  return judge(wanted, exists, "object");
}

Status judgeDkey(const ConditionTarget& target, Lookup& lookup, Wanted wanted) {
  if (!target.object || !target.dkey) return judge(wanted, Outcome::kNone, "dkey");
  Stamp hidden = kNothingHidden;
  const Outcome above = lookup.applyPunches(target.arena, &target.object->punches, &hidden);
  if (isFailure(above)) return asStatus(above);
  return judge(wanted, lookup.dkeyExists(target.arena, *target.dkey, hidden), "dkey");
}

Status judgeAkey(const ConditionTarget& target, Lookup& lookup, Bytes akey, Wanted wanted) {
  if (!target.object || !target.dkey) return judge(wanted, Outcome::kNone, "akey");
  Stamp hidden;
  if (const Outcome above = hiddenFrom(target, lookup, &hidden); isFailure(above)) {
    return asStatus(above);
  }
  uint64_t* root = childOf(target.arena, *target.dkey);
  if (!root) return damagedRecord("dkey");
  TreePath path;
  KeyTree::seek(target.akeyType, target.arena, root, {target.akeyType, akey}, path);
  if (path.isDamaged) return damagedTree();
  if (!path.isFound) return judge(wanted, Outcome::kNone, "akey");
  KeyRecord* record = keyRecordAt(target.arena, path.item());
  if (!record) return damagedRecord("akey");
  return judge(wanted, lookup.akeyExists(target.arena, *record, hidden), "akey");
}

Wanted dkeyWanted(Conditions call) {
  if ((call & kDkeyInsert) != 0) return Wanted::kAbsent;
  return (call & (kDkeyUpdate | kDkeyFetch | kDkeyPunch)) != 0 ? Wanted::kPresent : Wanted::kAny;
}

Wanted akeyWanted(Conditions call, const IoDescriptor& descriptor) {
  const Conditions own = (call & kPerAkey) != 0 ? descriptor.conditions : call;
  if ((own & kAkeyInsert) != 0) return Wanted::kAbsent;
  return (own & (kAkeyUpdate | kAkeyFetch | kAkeyPunch)) != 0 ? Wanted::kPresent : Wanted::kAny;
}

Status judgeAll(const ConditionTarget& target, Lookup& lookup, Conditions conditions,
                std::span<const IoDescriptor> descriptors) {
  if (const Wanted wanted = dkeyWanted(conditions); wanted != Wanted::kAny) {
    DAOS_CHECK(judgeDkey(target, lookup, wanted));
  }
  for (const IoDescriptor& descriptor : descriptors) {
    const Wanted wanted = akeyWanted(conditions, descriptor);
    if (wanted != Wanted::kAny) DAOS_CHECK(judgeAkey(target, lookup, descriptor.akey, wanted));
  }
  return {};
}

}  // namespace daos::vos
