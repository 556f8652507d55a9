#include "client/call_target.h"

#include <algorithm>

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

Task<bool> Retry::again(const Error& error, RetrySafety safety) {
  if (!isTransient(error.code())) co_return false;
  const uint64_t now = context_.reactor().clock().nowNs();
  const bool isKnown =
      safety == RetrySafety::kIdempotent ||
      (safety == RetrySafety::kKnown && now - startNs_ < kRepetitionsKnownNs);
  if (!isKnown && !hasNotRun(error.code())) co_return false;
  if (now + pauseNs_ >= deadlineNs_) co_return false;
  // Spread over half the pause, so that clients which failed together don't return together.
  co_await context_.reactor().sleep(pauseNs_ / 2 + context_.random().below(pauseNs_ / 2 + 1));
  pauseNs_ = std::min(pauseNs_ * 2, context_.options().retryPauseMaxNs);
  co_return true;
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
  auto reply = co_await request;
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

Task<Result<rpc::Reply>> callTarget(Container& container, uint32_t target, TargetCall call) {
  const TracedBody traced(*call.body, call.trace);
  Retry retry(container.context(), call.deadlineNs);
  size_t reopenCount = 0;
  uint32_t mapVersion = container.pool().map().version;
  for (;;) {
    if (call.cancellation && call.cancellation->isRequested())
      co_return Error(ErrorCode::kCanceled);
    auto reply = co_await callOnce(container, target, call);
    if (reply.ok()) co_return std::move(reply);
    // The target restarted and lost our handle: it has not run the request.
    if (reply.code() == ErrorCode::kNoHdl && reopenCount++ < 3) continue;
    // Refused before it ran, and the answer brought a newer map. Targets keep their places in it.
    if (reply.code() == ErrorCode::kStale && container.pool().map().version > mapVersion) {
      mapVersion = container.pool().map().version;
      if (target < container.pool().map().targets.size()) continue;
    }
    if (!co_await retry.again(reply.error(), call.safety)) co_return std::move(reply);
  }
}

}  // namespace daos::client
