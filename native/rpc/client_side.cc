#include "rpc/client_side.h"

#include "base/generated/limits.h"

namespace daos::rpc {

Call::Call(Endpoint& endpoint, Peer& peer, const CallArguments& args)
    : arguments(args), endpoint_(&endpoint), peer_(&peer) {}

Call::~Call() {
  if (isUnderWay()) endpoint_->abandon(*this);
}

void Call::cancel() {
  if (isUnderWay()) endpoint_->cancel(*this);
}

bool Call::await_suspend(std::coroutine_handle<> waiter) {
  endpoint_->start(*this);
  if (state_ == State::kEnded) return false;
  waiter_ = waiter;
  return true;
}

void Call::end() {
  state_ = State::kEnded;
  if (waiter_) {
    std::exchange(waiter_, nullptr).resume();
  } else if (done) {
    done(*this);
  }
}

ClientSide::ClientSide(EndpointContext& context)
    : context_(context), clientId_(context.random.next()), wheel_(context.reactor.nowNs()) {}

Peer& ClientSide::peer(std::string_view addresses) {
  const auto found = byAddresses_.find(addresses);
  if (found != byAddresses_.end()) return *found->second;
  auto owned = std::make_unique<RemotePeer>(*this, std::string(addresses));
  RemotePeer& peer = *owned;
  const auto name = peers_.add(std::move(owned));
  peer.setHandle(name.slot | uint64_t{name.generation ^ handleSalt()} << 32);
  byAddresses_.emplace(std::string(addresses), &peer);
  return peer;
}

void ClientSide::forgetPeer(Peer& peer) {
  auto& remote = static_cast<RemotePeer&>(peer);
  byAddresses_.erase(byAddresses_.find(remote.addresses()));
  // Out of the table first: what its calls do when they end finds it gone.
  forgotten_.push_back(peers_.remove(static_cast<uint32_t>(remote.handle())));
  remote.leave(ErrorCode::kCanceled);
}

void ClientSide::start(Call& call) {
  ++context_.statistics.callCount;
  const CallArguments& arguments = call.arguments;
  for (const Bytes piece : arguments.data) call.dataSize_ += piece.size();
  for (const MutableBytes piece : arguments.sink) call.sinkSize_ += piece.size();
  if (context_.isShutDown) {
    call.result.emplace(Error(ErrorCode::kShutdown));
  } else if (arguments.body.size() > kFrameSizeMax) {
    call.result.emplace(Error(ErrorCode::kOverflow, "a request's body is over " +
                                                        std::to_string(kFrameSizeMax) + " bytes"));
  } else if (call.dataSize_ > kTransferSizeMax || call.sinkSize_ > kTransferSizeMax) {
    call.result.emplace(Error(ErrorCode::kOverflow,
                              "a transfer is over " + std::to_string(kTransferSizeMax) + " bytes"));
  }
  if (call.result) return call.end();
  static_cast<RemotePeer*>(call.peer_)->start(call);
}

void ClientSide::onFrame(const FrameView& frame, const BufferRef& message) {
  if (RemotePeer* peer = find(frame.header.session)) peer->onFrame(frame, message);
}

void ClientSide::onTick(uint64_t nowNs) {
  peers_.forEach([nowNs](uint32_t, RemotePeer& peer) { peer.onTick(nowNs); });
}

void ClientSide::onTimers(uint64_t nowNs) {
  wheel_.advance(
      nowNs, [](const Call& call) { return call.wakeNs_; },
      [](Call& call) { static_cast<RemotePeer*>(call.peer_)->onDue(call); });
  peers_.forEach([nowNs](uint32_t, RemotePeer& peer) { peer.onTimer(nowNs); });
}

void ClientSide::arm(uint64_t wakeNs) {
  if (wakeNs >= armedNs_) return;
  armedNs_ = wakeNs;
  context_.reactor.addTimer(wakeNs, [this, wakeNs, alive = std::weak_ptr<bool>(isAlive_)] {
    if (alive.expired() || armedNs_ != wakeNs) return;
    armedNs_ = ~uint64_t{0};
    onTimers(context_.reactor.nowNs());
    uint64_t nextNs = wheel_.nextNs();
    peers_.forEach(
        [&nextNs](uint32_t, RemotePeer& peer) { nextNs = std::min(nextNs, peer.slotsWakeNs()); });
    if (nextNs != ~uint64_t{0}) arm(nextNs);
  });
}

void ClientSide::shutdown() {
  peers_.forEach([](uint32_t, RemotePeer& peer) { peer.leave(ErrorCode::kShutdown); });
}

void ClientSide::close() {
  peers_.forEach([this](uint32_t slot, RemotePeer&) { peers_.remove(slot); });
  forgotten_.clear();
  while (!remembered_.empty()) forgetMemory({remembered_.begin()->first, 0});
}

bool ClientSide::isQuiet() {
  bool isQuiet = true;
  peers_.forEach([&isQuiet](uint32_t, RemotePeer& peer) { isQuiet &= peer.callCount() == 0; });
  return isQuiet;
}

Status ClientSide::rememberMemory(MutableBytes memory) {
  Remembered remembered{memory.size(), {}};
  for (auto& entry : context_.transports) {
    if (!entry->transport->limits().canReachMemory) continue;
    DAOS_TRY(const MemoryRegion region,
             entry->transport->registerMemory(memory, MemoryAccess::kReadWrite));
    remembered.regions.emplace_back(entry->transport.get(), region);
  }
  remembered_[memory.data()] = std::move(remembered);
  return {};
}

void ClientSide::forgetMemory(MutableBytes memory) {
  const auto found = remembered_.find(memory.data());
  if (found == remembered_.end()) return;
  for (auto& [transport, region] : found->second.regions) transport->deregisterMemory(region);
  remembered_.erase(found);
}

Result<RemoteMemory> ClientSide::expose(CallMemory& into, MutableBytes memory,
                                        MemoryAccess access) {
  auto found = remembered_.upper_bound(memory.data());
  if (found != remembered_.begin()) {
    --found;
    const size_t offset = static_cast<size_t>(memory.data() - found->first);
    if (offset + memory.size() <= found->second.size) {
      for (const auto& [transport, region] : found->second.regions) {
        if (transport != into.transport) continue;
        return RemoteMemory{region.remote.key, region.remote.address + offset};
      }
    }
  }
  DAOS_TRY(const MemoryRegion region, into.transport->registerMemory(memory, access));
  into.regions.push_back(region);
  return region.remote;
}

}  // namespace daos::rpc
