#include "rpc/request.h"

#include <algorithm>

#include "base/generated/limits.h"
#include "rpc/server_side.h"

namespace daos::rpc {

Session& Request::session() const { return *session_; }

bool Request::isAbandoned() const {
  return isCancelled_ || server_->context_.reactor.nowNs() >= deadlineNs_;
}

void Request::clear() {
  flags_ = 0;
  pushedSize_ = 0;
  replyEpoch_ = 0;
  replyMapVersion_ = 0;
  errorBody_ = {};
  isAnswered_ = isCancelled_ = isBusy_ = hasFailedTransfer_ = false;
}

// Lets the handler suspend: a small request moves into our own memory, so that the message's buffer
// is free again.
void Request::keepMessage() {
  const size_t size =
      descriptors_.size() + alignUp(body_.size(), kFrameAlignment) + inlineData_.size();
  if (size > kSmallSizeMax) return;
  std::byte* to = small_;
  const auto move = [&to](Bytes& bytes) {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    bytes = {to, bytes.size()};
    to += alignUp(bytes.size(), kFrameAlignment);
  };
  move(descriptors_);
  move(body_);
  move(inlineData_);
  message_.reset();
}

// ---- Answers ----

size_t Request::inlineReplyMax() const { return kTransferSizeMax; }

void Request::reply(Bytes body, std::span<const Bytes> data) {
  FrameHeader header = server_->replyHeader(*this);
  if (pushedSize_ > 0) {
    header.flags |= kFrameDataRemote;
    header.dataSize = static_cast<uint32_t>(pushedSize_);
    data = {};
  }
  server_->answer(*this, header, {{}, body, data});
}

Request::Room Request::start(size_t bodySizeMax, size_t dataSizeMax) {
  DAOS_ASSERT(!isAnswered_);
  const size_t bodySpace = alignUp(bodySizeMax, kFrameAlignment);
  const size_t size = sizeof(FrameHeader) + bodySpace + alignUp(dataSizeMax, kFrameAlignment);
  startedBodyMax_ = static_cast<uint32_t>(bodySpace);
  std::byte* room = session_->link_.reserve(size);
  startedFrame_ = room;
  if (!room) {
    if (server_->room_.size() < size) server_->room_.resize(size);
    room = server_->room_.data();
  }
  return {{room + sizeof(FrameHeader), bodySizeMax},
          {room + sizeof(FrameHeader) + bodySpace, dataSizeMax}};
}

void Request::finish(size_t bodySize, size_t dataSize) {
  FrameHeader header = server_->replyHeader(*this);
  header.bodySize = static_cast<uint32_t>(bodySize);
  header.dataSize = static_cast<uint32_t>(dataSize);
  std::byte* const frame = startedFrame_ ? startedFrame_ : server_->room_.data();
  std::byte* const body = frame + sizeof(FrameHeader);
  std::byte* const data = body + startedBodyMax_;
  const Bytes pieces[] = {{data, dataSize}};
  const FrameParts parts{{}, {body, bodySize}, pieces};
  if (!startedFrame_) return server_->answer(*this, header, parts);
  isAnswered_ = true;
  if (flags_ & kFrameModification) server_->remember(*this, header, parts);
  const size_t bodySpace = alignUp(bodySize, kFrameAlignment);
  std::memset(body + bodySize, 0, bodySpace - bodySize);
  if (bodySpace != startedBodyMax_) std::memmove(body + bodySpace, data, dataSize);
  std::memset(body + bodySpace + dataSize, 0, alignUp(dataSize, kFrameAlignment) - dataSize);
  session_->link_.seal(frame, header);
  session_->link_.commit(frameSize(header));
}

void Request::fail(const Error& error, Bytes body) {
  // A client that has lost its link gives its memory other names; whether it has, the server may be
  // the last to know. It asks again, by names that are good.
  if (hasFailedTransfer_) return failBusy(1'000'000);
  if (body.empty()) body = errorBody_;
  const std::string_view message = error.message();
  std::vector<std::byte> encoded(sizeof(uint32_t) + message.size() + body.size());
  storeAs(encoded.data(), static_cast<uint32_t>(message.size()));
  std::memcpy(encoded.data() + sizeof(uint32_t), message.data(), message.size());
  if (!body.empty())
    std::memcpy(encoded.data() + sizeof(uint32_t) + message.size(), body.data(), body.size());
  FrameHeader header = server_->replyHeader(*this);
  header.result = static_cast<uint32_t>(error.code());
  server_->answer(*this, header, {{}, encoded, {}});
}

void Request::failBusy(uint64_t retryAfterNs) {
  ++server_->context_.statistics.busyCount;
  isBusy_ = true;
  FrameHeader header = server_->replyHeader(*this);
  header.result = static_cast<uint32_t>(ErrorCode::kBusy);
  header.timeoutUs =
      static_cast<uint32_t>(std::clamp<uint64_t>(retryAfterNs / 1000, 1, kDeadlineMsMax * 1000));
  server_->answer(*this, header, {});
}

// ---- Transfers ----

Transfer Request::pull(std::span<const MutableBytes> pieces, uint64_t offset) {
  return Transfer(*this, pieces, false, offset);
}

Transfer Request::push(std::span<const Bytes> pieces, uint64_t offset) {
  static_assert(sizeof(Bytes) == sizeof(MutableBytes));
  // Written from only; the transports' interface has one type for both directions.
  const auto* mutablePieces = reinterpret_cast<const MutableBytes*>(pieces.data());
  return Transfer(*this, {mutablePieces, pieces.size()}, true, offset);
}

Transfer::Transfer(Request& request, std::span<const MutableBytes> pieces, bool isWrite,
                   uint64_t offset)
    : request_(request), pieces_(pieces), offset_(offset), isWrite_(isWrite) {
  for (const MutableBytes piece : pieces) size_ += piece.size();
  const uint64_t room = isWrite ? request.sinkSize_ : request.dataSize_;
  if (offset > room || size_ > room - offset) {
    code_ = isWrite ? ErrorCode::kTrunc : ErrorCode::kInval;
  } else if (isWrite && !request.isSinkRemote_ && size_ > 0) {
    code_ = ErrorCode::kInval;
  } else if (!isWrite && request.isDataInline_) {
    copyInline();
  } else if (request.isAbandoned()) {
    code_ = request.isCancelled_ ? ErrorCode::kCanceled : ErrorCode::kTimedout;
  } else if (!request.session_->link_.isOpen()) {
    code_ = ErrorCode::kUnreach;
    request.hasFailedTransfer_ = true;
  } else {
    isReady_ = size_ == 0;
    return;
  }
  isReady_ = true;
}

// The handler's frame may be destroyed with transfers under way: they end without it.
Transfer::~Transfer() {
  while (RmaOperation* operation = operations_) {
    operations_ = operation->nextOfCaller;
    operation->context = nullptr;
  }
}

void Transfer::copyInline() {
  Bytes from = request_.inlineData_.subspan(offset_, size_);
  for (const MutableBytes piece : pieces_) {
    if (piece.empty()) continue;
    std::memcpy(piece.data(), from.data(), piece.size());
    from = from.subspan(piece.size());
  }
}

bool Transfer::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  start();
  return pendingCount_ > 0;
}

