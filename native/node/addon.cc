#include "node/addon.h"

#include "base/assert.h"

namespace daos::node {

namespace {

template <size_t count>
Environment& argumentsOf(napi_env env, napi_callback_info info, napi_value (&arguments)[count]) {
  void* environment = nullptr;
  size_t given = count;
  DAOS_ASSERT(napi_get_cb_info(env, info, &given, arguments, nullptr, &environment) == napi_ok);
  return *static_cast<Environment*>(environment);
}

napi_value attach(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  argumentsOf(env, info, arguments).attach(arguments[0], arguments[1], arguments[2]);
  return nullptr;
}

napi_value drain(napi_env env, napi_callback_info info) {
  napi_value arguments[1], count;
  bool isPolling = false;
  Environment& environment = argumentsOf(env, info, arguments);
  DAOS_ASSERT(napi_get_value_bool(env, arguments[0], &isPolling) == napi_ok);
  const size_t settled = environment.drain(isPolling);
  DAOS_ASSERT(napi_create_uint32(env, static_cast<uint32_t>(settled), &count) == napi_ok);
  return count;
}

napi_value cancel(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  uint32_t slot = 0;
  Environment& environment = argumentsOf(env, info, arguments);
  DAOS_ASSERT(napi_get_value_uint32(env, arguments[0], &slot) == napi_ok);
  environment.cancel(slot);
  return nullptr;
}

napi_value flush(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  bool isPolling = false;
  Environment& environment = argumentsOf(env, info, arguments);
  DAOS_ASSERT(napi_get_value_bool(env, arguments[0], &isPolling) == napi_ok);
  environment.flush(isPolling);
  return nullptr;
}

constexpr Function kBatchFunctions[] = {
    {"attach", attach}, {"drain", drain}, {"cancel", cancel}, {"flush", flush}};

}  // namespace

napi_value initAddon(napi_env env, napi_value exports, std::initializer_list<Functions> nouns) {
  Environment* environment = Environment::create(env);
  auto add = [&](const Function& function) {
    napi_value value;
    DAOS_ASSERT(napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.callback,
                                     environment, &value) == napi_ok);
    DAOS_ASSERT(napi_set_named_property(env, exports, function.name, value) == napi_ok);
  };
  for (const Function& function : kBatchFunctions) add(function);
  for (const Functions& functions : nouns) {
    for (const Function& function : functions) add(function);
  }
  return exports;
}

}  // namespace daos::node
