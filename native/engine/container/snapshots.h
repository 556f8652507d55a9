// Snapshots of containers on a target: which epochs are pinned, and the way back to one.
#pragma once

#include <vector>

#include "engine/target.h"

namespace daos::engine {

// Pins `epochs` and no others, for good; writes get later epochs from here on. DER_EP_OLD for a new
// one that old versions have been dropped up to already.
Task<Status> setContainerSnapshots(Target& target, Uuid pool, Uuid container,
                                   std::vector<Epoch> epochs);
// Takes the container back to a snapshot: what was written after it is dropped, prepared
// transactions among it. Handles are evicted from the beginning on, and nobody opens the container
// before the end; after a failure, before another attempt has succeeded. DER_NONEXIST when the
// epoch is not pinned.
Task<Status> rollbackContainer(Target& target, Uuid pool, Uuid container, Epoch epoch);

}  // namespace daos::engine
