// Runs what blocks (starting and stopping of cores that bring their own threads) aside of
// JavaScript.
#pragma once

#include <memory>
#include <thread>
#include <utility>

#include "node/call.h"

namespace daos::node {

// Calls `function()`, which returns a Status, on a thread of its own, and finishes `operation` with
// it. The environment waits for the operation before it goes, and so for all that the thread uses.
template <typename Function>
void runBlocking(Operation* operation, Function function) {
  operation->environment.begin(*operation);
  std::thread([operation, function = std::move(function)]() mutable {
    Status status = function();
    operation->finish(std::move(status));
  }).detach();
}

// Resolves with the handle of `resource`, which is set by whoever makes it.
class ResourceRequest : public Request {
 public:
  ResourceRequest(Call& call, HandleType type) : Request(call), type_(type) {}
  std::shared_ptr<Resource> resource;

  napi_value toValue(napi_env) override {
    number = environment.handles().add(type_, std::move(resource));
    return nullptr;
  }

 private:
  const HandleType type_;
};

// Keeps `resource` until the operation has ended.
class KeepingOperation : public Operation {
 public:
  KeepingOperation(Call& call, std::shared_ptr<Resource> kept)
      : Operation(call.environment, call.slot), resource_(std::move(kept)) {}

 private:
  std::shared_ptr<Resource> resource_;
};

}  // namespace daos::node
