#include "simulator/network.h"

#include <algorithm>
#include <utility>

#include "simulator/network_transport.h"
#include "simulator/random_stream.h"

namespace daos::simulator {

static constexpr uint64_t kForever = UINT64_MAX;

SimulatedNetwork::SimulatedNetwork(Scheduler& scheduler, Trace& trace, const FaultOptions& faults,
                                   uint64_t seed)
    : scheduler_(scheduler),
      trace_(trace),
      faults_(faults),
      random_(randomStream(seed, Stream::kNetwork)) {}

SimulatedNetwork::~SimulatedNetwork() { DAOS_ASSERT(transports_.empty()); }

std::unique_ptr<rpc::Transport> SimulatedNetwork::createTransport(Process& process) {
  return std::make_unique<SimulatedTransport>(*this, process, ++incarnationLast_);
}

void SimulatedNetwork::enter(SimulatedTransport& transport) {
  const bool isFirst = transports_.emplace(transport.processId(), &transport).second;
  DAOS_ASSERT(isFirst);
}

// Half of those who talk to it learn soon that it is gone; the others when they next try.
void SimulatedNetwork::leave(SimulatedTransport& transport) {
  transports_.erase(transport.processId());
  for (auto& [id, other] : transports_) {
    if (random_.chance(1, 2)) other->loseContact(transport.processId(), transport.incarnation());
  }
}

SimulatedTransport* SimulatedNetwork::find(uint32_t processId, uint64_t incarnation) const {
  const auto found = transports_.find(processId);
  if (found == transports_.end()) return nullptr;
  return incarnation == 0 || found->second->incarnation() == incarnation ? found->second : nullptr;
}

void SimulatedNetwork::partition(uint32_t from, uint32_t to, uint64_t ns) {
  uint64_t& until = partitionedUntilNs_[{from, to}];
  until = std::max(until, scheduler_.nowNs() + ns);
  trace_.add({scheduler_.nowNs(), from, TraceKind::kPartition, 0, to, ns});
}

void SimulatedNetwork::clog(uint32_t from, uint32_t to, uint64_t ns) {
  uint64_t& until = cloggedUntilNs_[{from, to}];
  until = std::max(until, scheduler_.nowNs() + ns);
  trace_.add({scheduler_.nowNs(), from, TraceKind::kClog, 0, to, ns});
}

void SimulatedNetwork::heal() {
  isHealed_ = true;
  partitionedUntilNs_.clear();
  cloggedUntilNs_.clear();
}

uint64_t SimulatedNetwork::openAtNs(uint32_t from, uint32_t to) const {
  const uint64_t nowNs = scheduler_.nowNs();
  const auto found = partitionedUntilNs_.find({from, to});
  if (found == partitionedUntilNs_.end() || found->second <= nowNs) return nowNs;
  return found->second - nowNs > kPatienceNs ? kForever : found->second;
}

uint64_t SimulatedNetwork::drawDelayNs(uint32_t from, uint32_t to, size_t size) {
  uint64_t delayNs =
      faults_.delayMinNs + random_.below(faults_.delayMaxNs - faults_.delayMinNs + 1) + size / 8;
  if (strikes(faults_.slowShare)) delayNs += random_.below(faults_.slowMaxNs + 1);
  const auto clogged = cloggedUntilNs_.find({from, to});
  if (clogged != cloggedUntilNs_.end() && clogged->second > scheduler_.nowNs())
    delayNs += random_.below(20'000'000);
  return delayNs;
}

void SimulatedNetwork::mayDamage(MutableBytes transferred) {
  if (!damagesTransfers_ || transferred.empty() || !strikes(faults_.transferCorruptShare)) return;
  ++statistics_.damagedTransferCount;
  transferred[random_.below(transferred.size())] ^=
      std::byte{static_cast<uint8_t>(1u << random_.below(8))};
}

NetworkChannel::NetworkChannel(SimulatedNetwork& on, SimulatedTransport& sender, rpc::PeerId id,
                               uint32_t target, uint64_t incarnation)
    : network(on),
      owner(&sender),
      peer(id),
      from(sender.processId()),
      to(target),
      toIncarnation(incarnation) {}

void NetworkChannel::send(std::vector<std::byte> bytes) {
  SimulatedNetwork& net = network;
  ++net.statistics_.sentCount;
  net.trace_.add({net.scheduler_.nowNs(), from, TraceKind::kSend, 0, to, bytes.size()});
  if (isBroken) return;
  if (net.strikes(net.faults_.breakShare)) {
    ++net.statistics_.lostCount;
    return breakDown(1'000'000 + net.random_.below(50'000'000));
  }
  if (net.strikes(net.faults_.lossShare)) {
    ++net.statistics_.lostCount;
    net.trace_.add({net.scheduler_.nowNs(), from, TraceKind::kLose, 0, to, bytes.size()});
    return;
  }
  if (net.strikes(net.faults_.corruptShare)) {
    ++net.statistics_.corruptedCount;
    bytes[net.random_.below(bytes.size())] ^=
        std::byte{static_cast<uint8_t>(1u << net.random_.below(8))};
  }
  if (net.strikes(net.faults_.duplicateShare)) {
    ++net.statistics_.duplicatedCount;
    net.trace_.add({net.scheduler_.nowNs(), from, TraceKind::kDuplicate, 0, to, bytes.size()});
    push(bytes);
  }
  if (!heldBack && net.strikes(net.faults_.reorderShare)) return holdBack(std::move(bytes));
  push(std::move(bytes));
  if (!heldBack) return;
  ++net.statistics_.reorderedCount;
  net.trace_.add({net.scheduler_.nowNs(), from, TraceKind::kReorder, 0, to, heldBack->size()});
  release();
}

void NetworkChannel::holdBack(std::vector<std::byte> bytes) {
  heldBack = std::move(bytes);
  const uint64_t delayNs = 1 + network.random_.below(100'000'000);
  network.scheduler_.after(delayNs, [self = shared_from_this()] { self->release(); });
}

void NetworkChannel::release() {
  if (!heldBack || isBroken) return;
  push(*std::exchange(heldBack, std::nullopt));
}

void NetworkChannel::push(std::vector<std::byte> bytes) {
  const uint64_t timeNs = network.scheduler_.nowNs() + network.drawDelayNs(from, to, bytes.size());
  pending.push_back(std::move(bytes));
  lastArrivalNs = std::max(lastArrivalNs + 1, timeNs);
  scheduleArrival(lastArrivalNs);
}

void NetworkChannel::scheduleArrival(uint64_t timeNs) {
  network.scheduler_.at(timeNs, [self = shared_from_this()] { self->arrive(); });
}

void NetworkChannel::arrive() {
  if (isBroken || pending.empty()) return;
  const uint64_t openNs = network.openAtNs(from, to);
  if (openNs == kForever) return breakDown(SimulatedNetwork::kPatienceNs);
  if (openNs > network.scheduler_.nowNs()) return scheduleArrival(openNs);
  SimulatedTransport* target = network.find(to, toIncarnation);
  if (!target) return breakDown(1'000'000);
  const std::vector<std::byte> bytes = std::move(pending.front());
  pending.pop_front();
  ++network.statistics_.deliveredCount;
  network.trace_.add(
      {network.scheduler_.nowNs(), to, TraceKind::kDeliver, 0, from, digestOf(bytes)});
  target->deliver(bytes);
}

void NetworkChannel::breakDown(uint64_t delayNs) {
  if (isBroken) return;
  isBroken = true;
  network.statistics_.lostCount += pending.size() + heldBack.has_value();
  ++network.statistics_.brokenCount;
  pending.clear();
  network.scheduler_.after(delayNs, [self = shared_from_this()] {
    if (self->owner) self->owner->peerFailed(self->peer);
  });
}

}  // namespace daos::simulator
