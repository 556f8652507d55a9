// The transport of one process on the simulated network, and the channels it sends through.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "simulator/network.h"

namespace daos::simulator {

// One direction between two incarnations. Kept alive by the events of what is under way on it, so
// that what a process sent just before it died may still arrive.
struct NetworkChannel : std::enable_shared_from_this<NetworkChannel> {
  SimulatedNetwork& network;
  SimulatedTransport* owner;  // null: dead
  rpc::PeerId peer;           // the owner's name for the other side
  const uint32_t from;
  const uint32_t to;
  const uint64_t toIncarnation;
  bool isBroken = false;
  uint64_t lastArrivalNs = 0;
  std::deque<std::vector<std::byte>> pending;  // in order; one arrival event for each
  std::optional<std::vector<std::byte>> heldBack;

  NetworkChannel(SimulatedNetwork& on, SimulatedTransport& sender, rpc::PeerId id, uint32_t target,
                 uint64_t incarnation);
  void send(std::vector<std::byte> bytes);
  // Loses what is under way; the owner is told after `delayNs`.
  void breakDown(uint64_t delayNs);

 private:
  void push(std::vector<std::byte> bytes);
  // The next one overtakes it, if it comes soon.
  void holdBack(std::vector<std::byte> bytes);
  void release();
  void scheduleArrival(uint64_t timeNs);
  void arrive();
};

class SimulatedTransport final : public rpc::Transport {
 public:
  SimulatedTransport(SimulatedNetwork& network, Process& process, uint64_t incarnation);
  ~SimulatedTransport() override;

  const std::string& address() const override { return address_; }
  const rpc::TransportLimits& limits() const override { return limits_; }
  void setListener(rpc::TransportListener& listener) override { listener_ = &listener; }
  bool canReach(std::string_view address) const override { return address.starts_with("sim://"); }
  Result<rpc::PeerId> connect(std::string_view address) override;
  void disconnect(rpc::PeerId peer) override;
  rpc::BufferRef allocate() override { return buffers_.allocate(); }
  void send(rpc::PeerId peer, rpc::BufferRef message) override;
  size_t queuedCount(rpc::PeerId peer) const override;
  Result<rpc::MemoryRegion> registerMemory(MutableBytes memory, rpc::MemoryAccess access) override;
  void deregisterMemory(const rpc::MemoryRegion& region) override;
  void read(rpc::RmaOperation& operation) override { startTransfer(operation, false); }
  void write(rpc::RmaOperation& operation) override { startTransfer(operation, true); }
  size_t poll() override;

  uint32_t processId() const { return process_.id(); }
  uint64_t incarnation() const { return incarnation_; }
  void deliver(Bytes message);
  void peerFailed(rpc::PeerId peer);
  // Breaks the channels to a process that died.
  void loseContact(uint32_t processId, uint64_t incarnation);

 private:
  struct Region {
    MutableBytes memory;
    rpc::MemoryAccess access;
  };
  struct Transfer {
    rpc::RmaOperation* operation;
    Scheduler::EventId event;
  };
  // What the next poll() hands out.
  struct Arrival {
    rpc::BufferRef message;
    rpc::PeerId failedPeer;
    rpc::RmaOperation* ended = nullptr;
  };

  NetworkChannel* channelOf(rpc::PeerId peer) const;
  void startTransfer(rpc::RmaOperation& operation, bool isWrite);
  void landTransfer(uint64_t number);
  void endTransfer(uint64_t number, ErrorCode code);
  // The first `sizeMax` bytes of it.
  ErrorCode copy(rpc::RmaOperation& operation, SimulatedTransport& target, uint64_t sizeMax);
  void queue(Arrival arrival);

  SimulatedNetwork& network_;
  Process& process_;
  const uint64_t incarnation_;
  const std::string address_;
  rpc::TransportLimits limits_;
  rpc::TransportListener* listener_ = nullptr;
  rpc::BufferPool buffers_;
  std::vector<std::shared_ptr<NetworkChannel>> channels_;  // by slot; null: free
  std::vector<uint32_t> generations_;
  std::map<uint64_t, Region> regions_;
  std::map<uint64_t, Transfer> transfers_;
  std::deque<Arrival> arrivals_;
  uint64_t keyLast_ = 0;
  uint64_t transferLast_ = 0;
};

}  // namespace daos::simulator
