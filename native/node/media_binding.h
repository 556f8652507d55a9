// Media for JavaScript: packages/bio is the friendly side.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions mediaFunctions();

}  // namespace daos::node
