// Who is at the other end of a unix socket, for JavaScript: packages/agent is the friendly side.
#pragma once

#include "node/addon.h"

namespace daos::node {

Functions credentialFunctions();

}  // namespace daos::node
