// A call out of JavaScript. All functions of the addons have one shape:
//
//   name(slot: number, handle: number, commandSize: number, data?: Uint8Array | Uint8Array[]): void
//
// slot: where the promise waits; handle: what it is about (0: nothing yet); commandSize: how much
// of the command buffer holds its parameters; data: memory to read from or write into, borrowed
// until it settles. A call never throws: what goes wrong comes out of the promise.
#pragma once

#include <node_api.h>

#include <memory>
#include <vector>

#include "node/command.h"
#include "node/environment.h"

namespace daos::node {

class Call {
 public:
  Call(Environment& owner, napi_callback_info info);

  Environment& environment;
  uint32_t slot = 0;
  HandleTable::Handle handle = 0;
  Bytes command;

  // What `handle` names; nullptr (and the promise is rejected with DER_NO_HDL) when it is closed.
  template <typename T>
  std::shared_ptr<T> resource(HandleType type) {
    auto found = environment.handles().find<T>(type, handle);
    if (!found) fail(Error(ErrorCode::kNoHdl));
    return found;
  }
  // The memory of `data`, in order.
  std::vector<MutableBytes> data() const;
  // Rejects the promise.
  void fail(Error error);
  // Resolves it with a number.
  void succeed(uint64_t number = 0);

 private:
  napi_value data_ = nullptr;
};

// An operation that keeps the parameters of its call: views into `command` and `data` stay valid as
// long as it lives.
class Request : public Operation {
 public:
  explicit Request(Call& call)
      : Operation(call.environment, call.slot),
        command(call.command.begin(), call.command.end()),
        data(call.data()),
        reader(command) {}

  const std::vector<std::byte> command;
  const std::vector<MutableBytes> data;
  CommandReader reader;
  // Resolves with these bytes (as a Uint8Array) where it is set.
  std::unique_ptr<AnswerWriter> answer;

  napi_value toValue(napi_env env) override;
};

// The functions of one noun, and the napi_callback around each.
struct Function {
  const char* name;
  napi_callback callback;
};

template <void (*function)(Call&)>
napi_value entry(napi_env env, napi_callback_info info) {
  void* environment = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &environment);
  Call call(*static_cast<Environment*>(environment), info);
  function(call);
  return nullptr;
}

}  // namespace daos::node
