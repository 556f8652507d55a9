// One call: what a client asks, and what it gets.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/hybrid_clock.h"
#include "base/intrusive_list.h"
#include "base/result.h"
#include "rpc/message_buffer.h"
#include "rpc/transport.h"

namespace daos::rpc {

class ClientSide;
class Endpoint;
class Peer;
class RemotePeer;
struct CallMemory;

// All ranges are borrowed until the call has ended: `data` and `sink` may be reached by the server.
struct CallArguments {
  uint16_t opcode = 0;
  // A modification: the server remembers its answer and gives the same one when the request is
  // repeated after a lost answer, so that it is applied once.
  bool isModification = false;
  uint32_t mapVersion = 0;
  Epoch epoch = 0;
  uint64_t deadlineNs = 0;  // as Reactor::nowNs counts; 0: now + EndpointOptions::timeoutNs
  Bytes body;               // the encoded request
  // The client traces it: `body` ends with a TraceContext, which is no part of the request.
  bool isTraced = false;
  std::span<const Bytes> data;         // payload for the server, in pieces
  std::span<const MutableBytes> sink;  // where payload from the server goes, in pieces
  // Receives the body of an answer that is an error (the newer pool map with DER_STALE).
  std::vector<std::byte>* errorBody = nullptr;
};

// A server's answer without error. Owns the message it is in.
class Reply {
 public:
  Reply() = default;
  Bytes body() const { return body_; }
  // Bytes of payload: in the sink, or where there was no sink, in data().
  uint64_t dataSize() const { return dataSize_; }
  Bytes data() const { return data_; }
  Epoch epoch() const { return epoch_; }
  uint32_t mapVersion() const { return mapVersion_; }

 private:
  friend class ClientSide;
  friend class RemotePeer;
  BufferRef message_;
  Bytes body_;
  Bytes data_;
  uint64_t dataSize_ = 0;
  Epoch epoch_ = 0;
  uint32_t mapVersion_ = 0;
};

struct InFlightTag;
struct DeadlineTag;

// A call under way; made by Endpoint::call to be awaited, or by a caller that wants a callback.
//
// 1. filled with arguments; 2. Endpoint::start (or co_await); 3. ended: `result` is set and the
// waiter resumed or `done` called, out of poll() or, when it can't even start, out of start().
// Errors: what the server answered, or DER_TIMEDOUT, DER_CANCELED, DER_UNREACH (the peer is gone
//         and
// it isn't known whether the request ran), DER_BUSY (queue over its limit), DER_TRUNC (more payload
// than the sink holds), DER_PROTO, DER_SHUTDOWN.
class Call : public IntrusiveLink<InFlightTag>, public IntrusiveLink<DeadlineTag> {
 public:
  Call(Endpoint& endpoint, Peer& peer, const CallArguments& args);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  // A call that is still under way is cancelled; its memory must outlive the server's use of it,
  // which for calls with payload by RMA only the call's own end tells.
  ~Call();

  // Ends with DER_CANCELED soon, unless the answer is there first. The server is told.
  void cancel();
  bool isUnderWay() const { return state_ != State::kIdle && state_ != State::kEnded; }

  CallArguments arguments;
  std::optional<Result<Reply>> result;
  void (*done)(Call& call) = nullptr;
  void* context = nullptr;  // the caller's

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter);
  Result<Reply> await_resume() { return std::move(*result); }

 private:
  friend class ClientSide;
  friend class RemotePeer;
  static constexpr uint32_t kSlotNone = ~uint32_t{0};
  // kWaiting: the server was busy; kLeaving: given up, but the server may still reach our memory.
  enum class State : uint8_t { kIdle, kQueued, kSent, kWaiting, kLeaving, kEnded };
  // The last thing done with a call, `result` being set: its owner may destroy it.
  void end();
  Endpoint* endpoint_;
  Peer* peer_;
  std::coroutine_handle<> waiter_;
  uint64_t deadlineNs_ = 0;
  uint32_t slot_ = kSlotNone;
  uint32_t attempt_ = 0;
  State state_ = State::kIdle;
  bool isCancelled_ = false;
  uint64_t wakeNs_ = 0;  // when something has to be done about it
  uint64_t dataSize_ = 0;
  uint64_t sinkSize_ = 0;
  std::unique_ptr<CallMemory> memory_;
};

}  // namespace daos::rpc
