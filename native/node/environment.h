// What the addon keeps for one JavaScript environment (the main thread or a worker): the queue
// through which cores report completions, the handles JavaScript holds, and the two arrays shared
// with it.
//
// One completion costs no Node-API call of its own: cores push finished operations onto a lock-free
// queue; the first of a batch wakes JavaScript through the one thread-safe function of the
// environment; the batch is written into `completions` as four numbers each and settled by ONE call
// of `settle`. The other way it is the same: what JavaScript submits in one turn wakes a core once.
//
// Thread:    everything belongs to the JavaScript thread, except complete().
// Invariant: an operation counts as in flight from begin() until it is settled; while any is, the
//            environment keeps its event loop alive.
// Life:      1. created by the module's init;  2. attach();  3. the environment's clean-up hook
//            stops all resources (each returns its operations first), then frees what was never
//            settled.
#pragma once

#include <node_api.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "node/handle_table.h"
#include "node/operation.h"
#include "runtime/clock.h"
#include "runtime/core_sharing.h"
#include "runtime/mailbox.h"
#include "runtime/random.h"

namespace daos::node {

class Environment {
 public:
  // Instance data of `env`; owned by it.
  static Environment* create(napi_env env);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  napi_env env() const { return env_; }
  HandleTable& handles() { return handles_; }
  const Clock& clock() const { return clock_; }
  Random& random() { return random_; }

  // command: into which JavaScript writes the parameters of each call, before the call.
  // completions: kCompletionWords numbers for each operation of a batch.
  // settle(count, values): settles `count` promises.
  void attach(napi_value command, napi_value completions, napi_value settle);
  Bytes command(size_t size) const {
    return size <= command_.size() ? Bytes(command_).first(size) : Bytes();
  }

  // `operation` is in flight from now on.
  void begin(Operation& operation);
  // Asks the operation in `slot`, if any, to end soon.
  void cancel(uint32_t slot);
  // `core` is woken by the next flush, once for all that was submitted to it before.
  void wakeLater(std::shared_ptr<Resource> core) { asleep_.push_back(std::move(core)); }
  // While JavaScript polls, it runs the loops of those cores itself, until the drain that ends it.
  void flush(bool isPolling);
  // Any thread, once for each operation: its outcome is final. It belongs to the queue from now on.
  void complete(Operation& operation) noexcept;
  // The same, but JavaScript may not hear of it before wake(), which the thread calls once it has
  // completed all that it can.
  void completeAsleep(Operation& operation) noexcept { completed_.push(&operation); }
  void wake() noexcept;
  // Settles all that has completed; returns how many that were. While JavaScript polls, it comes
  // back soon anyway, and completions need not wake it; the drain that ends its polling says so.
  size_t drain(bool isPolling);

 private:
  static constexpr size_t kCompletionWords = 4;
  enum Outcome : uint32_t { kNumber = 0, kValue = 1, kError = 2 };

  explicit Environment(napi_env env) : env_(env) {}
  static void onWake(napi_env env, napi_value function, void* context, void* data);
  static void onCleanUp(void* environment);
  void onWoken();
  void stop();
  void takeTurns();
  size_t settleBatch(Message*& messages);
  // nullptr: the operation's number is its result.
  napi_value valueOf(Operation& operation, Outcome& outcome);
  void settle(size_t count, napi_value values);
  napi_value toError(const Error& error);

  const napi_env env_;
  SystemClock clock_;
  SystemRandom random_;
  HandleTable handles_;
  napi_threadsafe_function wake_ = nullptr;
  napi_ref settle_ = nullptr;
  napi_ref commandReference_ = nullptr;
  napi_ref completionsReference_ = nullptr;
  MutableBytes command_;
  std::span<uint32_t> completions_;
  std::vector<std::shared_ptr<Resource>> asleep_;
  std::vector<std::shared_ptr<Resource>> driven_;  // whose loops run here while JavaScript polls
  CoreSharing coreSharing_;
  std::vector<Operation*> inFlight_;  // by slot; null where nothing is in flight
  size_t inFlightCount_ = 0;
  bool isStopped_ = false;
  bool isPolled_ = false;  // JavaScript calls drain() by itself
  std::atomic<bool> isWoken_{false};
  Mailbox completed_;
};

}  // namespace daos::node
