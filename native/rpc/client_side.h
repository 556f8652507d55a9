// The calling half of an endpoint: peers, their sessions, and the calls under way.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/generated/limits.h"
#include "rpc/context.h"
#include "rpc/deadline_wheel.h"
#include "rpc/slot_table.h"

namespace daos::rpc {

// Memory of one call that its server may reach, until this is destroyed.
struct CallMemory {
  CallMemory() = default;
  ~CallMemory() {
    for (const MemoryRegion& region : regions) transport->deregisterMemory(region);
  }
  CallMemory(const CallMemory&) = delete;
  CallMemory& operator=(const CallMemory&) = delete;
  Transport* transport = nullptr;
  std::vector<MemoryRegion> regions;  // registered for this call
  std::vector<std::byte> descriptors; // as they go into the frame
  uint16_t sourceCount = 0;
  uint16_t sinkCount = 0;
};

class ClientSide;

// One server: its session, and a slot for each request that it may be working at.
//
// 1. idle: no session wanted yet; 2. connecting: greeted, not welcomed; 3. ready; 4. broken: to be
//    tried again at
// retryAtNs_. Calls wait in 1, 2 and 4, and where they are more than the server granted.
class RemotePeer final : public Peer, public LinkOwner {
 public:
  RemotePeer(ClientSide& client, std::string addresses);
  ~RemotePeer();

  std::string_view addresses() const override { return addresses_; }
  size_t inlineSizeMax() const override { return inlineSizeMax_; }
  bool isConnected() const override { return state_ == State::kReady; }
  size_t callCount() const override { return waitingCount_ + slots_.size() - freeSlots_.size(); }

  void setHandle(uint64_t handle) { handle_ = handle; }
  uint64_t handle() const { return handle_; }
  void start(Call& call);
  void cancel(Call& call);
  // A call destroyed before its end: its slot and place are given up.
  void abandon(Call& call);
  // Does what is due about the calls in slots, when it is.
  void onTimer(uint64_t nowNs);
  uint64_t slotsWakeNs() const { return slotsWakeNs_; }
  // The wakeNs_ of a call has come.
  void onDue(Call& call);
  void onTick(uint64_t nowNs);
  void onFrame(const FrameView& frame, const BufferRef& message);
  void onLinkFailed(ErrorCode code) override;
  // Ends every call; says good-bye if there is a session.
  void leave(ErrorCode code);

 private:
  enum class State : uint8_t { kIdle, kConnecting, kReady, kBroken };
  struct Slot {
    Call* call = nullptr;
    uint32_t sequence = 0;
  };
  struct Candidate {
    TransportEntry* entry;
    std::string address;
  };

  void findCandidates();
  void connect();
  void sendHello();
  void breakLink(ErrorCode code);
  void onWelcome(const FrameView& frame);
  void onReply(const FrameView& frame, const BufferRef& message);
  void onFragment(const FrameView& frame);
  void settleCallsAfterReconnect(bool isResumed);
  void growSlots(uint32_t count);
  void enqueue(Call& call);
  void pump();
  void assignSlot(Call& call);
  void releaseSlot(Call& call);
  void transmit(Call& call);
  void exposeMemory(Call& call);
  void wakeAt(Call& call, uint64_t wakeNs);
  void giveUp(Call& call, ErrorCode code);
  void end(Call& call, Error error);
  void finish(Call& call);
  void endAll(ErrorCode code, const char* message);
  void takeReply(Call& call, const FrameView& frame, const BufferRef& message);
  uint64_t nowNs() const;

  ClientSide& client_;
  EndpointContext& context_;
  const std::string addresses_;
  std::vector<Candidate> candidates_;
  size_t candidateIndex_ = 0;
  uint64_t handle_ = 0;
  Link link_;
  Assembly assembly_;
  State state_ = State::kIdle;
  size_t inlineSizeMax_ = kTransferSizeMax;
  uint64_t attempt_ = 0;
  uint64_t session_ = 0;
  uint64_t incarnation_ = 0;
  uint32_t features_ = 0;  // of the server, with state_ kReady
  uint64_t lastHeardNs_ = 0;
  uint64_t lastAskedNs_ = 0;
  uint64_t brokenSinceNs_ = 0;
  uint64_t retryAtNs_ = 0;
  uint64_t pauseNs_ = 0;
  std::vector<Slot> slots_;
  uint64_t slotsWakeNs_ = ~uint64_t{0};  // no call in a slot is due before
  std::vector<uint32_t> freeSlots_;
  IntrusiveList<Call, InFlightTag> waiting_;
  size_t waitingCount_ = 0;
};

class ClientSide {
 public:
  explicit ClientSide(EndpointContext& context);

  Peer& peer(std::string_view addresses);
  void forgetPeer(Peer& peer);
  void start(Call& call);
  void cancel(Call& call) { static_cast<RemotePeer*>(call.peer_)->cancel(call); }
  void abandon(Call& call) { static_cast<RemotePeer*>(call.peer_)->abandon(call); }
  void onFrame(const FrameView& frame, const BufferRef& message);
  void onTick(uint64_t nowNs);
  void onTimers(uint64_t nowNs);
  // Destroys the peers that were forgotten, when none of their functions is running.
  void bury() { forgotten_.clear(); }
  void shutdown();
  // Lets go of all transports; nothing else may follow.
  void close();
  bool isQuiet();
  bool hasPeers() const { return peers_.count() > 0; }

  Status rememberMemory(MutableBytes memory);
  void forgetMemory(MutableBytes memory);
  // The registration of `memory`: a remembered one that covers it, or one for this call alone.
  Result<RemoteMemory> expose(CallMemory& into, MutableBytes memory, MemoryAccess access);

  // Calls that wait for a slot. Those that have one are few: their peer looks through its slots.
  DeadlineWheel& wheel() { return wheel_; }
  // Makes sure that the loop wakes for a call that is due at `wakeNs`.
  void arm(uint64_t wakeNs);
  uint64_t clientId() const { return clientId_; }
  EndpointContext& context() { return context_; }

 private:
  struct Remembered {
    size_t size;
    std::vector<std::pair<Transport*, MemoryRegion>> regions;
  };
  // A server answers to an address, which another process may have taken over meanwhile: its
  // handles differ from ours, so that it ignores what was meant for us.
  uint32_t handleSalt() const { return static_cast<uint32_t>(clientId_); }
  RemotePeer* find(uint64_t handle) const {
    return peers_.find(static_cast<uint32_t>(handle),
                       static_cast<uint32_t>(handle >> 32) ^ handleSalt());
  }

  EndpointContext& context_;
  const uint64_t clientId_;
  DeadlineWheel wheel_;
  uint64_t armedNs_ = ~uint64_t{0};
  SlotTable<RemotePeer> peers_;
  std::vector<std::unique_ptr<RemotePeer>> forgotten_;
  std::map<std::string, RemotePeer*, std::less<>> byAddresses_;
  std::map<std::byte*, Remembered> remembered_;
  std::shared_ptr<bool> isAlive_ = std::make_shared<bool>(true);
};

}  // namespace daos::rpc
