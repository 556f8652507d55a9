// Engines for JavaScript: packages/server and packages/embedded run them.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions engineFunctions();

}  // namespace daos::node
