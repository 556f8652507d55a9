// An engine as a handle of JavaScript's, and calls on it.
#pragma once

#include <memory>
#include <utility>

#include "engine/engine.h"
#include "node/call.h"
#include "node/client_core.h"

namespace daos::node {

struct EngineResource : Resource {
  std::shared_ptr<NetworkResource> network;  // outlives the engine
  std::unique_ptr<engine::Engine> engine;

  void stop() override { engine.reset(); }
};

// A request that an engine's thread finishes. It keeps the engine.
class EngineRequest : public Request {
 public:
  EngineRequest(Call& call, std::shared_ptr<EngineResource> kept)
      : Request(call), resource_(std::move(kept)) {}
  engine::Engine& engine() { return *resource_->engine; }

 private:
  const std::shared_ptr<EngineResource> resource_;
};

// Calls `function(engine, request)`, which ends the request through a callback of the engine.
template <void (*function)(engine::Engine&, Request&)>
void onEngine(Call& call) {
  auto resource = call.resource<EngineResource>(HandleType::kEngine);
  if (!resource) return;
  auto* request = new EngineRequest(call, std::move(resource));
  call.environment.begin(*request);
  if (Status status = request->reader.status(); !status.ok())
    return request->finish(std::move(status));
  function(request->engine(), *request);
}

inline auto finishing(Request& request) {
  return [&request](Status status) { request.finish(std::move(status)); };
}

}  // namespace daos::node
