// Open shares: an arena with what it stands on.
//
// Thread: the target's.
#pragma once

#include <memory>
#include <vector>

#include "bio/store_devices.h"
#include "engine/pool_store.h"
#include "vos/log/log_store.h"

namespace daos::engine {

// The arena in a libpmemobj file, bulk data on a device. `devices`: null: all is in the arena.
std::unique_ptr<StoredPool> storedInPmem(std::unique_ptr<bio::StoreDevices> devices,
                                         std::unique_ptr<vos::Pool> pool);
std::unique_ptr<StoredPool> storedInLog(std::unique_ptr<vos::LogStore> store);

}  // namespace daos::engine
