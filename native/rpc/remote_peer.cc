// A server as a client sees it: credits and the calls under way. Its session is in
// remote_peer_session.cc.
#include <algorithm>

#include "base/generated/limits.h"
#include "base/trace_context.h"
#include "rpc/client_side.h"

namespace daos::rpc {

// How long a call that was given up waits for the server to let go of its memory.
static constexpr uint64_t kLeavingNs = 50'000'000;
static constexpr uint64_t kBusyPauseNs = 1'000'000;

RemotePeer::RemotePeer(ClientSide& client, std::string addresses)
    : client_(client),
      context_(client.context()),
      addresses_(std::move(addresses)),
      link_(context_.dirty, context_.statistics.messageSentCount),
      assembly_(context_.assemblyMemory) {}

RemotePeer::~RemotePeer() { context_.closeLink(link_); }

uint64_t RemotePeer::nowNs() const { return context_.reactor.nowNs(); }

// ---- Calls ----

void RemotePeer::start(Call& call) {
  const uint64_t now = nowNs();
  call.deadlineNs_ =
      call.arguments.deadlineNs ? call.arguments.deadlineNs : now + context_.options.timeoutNs;
  if (call.deadlineNs_ <= now) return end(call, Error(ErrorCode::kTimedout));
  if (state_ == State::kReady && waiting_.empty() && !freeSlots_.empty()) {
    assignSlot(call);
    return transmit(call);
  }
  if (waitingCount_ >= context_.options.queuedCallCountMax) {
    return end(call, Error(ErrorCode::kBusy, "too many calls wait for " + addresses_));
  }
  enqueue(call);
  if (state_ == State::kIdle) connect();
}

void RemotePeer::enqueue(Call& call) {
  call.state_ = Call::State::kQueued;
  waiting_.pushBack(call);
  ++waitingCount_;
  wakeAt(call, call.deadlineNs_);
}

void RemotePeer::wakeAt(Call& call, uint64_t wakeNs) {
  call.wakeNs_ = wakeNs;
  if (call.slot_ == Call::kSlotNone) {
    DeadlineWheel::remove(call);
    client_.wheel().add(call, wakeNs);
  } else {
    if (wakeNs >= slotsWakeNs_) return;
    slotsWakeNs_ = wakeNs;
  }
  client_.arm(wakeNs);
}

void RemotePeer::onTimer(uint64_t now) {
  if (slotsWakeNs_ > now) return;
  slotsWakeNs_ = ~uint64_t{0};
  // What is done may end calls and start others, so slots are looked at one by one.
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].call && slots_[i].call->wakeNs_ <= now) onDue(*slots_[i].call);
  }
  for (const Slot& slot : slots_) {
    if (slot.call) slotsWakeNs_ = std::min(slotsWakeNs_, slot.call->wakeNs_);
  }
}

void RemotePeer::assignSlot(Call& call) {
  DeadlineWheel::remove(call);
  call.slot_ = freeSlots_.back();
  freeSlots_.pop_back();
  Slot& slot = slots_[call.slot_];
  slot.call = &call;
  ++slot.sequence;
}

void RemotePeer::releaseSlot(Call& call) {
  if (call.slot_ == Call::kSlotNone) return;
  slots_[call.slot_].call = nullptr;
  freeSlots_.push_back(call.slot_);
  call.slot_ = Call::kSlotNone;
}

void RemotePeer::pump() {
  while (state_ == State::kReady && !freeSlots_.empty()) {
    Call* call = waiting_.popFront();
    if (!call) return;
    --waitingCount_;
    assignSlot(*call);
    transmit(*call);
  }
}

// Registers what is too large to go along, and keeps the descriptors for a repetition.
void RemotePeer::exposeMemory(Call& call) {
  const CallArguments& arguments = call.arguments;
  const size_t inlineMax = inlineSizeMax_;
  const bool isDataRemote = call.dataSize_ > inlineMax;
  const bool isSinkRemote = call.sinkSize_ > inlineMax;
  const size_t count =
      (isDataRemote ? arguments.data.size() : 0) + (isSinkRemote ? arguments.sink.size() : 0);
  if (count == 0 || count > kDescriptorCountMax) return;
  auto memory = std::make_unique<CallMemory>();
  memory->transport = link_.transport();
  const auto add = [&](MutableBytes piece, MemoryAccess access) {
    auto remote = client_.expose(*memory, piece, access);
    if (!remote.ok()) return false;
    const FrameDescriptor descriptor{remote->key, remote->address, piece.size()};
    const Bytes bytes = bytesOf(&descriptor, sizeof(descriptor));
    memory->descriptors.insert(memory->descriptors.end(), bytes.begin(), bytes.end());
    return true;
  };
  bool isExposed = true;
  for (size_t i = 0; isDataRemote && isExposed && i < arguments.data.size(); ++i) {
    const Bytes piece = arguments.data[i];
    isExposed = add({const_cast<std::byte*>(piece.data()), piece.size()}, MemoryAccess::kRead);
    ++memory->sourceCount;
  }
  for (size_t i = 0; isSinkRemote && isExposed && i < arguments.sink.size(); ++i) {
    isExposed = add(arguments.sink[i], MemoryAccess::kWrite);
    ++memory->sinkCount;
  }
  if (isExposed) call.memory_ = std::move(memory);
}

