// Transport: moves messages and memory between endpoints. The implementer's header of rpc; callers
//            use rpc.h.
//
// A transport is one address. It delivers messages to a peer's address whole, once, in order per
// pair of transports, or reports that the peer has failed; it does not say who sent one (reliable
// datagram endpoints don't know), which is why sessions are made one layer up.
//
// Thread: all of it belongs to the reactor's thread that polls it.
// Life:   1. create, setListener, add to the reactor as a Poller
//         2. connect, send, registerMemory, read, write; events come out of poll() only
//         3. remove from the reactor, destroy; operations under way end with kCanceled before that
//            returns, sends are dropped.
// Order:  events (onMessage, onPeerFailed, RmaOperation::done) are never delivered from inside a
//         call of send, read, write, connect or disconnect; a transport queues them for its next
//         poll().
// Determinism: no wall clock and no order by address in what a transport decides.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "rpc/message_buffer.h"
#include "runtime/reactor.h"

namespace daos::rpc {

// A peer as one transport knows it. A slot is used again only under another generation.
struct PeerId {
  uint32_t slot = 0;
  uint32_t generation = 0;  // 0: none
  bool operator==(const PeerId&) const = default;
  explicit operator bool() const { return generation != 0; }
};

// What the owner of memory lets its peers do with it.
enum class MemoryAccess : uint8_t { kRead = 1, kWrite = 2, kReadWrite = 3 };

// Names memory of a peer: travels in requests.
struct RemoteMemory {
  uint64_t key = 0;
  uint64_t address = 0;  // of the first byte, as the owner counts
};

// Memory that peers may reach until deregisterMemory.
struct MemoryRegion {
  RemoteMemory remote;
  uint64_t size = 0;
  void* handle = nullptr;  // the transport's own
};

// One transfer between local memory and a peer's. The caller owns it and its memory until `done`.
struct RmaOperation {
  static constexpr size_t kPieceCountMax = 4;
  PeerId peer;
  MutableBytes local[kPieceCountMax];
  size_t localCount = 0;
  RemoteMemory remote;  // contiguous there
  // Out of poll(), once. kOk, kUnreach, kCanceled, kInval (the key or range isn't valid there),
  // kIo.
  void (*done)(RmaOperation& operation, ErrorCode code) = nullptr;
  // The caller's own.
  void* context = nullptr;
  void* owner = nullptr;
  RmaOperation* nextOfCaller = nullptr;

  uint64_t size() const {
    uint64_t total = 0;
    for (size_t i = 0; i < localCount; ++i) total += local[i].size();
    return total;
  }
  // The transport's own, between start and done.
  RmaOperation* next = nullptr;
  bool isWrite = false;
  ErrorCode code = ErrorCode::kOk;
  uint64_t scratch[8] = {};
};

struct TransportLimits {
  uint32_t messageSizeMax = 0;   // largest message; the capacity of allocate()
  // A message of this size leaves at once, more frames would only be late; 0: only full ones.
  uint32_t messageSizeBest = 0;
  uint32_t inlineSizeMax = 0;    // data up to this size is better inside a message than by RMA
  uint64_t rmaSizeMax = 0;       // largest RmaOperation
  bool canReachMemory = false;   // read and write work (else every payload travels in messages)
  // Messages never leave this host's memory: nothing damages them, checksums of data are a waste.
  bool keepsBytes = false;
};

class TransportListener {
 public:
  virtual ~TransportListener() = default;
  // A whole message. The listener may keep the reference; the transport goes on with other buffers.
  virtual void onMessage(BufferRef message) = 0;
  // The peer can't be reached any more; everything on its way to it may be lost. `peer` stays valid
  // until disconnect, but is good for nothing else.
  virtual void onPeerFailed(PeerId peer, ErrorCode code) = 0;
};

class Transport : public Poller {
 public:
  ~Transport() override = default;

  // "tcp://127.0.0.1:31416", "shm://name", "local://1": what a peer passes to connect.
  virtual const std::string& address() const = 0;
  virtual const TransportLimits& limits() const = 0;
  virtual void setListener(TransportListener& listener) = 0;

  // True when connect() understands this form of address and it can be reached by this transport.
  virtual bool canReach(std::string_view address) const = 0;
  // Makes a peer known; nothing is sent. DER_INVAL: not an address; DER_UNREACH: nothing there;
  // DER_BUSY: too many peers.
  virtual Result<PeerId> connect(std::string_view address) = 0;
  // Forgets a peer. Transfers with it end with kCanceled (in poll), queued messages are dropped.
  virtual void disconnect(PeerId peer) = 0;
  // Looks out of band whether the peer still exists, where there is a way (a local process); if
  // not, onPeerFailed follows. Cheap enough for once per second and peer.
  virtual void probe(PeerId /*peer*/) {}

  // A buffer for a message, capacity limits().messageSizeMax. Never fails short of no memory.
  virtual BufferRef allocate() = 0;
  // The same, for a message that will go to this peer or be dropped within this turn: may be memory
  // that the peer reads.
  virtual BufferRef allocateFor(PeerId /*peer*/) { return allocate(); }
  // Takes the message over. It leaves at once or, where the peer is slow, in a later poll, in
  // order.
  virtual void send(PeerId peer, BufferRef message) = 0;
  // Messages taken by send() that have not left, for back-pressure.
  virtual size_t queuedCount(PeerId peer) const = 0;

  // Whether read and write work with this peer, as far as can be told.
  virtual bool canReachMemoryOf(PeerId /*peer*/) { return limits().canReachMemory; }
  // DER_NOMEM, DER_NOSYS (canReachMemory is false).
  virtual Result<MemoryRegion> registerMemory(MutableBytes memory, MemoryAccess access) = 0;
  // No transfer may be under way; peers that still try get kInval where the hardware can tell.
  virtual void deregisterMemory(const MemoryRegion& region) = 0;
  // Memory of the peer → local pieces.
  virtual void read(RmaOperation& operation) = 0;
  // Local pieces → memory of the peer. Done: the bytes are there before any message that is sent
  // from now on.
  virtual void write(RmaOperation& operation) = 0;
};

}  // namespace daos::rpc
