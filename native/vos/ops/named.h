// Going down by names: the records of an object, dkey and akey, and what hides what is beneath
// them.
#pragma once

#include "vos/lookup.h"
#include "vos/state.h"

namespace daos::vos {

struct Named {
  ObjectRecord* object = nullptr;  // null where there is none, and so on
  KeyRecord* dkey = nullptr;
  KeyRecord* akey = nullptr;
  Stamp hidden = kNothingHidden;   // by punches of what was found
};

// Levels whose name is empty are not looked for. DER_TX_BUSY, DER_DF_INVAL.
Status findNamed(ContainerState& container, const ObjectId& oid, Bytes dkey, Bytes akey,
                 Lookup& lookup, Named* named);
// The akey `name` beneath named->dkey, which is there.
Status findAkey(const Arena& arena, KeyType type, Bytes name, Lookup& lookup, Named* named);

}  // namespace daos::vos
