#include "engine/target_thread.h"

#include <pthread.h>
#include <sched.h>

#include <future>

#include "engine/folder_pool_store.h"
#include "rpc/fabric_transport.h"

namespace daos::engine {

TargetThread::TargetThread(const EngineOptions& options, uint32_t index, DataDirectory& directory,
                           EngineDevices* devices, QuotaRequests& quotaRequests,
                           RequestSpans& requestSpans)
    : options_(options),
      index_(index),
      directory_(directory),
      devices_(devices),
      quotaRequests_(quotaRequests),
      requestSpans_(requestSpans) {}

TargetThread::~TargetThread() { (void)stop(); }

void TargetThread::pin() {
  if (index_ >= options_.cores.size()) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(options_.cores[index_], &cores);
  pthread_setaffinity_np(pthread_self(), sizeof(cores), &cores);
}

Result<std::unique_ptr<rpc::Transport>> TargetThread::makeTransport(const std::string& kind) {
  if (kind == "local") {
    if (!options_.localNetwork) return invalid("the local transport needs a network to be on");
    return options_.localNetwork->createTransport();
  }
  rpc::FabricOptions fabric{.provider = kind, .address = options_.tcpAddress, .log = options_.log};
  if (kind != "shm" && options_.tcpPort != 0) {
    fabric.address += ":" + std::to_string(options_.tcpPort + index_);
  }
  auto again = makeTransportAgain(kind, fabric);
  if (again.ok()) return again;
  return rpc::createFabricTransport(clock_, random_, fabric);
}

Result<std::unique_ptr<rpc::Transport>> TargetThread::makeTransportAgain(
    const std::string& kind, rpc::FabricOptions fabric) {
  for (const auto& [transport, address] : directory_.addressesOf(index_)) {
    if (transport != kind) continue;
    if (kind == "shm") {
      fabric.shmAddress = address;
      return rpc::createFabricTransport(clock_, random_, fabric);
    }
    if (options_.tcpPort != 0) break;
    fabric.address += address.substr(address.rfind(':'));
    return rpc::createFabricTransport(clock_, random_, fabric);
  }
  return Error(ErrorCode::kNonexist, "no earlier address");
}

Status TargetThread::listen() {
  endpoint_ = rpc::Endpoint::create(*reactor_, random_, {.log = options_.log});
  for (const std::string& kind : options_.transports) {
    auto transport = makeTransport(kind);
    if (!transport.ok()) return std::move(transport).error().within("transport " + kind);
    addresses_.push_back({kind, (*transport)->address()});
    endpoint_->addTransport(std::move(*transport));
  }
  if (addresses_.empty()) return invalid("the engine has no transport");
  if (addresses_ != directory_.addressesOf(index_)) directory_.keepAddresses(index_, addresses_);
  DAOS_TRY(store_, FolderPoolStore::create(*reactor_, random_, directory_, options_, index_,
                                           devices_));
  target_ = std::make_unique<Target>(
      *reactor_, random_, *endpoint_, *store_,
      TargetOptions{.rank = options_.rank,
                    .index = index_,
                    .aggregation = {.historyNs = options_.historyNs},
                    .prewrite = options_.prewrite.sharedBy(options_.targetCount),
                    .quotaRequests = &quotaRequests_,
                    .requestSpans = &requestSpans_,
                    .log = options_.log});
  store_->onFailed([target = target_.get()](const Error& error) { target->fail(error); });
  if (const auto error = store_->failure()) target_->fail(*error);
  return {};
}

void TargetThread::runThread(std::function<void(Status)> started) {
  pthread_setname_np(pthread_self(), ("daos-target-" + std::to_string(index_)).c_str());
  pin();
  Status status = listen();
  const bool isUp = status.ok();
  started(std::move(status));
  if (isUp) reactor_->run();
  if (store_) store_->stopDiscarding();
  if (endpoint_) endpoint_->shutdown();
  while (endpoint_ && (!endpoint_->isQuiet() || reactor_->spawnedCount() > 0)) reactor_->runOnce();
  if (target_) {
    reactor_->spawn([](TargetThread& self) -> Task<void> {
      self.closed_ = co_await self.target_->close();
    }(*this));
    while (reactor_->spawnedCount() > 0) reactor_->runOnce();
  }
  endpoint_.reset();
  target_.reset();
  store_.reset();
}

Status TargetThread::start() {
  DAOS_TRY(reactor_, Reactor::create(clock_, {.spinNs = options_.spinNs}));
  std::promise<Status> started;
  thread_ = std::thread([this, &started] {
    runThread([&started](Status status) { started.set_value(std::move(status)); });
  });
  Status status = started.get_future().get();
  if (!status.ok()) thread_.join();
  return status;
}

// Owns `work`, and with it what the coroutine that it makes refers to, until that has ended.
static Task<void> runWork(std::function<Task<void>(Target&)> work, Target& target) {
  co_await work(target);
}

void TargetThread::post(std::function<Task<void>(Target&)> work) {
  reactor_->post([this, work = std::move(work)]() mutable {
    reactor_->spawn(runWork(std::move(work), *target_));
  });
}

Status TargetThread::stop() {
  if (!thread_.joinable()) return {};
  reactor_->post([reactor = reactor_.get()] { reactor->stop(); });
  thread_.join();
  return std::move(closed_);
}

}  // namespace daos::engine
