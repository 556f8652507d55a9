// Clients, pools and containers for JavaScript: packages/client is the friendly side.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions clientFunctions();

}  // namespace daos::node