void RemotePeer::transmit(Call& call) {
  const CallArguments& arguments = call.arguments;
  const uint64_t now = nowNs();
  if (call.deadlineNs_ <= now) return giveUp(call, ErrorCode::kTimedout);
  if (!call.memory_ && std::max(call.dataSize_, call.sinkSize_) > inlineSizeMax_)
    exposeMemory(call);
  // A server from before tracing gets the request as it knows it.
  const bool isTraced = arguments.isTraced && (features_ & kFeatureTraced);
  Bytes body = arguments.body;
  if (arguments.isTraced && !isTraced) body = body.first(body.size() - sizeof(TraceContext));
  FrameHeader header;
  header.kind = FrameKind::kRequest;
  header.opcode = arguments.opcode;
  header.flags = (arguments.isModification ? uint32_t{kFrameModification} : 0) |
                 (call.attempt_ > 0 ? uint32_t{kFrameRepeated} : 0) |
                 (isTraced ? uint32_t{kFrameTraced} : 0);
  header.session = session_;
  header.requestId = call.slot_ | uint64_t{slots_[call.slot_].sequence} << 32;
  header.epoch = arguments.epoch;
  header.mapVersion = arguments.mapVersion;
  header.timeoutUs =
      static_cast<uint32_t>(std::min((call.deadlineNs_ - now) / 1000 + 1, kDeadlineMsMax * 1000));
  header.result = static_cast<uint32_t>(call.sinkSize_);
  FrameParts parts{{}, body, arguments.data};
  if (call.memory_) {
    parts.descriptors = call.memory_->descriptors;
    header.sourceCount = call.memory_->sourceCount;
    header.sinkCount = call.memory_->sinkCount;
    if (header.sourceCount > 0) {
      header.flags |= kFrameDataRemote;
      header.dataSize = static_cast<uint32_t>(call.dataSize_);
      parts.data = {};
    }
  }
  if (call.attempt_++ > 0) ++context_.statistics.retriedCount;
  call.state_ = Call::State::kSent;
  link_.put(header, parts);
  wakeAt(call, std::min(call.deadlineNs_, now + context_.options.resendNs));
}

void RemotePeer::onDue(Call& call) {
  const uint64_t now = nowNs();
  if (call.state_ == Call::State::kLeaving) {
    return end(call, Error(call.isCancelled_ ? ErrorCode::kCanceled : ErrorCode::kTimedout));
  }
  if (now >= call.deadlineNs_) return giveUp(call, ErrorCode::kTimedout);
  if (call.slot_ != Call::kSlotNone && state_ == State::kReady) return transmit(call);
  wakeAt(call, call.deadlineNs_);
}

// Ends a call before its answer. While the server may still reach its memory, the end is put off.
void RemotePeer::giveUp(Call& call, ErrorCode code) {
  if (code == ErrorCode::kTimedout) ++context_.statistics.timedOutCount;
  const bool isAtServer = call.state_ == Call::State::kSent && state_ == State::kReady;
  if (isAtServer) {
    FrameHeader header;
    header.kind = FrameKind::kCancel;
    header.session = session_;
    header.requestId = call.slot_ | uint64_t{slots_[call.slot_].sequence} << 32;
    link_.put(header);
  }
  if (!isAtServer || !call.memory_) return end(call, Error(code));
  call.state_ = Call::State::kLeaving;
  wakeAt(call, nowNs() + kLeavingNs);
}

void RemotePeer::cancel(Call& call) {
  call.isCancelled_ = true;
  if (call.state_ != Call::State::kLeaving) giveUp(call, ErrorCode::kCanceled);
}

void RemotePeer::abandon(Call& call) {
  if (call.state_ == Call::State::kQueued && call.slot_ == Call::kSlotNone) --waitingCount_;
  releaseSlot(call);
  call.memory_.reset();
}

void RemotePeer::end(Call& call, Error error) {
  call.result.emplace(std::move(error));
  finish(call);
}

// Ends a call whose result is set.
void RemotePeer::finish(Call& call) {
  if (call.state_ == Call::State::kQueued && call.slot_ == Call::kSlotNone) {
    static_cast<IntrusiveLink<InFlightTag>&>(call).unlink();
    --waitingCount_;
    DeadlineWheel::remove(call);
  }
  releaseSlot(call);
  call.memory_.reset();
  if (waitingCount_ > 0) pump();
  call.end();
}

