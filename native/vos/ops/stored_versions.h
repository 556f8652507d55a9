// Whether anything at all is stored within a range of epochs, seen or not.
#pragma once

#include "vos/lookup.h"

namespace daos::vos {

// kFound, kNone or kDamaged.
Outcome hasVersions(const Arena& arena, uint64_t* versions, const EpochRange& range);
Outcome keyHasVersions(const Arena& arena, KeyRecord& key, const EpochRange& range);
Outcome objectHasVersions(const Arena& arena, ObjectRecord& object, const EpochRange& range);

}  // namespace daos::vos
