#include "vos/ops/named.h"

#include "vos/ops/conditions.h"
#include "vos/places.h"

namespace daos::vos {

Status findNamed(ContainerState& container, const ObjectId& oid, Bytes dkey, Bytes akey,
                 Lookup& lookup, Named* named) {
  const Arena& arena = container.arena;
  ObjectPlace object;
  DAOS_CHECK(object.find(container, oid));
  named->object = object.record();
  if (!named->object) return {};
  DAOS_CHECK(asStatus(lookup.applyPunches(arena, &named->object->punches, &named->hidden)));
  if (dkey.empty()) return {};
  KeyPlace place(oid.dkeyType(), dkey);
  DAOS_CHECK(place.findDkey(container, *named->object));
  named->dkey = place.record();
  if (!named->dkey) return {};
  if (named->dkey->kind != RecordKind::kDkey) return damagedRecord("dkey");
  DAOS_CHECK(asStatus(lookup.applyPunches(arena, *named->dkey, &named->hidden)));
  return akey.empty() ? Status{} : findAkey(arena, oid.akeyType(), akey, lookup, named);
}

Status findAkey(const Arena& arena, KeyType type, Bytes name, Lookup& lookup, Named* named) {
  uint64_t* root = childOf(arena, *named->dkey);
  if (!root) return damagedRecord("dkey");
  KeyPlace place(type, name);
  DAOS_CHECK(place.find(arena, root));
  named->akey = place.record();
  if (!named->akey) return {};
  if (!named->akey->isAkey()) return damagedRecord("akey");
  return asStatus(lookup.applyPunches(arena, *named->akey, &named->hidden));
}

}  // namespace daos::vos