// Walks over the client's descriptors and the local pieces side by side; an operation is one run of
// a descriptor.
void Transfer::start() {
  Transport& transport = *request_.session_->link_.transport();
  const size_t first = isWrite_ ? request_.sourceCount_ : 0;
  const size_t count = isWrite_ ? request_.sinkCount_ : request_.sourceCount_;
  uint64_t skip = offset_;
  uint64_t rest = size_;
  size_t pieceIndex = 0;
  size_t pieceOffset = 0;
  for (size_t i = first; i < first + count && rest > 0; ++i) {
    const FrameDescriptor descriptor = descriptorAt(request_.descriptors_, i);
    if (skip >= descriptor.size) {
      skip -= descriptor.size;
      continue;
    }
    uint64_t remote = descriptor.address + skip;
    uint64_t remoteRest = std::min(descriptor.size - skip, rest);
    skip = 0;
    rest -= remoteRest;
    while (remoteRest > 0) {
      RmaOperation& operation = request_.server_->allocateOperation();
      operation.remote = {descriptor.key, remote};
      const uint64_t size = gather(operation, pieceIndex, pieceOffset,
                                   std::min(remoteRest, transport.limits().rmaSizeMax));
      remote += size;
      remoteRest -= size;
      submit(transport, operation);
    }
  }
}

// Fills in local pieces of up to `sizeMax` bytes, and moves on past them; returns how many bytes
// that were.
uint64_t Transfer::gather(RmaOperation& operation, size_t& pieceIndex, size_t& pieceOffset,
                          uint64_t sizeMax) {
  uint64_t size = 0;
  while (size < sizeMax && operation.localCount < RmaOperation::kPieceCountMax) {
    const MutableBytes piece = pieces_[pieceIndex].subspan(pieceOffset);
    const uint64_t taken = std::min<uint64_t>(piece.size(), sizeMax - size);
    if (taken > 0) operation.local[operation.localCount++] = piece.first(taken);
    size += taken;
    pieceOffset += taken;
    if (taken == piece.size()) {
      ++pieceIndex;
      pieceOffset = 0;
    }
  }
  return size;
}

void Transfer::submit(Transport& transport, RmaOperation& operation) {
  operation.peer = request_.session_->link_.peer();
  operation.context = this;
  operation.owner = request_.server_;
  operation.nextOfCaller = operations_;
  operations_ = &operation;
  operation.done = [](RmaOperation& ended, ErrorCode code) {
    auto* transfer = static_cast<Transfer*>(ended.context);
    auto* server = static_cast<ServerSide*>(ended.owner);
    if (transfer) {
      transfer->onDone(ended, code);
    } else {
      server->recycle(ended);
    }
  };
  ++pendingCount_;
  if (isWrite_) {
    transport.write(operation);
  } else {
    transport.read(operation);
  }
}

void Transfer::onDone(RmaOperation& operation, ErrorCode code) {
  for (RmaOperation** link = &operations_; *link; link = &(*link)->nextOfCaller) {
    if (*link != &operation) continue;
    *link = operation.nextOfCaller;
    break;
  }
  request_.server_->recycle(operation);
  if (code != ErrorCode::kOk && code_ == ErrorCode::kOk) code_ = code;
  request_.hasFailedTransfer_ |= code != ErrorCode::kOk;
  if (--pendingCount_ == 0) waiter_.resume();
}

Status Transfer::await_resume() {
  if (code_ != ErrorCode::kOk)
    return Error(code_,
                 isWrite_ ? "data did not get to the client" : "data did not come from the client");
  if (isWrite_) request_.pushedSize_ = std::max(request_.pushedSize_, offset_ + size_);
  return {};
}

}  // namespace daos::rpc
