// The devices of engines for JavaScript.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions deviceFunctions();

}  // namespace daos::node
