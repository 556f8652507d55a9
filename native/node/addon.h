// What an addon's init does: makes the environment, and exports the batch functions and the
// bindings' functions.
#pragma once

#include <node_api.h>

#include <initializer_list>
#include <span>

#include "node/call.h"

namespace daos::node {

using Functions = std::span<const Function>;

// Returns `exports` with the functions of all `nouns`, and:
//   attach(command: Uint8Array, completions: Uint32Array, settle: (count, values?) => void): void
//   drain(isPolling: boolean): number
//   cancel(slot: number): void
napi_value initAddon(napi_env env, napi_value exports, std::initializer_list<Functions> nouns);

}  // namespace daos::node
