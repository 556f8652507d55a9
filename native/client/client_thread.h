// A client core with a thread of its own: operations come from any thread, completions go back by
// callback.
//
// A thread that submits and then waits may run the core's loop itself meanwhile: turn().
//
// Life: create; submit …; destroy. Destruction ends what is under way with DER_CANCELED or its own
// result,
//       and completes every operation that was submitted.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/intrusive_list.h"
#include "client/cancellation.h"
#include "client/context.h"
#include "runtime/loop_lending.h"
#include "runtime/mailbox.h"

namespace daos::client {

struct ClientOptions {
  uint64_t spinNs = 20'000;  // how long an idle core polls before it blocks
  int core = -1;             // pin the thread to this core; -1: not
  ContextOptions context;
};

struct RunningTag;

// What a caller submits. It owns the object and keeps it until onCompleted.
class Operation : private Message, private IntrusiveLink<RunningTag> {
 public:
  virtual ~Operation() = default;

 protected:
  // For what execute() calls.
  Cancellation& cancellation() { return cancellation_; }
  // On the core's thread. The operation keeps its own results.
  virtual Task<Status> execute(Context& context) = 0;
  // On the core's thread, last; the object may be destroyed inside.
  virtual void onCompleted(Status status) = 0;

 private:
  friend class ClientThread;
  // Of every coroutine that is a member of an operation.
  friend FrameCache& frameCacheOf(Operation& operation);
  static void runMessage(Message* message);
  Task<void> runTask();
  friend class IntrusiveList<Operation, RunningTag>;
  class ClientThread* thread_ = nullptr;
  Cancellation cancellation_;
};

// Makes the endpoint's transports, on the thread that will own them.
using TransportFactory = std::function<Result<std::vector<std::unique_ptr<rpc::Transport>>>(
    Reactor& reactor, Random& random)>;

class ClientThread {
 public:
  // Errors of the factory: no fabric, no memory.
  static Result<std::unique_ptr<ClientThread>> create(TransportFactory factory,
                                                      ClientOptions options);
  ~ClientThread();

  // Any thread. The operation runs after those that this thread submitted before have started.
  void submit(Operation& operation);
  // As submit(), but a core that is blocked may not start before wake(), which any thread calls.
  void submitAsleep(Operation& operation);
  void wake() { reactor_->wake(); }
  // One thread: a turn of the core's loop, completions included. False: the core's own thread has
  // the loop, and lends it soon. Until giveBack(), or about two milliseconds without a turn, the
  // core's thread sleeps.
  bool turn() { return loop_->turn(); }
  void giveBack() { loop_->giveBack(); }
  // The thread that submitted it, while the operation may be under way: it ends soon, with its
  // result or DER_CANCELED. Nothing happens to an operation that has been completed meanwhile.
  void cancel(Operation& operation);

 private:
  friend class Operation;
  friend FrameCache& frameCacheOf(Operation& operation);
  ClientThread() = default;
  Status start(TransportFactory& factory, const ClientOptions& options);
  void cancelAll();
  void drain();

  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<LoopLending> loop_;
  std::unique_ptr<rpc::Endpoint> endpoint_;
  std::unique_ptr<Context> context_;
  IntrusiveList<Operation, RunningTag> running_;
  std::thread thread_;
};

inline FrameCache& frameCacheOf(Operation& operation) {
  return operation.thread_->reactor_->frames();
}

}  // namespace daos::client
