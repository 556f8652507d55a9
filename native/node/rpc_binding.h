// RPC endpoints for JavaScript: packages/rpc is the friendly side.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions rpcFunctions();

}  // namespace daos::node
