#include "client/call_target.h"

#include <algorithm>

#include "protocol/pool_map.h"

namespace daos::client {

// How often a container is opened again without a pause in between, in one request.
static constexpr size_t kReopenCountAtOnce = 3;

uint64_t deadlineOf(const Context& context, uint64_t timeoutNs) {
  // The turn's time can be old when nothing has run for a while; the clock's is not.
  return context.reactor().clock().nowNs() + (timeoutNs ? timeoutNs : context.options().timeoutNs);
}

// Refused before it ran: repeating is safe whatever the request does. A target that has restarted
// doesn't know our handle.
static bool hasNotRun(ErrorCode code) {
  return code == ErrorCode::kBusy || code == ErrorCode::kAgain || code == ErrorCode::kShutdown ||
         code == ErrorCode::kTxBusy || code == ErrorCode::kNoHdl;
}

static bool isTransient(ErrorCode code) {
  return hasNotRun(code) || code == ErrorCode::kUnreach || code == ErrorCode::kInprogress;
}

bool Retry::isSafe(const Error& error, RetrySafety safety) const {
  const uint64_t now = context_.reactor().clock().nowNs();
  const bool isKnown =
      safety == RetrySafety::kIdempotent ||
      (safety == RetrySafety::kKnown && now - startNs_ < kRepetitionsKnownNs);
  return isKnown || hasNotRun(error.code());
}

Task<bool> Retry::again(const Error& error, RetrySafety safety) {
  if (!isTransient(error.code()) || !isSafe(error, safety)) co_return false;
  if (context_.reactor().clock().nowNs() + pauseNs_ >= deadlineNs_) co_return false;
  // Spread over half the pause, so that clients which failed together don't return together.
  co_await context_.reactor().sleep(pauseNs_ / 2 + context_.random().below(pauseNs_ / 2 + 1));
  pauseNs_ = std::min(pauseNs_ * 2, context_.options().retryPauseMaxNs);
  co_return true;
}

Error overruled(const Pool& pool, uint32_t target) {
  return Error(ErrorCode::kUnreach,
               "the pool map has changed: " + pool.nameOf(target) + " isn't where it was");
}

static Task<Result<rpc::Reply>> callOnce(Container& container, uint32_t target, TargetCall& call) {
  uint64_t handle = container.handleOn(target);
  if (handle == 0) {
    DAOS_CO_TRY(handle, co_await container.openOn(target, call.deadlineNs, call.cancellation));
  }
  storeAs(call.body->data(), handle);
  std::vector<std::byte> newerMap;
  rpc::Call request(container.context().endpoint(), container.pool().peer(target),
                    {.opcode = static_cast<uint16_t>(call.opcode),
                     .isModification = call.safety != RetrySafety::kIdempotent,
                     .mapVersion = container.pool().map().version,
                     .deadlineNs = call.deadlineNs,
                     .body = *call.body,
                     .isTraced = call.trace != nullptr,
                     .data = call.data,
                     .sink = call.sink,
                     .errorBody = &newerMap});
  const Cancellation::Scope scope(call.cancellation, request);
  const Pool::CallScope ofPool(container.pool(), target, request);
  auto reply = co_await request;
  if (!reply.ok() && ofPool.isOverruled()) co_return overruled(container.pool(), target);
  if (reply.code() == ErrorCode::kNoHdl) container.forgetHandle(target, handle);
  if (reply.code() == ErrorCode::kStale) {
    DAOS_CO_TRY(placement::PoolMap map, protocol::decodePoolMap(newerMap));
    DAOS_CO_CHECK(container.pool().updateMap(std::move(map)));
  }
  co_return std::move(reply);
}

// For its life the trace rides behind the body.
class TracedBody {
 public:
  TracedBody(std::vector<std::byte>& body, const TraceContext* trace)
      : body_(body), size_(body.size()) {
    if (!trace) return;
    const Bytes bytes = bytesOf(trace, sizeof(*trace));
    body_.insert(body_.end(), bytes.begin(), bytes.end());
  }
  TracedBody(const TracedBody&) = delete;
  TracedBody& operator=(const TracedBody&) = delete;
  ~TracedBody() { body_.resize(size_); }

 private:
  std::vector<std::byte>& body_;
  const size_t size_;
};

// Of what an attempt was refused with, after one of which nobody knows what it did.
static Error unknownOutcome(const Error& refusal) {
  return Error(ErrorCode::kUnreach, std::string(refusal.message()) +
                                        "; it isn't known whether the request was executed");
}

// With the name of the target, where that is what failed.
static Error named(Error error, const Pool& pool, uint32_t target) {
  const bool isOfTarget =
      error.code() == ErrorCode::kUnreach || error.code() == ErrorCode::kTimedout;
  return isOfTarget ? std::move(error).within(pool.nameOf(target)) : error;
}

Task<Result<rpc::Reply>> callTarget(Container& container, uint32_t target, TargetCall call) {
  const TracedBody traced(*call.body, call.trace);
  Pool& pool = container.pool();
  Retry retry(container.context(), call.deadlineNs);
  size_t reopenCount = 0;
  uint32_t mapVersion = pool.map().version;
  bool mayHaveRun = false;  // by an attempt before
  for (;;) {
    if (call.cancellation && call.cancellation->isRequested())
      co_return Error(ErrorCode::kCanceled);
    if (Status isUp = pool.checkIsUp(target); !isUp.ok()) {
      co_return mayHaveRun ? unknownOutcome(isUp.error()) : std::move(isUp).error();
    }
    const rpc::Peer* const peer = &pool.peer(target);
    auto reply = co_await callOnce(container, target, call);
    if (reply.ok()) co_return std::move(reply);
    if (reply.code() == ErrorCode::kNoHdl && reopenCount++ < kReopenCountAtOnce) continue;
    // Refused before it ran, and the answer brought a newer map. Targets keep their places in it.
    if (reply.code() == ErrorCode::kStale && pool.map().version > mapVersion) {
      mapVersion = pool.map().version;
      continue;
    }
    const Error error = std::move(reply).error();
    const bool isRefused = hasNotRun(error.code());
    if (!isRefused && isTransient(error.code()) && call.safety != RetrySafety::kIdempotent)
      mayHaveRun = true;
    // By now it is known to be elsewhere, or nowhere.
    const bool isElsewhere = !pool.checkIsUp(target).ok() || &pool.peer(target) != peer;
    if (error.code() == ErrorCode::kUnreach && isElsewhere && retry.isSafe(error, call.safety))
      continue;
    if (co_await retry.again(error, call.safety)) continue;
    co_return named(isRefused && mayHaveRun ? unknownOutcome(error) : error, pool, target);
  }
}

}  // namespace daos::client
