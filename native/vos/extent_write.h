// Adding extents to an array akey.
#pragma once

#include "vos/extent_tree.h"
#include "vos/state.h"

namespace daos::vos {

// Puts the ExtentRecord at `record` under the akey. One of the same extent and stamp is replaced.
// DER_NOSPACE, DER_TX_BUSY, DER_TX_RESTART, DER_DF_INVAL.
Status addExtent(WriteScope& scope, KeyRecord& akey, Offset record);
// Takes an extent's version out and frees it with its data. DER_DF_INVAL when it is not there.
Status removeExtent(WriteScope& scope, KeyRecord& akey, ExtentRecord& extent);
// Frees what an array without extents still holds.
void tidyClasses(WriteScope& scope, KeyRecord& akey);

}  // namespace daos::vos
