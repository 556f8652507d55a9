// One request at the server, from its arrival to its answer.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/hybrid_clock.h"
#include "base/result.h"
#include "base/trace_context.h"
#include "codec/frame.h"
#include "rpc/message_buffer.h"
#include "rpc/transport.h"

namespace daos::rpc {

class ClientSession;
class ServerSide;
class Session;
class Request;

// co_await: a transfer between the client's memory and ours.
class Transfer {
 public:
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer();
  bool await_ready() const noexcept { return isReady_; }
  bool await_suspend(std::coroutine_handle<> waiter);
  Status await_resume();

 private:
  friend class Request;
  Transfer(Request& request, std::span<const MutableBytes> pieces, bool isWrite, uint64_t offset);
  void copyInline();
  void start();
  uint64_t gather(RmaOperation& operation, size_t& pieceIndex, size_t& pieceOffset,
                  uint64_t sizeMax);
  void submit(Transport& transport, RmaOperation& operation);
  void onDone(RmaOperation& operation, ErrorCode code);

  Request& request_;
  const std::span<const MutableBytes> pieces_;
  const uint64_t offset_;
  uint64_t size_ = 0;
  std::coroutine_handle<> waiter_;
  RmaOperation* operations_ = nullptr;  // under way
  size_t pendingCount_ = 0;
  ErrorCode code_ = ErrorCode::kOk;
  const bool isWrite_;
  bool isReady_ = false;
};

// A request lives until its handler has ended; it must be answered by then, by exactly one of
// reply, finish and fail (one that isn't is answered DER_MISC).
class Request {
 public:
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  uint16_t opcode() const { return opcode_; }
  uint32_t mapVersion() const { return mapVersion_; }
  Epoch epoch() const { return epoch_; }
  // As Reactor::nowNs counts.
  uint64_t deadlineNs() const { return deadlineNs_; }
  Session& session() const;
  // True once the client has cancelled, has gone, or the deadline is over: work may stop, nobody
  // reads the answer.
  bool isAbandoned() const;

  // The encoded request; valid for the life of the request.
  Bytes body() const { return body_; }
  // Which span of its client's it belongs to; null where that traces nothing.
  const TraceContext* trace() const { return flags_ & kFrameTraced ? &trace_ : nullptr; }

  // Payload from the client: how much; whether it came along; where, if so (for the life of the
  // request).
  uint64_t dataSize() const { return dataSize_; }
  bool isDataInline() const { return isDataInline_; }
  Bytes inlineData() const { return inlineData_; }
  // co_await: copies or reads payload [offset, offset + size of pieces) into `pieces`, which live
  // until it ends. DER_INVAL beyond dataSize(), DER_UNREACH, DER_TIMEDOUT.
  Transfer pull(std::span<const MutableBytes> pieces, uint64_t offset = 0);

  // Room for payload at the client; whether push writes it there by RMA.
  uint64_t sinkSize() const { return sinkSize_; }
  bool isSinkRemote() const { return isSinkRemote_; }
  // co_await: puts `pieces` at `offset` of the client's sink, before the answer. Only with
  // isSinkRemote(); a smaller sink gets its payload with the answer. DER_TRUNC beyond sinkSize().
  Transfer push(std::span<const Bytes> pieces, uint64_t offset = 0);
  // After push: how much payload the answer shall announce (default: the end of the furthest push).
  void setPushedSize(uint64_t size) { pushedSize_ = size; }

  // Sets what the answer carries beside its body.
  void setReplyEpoch(Epoch epoch) { replyEpoch_ = epoch; }
  void setReplyMapVersion(uint32_t version) { replyMapVersion_ = version; }

  // Answers. `data` goes along inline: at most inlineReplyMax() bytes over all pieces.
  void reply(Bytes body, std::span<const Bytes> data = {});
  // The same without a copy: start gives room for the body and, behind it, payload; finish sends
  // what was used. Between the two no other call of this library may be made, and nothing awaited.
  struct Room {
    MutableBytes body;
    MutableBytes data;
  };
  Room start(size_t bodySizeMax, size_t dataSizeMax);
  void finish(size_t bodySize, size_t dataSize);
  size_t inlineReplyMax() const;
  // `body` reaches CallArguments::errorBody; empty: what setErrorBody gave.
  void fail(const Error& error, Bytes body = {});
  // For who finds the error but doesn't answer; has to stay until the answer, which follows without
  // anything awaited in between.
  void setErrorBody(Bytes body) { errorBody_ = body; }
  // DER_BUSY: not executed; the client repeats it by itself after this time.
  void failBusy(uint64_t retryAfterNs);
  bool isAnswered() const { return isAnswered_; }

 private:
  friend class ServerSide;
  friend class Transfer;
  void clear();
  void keepMessage();
  static constexpr size_t kSmallSizeMax = 512;
  ServerSide* server_ = nullptr;
  ClientSession* session_ = nullptr;
  BufferRef message_;
  Bytes body_;
  Bytes inlineData_;
  Bytes descriptors_;
  Bytes errorBody_;
  uint64_t requestId_ = 0;
  uint64_t deadlineNs_ = 0;
  uint64_t dataSize_ = 0;
  uint64_t sinkSize_ = 0;
  uint64_t pushedSize_ = 0;
  Epoch epoch_ = 0;
  Epoch replyEpoch_ = 0;
  uint32_t mapVersion_ = 0;
  uint32_t replyMapVersion_ = 0;
  uint32_t flags_ = 0;
  uint32_t startedBodyMax_ = 0;
  uint16_t opcode_ = 0;
  uint16_t sourceCount_ = 0;
  uint16_t sinkCount_ = 0;
  bool isDataInline_ = true;
  bool isSinkRemote_ = false;
  bool isAnswered_ = false;
  bool isCancelled_ = false;
  bool isBusy_ = false;
  bool hasFailedTransfer_ = false;
  TraceContext trace_;  // with kFrameTraced
  std::byte* startedFrame_ = nullptr;  // where start() gave room, if in a message
  alignas(8) std::byte small_[kSmallSizeMax];
};

}  // namespace daos::rpc
