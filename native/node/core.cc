#include "node/core.h"

namespace daos::node {

void Core::start() {
  thread_ = std::thread([this] {
    reactor_->runUntil([this] { return isEnding_ && reactor_->spawnedCount() == 0; });
    Status status = close();
    if (ended_) ended_(std::move(status));
  });
}

void Core::end(std::function<void(Status)> ended) {
  DAOS_ASSERT(!isEndPosted_);
  isEndPosted_ = true;
  reactor_->post([this, ended = std::move(ended)]() mutable {
    ended_ = std::move(ended);
    isEnding_ = true;
    onEnding();
  });
}

void Core::stop() {
  if (!thread_.joinable()) return;
  if (!isEndPosted_) end({});
  thread_.join();
}

namespace {
// Keeps the core until its thread has ended; the core's destructor then joins it.
struct CloseOperation : Operation {
  CloseOperation(Call& call, std::shared_ptr<Core> closed)
      : Operation(call.environment, call.slot), core(std::move(closed)) {}
  std::shared_ptr<Core> core;
};
}  // namespace

void closeCore(Call& call, HandleType type) {
  auto core = call.resource<Core>(type);
  if (!core) return;
  call.environment.handles().remove(type, call.handle);
  auto* operation = new CloseOperation(call, core);
  call.environment.begin(*operation);
  core->end([operation](Status status) { operation->finish(std::move(status)); });
}

}  // namespace daos::node
