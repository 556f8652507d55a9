// engine.node: everything client.node holds, and the server's side.
#include "node/addon.h"
#include "node/media_binding.h"

NAPI_MODULE_INIT() { return daos::node::initAddon(env, exports, {daos::node::mediaFunctions()}); }
