#include "rpc/server_side.h"

#include "base/generated/limits.h"
#include "base/planted.h"

namespace daos::rpc {

static constexpr size_t kAddressSizeMax = 256;
static constexpr uint64_t kBusyPauseNs = 1'000'000;
// Requests that a client gave up may still run beside new ones in its slots, up to this many times
// its credit.
static constexpr uint32_t kActivePerCredit = 2;

ClientSession::ClientSession(ServerSide& server, uint64_t clientId, std::string address)
    : server_(server), clientId_(clientId), address_(std::move(address)),
      link_(server.context_.dirty, server.context_.statistics.messageSentCount),
      assembly_(server.context_.assemblyMemory) {}

ClientSession::~ClientSession() { server_.context_.closeLink(link_); }

void ClientSession::onLinkFailed(ErrorCode) { server_.loseLink(*this, false); }

ServerSide::ServerSide(EndpointContext& context)
    : context_(context), incarnation_(context.random.next()) {}

void ServerSide::close() {
  sessions_.forEach([this](uint32_t slot, ClientSession&) { sessions_.remove(slot); });
}

ServerSide::HandlerEntry& ServerSide::entryFor(uint16_t opcode) {
  if (handlers_.size() <= opcode) handlers_.resize(size_t{opcode} + 1);
  return handlers_[opcode];
}
void ServerSide::handle(uint16_t opcode, Endpoint::Handler handler) {
  entryFor(opcode).handler = std::move(handler);
}
void ServerSide::handleFast(uint16_t opcode, Endpoint::FastHandler handler) {
  entryFor(opcode).fast = std::move(handler);
}

// ---- Sessions ----

// A session's id is its slot and, above, its generation, salted so that a server that was started
// anew at this address does not take the id for one of its own. A frame counts only over the
// session's own transport.
ClientSession* ServerSide::find(TransportEntry& entry, uint64_t id) {
  ClientSession* session =
      sessions_.find(static_cast<uint32_t>(id), static_cast<uint32_t>(id >> 32) ^ idSalt());
  return session && session->entry_ == &entry && session->link_.isOpen() ? session : nullptr;
}

void ServerSide::onFrame(TransportEntry& entry, const FrameView& frame, const BufferRef& message) {
  if (frame.header.kind == FrameKind::kHello) return onHello(entry, frame);
  ClientSession* session = find(entry, frame.header.session);
  if (!session) return;
  session->lastHeardNs_ = context_.reactor.nowNs();
  switch (frame.header.kind) {
    case FrameKind::kRequest: return onRequest(*session, frame, message);
    case FrameKind::kFragment: return onFragment(*session, frame);
    case FrameKind::kCancel: return onCancel(*session, frame.header.requestId);
    case FrameKind::kGoodbye: return endSession(*session);
    default: return;
  }
}

void ServerSide::onCorrupt(TransportEntry& entry, uint64_t id) {
  if (ClientSession* session = find(entry, id)) loseLink(*session, true);
}

void ServerSide::onHello(TransportEntry& entry, const FrameView& frame) {
  const FrameHeader& header = frame.header;
  const std::string_view address = textOf(frame.body);
  if (address.empty() || address.size() > kAddressSizeMax || context_.isShutDown) return;
  const auto found = byClient_.find(header.session);
  if (found == byClient_.end()) {
    if (sessions_.count() >= context_.options.sessionCountMax)
      return refuse(entry, frame, ErrorCode::kBusy);
    auto owned = std::make_unique<ClientSession>(*this, header.session, std::string(address));
    ClientSession& session = *owned;
    if (!openSession(session, entry, address).ok()) return;
    session.clientHandle_ = header.epoch;
    byClient_[header.session] = &session;
    const auto name = sessions_.add(std::move(owned));
    session.id_ = name.slot | uint64_t{name.generation ^ idSalt()} << 32;
    context_.statistics.sessionCount = sessions_.count();
    return welcome(session, header.requestId, false);
  }
  ClientSession& session = *found->second;
  if (session.isEnding_) return;
  const bool isSameLink =
      session.link_.isOpen() && session.entry_ == &entry && session.address_ == address;
  if (!isSameLink && !openSession(session, entry, address).ok()) return;
  session.clientHandle_ = header.epoch;
  session.lastHeardNs_ = context_.reactor.nowNs();
  welcome(session, header.requestId, true);
}

Status ServerSide::openSession(ClientSession& session, TransportEntry& entry,
                               std::string_view address) {
  context_.closeLink(session.link_);
  session.assembly_.forget();
  session.lostAtNs_ = session.lastHeardNs_ = context_.reactor.nowNs();
  session.address_ = address;
  session.entry_ = &entry;
  DAOS_CHECK(context_.openLink(session.link_, entry, address, session));
  session.canReachMemory_ = entry.transport->canReachMemoryOf(session.link_.peer());
  return {};
}

void ServerSide::refuse(TransportEntry& entry, const FrameView& hello, ErrorCode code) {
  Link link(context_.dirty, context_.statistics.messageSentCount);
  auto peer = entry.transport->connect(textOf(hello.body));
  if (!peer.ok()) return;
  link.open(*entry.transport, *peer);
  FrameHeader header;
  header.kind = FrameKind::kRefuse;
  header.session = hello.header.epoch;
  header.requestId = hello.header.requestId;
  header.result = static_cast<uint32_t>(code);
  link.put(header);
  link.flush();
  context_.closeLink(link);
}

void ServerSide::welcome(ClientSession& session, uint64_t attempt, bool isResumed) {
  FrameHeader header;
  header.kind = FrameKind::kWelcome;
  header.session = session.clientHandle_;
  header.requestId = attempt;
  header.epoch = session.id_;
  header.result = context_.options.features;
  WelcomeBody body;
  body.creditCount = context_.options.creditCount;
  body.messageSizeMax = session.entry_->transport->limits().messageSizeMax;
  body.incarnation = incarnation_;
  body.isResumed = isResumed;
  body.canReachMemory = session.canReachMemory_;
  session.link_.put(header, {{}, bytesOf(&body, sizeof(body)), {}});
}

void ServerSide::loseLink(ClientSession& session, bool sayGoodbye) {
  if (!session.link_.isOpen()) return;
  if (sayGoodbye) {
    FrameHeader header;
    header.kind = FrameKind::kGoodbye;
    header.flags = kFrameToClient;
    header.session = session.clientHandle_;
    header.requestId = session.id_;
    session.link_.put(header);
    session.link_.flush();
  }
  context_.closeLink(session.link_);
  session.assembly_.forget();
  session.lostAtNs_ = context_.reactor.nowNs();
  abandonRequests(session);
}

void ServerSide::abandonRequests(ClientSession& session) {
  for (ClientSession::Slot& slot : session.slots_) {
    // A modification goes on: its answer is kept for the client's return.
    if (slot.running && !(slot.running->flags_ & kFrameModification))
      slot.running->isCancelled_ = true;
  }
}

void ServerSide::endSession(ClientSession& session) {
  if (session.isEnding_) return;
  session.isEnding_ = true;
  context_.closeLink(session.link_);
  for (ClientSession::Slot& slot : session.slots_) {
    if (slot.running) slot.running->isCancelled_ = true;
  }
  byClient_.erase(session.clientId_);
  if (sessionEnd_) sessionEnd_(session);
  destroyIfIdle(session);
}

void ServerSide::destroyIfIdle(ClientSession& session) {
  if (!session.isEnding_ || session.activeCount_ > 0) return;
  sessions_.remove(static_cast<uint32_t>(session.id_));
  context_.statistics.sessionCount = sessions_.count();
}

void ServerSide::onTick(uint64_t now) {
  const EndpointOptions& options = context_.options;
  sessions_.forEach([&](uint32_t, ClientSession& session) {
    if (session.isEnding_) return;
    if (!session.link_.isOpen()) {
      if (now - session.lostAtNs_ > options.replyCacheNs) endSession(session);
      return;
    }
    const uint64_t silentNs = now - session.lastHeardNs_;
    if (silentNs > options.sessionIdleMaxNs) return loseLink(session, true);
    const uint64_t askAfterNs = options.sessionIdleMaxNs / 4;
    if (silentNs < askAfterNs || now - session.lastAskedNs_ < askAfterNs) return;
    session.lastAskedNs_ = now;
    FrameHeader header;
    header.kind = FrameKind::kPing;
    header.flags = kFrameToClient;
    header.session = session.clientHandle_;
    session.link_.put(header);
    session.entry_->transport->probe(session.link_.peer());
  });
}

void ServerSide::shutdown() {
  sessions_.forEach([this](uint32_t, ClientSession& session) {
    loseLink(session, true);
    endSession(session);
  });
}

// ---- Requests ----

void ServerSide::onFragment(ClientSession& session, const FrameView& frame) {
  const BufferRef whole = session.assembly_.add(frame);
  if (session.assembly_.code() == ErrorCode::kNomem)
    return answerBusy(session, frame, kBusyPauseNs * 10);
  if (!whole) return;
  FrameView inner;
  const bool isRequest = parseAssembled(whole.bytes(), inner) == ErrorCode::kOk &&
                         inner.header.kind == FrameKind::kRequest &&
                         inner.header.session == session.id_;
  if (isRequest) return onRequest(session, inner, whole);
  ++context_.statistics.corruptCount;
  loseLink(session, true);
}

void ServerSide::onCancel(ClientSession& session, uint64_t requestId) {
  const auto index = static_cast<uint32_t>(requestId);
  if (index >= session.slots_.size()) return;
  ClientSession::Slot& slot = session.slots_[index];
  if (slot.running && slot.sequence == requestId >> 32) slot.running->isCancelled_ = true;
}

void ServerSide::repeatAnswer(ClientSession& session, const RememberedReply& reply) {
  ++context_.statistics.repeatedCount;
  FrameHeader header = reply.header;
  header.session = session.clientHandle_;
  const Bytes data[] = {reply.data};
  session.link_.put(header, {{}, reply.body, data});
}

void ServerSide::answerBusy(ClientSession& session, const FrameView& frame, uint64_t retryAfterNs) {
  ++context_.statistics.busyCount;
  FrameHeader header;
  header.kind = FrameKind::kReply;
  header.opcode = frame.header.opcode;
  header.session = session.clientHandle_;
  header.requestId = frame.header.requestId;
  header.result = static_cast<uint32_t>(ErrorCode::kBusy);
  header.timeoutUs = static_cast<uint32_t>(retryAfterNs / 1000);
  session.link_.put(header);
}

// Whether the request is new and there is room for it. Otherwise it has been dealt with.
bool ServerSide::admit(ClientSession& session, ClientSession::Slot& slot, const FrameView& frame) {
  using State = ClientSession::Slot::State;
  const auto sequence = static_cast<uint32_t>(frame.header.requestId >> 32);
  const auto ahead = static_cast<int32_t>(sequence - slot.sequence);
  // Of a time that the client has left behind.
  if (slot.state != State::kUnused && ahead < 0) return false;
  if (slot.state != State::kUnused && ahead == 0) {
    if (slot.state == State::kRunning) return false;  // at it
    const bool isRemembered =
        slot.remembered && slot.remembered->header.requestId == frame.header.requestId;
    if (isRemembered && !isPlanted(Planted::kApplyRetryTwice)) {
      repeatAnswer(session, *slot.remembered);
      return false;
    }
  }
  if (session.activeCount_ >= context_.options.creditCount * kActivePerCredit ||
      activeCount_ >= context_.options.requestCountMax) {
    answerBusy(session, frame, kBusyPauseNs);
    return false;
  }
  if (slot.running) slot.running->isCancelled_ = true;
  slot.running = nullptr;
  slot.sequence = sequence;
  slot.state = State::kRunning;
  return true;
}

void ServerSide::onRequest(ClientSession& session, const FrameView& frame,
                           const BufferRef& message) {
  const auto index = static_cast<uint32_t>(frame.header.requestId);
  if (index >= context_.options.creditCount) {
    ++context_.statistics.corruptCount;
    return loseLink(session, true);
  }
  if (session.slots_.size() <= index) session.slots_.resize(index + 1);
  ClientSession::Slot& slot = session.slots_[index];
  if (!admit(session, slot, frame)) return;
  ++context_.statistics.requestCount;
  Request& request = allocateRequest();
  request.session_ = &session;
  request.message_ = message;
  slot.running = &request;
  ++session.activeCount_;
  ++activeCount_;
  if (!fill(request, frame)) {
    request.fail(Error(ErrorCode::kProto, "the request's descriptors contradict its sizes"));
    return finish(request);
  }
  if (frame.header.opcode >= handlers_.size()) {
    request.fail(
        Error(ErrorCode::kNosys, "no service for opcode " + std::to_string(frame.header.opcode)));
    return finish(request);
  }
  dispatch(request, handlers_[frame.header.opcode]);
}

// Total size of the descriptors [first, first + count); more than any transfer when they overflow.
static uint64_t totalSize(Bytes descriptors, size_t first, size_t count) {
  uint64_t total = 0;
  for (size_t i = first; i < first + count; ++i) {
    const uint64_t size = descriptorAt(descriptors, i).size;
    if (size > kTransferSizeMax) return ~uint64_t{0};
    total += size;
  }
  return total;
}

// False when there is none at the end of the body.
bool ServerSide::takeTrace(Request& request) {
  const size_t size = sizeof(TraceContext);
  if (request.body_.size() < size) return false;
  request.trace_ = loadAs<TraceContext>(request.body_.data() + request.body_.size() - size);
  request.body_ = request.body_.first(request.body_.size() - size);
  return true;
}

// False when the frame contradicts itself.
bool ServerSide::fill(Request& request, const FrameView& frame) {
  const FrameHeader& header = frame.header;
  request.opcode_ = header.opcode;
  request.flags_ = header.flags;
  request.requestId_ = header.requestId;
  request.epoch_ = header.epoch;
  request.mapVersion_ = header.mapVersion;
  request.deadlineNs_ = context_.reactor.nowNs() + uint64_t{header.timeoutUs} * 1000;
  request.body_ = frame.body;
  request.inlineData_ = frame.data;
  request.descriptors_ = frame.descriptors;
  request.dataSize_ = header.dataSize;
  request.sinkSize_ = header.result;
  request.sourceCount_ = header.sourceCount;
  request.sinkCount_ = header.sinkCount;
  request.isDataInline_ = !(header.flags & kFrameDataRemote);
  request.isSinkRemote_ = header.sinkCount > 0;
  if (header.flags & kFrameTraced) {
    if (!(context_.options.features & kFeatureTraced) || !takeTrace(request)) return false;
  }
  if (request.isDataInline_ != (header.sourceCount == 0) || header.result > kTransferSizeMax)
    return false;
  if (!request.isDataInline_ &&
      totalSize(frame.descriptors, 0, header.sourceCount) != header.dataSize)
    return false;
  return !request.isSinkRemote_ ||
         totalSize(frame.descriptors, header.sourceCount, header.sinkCount) == header.result;
}

void ServerSide::dispatch(Request& request, HandlerEntry& handlers) {
  // What is traced takes the way on which its stages are noted.
  const bool isTraced = request.trace() != nullptr;
  if (!isTraced && handlers.fast && handlers.fast(request)) return finish(request);
  if (!handlers.handler) {
    request.fail(
        Error(ErrorCode::kNosys, "no service for opcode " + std::to_string(request.opcode_)));
    return finish(request);
  }
  request.keepMessage();
  context_.reactor.spawn(run(request, handlers.handler));
}

Task<void> ServerSide::run(Request& request, Endpoint::Handler& handler) {
  co_await handler(request);
  finish(request);
}

void ServerSide::finish(Request& request) {
  if (!request.isAnswered_)
    request.fail(Error(ErrorCode::kMisc, "a handler ended without an answer"));
  ClientSession& session = *request.session_;
  ClientSession::Slot& slot = session.slots_[static_cast<uint32_t>(request.requestId_)];
  if (slot.running == &request) {
    slot.running = nullptr;
    slot.state = request.isBusy_ ? ClientSession::Slot::State::kUnused
                                 : ClientSession::Slot::State::kAnswered;
  }
  --session.activeCount_;
  --activeCount_;
  request.message_.reset();
  idleRequests_.push_back(&request);
  if (session.isEnding_) destroyIfIdle(session);
}

Request& ServerSide::allocateRequest() {
  if (idleRequests_.empty()) {
    requests_.push_back(std::make_unique<Request>());
    requests_.back()->server_ = this;
    idleRequests_.push_back(requests_.back().get());
  }
  Request& request = *idleRequests_.back();
  idleRequests_.pop_back();
  request.clear();
  return request;
}

RmaOperation& ServerSide::allocateOperation() {
  if (!idleOperations_) {
    operations_.push_back(std::make_unique<RmaOperation>());
    idleOperations_ = operations_.back().get();
  }
  RmaOperation& operation = *idleOperations_;
  idleOperations_ = operation.next;
  operation.next = nullptr;
  operation.localCount = 0;
  return operation;
}

void ServerSide::recycle(RmaOperation& operation) {
  operation.next = idleOperations_;
  idleOperations_ = &operation;
}

FrameHeader ServerSide::replyHeader(const Request& request) const {
  FrameHeader header;
  header.kind = FrameKind::kReply;
  header.opcode = request.opcode_;
  header.session = request.session_->clientHandle_;
  header.requestId = request.requestId_;
  header.epoch = request.replyEpoch_;
  header.mapVersion = request.replyMapVersion_;
  return header;
}

void ServerSide::answer(Request& request, FrameHeader& header, const FrameParts& parts) {
  DAOS_ASSERT(!request.isAnswered_);
  request.isAnswered_ = true;
  request.session_->link_.put(header, parts);
  if (request.flags_ & kFrameModification) remember(request, header, parts);
}

// Keeps the answer in the client's slot, until the client uses the slot for something else.
void ServerSide::remember(Request& request, const FrameHeader& header, const FrameParts& parts) {
  ClientSession::Slot& slot = request.session_->slots_[static_cast<uint32_t>(request.requestId_)];
  if (slot.running != &request || request.isBusy_) return;
  if (!slot.remembered) slot.remembered = std::make_unique<RememberedReply>();
  RememberedReply& reply = *slot.remembered;
  reply.header = header;
  reply.body.assign(parts.body.begin(), parts.body.end());
  reply.data.clear();
  for (const Bytes piece : parts.data)
    reply.data.insert(reply.data.end(), piece.begin(), piece.end());
}

}  // namespace daos::rpc
