// Remembering reads, and refusing writes that come after them: read_times.h at work in the
// operations.
#pragma once

#include "vos/state.h"

namespace daos::vos {

// DER_TX_RESTART when something the write changes was read at a later epoch.
Status checkReads(const ContainerState& container, const UpdateRequest& request);
Status checkReads(const ContainerState& container, const PunchRequest& request);

void trackFetch(ContainerState& container, const FetchRequest& request);
void trackEnumerate(ContainerState& container, const EnumerateRequest& request);
void trackQuery(ContainerState& container, const QueryRequest& request);
// Conditions of a transaction's write are reads at its epoch.
void trackConditions(ContainerState& container, const UpdateRequest& request);
void trackConditions(ContainerState& container, const PunchRequest& request);

}  // namespace daos::vos