void RemotePeer::endAll(ErrorCode code, const char* message) {
  // Calls that are started by what ends here are not ended: they come after those that are there
  // now.
  std::vector<Call*> slotted;
  for (const Slot& slot : slots_) {
    if (slot.call) slotted.push_back(slot.call);
  }
  IntrusiveList<Call, InFlightTag> queued;
  while (Call* call = waiting_.popFront()) queued.pushBack(*call);
  for (Call* call : slotted) {
    const bool isStillThere =
        std::any_of(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.call == call; });
    if (isStillThere) end(*call, Error(code, message));
  }
  while (Call* call = queued.front()) end(*call, Error(code, message));
}

void RemotePeer::leave(ErrorCode code) {
  if (state_ == State::kReady) {
    FrameHeader header;
    header.kind = FrameKind::kGoodbye;
    header.session = session_;
    link_.put(header);
    link_.flush();
  }
  context_.closeLink(link_);
  state_ = State::kIdle;
  endAll(code,
         code == ErrorCode::kShutdown ? "the endpoint is shutting down" : "the peer is forgotten");
}

// ---- Answers ----

void RemotePeer::onFragment(const FrameView& frame) {
  const BufferRef whole = assembly_.add(frame);
  if (!whole) return;
  FrameView inner;
  if (parseAssembled(whole.bytes(), inner) != ErrorCode::kOk ||
      inner.header.kind != FrameKind::kReply) {
    ++context_.statistics.corruptCount;
    return breakLink(ErrorCode::kProto);
  }
  onReply(inner, whole);
}

void RemotePeer::onReply(const FrameView& frame, const BufferRef& message) {
  const FrameHeader& header = frame.header;
  const auto slotIndex = static_cast<uint32_t>(header.requestId);
  if (slotIndex >= slots_.size()) return;
  const Slot& slot = slots_[slotIndex];
  if (!slot.call || slot.sequence != header.requestId >> 32) return;
  Call& call = *slot.call;
  if (call.state_ != Call::State::kSent && call.state_ != Call::State::kLeaving) return;
  if (call.state_ == Call::State::kLeaving) {
    return end(call, Error(call.isCancelled_ ? ErrorCode::kCanceled : ErrorCode::kTimedout));
  }
  const bool isBusy =
      header.result == static_cast<uint32_t>(ErrorCode::kBusy) && header.timeoutUs > 0;
  const uint64_t againNs =
      nowNs() + std::max<uint64_t>(uint64_t{header.timeoutUs} * 1000, kBusyPauseNs);
  if (isBusy && againNs < call.deadlineNs_) {
    call.state_ = Call::State::kWaiting;
    return wakeAt(call, againNs);
  }
  takeReply(call, frame, message);
  finish(call);
}

static void scatter(std::span<const MutableBytes> sink, Bytes data) {
  for (const MutableBytes piece : sink) {
    const size_t size = std::min(piece.size(), data.size());
    if (size == 0) continue;
    std::memcpy(piece.data(), data.data(), size);
    data = data.subspan(size);
  }
}

// An error's body: size of the message as u32, the message, then what goes to errorBody.
static Error makeError(const FrameHeader& header, Bytes body, std::vector<std::byte>* errorBody) {
  const uint32_t number = header.result;
  const ErrorCode code = isErrorCode(number) ? static_cast<ErrorCode>(number) : ErrorCode::kProto;
  if (body.size() < sizeof(uint32_t)) return Error(code);
  const auto size = loadAs<uint32_t>(body.data());
  body = body.subspan(sizeof(uint32_t));
  if (size > body.size()) return Error(code);
  if (errorBody) errorBody->assign(body.begin() + size, body.end());
  return size > 0 ? Error(code, std::string(textOf(body.first(size)))) : Error(code);
}

// Sets the call's result to what the frame says.
void RemotePeer::takeReply(Call& call, const FrameView& frame, const BufferRef& message) {
  const FrameHeader& header = frame.header;
  if (header.result != 0) {
    call.result.emplace(makeError(header, frame.body, call.arguments.errorBody));
    return;
  }
  const bool isRemote = header.flags & kFrameDataRemote;
  if ((isRemote || call.sinkSize_ > 0) && header.dataSize > call.sinkSize_) {
    call.result.emplace(
        Error(ErrorCode::kTrunc, "the answer has " + std::to_string(header.dataSize) +
                                     " bytes of data, the sink " + std::to_string(call.sinkSize_)));
    return;
  }
  Reply& reply = call.result.emplace(Reply()).value();
  reply.message_ = message;
  reply.body_ = frame.body;
  reply.dataSize_ = header.dataSize;
  reply.epoch_ = header.epoch;
  reply.mapVersion_ = header.mapVersion;
  if (isRemote) return;
  if (call.sinkSize_ > 0) {
    scatter(call.arguments.sink, frame.data);
  } else {
    reply.data_ = frame.data;
  }
}

}  // namespace daos::rpc
