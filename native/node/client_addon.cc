// client.node: what a client program needs.
#include "node/addon.h"
#include "node/array_binding.h"
#include "node/client_binding.h"
#include "node/credential_binding.h"
#include "node/object_binding.h"
#include "node/rpc_binding.h"

NAPI_MODULE_INIT() {
  using namespace daos::node;
  return initAddon(
      env, exports,
      {clientFunctions(), objectFunctions(), arrayFunctions(), rpcFunctions(),
       credentialFunctions()});
}
