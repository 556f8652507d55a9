#include "node/rpc_core.h"

namespace daos::node {

// Of one batch; the rest goes with the next.
static constexpr size_t kBatchCountMax = 256;
static constexpr size_t kBatchSizeMax = 4 << 20;

Status RpcCore::open(const TransportChoice& transports, const rpc::EndpointOptions& options) {
  network_ = transports.network;
  DAOS_TRY(auto made, transports.make(reactor().clock(), random_));
  endpoint_ = rpc::Endpoint::create(reactor(), random_, options);
  for (auto& transport : made) endpoint_->addTransport(std::move(transport));
  return {};
}

uint32_t RpcCore::connect(const std::string& addresses) {
  rpc::Peer* peer = &endpoint_->peer(addresses);
  for (uint32_t i = 0; i < peers_.size(); ++i) {
    if (peers_[i] == peer) return i;
  }
  peers_.push_back(peer);
  return static_cast<uint32_t>(peers_.size() - 1);
}

rpc::Peer* RpcCore::peer(uint32_t number) const {
  return number < peers_.size() ? peers_[number] : nullptr;
}

// ---- Requests ----

Status RpcCore::serve(uint16_t opcode) {
  if (isServed_.size() <= opcode) isServed_.resize(size_t{opcode} + 1);
  if (isServed_[opcode])
    return Error(ErrorCode::kExist, "opcode " + std::to_string(opcode) + " is served already");
  isServed_[opcode] = true;
  endpoint_->handle(opcode, [this](rpc::Request& request) { return park(request); });
  return {};
}

// co_await: until the request was answered.
struct RpcCore::Parked {
  Waiting& waiting;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handler) const { waiting.handler = handler; }
  void await_resume() const noexcept {}
};

Task<void> RpcCore::park(rpc::Request& request) {
  if (!isOpenOnThread()) {
    request.fail(Error(ErrorCode::kShutdown));
    co_return;
  }
  const RequestId id = ++requestIdLast_;
  Waiting& waiting = waiting_[id];
  waiting.request = &request;
  arrived_.push_back(id);
  if (!isDeliveryDue_) {
    isDeliveryDue_ = true;
    reactor().spawn(deliverLater());
  }
  co_await Parked{waiting};
}

// After everything else of this turn, so that what came together goes together.
Task<void> RpcCore::deliverLater() {
  co_await reactor().yield();
  isDeliveryDue_ = false;
  deliver();
}

void RpcCore::accept(Request& accepting) {
  if (accepting_)
    return accepting.finish(Status(Error(ErrorCode::kBusy, "requests are being accepted")));
  if (!isOpenOnThread()) return accepting.finish(Status(Error(ErrorCode::kShutdown)));
  accepting_ = &accepting;
  deliver();
}

void RpcCore::stopAccepting() {
  if (!accepting_) return;
  Request* accepting = std::exchange(accepting_, nullptr);
  accepting->finish(Status(Error(ErrorCode::kCanceled)));
}

void RpcCore::deliver() {
  if (!accepting_ || arrived_.empty()) return;
  auto answer = std::make_unique<AnswerWriter>();
  answer->u32(0);
  uint32_t count = 0;
  const uint64_t now = reactor().clock().nowNs();
  for (; !arrived_.empty() && count < kBatchCountMax && answer->size() < kBatchSizeMax; ++count) {
    const RequestId id = arrived_.front();
    arrived_.pop_front();
    const rpc::Request& request = *waiting_.at(id).request;
    answer->u64(id);
    answer->u32(request.opcode());
    answer->u64(request.session().id());
    answer->u64(request.deadlineNs() > now ? request.deadlineNs() - now : 0);
    answer->u64(request.dataSize());
    answer->u64(request.sinkSize());
    answer->u8(request.isSinkRemote());
    answer->bytes(request.body());
  }
  answer->setU32(0, count);
  Request* accepting = std::exchange(accepting_, nullptr);
  accepting->answer = std::move(answer);
  accepting->finish(Status());
}

Result<RpcCore::Waiting*> RpcCore::find(RequestId id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second.isEnding)
    return Error(ErrorCode::kNoHdl, "the request has been answered");
  return &found->second;
}

void RpcCore::finish(RequestId id) {
  const auto found = waiting_.find(id);
  const std::coroutine_handle<> handler = found->second.handler;
  waiting_.erase(found);
  reactor().schedule(handler);
}

void RpcCore::endTransfer(RequestId id) {
  Waiting& waiting = waiting_.at(id);
  if (--waiting.transferCount == 0 && waiting.isEnding) failWaiting(id, waiting);
}

// ---- Calls ----

void RpcCore::cancelCall(uint32_t slot) {
  reactor().post([this, slot] {
    if (const auto found = calls_.find(slot); found != calls_.end()) found->second->cancel();
  });
}

// ---- The end ----

void RpcCore::failWaiting(RequestId id, Waiting& waiting) {
  waiting.request->fail(Error(ErrorCode::kShutdown));
  finish(id);
}

void RpcCore::onEnding() {
  stopAccepting();
  if (!endpoint_) return;
  arrived_.clear();
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const auto current = next++;
    current->second.isEnding = true;
    if (current->second.transferCount == 0) failWaiting(current->first, current->second);
  }
  endpoint_->shutdown();
}

Status RpcCore::close() {
  while (endpoint_ && !endpoint_->isQuiet()) reactor().runOnce();
  endpoint_.reset();
  return {};
}

}  // namespace daos::node
