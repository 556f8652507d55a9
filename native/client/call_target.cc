#include "client/call_target.h"

#include <algorithm>
#include <optional>

#include "protocol/pool_map.h"

namespace daos::client {

uint64_t deadlineOf(const Context& context, uint64_t timeoutNs) {
  // The turn's time can be old when nothing has run for a while; the clock's is not.
  return context.reactor().clock().nowNs() + (timeoutNs ? timeoutNs : context.options().timeoutNs);
}

// Refused before it ran: repeating is safe whatever the request does.
static bool hasNotRun(ErrorCode code) {
  return code == ErrorCode::kBusy || code == ErrorCode::kAgain || code == ErrorCode::kShutdown ||
         code == ErrorCode::kTxBusy;
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

// The target doesn't serve the pool. It hasn't seen the request, unless `last` is an error after
// which that isn't known.
static Error refusal(Status isUp, const std::optional<Error>& last, RetrySafety safety) {
  const bool mayHaveRun =
      last && safety != RetrySafety::kIdempotent && !hasNotRun(last->code());
  if (!mayHaveRun) return std::move(isUp).error();
  return Error(ErrorCode::kUnreach, std::string(isUp.error().message()) +
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
  std::optional<Error> last;
  for (;;) {
    if (call.cancellation && call.cancellation->isRequested())
      co_return Error(ErrorCode::kCanceled);
    Status isUp = pool.checkIsUp(target);
    if (!isUp.ok()) co_return refusal(std::move(isUp), last, call.safety);
    const rpc::Peer* const peer = &pool.peer(target);
    auto reply = co_await callOnce(container, target, call);
    if (reply.ok()) co_return std::move(reply);
    // The target restarted and lost our handle: it has not run the request.
    if (reply.code() == ErrorCode::kNoHdl && reopenCount++ < 3) continue;
    // Refused before it ran, and the answer brought a newer map. Targets keep their places in it.
    if (reply.code() == ErrorCode::kStale && pool.map().version > mapVersion) {
      mapVersion = pool.map().version;
      continue;
    }
    last = std::move(reply).error();
    // By now it is known to be elsewhere, or nowhere.
    const bool isElsewhere = !pool.checkIsUp(target).ok() || &pool.peer(target) != peer;
    if (last->code() == ErrorCode::kUnreach && isElsewhere && retry.isSafe(*last, call.safety))
      continue;
    if (!co_await retry.again(*last, call.safety)) co_return named(std::move(*last), pool, target);
  }
}

}  // namespace daos::client
