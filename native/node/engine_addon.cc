// engine.node: everything client.node holds, and the server's side.
#include "node/addon.h"
#include "node/array_binding.h"
#include "node/client_binding.h"
#include "node/credential_binding.h"
#include "node/device_binding.h"
#include "node/engine_binding.h"
#include "node/media_binding.h"
#include "node/object_binding.h"
#include "node/rpc_binding.h"
#include "node/vos_binding.h"
#include "node/vos_history_binding.h"
#include "node/vos_object_binding.h"

NAPI_MODULE_INIT() {
  using namespace daos::node;
  return initAddon(env, exports,
                   {clientFunctions(), objectFunctions(), arrayFunctions(), rpcFunctions(),
                    engineFunctions(), deviceFunctions(), mediaFunctions(), vosFunctions(),
                    vosHistoryFunctions(), vosObjectFunctions(), credentialFunctions()});
}
