// The client core and what is open through it.
//
// Thread: a ClientCore belongs to the JavaScript thread; pools, containers and objects to the
//         core's.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>

#include "client/client_thread.h"
#include "client/object.h"
#include "node/blocking.h"
#include "node/call.h"
#include "node/transports.h"

namespace daos::node {

// Tells JavaScript of what a turn of the client's loop has completed, at the end of that turn.
class CompletionBatch : public Poller {
 public:
  explicit CompletionBatch(Environment& environment) : environment_(environment) {}
  void add(Operation& operation) {
    isDue_ = true;
    environment_.completeAsleep(operation);
  }
  size_t poll() override { return 0; }
  size_t flush() override {
    if (std::exchange(isDue_, false)) environment_.wake();
    return 0;
  }

 private:
  Environment& environment_;
  bool isDue_ = false;
};

struct ClientCore : Resource {
  explicit ClientCore(Environment& environment) : completions(environment) {}
  CompletionBatch completions;               // of the client's loop
  std::shared_ptr<NetworkResource> network;  // outlives the thread
  std::unique_ptr<client::ClientThread> thread;
  bool isClosed = false;  // nothing may be submitted any more
  bool isAsleep = false;  // something was submitted since wake()

  void wake() override {
    isAsleep = false;
    if (isClosed) return;  // its end wakes it, too
    thread->giveBack();
    thread->wake();
  }
  bool turn() override {
    isAsleep = false;
    return !isClosed && thread->turn();
  }
  void giveBack() override {
    if (!isClosed) thread->giveBack();
  }

  void stop() override {
    isClosed = true;
    thread.reset();
  }
};

struct PoolResource : Resource {
  std::shared_ptr<ClientCore> core;
  std::shared_ptr<client::Pool> pool;
};

// Objects are opened by their first operation and stay open: opening is local and cheap, so
// JavaScript needs no handle for them.
struct ContainerResource : Resource {
  static constexpr size_t kObjectCountMax = 4096;
  std::shared_ptr<ClientCore> core;
  std::shared_ptr<client::Container> container;
  std::unordered_map<ObjectId, std::shared_ptr<client::Object>> objects;

  Result<std::shared_ptr<client::Object>> objectOf(ObjectId oid) {
    if (const auto found = objects.find(oid); found != objects.end()) return found->second;
    DAOS_TRY(auto object, client::Object::open(container, oid));
    // Operations under way keep theirs.
    if (objects.size() >= kObjectCountMax) objects.clear();
    objects.emplace(oid, object);
    return object;
  }
};

// A request that runs on the client's thread, for a resource of type T. With `opens`, it resolves
// with the handle of `opened`.
template <typename T>
class ClientRequest : public Request, public client::Operation {
 public:
  using Function = Task<Status> (*)(T& resource, client::Context& context, ClientRequest& request);

  ClientRequest(Call& call, std::shared_ptr<T> kept, Function function)
      : Request(call), resource_(std::move(kept)), function_(function) {}

  // What the function opened, if it did.
  std::shared_ptr<Resource> opened;
  HandleType openedType = HandleType::kNone;

  T& resource() { return *resource_; }
  using client::Operation::cancellation;
  // Its client; set before it is submitted.
  ClientCore* client = nullptr;
  void cancel() override {
    if (!client->isClosed) client->thread->cancel(*this);
  }
  const std::shared_ptr<T>& shared() const { return resource_; }

  napi_value toValue(napi_env env) override {
    if (opened) number = environment.handles().add(openedType, std::move(opened));
    return Request::toValue(env);
  }

 protected:
  Task<Status> execute(client::Context& context) override {
    return function_(*resource_, context, *this);
  }
  void onCompleted(Status outcome) override {
    status = std::move(outcome);
    client->completions.add(*this);
  }

 private:
  const std::shared_ptr<T> resource_;
  const Function function_;
};

// Submits `function` for the resource that the call's handle names; `coreOf(resource)` is its
// client.
template <typename T, typename CoreOf>
void submitTo(Call& call, HandleType type, typename ClientRequest<T>::Function function,
              CoreOf coreOf) {
  auto resource = call.resource<T>(type);
  if (!resource) return;
  ClientCore& core = *coreOf(resource);
  if (core.isClosed) return call.fail(Error(ErrorCode::kNoHdl, "the client is closed"));
  auto* request = new ClientRequest<T>(call, std::move(resource), function);
  request->client = &core;
  call.environment.begin(*request);
  core.thread->submitAsleep(*request);
  if (!std::exchange(core.isAsleep, true)) call.environment.wakeLater(coreOf(request->shared()));
}

}  // namespace daos::node
