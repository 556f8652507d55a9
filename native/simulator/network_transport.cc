#include "simulator/network_transport.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace daos::simulator {

static constexpr uint32_t kMessageSizeMax = 65536;

SimulatedTransport::SimulatedTransport(SimulatedNetwork& network, Process& process,
                                       uint64_t incarnation)
    : network_(network),
      process_(process),
      incarnation_(incarnation),
      address_(SimulatedNetwork::addressOf(process.id())),
      limits_{.messageSizeMax = kMessageSizeMax,
              .inlineSizeMax = network.inlineSizeMax_,
              .rmaSizeMax = uint64_t{1} << 30,
              .canReachMemory = true},
      buffers_(kMessageSizeMax) {
  network_.enter(*this);
}

// What a dead process sent last may have left it or not, message by message; from a living one
// everything has.
SimulatedTransport::~SimulatedTransport() {
  for (const auto& channel : channels_) {
    if (!channel) continue;
    channel->owner = nullptr;
    if (process_.isDead())
      channel->pending.resize(network_.random_.below(channel->pending.size() + 1));
  }
  std::vector<rpc::RmaOperation*> cancelled;
  for (auto& [number, transfer] : transfers_) {
    network_.scheduler_.cancel(transfer.event);
    cancelled.push_back(transfer.operation);
  }
  for (const Arrival& arrival : arrivals_) {
    if (arrival.ended) cancelled.push_back(arrival.ended);
  }
  network_.leave(*this);
  if (process_.isDead()) return;
  for (rpc::RmaOperation* operation : cancelled) operation->done(*operation, ErrorCode::kCanceled);
}

NetworkChannel* SimulatedTransport::channelOf(rpc::PeerId peer) const {
  if (peer.slot >= channels_.size() || generations_[peer.slot] != peer.generation) return nullptr;
  return channels_[peer.slot].get();
}

Result<rpc::PeerId> SimulatedTransport::connect(std::string_view address) {
  uint32_t processId = 0;
  if (canReach(address)) {
    const std::string_view number = address.substr(6);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), processId);
    if (error != std::errc() || end != number.data() + number.size()) processId = 0;
  }
  if (processId == 0)
    return invalid("'" + std::string(address) + "' is not an address of the simulated network");
  SimulatedTransport* target = network_.find(processId, 0);
  if (!target) return Error(ErrorCode::kUnreach, "nothing at " + std::string(address));
  size_t slot = 0;
  while (slot < channels_.size() && channels_[slot]) ++slot;
  if (slot == channels_.size()) {
    channels_.emplace_back();
    generations_.push_back(0);
  }
  const rpc::PeerId peer{static_cast<uint32_t>(slot), ++generations_[slot]};
  channels_[slot] =
      std::make_shared<NetworkChannel>(network_, *this, peer, processId, target->incarnation());
  return peer;
}

void SimulatedTransport::disconnect(rpc::PeerId peer) {
  NetworkChannel* channel = channelOf(peer);
  if (!channel) return;
  channel->owner = nullptr;
  channel->pending.clear();
  channel->heldBack.reset();
  channels_[peer.slot].reset();
  std::vector<uint64_t> cancelled;
  for (const auto& [number, transfer] : transfers_) {
    if (transfer.operation->peer == peer) cancelled.push_back(number);
  }
  for (const uint64_t number : cancelled) endTransfer(number, ErrorCode::kCanceled);
  std::erase_if(arrivals_, [&](const Arrival& arrival) { return arrival.failedPeer == peer; });
}

