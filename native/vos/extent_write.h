// Adding extents to an array akey.
#pragma once

#include "vos/extent_tree.h"
#include "vos/state.h"

namespace daos::vos {

// Puts the ExtentRecord at `record` under the akey. One of the same extent and stamp is replaced.
// DER_NOSPACE, DER_TX_BUSY, DER_DF_INVAL.
Status addExtent(WriteScope& scope, KeyRecord& akey, Offset record);

}  // namespace daos::vos
