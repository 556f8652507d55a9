// The transport over libfabric. Private to its two source files.
//
// Sending:   at once where the provider takes the message; else the message waits, in order, with
//            its destination, which is tried again in poll() after pauses that grow with the time
//            it has waited.
// Receiving: a number of buffers is posted ahead; a buffer that the listener keeps is replaced by
//            another.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "rpc/fabric_resources.h"
#include "rpc/fabric_transport.h"
#include "rpc/slot_table.h"

namespace daos::rpc {

// Where messages go: one address, however many peers were connected to it.
struct FabricDestination {
  std::string address;
  fi_addr_t fabricAddress = FI_ADDR_UNSPEC;
  std::vector<PeerId> peers;
  bool wasReached = false;        // a message has been taken for it
  bool isFailed = false;
  bool isStalled = false;         // on the list of those that wait
  MessageBuffer* queueHead = nullptr;
  MessageBuffer* queueTail = nullptr;
  size_t queuedCount = 0;
  uint64_t stalledSinceNs = 0;
  uint64_t retryAtNs = 0;
};

class FabricTransport final : public Transport {
 public:
  FabricTransport(const Clock& clock, Random& random, FabricOptions options);
  ~FabricTransport() override;
  Status open();

  const std::string& address() const override { return address_; }
  const TransportLimits& limits() const override { return limits_; }
  void setListener(TransportListener& listener) override { listener_ = &listener; }
  bool canReach(std::string_view address) const override;
  Result<PeerId> connect(std::string_view address) override;
  void disconnect(PeerId peer) override;
  BufferRef allocate() override { return pool_.allocate(); }
  void send(PeerId peer, BufferRef message) override;
  size_t queuedCount(PeerId peer) const override;
  Result<MemoryRegion> registerMemory(MutableBytes memory, MemoryAccess access) override;
  void deregisterMemory(const MemoryRegion& region) override;
  void read(RmaOperation& operation) override { startTransfer(operation, false); }
  void write(RmaOperation& operation) override { startTransfer(operation, true); }

  size_t poll() override;
  bool prepareWait() override;
  void cancelWait() override;
  int waitFd() const override { return waitFd_; }

 private:
  // Marks in the low bits of a completion's context what it points to.
  enum class ContextKind : uintptr_t { kReceive = 0, kSend = 1, kTransfer = 2 };
  struct Remote {
    FabricDestination* destination;
  };

  FabricDestination* destinationOf(PeerId peer) const;
  Result<FabricDestination*> addDestination(std::string_view address);
  void removeDestination(FabricDestination& destination);
  void fail(FabricDestination& destination, ErrorCode code);
  void postReceive(BufferRef buffer);
  void forgetPosted(MessageBuffer* buffer);
  BufferRef takeSent(MessageBuffer* buffer);

  // 0, -FI_EAGAIN, or another error of libfabric; takes the message over if 0.
  ssize_t trySend(FabricDestination& destination, BufferRef& message);
  void stall(FabricDestination& destination, BufferRef message);
  size_t retryStalled();
  bool retry(FabricDestination& destination, uint64_t nowNs);
  void dropQueue(FabricDestination& destination);

  size_t pollCompletions();
  void onCompletion(const fi_cq_msg_entry& entry);
  void onErrorCompletion();
  void onReceived(MessageBuffer* buffer, size_t size);
  size_t pollFailures();

  // Transfers: fabric_rma.cc.
  void startTransfer(RmaOperation& operation, bool isWrite);
  void queueTransfer(RmaOperation& operation);
  ssize_t submitTransfer(RmaOperation& operation);
  void endTransfer(RmaOperation& operation, ErrorCode code);
  size_t pollTransfers();

  const Clock& clock_;
  Random& random_;
  const FabricOptions options_;
  const std::string scheme_;
  std::string address_;
  TransportLimits limits_;
  BufferPool pool_;
  FabricResources fabric_;
  TransportListener* listener_ = nullptr;
  int waitFd_ = -1;
  int timerFd_ = -1;
  SlotTable<Remote> remotes_;
  std::map<std::string, std::unique_ptr<FabricDestination>, std::less<>> destinations_;
  std::vector<FabricDestination*> stalled_;
  std::vector<std::pair<PeerId, ErrorCode>> failures_;
  std::vector<MessageBuffer*> posted_;
  std::vector<MessageBuffer*> sent_;  // and not completed
  std::vector<RmaOperation*> submitted_;
  RmaOperation* queuedHead_ = nullptr;
  RmaOperation* queuedTail_ = nullptr;
};

}  // namespace daos::rpc
