// Operations on the objects of a store for JavaScript: packages/vos is the friendly side.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions vosObjectFunctions();

}  // namespace daos::node
