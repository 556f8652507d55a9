#include "node/environment.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <thread>

#include "base/assert.h"

namespace daos::node {

namespace {

// As long as answers of an engine nearby take; a poll that finds nothing costs JavaScript no more.
constexpr uint64_t kTurnsNs = 10'000;
// For how long to wait for a core's thread that was asked for its loop: it may have to wake first.
constexpr uint64_t kLendingNs = 100'000;

void check(napi_status status) { DAOS_ASSERT(status == napi_ok); }

// An exception out of `settle` is a bug above; it surfaces as an uncaught exception, not as
// silence.
void reportException(napi_env env) {
  bool isPending = false;
  check(napi_is_exception_pending(env, &isPending));
  if (!isPending) return;
  napi_value exception;
  check(napi_get_and_clear_last_exception(env, &exception));
  napi_fatal_exception(env, exception);
}

}  // namespace

Environment* Environment::create(napi_env env) {
  auto* environment = new Environment(env);
  napi_value name;
  check(napi_create_string_utf8(env, "daos", NAPI_AUTO_LENGTH, &name));
  check(napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                        environment, &Environment::onWake, &environment->wake_));
  check(napi_unref_threadsafe_function(env, environment->wake_));
  // Hooks run in reverse order: this one before the thread-safe function's own.
  check(napi_add_env_cleanup_hook(env, &Environment::onCleanUp, environment));
  check(napi_set_instance_data(
      env, environment, [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); },
      nullptr));
  return environment;
}

void Environment::attach(napi_value command, napi_value completions, napi_value settle) {
  void* data = nullptr;
  size_t length = 0;
  for (napi_ref* reference : {&commandReference_, &completionsReference_, &settle_}) {
    if (*reference) check(napi_delete_reference(env_, *reference));
    *reference = nullptr;
  }
  check(napi_get_typedarray_info(env_, command, nullptr, &length, &data, nullptr, nullptr));
  command_ = bytesOf(data, length);
  check(napi_get_typedarray_info(env_, completions, nullptr, &length, &data, nullptr, nullptr));
  completions_ = {static_cast<uint32_t*>(data), length};
  DAOS_ASSERT(length >= kCompletionWords);
  check(napi_create_reference(env_, command, 1, &commandReference_));
  check(napi_create_reference(env_, completions, 1, &completionsReference_));
  check(napi_create_reference(env_, settle, 1, &settle_));
}

void Environment::begin(Operation& operation) {
  if (operation.slot >= inFlight_.size()) inFlight_.resize(operation.slot + 1);
  DAOS_ASSERT(!inFlight_[operation.slot]);
  inFlight_[operation.slot] = &operation;
  if (inFlightCount_++ == 0) check(napi_ref_threadsafe_function(env_, wake_));
}

void Environment::cancel(uint32_t slot) {
  if (slot < inFlight_.size() && inFlight_[slot]) inFlight_[slot]->cancel();
}

void Environment::flush(bool isPolling) {
  if (isPolling) isPolled_ = true;  // a wake-up that is on its way finds nothing to do
  for (std::shared_ptr<Resource>& core : asleep_) {
    if (!isPolling) {
      core->wake();
      continue;
    }
    core->turn();
    if (std::find(driven_.begin(), driven_.end(), core) == driven_.end())
      driven_.push_back(std::move(core));
  }
  asleep_.clear();
}

// Until something has completed, or has not for a while: what else JavaScript has to do goes on.
void Environment::takeTurns() {
  if (driven_.empty()) return;
  const uint64_t startNs = clock_.nowNs();
  while (completed_.empty()) {
    bool hasTurned = false;
    for (const std::shared_ptr<Resource>& core : driven_) hasTurned |= core->turn();
    const uint64_t nowNs = clock_.nowNs();
    if (nowNs - startNs >= (hasTurned ? kTurnsNs : kLendingNs)) return;
    if (hasTurned && !coreSharing_.shouldYield(nowNs, nowNs - startNs)) continue;
    sched_yield();
    if (hasTurned) coreSharing_.onYielded(nowNs, clock_.nowNs());
  }
}

void Environment::complete(Operation& operation) noexcept {
  completeAsleep(operation);
  wake();
}

