// Arrays for JavaScript: ByteArray of packages/client is the friendly side.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions arrayFunctions();

}  // namespace daos::node
