// A core with a thread of its own: a store, media, an RPC endpoint. (A client and an engine bring
// theirs.)
//
// Thread: all but thread() and the constructor's caller belongs to the core's thread.
// Life:   1. open: the thread starts, and opens the noun on itself;  2. requests run on it;
//         3. close, or the end of the environment: requests end first, then the noun is closed,
//            then
//         the thread ends;  4. the last reference joins it, on the JavaScript thread.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "node/call.h"
#include "runtime/reactor.h"

namespace daos::node {

class Core : public Resource {
 public:
  explicit Core(std::unique_ptr<Reactor> reactor) : reactor_(std::move(reactor)) {}
  ~Core() override { stop(); }

  Reactor& reactor() { return *reactor_; }
  // JavaScript thread: whether requests may still be posted.
  bool isOpen() const { return !isEndPosted_; }
  // Once, before anything else.
  void start();
  // JavaScript thread: `ended` runs last on the core's thread, with what close() returned.
  void end(std::function<void(Status)> ended);
  // JavaScript thread: end, and wait for it.
  void stop() override;

 protected:
  // Core's thread: whether work that nobody waits for may go on.
  bool isOpenOnThread() const { return !isEnding_; }
  // Core's thread, when the end begins: ends what would otherwise wait for ever.
  virtual void onEnding() {}
  // Core's thread: releases everything that belongs to it.
  virtual Status close() { return {}; }

 private:
  std::unique_ptr<Reactor> reactor_;
  bool isEnding_ = false;  // core's thread
  bool isEndPosted_ = false;
  std::function<void(Status)> ended_;
  std::thread thread_;
};

// A request to a T: a core, or what is open in one (with its reactor() and isOpen()). It keeps the
// T.
template <typename T>
class CoreRequest : public Request {
 public:
  // Fills in the result; may take its time.
  using Function = Task<Status> (*)(T& core, Request& request);
  // The same for what never waits.
  using SynchronousFunction = Status (*)(T& core, Request& request);

  CoreRequest(Call& call, std::shared_ptr<T> core) : Request(call), core_(std::move(core)) {}

  void begin(Function function) {
    function_ = function;
    run = [](Message* message) {
      auto& self = *static_cast<CoreRequest*>(message);
      self.core_->reactor().spawn(perform(self));
    };
    post();
  }
  void begin(SynchronousFunction function) {
    synchronousFunction_ = function;
    run = [](Message* message) {
      auto& self = *static_cast<CoreRequest*>(message);
      self.finish(self.synchronousFunction_(*self.core_, self));
    };
    post();
  }
  const std::shared_ptr<T>& core() const { return core_; }

 private:
  static Task<void> perform(CoreRequest& self) {
    Status status = co_await self.function_(*self.core_, self);
    self.finish(std::move(status));
  }
  void post() {
    environment.begin(*this);
    core_->reactor().post(this);
  }

  Function function_ = nullptr;
  SynchronousFunction synchronousFunction_ = nullptr;
  std::shared_ptr<T> core_;
};

// Resolves with the handle of the core that it opened.
template <typename T>
class OpenRequest : public CoreRequest<T> {
 public:
  OpenRequest(Call& call, HandleType type, std::shared_ptr<T> core)
      : CoreRequest<T>(call, std::move(core)), type_(type) {}
  napi_value toValue(napi_env) override {
    this->number = this->environment.handles().add(type_, this->core());
    return nullptr;
  }

 private:
  const HandleType type_;
};

// Calls `function` on the core's thread, for the T that the call's handle names.
template <typename T, typename Function>
void runOn(Call& call, HandleType type, Function function) {
  auto core = call.resource<T>(type);
  if (!core) return;
  if (!core->isOpen()) return call.fail(Error(ErrorCode::kNoHdl));
  (new CoreRequest<T>(call, std::move(core)))->begin(function);
}

// Starts a core and `open` on it; resolves with its handle.
template <typename T>
void openCore(Call& call, HandleType type, ReactorOptions options,
              typename CoreRequest<T>::Function open) {
  auto reactor = Reactor::create(call.environment.clock(), options);
  if (!reactor.ok()) return call.fail(std::move(reactor).error());
  auto core = std::make_shared<T>(std::move(*reactor));
  core->start();
  (new OpenRequest<T>(call, type, std::move(core)))->begin(open);
}

// Closes the handle and ends the core.
void closeCore(Call& call, HandleType type);

}  // namespace daos::node
