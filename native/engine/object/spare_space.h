// The space that a pool's updates leave free (PoolProperties::spareSpacePercent).
#pragma once

#include "engine/container/open_container.h"
#include "vos/requests.h"

namespace daos::engine {

// DER_NOSPACE when an update of `sizeBytes` would take of what is kept back. Punches and background
// work are not asked.
Status checkSpareSpace(OpenContainer& container, const vos::UpdateRequest& update,
                       uint64_t sizeBytes);

}  // namespace daos::engine
