// Whether a request can be carried out at all, before anything is touched.
#pragma once

#include "vos/state.h"

namespace daos::vos {

// DER_INVAL, DER_KEY2BIG, DER_OVERFLOW …: the message names the field. DER_EP_OLD at or below what
// was aggregated.
Status checkUpdate(const ContainerState& container, const UpdateRequest& request);
Status checkPunch(const ContainerState& container, const PunchRequest& request);
Status checkFetch(const ContainerState& container, const FetchRequest& request);
// Epochs a reader may ask for.
Status checkReadEpoch(const ContainerState& container, Epoch epoch);

}  // namespace daos::vos
