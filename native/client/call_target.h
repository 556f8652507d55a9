// One request to one target, with what surrounds it: the container handle, retries, the deadline.
#pragma once

#include "client/container.h"
#include "client/object.h"
#include "protocol/generated/opcode.h"

namespace daos::client {

// timeoutNs 0: the context's.
uint64_t deadlineOf(const Context& context, uint64_t timeoutNs);

// What repeating a request that may have run would do.
enum class RetrySafety {
  kIdempotent,  // nothing: reads
  // It has an OperationId, by which its target knows a repetition and gives the first answer, for a
  // while: repeated within kRepetitionsKnownNs.
  kKnown,
  kOnce,  // it might run twice: repeated only when it certainly has not run
};
// Far less than targets keep ids of operations.
inline constexpr uint64_t kRepetitionsKnownNs = 60'000'000'000;
inline RetrySafety safetyOf(const OperationId& operation) {
  return operation.isNone() ? RetrySafety::kOnce : RetrySafety::kKnown;
}

// Decides after each failure whether to try again, and waits in between.
class Retry {
 public:
  Retry(Context& context, uint64_t deadlineNs)
      : context_(context),
        startNs_(context.reactor().clock().nowNs()),
        deadlineNs_(deadlineNs),
        pauseNs_(context.options().retryPauseNs) {}
  // True after a pause: try again. False: give up.
  Task<bool> again(const Error& error, RetrySafety safety);
  // Whether what ended with this error may be repeated.
  bool isSafe(const Error& error, RetrySafety safety) const;

 private:
  Context& context_;
  const uint64_t startNs_;
  const uint64_t deadlineNs_;
  uint64_t pauseNs_;
};

struct TargetCall {
  protocol::Opcode opcode;
  RetrySafety safety = RetrySafety::kIdempotent;
  uint64_t deadlineNs = 0;
  Cancellation* cancellation = nullptr;
  const TraceContext* trace = nullptr;  // borrowed; null: the caller traces nothing
  // The encoded request; the container handle at its start is patched in.
  std::vector<std::byte>* body = nullptr;  // as it was when the call has ended
  std::span<const Bytes> data;
  std::span<const MutableBytes> sink;
};

// What a call ended with that a newer map has overruled: see Pool::CallScope.
Error overruled(const Pool& pool, uint32_t target);

// Sends `call` to `target`, opening the container there first where that is needed. DER_BAD_TARGET
// when the map says that the target doesn't serve the pool. Where an attempt of a modification may
// have run, a refusal of a later one is no answer: DER_UNREACH instead.
Task<Result<rpc::Reply>> callTarget(Container& container, uint32_t target, TargetCall call);

}  // namespace daos::client
