// The versioned object store for JavaScript: packages/vos is the friendly side.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions vosFunctions();

}  // namespace daos::node
