#include "node/rpc_binding.h"

#include "base/generated/limits.h"
#include "node/rpc_core.h"

namespace daos::node {

namespace {

using RpcRequest = CoreRequest<RpcCore>;

class RpcOpenRequest : public OpenRequest<RpcCore> {
 public:
  RpcOpenRequest(Call& call, std::shared_ptr<RpcCore> core, TransportChoice chosen)
      : OpenRequest(call, HandleType::kRpcEndpoint, std::move(core)),
        transports(std::move(chosen)) {}
  const TransportChoice transports;
  rpc::EndpointOptions options;
};

// C++: Endpoint::create(Reactor&, Random&, EndpointOptions), addTransport
// TS:  rpcOpen(u32 count, transports: text…, address: text, network: u64, spinNs: u64, timeoutNs:
//      u64, requestCountMax: u32): Handle
Status open(RpcCore& core, Request& request) {
  auto& opening = static_cast<RpcOpenRequest&>(request);
  return core.open(opening.transports, opening.options);
}

void rpcOpen(Call& call) {
  CommandReader reader(call.command);
  auto transports = TransportChoice::read(reader, call.environment.handles());
  if (!transports.ok()) return call.fail(std::move(transports).error());
  const uint64_t spinNs = reader.u64();
  const uint64_t timeoutNs = reader.u64();
  const uint32_t requestCountMax = reader.u32();
  if (Status status = reader.status(); !status.ok()) return call.fail(std::move(status).error());
  auto reactor = Reactor::create(call.environment.clock(), {.spinNs = spinNs});
  if (!reactor.ok()) return call.fail(std::move(reactor).error());
  auto core = std::make_shared<RpcCore>(std::move(*reactor));
  core->start();
  auto* request = new RpcOpenRequest(call, std::move(core), std::move(*transports));
  request->options.timeoutNs = timeoutNs;
  request->options.requestCountMax = requestCountMax;
  request->begin(open);
}

// C++: Endpoint::shutdown()
// TS:  rpcClose(): void
void rpcClose(Call& call) { closeCore(call, HandleType::kRpcEndpoint); }

// C++: std::string Endpoint::addresses()
// TS:  rpcAddresses(): text
Status addresses(RpcCore& core, Request& request) {
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->text(core.endpoint().addresses());
  return {};
}

// C++: Peer& Endpoint::peer(std::string_view addresses)
// TS:  rpcConnect(addresses: text): number
Status connect(RpcCore& core, Request& request) {
  request.number = core.connect(request.reader.text());
  return request.reader.status();
}

// ---- Calls ----

// Answers, as calls do: boolean isFailed; then u64 dataSize, bytes body; or text code, text
// message, bytes details.
void answerCall(Request& request, const Result<rpc::Reply>& reply, Bytes details) {
  request.answer = std::make_unique<AnswerWriter>();
  AnswerWriter& answer = *request.answer;
  answer.u8(!reply.ok());
  if (reply.ok()) {
    answer.u64(reply->dataSize());
    answer.bytes(reply->body());
    return;
  }
  answer.text(errorName(reply.error().code()));
  answer.text(reply.error().message());
  answer.bytes(details);
}

class CallRequest : public RpcRequest {
 public:
  using RpcRequest::RpcRequest;
  void cancel() override { core()->cancelCall(slot); }
};

// C++: Call Endpoint::call(Peer&, const CallArguments&)
// TS:  rpcCall(peer: u32, opcode: u32, isModification: boolean, timeoutNs: u64, body: bytes,
//      sourceCount: u32), data: sources, then sinks: boolean isFailed, (u64 dataSize, bytes body) |
//      (text code, text message, bytes details)
Task<Status> call(RpcCore& core, Request& request) {
  rpc::Peer* peer = core.peer(request.reader.u32());
  rpc::CallArguments arguments{.opcode = static_cast<uint16_t>(request.reader.u32())};
  arguments.isModification = request.reader.boolean();
  const uint64_t timeoutNs = request.reader.u64();
  arguments.body = request.reader.bytes();
  const uint32_t sourceCount = request.reader.u32();
  DAOS_CO_CHECK(request.reader.status());
  if (!peer || sourceCount > request.data.size()) co_return invalid("no such peer, or sources");
  if (timeoutNs > 0) arguments.deadlineNs = core.reactor().clock().nowNs() + timeoutNs;
  const std::vector<Bytes> sources(request.data.begin(), request.data.begin() + sourceCount);
  std::vector<std::byte> details;
  arguments.data = sources;
  arguments.sink = std::span(request.data).subspan(sourceCount);
  arguments.errorBody = &details;
  rpc::Call call(core.endpoint(), *peer, arguments);
  core.addCall(request.slot, call);
  auto reply = co_await call;
  core.removeCall(request.slot);
  if (!reply.ok() && details.empty()) co_return std::move(reply).error();
  answerCall(request, reply, details);
  co_return Status();
}

void rpcCall(Call& call_) {
  auto core = call_.resource<RpcCore>(HandleType::kRpcEndpoint);
  if (!core) return;
  if (!core->isOpen()) return call_.fail(Error(ErrorCode::kNoHdl));
  (new CallRequest(call_, std::move(core)))->begin(call);
}

// ---- Requests of others ----

// C++: void Endpoint::handle(uint16_t opcode, Handler)
// TS:  rpcServe(u32 count, opcodes: u32…): void
Status serve(RpcCore& core, Request& request) {
  const uint32_t count = request.reader.u32();
  for (uint32_t i = 0; i < count && request.reader.remaining() > 0; ++i)
    DAOS_CHECK(core.serve(static_cast<uint16_t>(request.reader.u32())));
  return request.reader.status();
}

class AcceptRequest : public Request {
 public:
  AcceptRequest(Call& call, std::shared_ptr<RpcCore> kept)
      : Request(call), core(std::move(kept)) {
    run = [](Message* message) {
      auto& self = *static_cast<AcceptRequest*>(message);
      self.core->accept(self);
    };
  }
  const std::shared_ptr<RpcCore> core;
};

// C++: void RpcCore::accept(Request&)
// TS:  rpcAccept(): u32 count, (u64 id, u32 opcode, u64 session, u64 remainingNs, u64 dataSize, u64
//      roomSize, boolean isRoomRemote, bytes body)…
void rpcAccept(Call& call) {
  auto core = call.resource<RpcCore>(HandleType::kRpcEndpoint);
  if (!core) return;
  if (!core->isOpen()) return call.fail(Error(ErrorCode::kNoHdl));
  auto* request = new AcceptRequest(call, core);
  call.environment.begin(*request);
  core->reactor().post(request);
}

// C++: Transfer rpc::Request::pull(std::span<const MutableBytes>, uint64_t offset)
// TS:  rpcPull(request: u64, offset: u64), into: Uint8Array | Uint8Array[]: void
Task<Status> pull(RpcCore& core, Request& request) {
  const RpcCore::RequestId id = request.reader.u64();
  const uint64_t offset = request.reader.u64();
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_TRY(RpcCore::Waiting * waiting, core.find(id));
  core.beginTransfer(*waiting);
  Status status = co_await waiting->request->pull(request.data, offset);
  core.endTransfer(id);
  co_return status;
}

// C++: Transfer rpc::Request::push(std::span<const Bytes>, uint64_t offset)
// TS:  rpcPush(request: u64, offset: u64), data: Uint8Array | Uint8Array[]: void
Task<Status> push(RpcCore& core, Request& request) {
  const RpcCore::RequestId id = request.reader.u64();
  const uint64_t offset = request.reader.u64();
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_TRY(RpcCore::Waiting * waiting, core.find(id));
  const std::vector<Bytes> pieces(request.data.begin(), request.data.end());
  core.beginTransfer(*waiting);
  Status status = co_await waiting->request->push(pieces, offset);
  core.endTransfer(id);
  co_return status;
}

Result<RpcCore::Waiting*> findToAnswer(RpcCore& core, RpcCore::RequestId id) {
  DAOS_TRY(RpcCore::Waiting * waiting, core.find(id));
  if (waiting->transferCount > 0)
    return Error(ErrorCode::kBusy, "a transfer of the request's payload is under way");
  return waiting;
}

// C++: void rpc::Request::reply(Bytes body, std::span<const Bytes> data)
// TS:  rpcReply(request: u64, body: bytes), data?: Uint8Array | Uint8Array[]: void
Status reply(RpcCore& core, Request& request) {
  const RpcCore::RequestId id = request.reader.u64();
  const Bytes body = request.reader.bytes();
  DAOS_CHECK(request.reader.status());
  DAOS_TRY(RpcCore::Waiting * waiting, findToAnswer(core, id));
  if (body.size() > kFrameSizeMax)
    return Error(ErrorCode::kOverflow, "an answer has " + std::to_string(body.size()) +
                                           " bytes; at most " + std::to_string(kFrameSizeMax) +
                                           " are allowed: send more as payload");
  const std::vector<Bytes> data(request.data.begin(), request.data.end());
  waiting->request->reply(body, data);
  core.finish(id);
  return {};
}

ErrorCode errorCodeOf(uint32_t number) {
  return isErrorCode(number) && number != 0 ? static_cast<ErrorCode>(number) : ErrorCode::kMisc;
}

// C++: void rpc::Request::fail(const Error&, Bytes body)
// TS:  rpcFail(request: u64, code: u32, message: text, details: bytes): void
Status fail(RpcCore& core, Request& request) {
  const RpcCore::RequestId id = request.reader.u64();
  const ErrorCode code = errorCodeOf(request.reader.u32());
  const std::string message = request.reader.text();
  const Bytes details = request.reader.bytes();
  DAOS_CHECK(request.reader.status());
  DAOS_TRY(RpcCore::Waiting * waiting, findToAnswer(core, id));
  waiting->request->fail(Error(code, message), details);
  core.finish(id);
  return {};
}

// C++: bool rpc::Request::isAbandoned()
// TS:  rpcWatch(request: u64): boolean
// Ends when nobody waits for the answer any more (true), or when it was given (false); DER_SHUTDOWN
// at the end of the endpoint.
Task<Status> watch(RpcCore& core, Request& request) {
  static constexpr uint64_t kPeriodNs = 5'000'000;
  const RpcCore::RequestId id = request.reader.u64();
  DAOS_CO_CHECK(request.reader.status());
  for (;;) {
    auto waiting = core.find(id);
    if (!waiting.ok() && core.isEnding()) co_return Error(ErrorCode::kShutdown);
    if (!waiting.ok()) co_return Status();
    if ((*waiting)->request->isAbandoned()) break;
    co_await core.reactor().sleep(kPeriodNs);
  }
  request.number = 1;
  co_return Status();
}

template <auto function>
void onEndpoint(Call& call) {
  runOn<RpcCore>(call, HandleType::kRpcEndpoint, function);
}

constexpr Function kFunctions[] = {
    {"rpcOpen", entry<rpcOpen>},
    {"rpcClose", entry<rpcClose>},
    {"rpcAddresses", entry<onEndpoint<addresses>>},
    {"rpcConnect", entry<onEndpoint<connect>>},
    {"rpcCall", entry<rpcCall>},
    {"rpcServe", entry<onEndpoint<serve>>},
    {"rpcAccept", entry<rpcAccept>},
    {"rpcPull", entry<onEndpoint<pull>>},
    {"rpcPush", entry<onEndpoint<push>>},
    {"rpcReply", entry<onEndpoint<reply>>},
    {"rpcFail", entry<onEndpoint<fail>>},
    {"rpcWatch", entry<onEndpoint<watch>>},
};

}  // namespace

Functions rpcFunctions() { return kFunctions; }

}  // namespace daos::node
