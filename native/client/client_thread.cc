#include "client/client_thread.h"

#include <pthread.h>
#include <sched.h>

#include <future>

namespace daos::client {

Task<void> Operation::runTask() {
  ClientThread* thread = thread_;
  thread->running_.pushBack(*this);
  Status status = co_await execute(*thread->context_);
  IntrusiveLink<RunningTag>::unlink();
  onCompleted(std::move(status));
}

void Operation::runMessage(Message* message) {
  auto* operation = static_cast<Operation*>(message);
  operation->thread_->reactor_->spawn(operation->runTask());
}

void ClientThread::submit(Operation& operation) {
  submitAsleep(operation);
  wake();
}

void ClientThread::submitAsleep(Operation& operation) {
  operation.thread_ = this;
  operation.run = &Operation::runMessage;
  reactor_->postAsleep(&operation);
}

void ClientThread::cancel(Operation& operation) {
  // By address: it is looked for among those that run, and may not be touched unless found.
  reactor_->post([this, wanted = &operation] {
    for (Operation* running = running_.front(); running; running = running_.after(running)) {
      if (running != wanted) continue;
      running->cancellation_.request();
      return;
    }
  });
}

static void pinTo(int core) {
  if (core < 0) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  pthread_setaffinity_np(pthread_self(), sizeof(cores), &cores);
}

Status ClientThread::start(TransportFactory& factory, const ClientOptions& options) {
  rpc::EndpointOptions endpointOptions;
  endpointOptions.timeoutNs = options.context.timeoutNs;
  endpointOptions.log = options.context.log;
  DAOS_TRY(auto transports, factory(*reactor_, random_));
  endpoint_ = rpc::Endpoint::create(*reactor_, random_, endpointOptions);
  for (auto& transport : transports) endpoint_->addTransport(std::move(transport));
  context_ = std::make_unique<Context>(*reactor_, random_, *endpoint_, options.context);
  return {};
}

Result<std::unique_ptr<ClientThread>> ClientThread::create(TransportFactory factory,
                                                           ClientOptions options) {
  std::unique_ptr<ClientThread> client(new ClientThread());
  DAOS_TRY(client->reactor_, Reactor::create(client->clock_, {.spinNs = options.spinNs}));
  client->loop_ = std::make_unique<LoopLending>(*client->reactor_);
  std::promise<Status> started;
  client->thread_ = std::thread([&client = *client, &factory, options, &started] {
    pthread_setname_np(pthread_self(), "daos-client");
    pinTo(options.core);
    Status status = client.start(factory, options);
    const bool isUp = status.ok();
    started.set_value(std::move(status));
    if (isUp) client.loop_->run();
    client.drain();
  });
  Status status = started.get_future().get();
  if (!status.ok()) {
    client->thread_.join();
    return std::move(status).error();
  }
  return client;
}

// Each goes to the end of the list, before it may end on the spot.
void ClientThread::cancelAll() {
  for (Operation* next = running_.front(); next && !next->cancellation_.isRequested();
       next = running_.front()) {
    running_.popFront();
    running_.pushBack(*next);
    next->cancellation_.request();
  }
}

// Ends what is under way. Cancelled first: a call that ends with DER_SHUTDOWN would be repeated
// until its deadline, as one that an engine refused when it stopped.
void ClientThread::drain() {
  if (!endpoint_) return;
  cancelAll();
  endpoint_->shutdown();
  while (!running_.empty() || reactor_->spawnedCount() > 0 || !endpoint_->isQuiet())
    reactor_->runOnce();
  context_.reset();
  endpoint_.reset();
}

ClientThread::~ClientThread() {
  if (!thread_.joinable()) return;
  // Behind all that was submitted, which ends in order.
  reactor_->post([loop = loop_.get()] { loop->stop(); });
  loop_->giveBack();
  thread_.join();
}

}  // namespace daos::client