void SimulatedTransport::send(rpc::PeerId peer, rpc::BufferRef message) {
  NetworkChannel* channel = channelOf(peer);
  if (!channel || !process_.mayAct()) return;
  const Bytes bytes = message.bytes();
  channel->send(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

size_t SimulatedTransport::queuedCount(rpc::PeerId peer) const {
  const NetworkChannel* channel = channelOf(peer);
  if (!channel) return 0;
  const bool isOpen = network_.openAtNs(channel->from, channel->to) == network_.scheduler_.nowNs();
  return isOpen ? 0 : channel->pending.size();
}

void SimulatedTransport::queue(Arrival arrival) {
  arrivals_.push_back(std::move(arrival));
  process_.wake();
}

void SimulatedTransport::deliver(Bytes message) {
  rpc::BufferRef buffer = buffers_.allocate();
  std::memcpy(buffer->data, message.data(), message.size());
  buffer->size = static_cast<uint32_t>(message.size());
  queue({.message = std::move(buffer)});
}

void SimulatedTransport::peerFailed(rpc::PeerId peer) {
  NetworkChannel* channel = channelOf(peer);
  if (!channel) return;
  network_.trace_.add(
      {network_.scheduler_.nowNs(), process_.id(), TraceKind::kPeerFailed, 0, channel->to, 0});
  queue({.failedPeer = peer});
}

void SimulatedTransport::loseContact(uint32_t processId, uint64_t incarnation) {
  for (const auto& channel : channels_) {
    if (!channel || channel->to != processId || channel->toIncarnation != incarnation) continue;
    channel->breakDown(1000 + network_.random_.below(5'000'000));
  }
}

size_t SimulatedTransport::poll() {
  const size_t count = arrivals_.size();
  for (size_t i = 0; i < count && !arrivals_.empty(); ++i) {
    Arrival arrival = std::move(arrivals_.front());
    arrivals_.pop_front();
    if (arrival.message) {
      listener_->onMessage(std::move(arrival.message));
    } else if (arrival.ended) {
      arrival.ended->done(*arrival.ended, arrival.ended->code);
    } else {
      listener_->onPeerFailed(arrival.failedPeer, ErrorCode::kUnreach);
    }
  }
  return count;
}

Result<rpc::MemoryRegion> SimulatedTransport::registerMemory(MutableBytes memory,
                                                             rpc::MemoryAccess access) {
  const uint64_t key = ++keyLast_;
  regions_.emplace(key, Region{memory, access});
  return rpc::MemoryRegion{.remote = {.key = key, .address = 0}, .size = memory.size()};
}

void SimulatedTransport::deregisterMemory(const rpc::MemoryRegion& region) {
  regions_.erase(region.remote.key);
}

void SimulatedTransport::startTransfer(rpc::RmaOperation& operation, bool isWrite) {
  if (!process_.mayAct()) return;
  operation.isWrite = isWrite;
  operation.code = ErrorCode::kOk;
  const uint64_t number = ++transferLast_;
  ++network_.statistics_.transferCount;
  NetworkChannel* channel = channelOf(operation.peer);
  Transfer& transfer = transfers_.emplace(number, Transfer{&operation, {}}).first->second;
  if (!channel || channel->isBroken) return endTransfer(number, ErrorCode::kUnreach);
  const uint64_t delayNs = network_.drawDelayNs(channel->from, channel->to, operation.size()) +
                           network_.drawDelayNs(channel->to, channel->from, 0);
  transfer.event = network_.scheduler_.after(delayNs, [this, number] { landTransfer(number); });
}

void SimulatedTransport::landTransfer(uint64_t number) {
  Transfer& transfer = transfers_.at(number);
  rpc::RmaOperation& operation = *transfer.operation;
  NetworkChannel* channel = channelOf(operation.peer);
  if (!channel) return endTransfer(number, ErrorCode::kUnreach);
  if (channel->isBroken) {
    // Some of it had passed.
    SimulatedTransport* torn = network_.find(channel->to, channel->toIncarnation);
    if (torn) copy(operation, *torn, network_.random_.below(operation.size() + 1));
    return endTransfer(number, ErrorCode::kUnreach);
  }
  const uint64_t nowNs = network_.scheduler_.nowNs();
  const uint64_t openNs = std::max(network_.openAtNs(channel->from, channel->to),
                                   network_.openAtNs(channel->to, channel->from));
  SimulatedTransport* target = network_.find(channel->to, channel->toIncarnation);
  if (openNs == UINT64_MAX || !target) {
    channel->breakDown(1'000'000);
    return endTransfer(number, ErrorCode::kUnreach);
  }
  if (openNs > nowNs) {
    transfer.event = network_.scheduler_.at(openNs, [this, number] { landTransfer(number); });
    return;
  }
  endTransfer(number, copy(operation, *target, operation.size()));
}

void SimulatedTransport::endTransfer(uint64_t number, ErrorCode code) {
  const auto found = transfers_.find(number);
  rpc::RmaOperation* operation = found->second.operation;
  network_.scheduler_.cancel(found->second.event);
  transfers_.erase(found);
  operation->code = code;
  queue({.ended = operation});
}

ErrorCode SimulatedTransport::copy(rpc::RmaOperation& operation, SimulatedTransport& target,
                                   uint64_t sizeMax) {
  const auto found = target.regions_.find(operation.remote.key);
  if (found == target.regions_.end()) return ErrorCode::kInval;
  const Region& region = found->second;
  const auto needed = operation.isWrite ? rpc::MemoryAccess::kWrite : rpc::MemoryAccess::kRead;
  const uint64_t offset = operation.remote.address, size = operation.size();
  const bool isInside = offset <= region.memory.size() && size <= region.memory.size() - offset;
  const bool isAllowed = (static_cast<uint8_t>(region.access) & static_cast<uint8_t>(needed)) != 0;
  if (!isInside || !isAllowed) return ErrorCode::kInval;
  std::byte* remote = region.memory.data() + offset;
  uint64_t digest = 0, left = sizeMax;
  for (size_t i = 0; i < operation.localCount && left > 0; ++i) {
    const MutableBytes piece =
        operation.local[i].first(std::min<uint64_t>(left, operation.local[i].size()));
    std::byte* const to = operation.isWrite ? remote : piece.data();
    std::memcpy(to, operation.isWrite ? piece.data() : remote, piece.size());
    network_.mayDamage({to, piece.size()});
    digest ^= digestOf({to, piece.size()});
    remote += piece.size();
    left -= piece.size();
  }
  network_.trace_.add({network_.scheduler_.nowNs(), process_.id(), TraceKind::kRma,
                       target.processId(), size, digest});
  return ErrorCode::kOk;
}

}  // namespace daos::simulator
