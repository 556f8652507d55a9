// A pool's map, as JavaScript hands it over.
#pragma once

#include "node/command.h"
#include "placement/layout.h"

namespace daos::node {

// u32 version, u32 count, targets…: u32 rank, u32 index, boolean isUp, u32 count, addresses…: text
// transport, text address. What is missing shows in reader.status().
placement::PoolMap readPoolMap(CommandReader& reader);

}  // namespace daos::node
