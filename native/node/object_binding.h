// Operations on objects for JavaScript: packages/client is the friendly side.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions objectFunctions();

}  // namespace daos::node