void Environment::wake() noexcept {
  if (!isWoken_.exchange(true)) {
    // napi_closing: the environment is ending, its clean-up hook collects what completed.
    (void)napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  }
}

void Environment::onWake(napi_env env, napi_value, void* context, void*) {
  if (env) static_cast<Environment*>(context)->onWoken();
}

void Environment::onWoken() {
  if (!isPolled_) drain(false);
}

size_t Environment::drain(bool isPolling) {
  if (isStopped_) return 0;
  isPolled_ = isPolling;
  if (isPolling) {
    takeTurns();
  } else {
    // Where nothing is under way, who comes back soon finds the loop as it left it.
    if (inFlightCount_ > 0) {
      for (const std::shared_ptr<Resource>& core : driven_) core->giveBack();
    }
    driven_.clear();
  }
  // Before taking: what completes from here on wakes again, or is taken by the next poll.
  isWoken_.store(isPolling);
  Message* messages = completed_.takeAll();
  size_t count = 0;
  while (messages) count += settleBatch(messages);
  DAOS_ASSERT(inFlightCount_ >= count);
  inFlightCount_ -= count;
  if (count > 0 && inFlightCount_ == 0) check(napi_unref_threadsafe_function(env_, wake_));
  return count;
}

size_t Environment::settleBatch(Message*& messages) {
  napi_handle_scope scope;
  check(napi_open_handle_scope(env_, &scope));
  const size_t countMax = completions_.size() / kCompletionWords;
  napi_value values = nullptr;
  uint32_t valueCount = 0;
  size_t count = 0;
  for (; messages && count < countMax; ++count) {
    std::unique_ptr<Operation> operation(static_cast<Operation*>(messages));
    messages = messages->next;
    inFlight_[operation->slot] = nullptr;
    uint32_t* words = &completions_[count * kCompletionWords];
    Outcome outcome = kNumber;
    if (napi_value value = valueOf(*operation, outcome)) {
      if (!values) check(napi_create_array(env_, &values));
      check(napi_set_element(env_, values, valueCount, value));
      words[2] = valueCount++;
    } else {
      words[2] = static_cast<uint32_t>(operation->number);
      words[3] = static_cast<uint32_t>(operation->number >> 32);
    }
    words[0] = operation->slot;
    words[1] = outcome;
  }
  settle(count, values);
  check(napi_close_handle_scope(env_, scope));
  return count;
}

napi_value Environment::valueOf(Operation& operation, Outcome& outcome) {
  napi_value value = nullptr;
  if (!operation.status.ok()) {
    outcome = kError;
    return toError(operation.status.error());
  }
  if ((value = operation.toValue(env_))) outcome = kValue;
  return value;
}

void Environment::settle(size_t count, napi_value values) {
  napi_value function, undefined, arguments[2];
  check(napi_get_reference_value(env_, settle_, &function));
  check(napi_get_undefined(env_, &undefined));
  check(napi_create_uint32(env_, static_cast<uint32_t>(count), &arguments[0]));
  arguments[1] = values ? values : undefined;
  if (napi_call_function(env_, undefined, function, 2, arguments, nullptr) != napi_ok)
    reportException(env_);
}

napi_value Environment::toError(const Error& error) {
  napi_value object, code, message;
  const std::string_view name = errorName(error.code());
  const std::string_view text = error.message();
  check(napi_create_object(env_, &object));
  check(napi_create_string_utf8(env_, name.data(), name.size(), &code));
  check(napi_create_string_utf8(env_, text.data(), text.size(), &message));
  check(napi_set_named_property(env_, object, "code", code));
  check(napi_set_named_property(env_, object, "message", message));
  return object;
}

void Environment::onCleanUp(void* environment) { static_cast<Environment*>(environment)->stop(); }

void Environment::stop() {
  isStopped_ = true;
  asleep_.clear();
  driven_.clear();
  handles_.clear();
  // What was closed before may still be on its way.
  while (inFlightCount_ > 0) {
    for (Message* message = completed_.takeAll(); message; --inFlightCount_) {
      Message* next = message->next;
      delete static_cast<Operation*>(message);
      message = next;
    }
    if (inFlightCount_ > 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace daos::node
