#include "node/call.h"

#include "base/assert.h"

namespace daos::node {

namespace {

constexpr size_t kArgumentCountMax = 4;

MutableBytes memoryOf(napi_env env, napi_value array) {
  void* memory = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(env, array, nullptr, &length, &memory, nullptr, nullptr) != napi_ok)
    return {};
  return bytesOf(memory, length);
}

}  // namespace

Call::Call(Environment& owner, napi_callback_info info) : environment(owner) {
  napi_env env = environment.env();
  napi_value arguments[kArgumentCountMax];
  size_t count = kArgumentCountMax;
  DAOS_ASSERT(napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) == napi_ok);
  double handleNumber = 0;
  uint32_t commandSize = 0;
  // Calls come from our own typed layer alone; a wrong type there is a bug.
  DAOS_ASSERT(napi_get_value_uint32(env, arguments[0], &slot) == napi_ok);
  DAOS_ASSERT(napi_get_value_double(env, arguments[1], &handleNumber) == napi_ok);
  DAOS_ASSERT(napi_get_value_uint32(env, arguments[2], &commandSize) == napi_ok);
  handle = static_cast<HandleTable::Handle>(handleNumber);
  command = environment.command(commandSize);
  if (count == kArgumentCountMax) data_ = arguments[kArgumentCountMax - 1];
}

std::vector<MutableBytes> Call::data() const {
  if (!data_) return {};
  napi_env env = environment.env();
  void* memory = nullptr;
  size_t size = 0;
  if (napi_get_typedarray_info(env, data_, nullptr, &size, &memory, nullptr, nullptr) == napi_ok)
    return {bytesOf(memory, size)};
  napi_valuetype type;
  DAOS_ASSERT(napi_typeof(env, data_, &type) == napi_ok);
  if (type == napi_undefined) return {};
  uint32_t length = 0;
  DAOS_ASSERT(napi_get_array_length(env, data_, &length) == napi_ok);
  std::vector<MutableBytes> pieces;
  pieces.reserve(length);
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    DAOS_ASSERT(napi_get_element(env, data_, i, &element) == napi_ok);
    pieces.push_back(memoryOf(env, element));
  }
  return pieces;
}

void Call::fail(Error error) {
  auto* operation = new Operation(environment, slot);
  environment.begin(*operation);
  operation->finish(Status(std::move(error)));
}

void Call::succeed(uint64_t number) {
  auto* operation = new Operation(environment, slot);
  environment.begin(*operation);
  operation->finish(Result<uint64_t>(number));
}

napi_value Request::toValue(napi_env env) {
  if (!answer) return nullptr;
  napi_value buffer;
  const std::string& bytes = answer->data();
  DAOS_ASSERT(napi_create_buffer_copy(env, bytes.size(), bytes.data(), nullptr, &buffer) ==
              napi_ok);
  return buffer;
}

}  // namespace daos::node
