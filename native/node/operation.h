// One request of JavaScript on its way through a core.
//
// 1. A binding function makes it from a call: slot, a copy of the command, borrowed data.
// 2. The core has it: only the core's thread touches it.
// 3. Environment::complete gives it back with its outcome: status, and number or value.
// 4. The JavaScript thread settles the promise in `slot` and deletes it.
//
// The data it borrows is memory of Uint8Arrays, which JavaScript keeps alive and does not detach
// until the promise is settled.
#pragma once

#include <node_api.h>

#include <cstdint>

#include "base/result.h"
#include "runtime/mailbox.h"

namespace daos::node {

class Environment;

class Operation : public Message {
 public:
  Operation(Environment& owner, uint32_t place) : environment(owner), slot(place) {}
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // On the JavaScript thread, when `status` is ok: what to resolve with; nullptr means `number`.
  virtual napi_value toValue(napi_env) { return nullptr; }

  // On the JavaScript thread, while the operation is in flight: end soon, with DER_CANCELED or the
  // result.
  virtual void cancel() {}

  // Any thread: ends the operation.
  void finish(Status outcome);
  void finish(Result<uint64_t> outcome);

  Environment& environment;
  const uint32_t slot;
  Status status;
  uint64_t number = 0;
};

}  // namespace daos::node
