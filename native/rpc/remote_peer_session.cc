// A server as a client sees it: the connection, its greeting, and what is left when it breaks.
#include <algorithm>

#include "rpc/client_side.h"

namespace daos::rpc {

static constexpr uint64_t kHelloPauseNs = 250'000'000;

void RemotePeer::findCandidates() {
  candidates_.clear();
  candidateIndex_ = 0;
  for (auto& entry : context_.transports) {
    for (size_t at = 0; at < addresses_.size();) {
      const size_t stop = std::min(addresses_.find(' ', at), addresses_.size());
      const std::string address = addresses_.substr(at, stop - at);
      if (!address.empty() && entry->transport->canReach(address))
        candidates_.push_back({entry.get(), address});
      at = stop + 1;
    }
  }
}

void RemotePeer::connect() {
  if (candidateIndex_ >= candidates_.size()) findCandidates();
  if (candidates_.empty()) return breakLink(ErrorCode::kUnreach);
  const Candidate& candidate = candidates_[candidateIndex_];
  auto opened = context_.openLink(link_, *candidate.entry, candidate.address, *this);
  if (!opened.ok()) return breakLink(opened.code());
  state_ = State::kConnecting;
  ++attempt_;
  sendHello();
}

void RemotePeer::sendHello() {
  lastAskedNs_ = nowNs();
  FrameHeader header;
  header.kind = FrameKind::kHello;
  header.session = client_.clientId();
  header.requestId = attempt_;
  header.epoch = handle_;
  link_.put(header, {{}, bytesOf(std::string_view(link_.transport()->address())), {}});
}

// Tries again after a pause, by the next address where there is one.
void RemotePeer::breakLink(ErrorCode code) {
  const uint64_t now = nowNs();
  const bool wasReady = state_ == State::kReady;
  DAOS_LOG_INFO(context_.options.log, "lost " + addresses_ + ": " + std::string(errorName(code)));
  context_.closeLink(link_);
  assembly_.forget();
  if (wasReady || brokenSinceNs_ == 0) {
    brokenSinceNs_ = now;
    pauseNs_ = context_.options.reconnectNs;
  }
  if (wasReady) {
    candidateIndex_ = candidates_.size();
  } else {
    ++candidateIndex_;
  }
  state_ = State::kBroken;
  retryAtNs_ = now + (candidateIndex_ < candidates_.size() && !wasReady ? 0 : pauseNs_);
  pauseNs_ = std::min(pauseNs_ * 2, context_.options.reconnectNs * 64);
  // A registration is good for one transport only; calls make new ones when they are sent again.
  for (Slot& slot : slots_) {
    if (!slot.call) continue;
    slot.call->memory_.reset();
    if (slot.call->state_ == Call::State::kSent) slot.call->state_ = Call::State::kQueued;
  }
}

void RemotePeer::onLinkFailed(ErrorCode code) {
  if (state_ == State::kConnecting || state_ == State::kReady) breakLink(code);
}

void RemotePeer::onTick(uint64_t now) {
  const EndpointOptions& options = context_.options;
  const bool hasCalls = callCount() > 0;
  if (state_ == State::kBroken) {
    if (hasCalls && now - brokenSinceNs_ > options.unreachableNs) {
      brokenSinceNs_ = 0;
      state_ = State::kIdle;
      return endAll(ErrorCode::kUnreach, "nobody answers there");
    }
    if (now >= retryAtNs_) {
      if (hasCalls) return connect();
      brokenSinceNs_ = 0;
      state_ = State::kIdle;
    }
    return;
  }
  if (state_ == State::kConnecting) {
    if (now - lastAskedNs_ < kHelloPauseNs) return;
    if (brokenSinceNs_ == 0) brokenSinceNs_ = now;
    if (now - brokenSinceNs_ > options.unreachableNs) return breakLink(ErrorCode::kUnreach);
    link_.transport()->probe(link_.peer());
    return sendHello();
  }
  if (state_ != State::kReady || !hasCalls || now - lastHeardNs_ < options.keepAliveNs) return;
  if (now - lastAskedNs_ < options.keepAliveNs) return;
  if (now - lastHeardNs_ > options.sessionIdleMaxNs) return breakLink(ErrorCode::kUnreach);
  // A greeting is the question that a server which has forgotten us can answer, too.
  link_.transport()->probe(link_.peer());
  sendHello();
}

void RemotePeer::onFrame(const FrameView& frame, const BufferRef& message) {
  if (state_ != State::kConnecting && state_ != State::kReady) return;
  lastHeardNs_ = nowNs();
  switch (frame.header.kind) {
    case FrameKind::kReply: return onReply(frame, message);
    case FrameKind::kFragment: return onFragment(frame);
    case FrameKind::kWelcome: return onWelcome(frame);
    case FrameKind::kRefuse:
      if (frame.header.requestId == attempt_) breakLink(ErrorCode::kBusy);
      return;
    case FrameKind::kGoodbye:
      if (state_ == State::kReady && frame.header.requestId == session_)
        breakLink(ErrorCode::kUnreach);
      return;
    case FrameKind::kPing: {
      FrameHeader header;
      header.kind = FrameKind::kPong;
      header.session = session_;
      return link_.put(header);
    }
    default: return;
  }
}

void RemotePeer::onWelcome(const FrameView& frame) {
  if (frame.header.requestId != attempt_ || frame.body.size() != sizeof(WelcomeBody)) return;
  const auto welcome = loadAs<WelcomeBody>(frame.body.data());
  const bool isKnown =
      state_ == State::kReady && welcome.isResumed && frame.header.epoch == session_;
  if (isKnown || welcome.creditCount == 0) return;
  const bool isResumed = welcome.isResumed && welcome.incarnation == incarnation_;
  session_ = frame.header.epoch;
  incarnation_ = welcome.incarnation;
  features_ = frame.header.result;
  inlineSizeMax_ =
      welcome.canReachMemory ? link_.transport()->limits().inlineSizeMax : kTransferSizeMax;
  state_ = State::kReady;
  brokenSinceNs_ = 0;
  growSlots(std::min(welcome.creditCount, uint32_t{65536}));
  settleCallsAfterReconnect(isResumed);
  pump();
}

void RemotePeer::growSlots(uint32_t count) {
  if (slots_.size() >= count) return;
  const size_t before = slots_.size();
  slots_.resize(count);
  for (size_t i = count; i-- > before;) freeSlots_.push_back(static_cast<uint32_t>(i));
  std::rotate(freeSlots_.begin(), freeSlots_.end() - static_cast<ptrdiff_t>(count - before),
              freeSlots_.end());
}

// Calls that were at the server when the connection broke: the server that remembers its answers
// gets them again; another one only those that change nothing.
void RemotePeer::settleCallsAfterReconnect(bool isResumed) {
  for (size_t i = 0; i < slots_.size() && state_ == State::kReady; ++i) {
    Call* call = slots_[i].call;
    if (!call || call->state_ == Call::State::kLeaving) continue;
    if (isResumed || !call->arguments.isModification) {
      transmit(*call);
    } else {
      end(*call, Error(ErrorCode::kUnreach,
                       "the server was lost; it isn't known whether the request was executed"));
    }
  }
}

}  // namespace daos::rpc
