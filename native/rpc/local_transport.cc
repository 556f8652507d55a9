#include "rpc/local_transport.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "rpc/slot_table.h"

namespace daos::rpc {
namespace {

constexpr std::string_view kScheme = "local://";
constexpr uint32_t kMessageSizeMax = 65536;
constexpr uint32_t kMessageSizeBest = 4096;
constexpr uint32_t kInlineSizeMax = 8192;
// Bytes copied for RMA in one poll, so that a large transfer does not hold up everything else.
constexpr size_t kCopySizePerPoll = size_t{1} << 20;

// Where messages for one transport arrive. Shared by the transport and those that know it.
class Port {
 public:
  explicit Port(int eventFd) : eventFd_(eventFd) {}
  ~Port() {
    for (MessageBuffer* message = takeAll(); message;) {
      MessageBuffer* next = message->next;
      BufferPool::discard(message);
      message = next;
    }
    close(eventFd_);
  }

  // Any thread. Takes a detached buffer over.
  void push(MessageBuffer* message) {
    MessageBuffer* head = head_.load(std::memory_order_relaxed);
    do {
      message->next = head;
    } while (!head_.compare_exchange_weak(head, message, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    if (isWaiting_.load(std::memory_order_seq_cst) && isWaiting_.exchange(false)) {
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t size = write(eventFd_, &one, sizeof(one));
    }
  }
  // Owner: all messages, oldest first.
  MessageBuffer* takeAll() {
    if (!head_.load(std::memory_order_relaxed)) return nullptr;
    MessageBuffer* newest = head_.exchange(nullptr, std::memory_order_acquire);
    MessageBuffer* oldest = nullptr;
    while (newest) {
      MessageBuffer* next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    return oldest;
  }
  // Owner: from now on push() rings. False when something is there already.
  bool startWaiting() {
    isWaiting_.store(true, std::memory_order_seq_cst);
    return head_.load(std::memory_order_seq_cst) == nullptr;
  }
  void stopWaiting() {
    if (isWaiting_.exchange(false)) return;
    uint64_t rings;
    [[maybe_unused]] const ssize_t size = read(eventFd_, &rings, sizeof(rings));
  }
  int eventFd() const { return eventFd_; }
  void shut() { isShut_.store(true, std::memory_order_release); }
  bool isShut() const { return isShut_.load(std::memory_order_acquire); }

 private:
  const int eventFd_;
  std::atomic<MessageBuffer*> head_{nullptr};
  std::atomic<bool> isWaiting_{false};
  std::atomic<bool> isShut_{false};
};

class Network final : public LocalNetwork {
 public:
  Result<std::unique_ptr<Transport>> createTransport() override;
  std::shared_ptr<Port> find(std::string_view address) {
    const std::lock_guard lock(mutex_);
    const auto found = ports_.find(address);
    return found == ports_.end() ? nullptr : found->second.lock();
  }
  void remove(std::string_view address) {
    const std::lock_guard lock(mutex_);
    ports_.erase(ports_.find(address));
  }

 private:
  std::mutex mutex_;
  uint64_t numberLast_ = 0;
  std::map<std::string, std::weak_ptr<Port>, std::less<>> ports_;
};

class LocalTransport final : public Transport {
 public:
  LocalTransport(Network& network, std::string address, std::shared_ptr<Port> port)
      : network_(network),
        address_(std::move(address)),
        port_(std::move(port)),
        pool_(kMessageSizeMax) {}
  ~LocalTransport() override {
    port_->shut();
    network_.remove(address_);
    while (RmaOperation* operation = popTransfer())
      operation->done(*operation, ErrorCode::kCanceled);
  }

  const std::string& address() const override { return address_; }
  const TransportLimits& limits() const override { return limits_; }
  void setListener(TransportListener& listener) override { listener_ = &listener; }
  bool canReach(std::string_view address) const override {
    return address.starts_with(kScheme) && network_.find(address) != nullptr;
  }
  Result<PeerId> connect(std::string_view address) override;
  void disconnect(PeerId id) override;
  void probe(PeerId id) override {
    Remote* remote = find(id);
    if (remote && remote->port->isShut()) failLater(*remote, id);
  }
  BufferRef allocate() override { return pool_.allocate(); }
  void send(PeerId id, BufferRef message) override;
  size_t queuedCount(PeerId) const override { return 0; }
  Result<MemoryRegion> registerMemory(MutableBytes memory, MemoryAccess) override {
    return MemoryRegion{{1, reinterpret_cast<uint64_t>(memory.data())}, memory.size(), nullptr};
  }
  void deregisterMemory(const MemoryRegion&) override {}
  void read(RmaOperation& operation) override { start(operation, false); }
  void write(RmaOperation& operation) override { start(operation, true); }

  size_t poll() override { return pollMessages() + pollTransfers() + pollFailures(); }
  bool prepareWait() override { return failed_.empty() && !transferHead_ && port_->startWaiting(); }
  void cancelWait() override { port_->stopWaiting(); }
  int waitFd() const override { return port_->eventFd(); }

 private:
  struct Remote {
    std::shared_ptr<Port> port;
    bool isFailed = false;
  };
  Remote* find(PeerId id) const { return remotes_.find(id.slot, id.generation); }
  void failLater(Remote& remote, PeerId id) {
    if (!remote.isFailed) failed_.push_back(id);
    remote.isFailed = true;
  }
  void start(RmaOperation& operation, bool isWrite);
  RmaOperation* popTransfer();
  size_t pollMessages();
  size_t pollTransfers();
  size_t pollFailures();
  void copyPiece(RmaOperation& operation);

  Network& network_;
  const std::string address_;
  const std::shared_ptr<Port> port_;
  const TransportLimits limits_{kMessageSizeMax, kMessageSizeBest, kInlineSizeMax,
                                uint64_t{1} << 30, true, true};
  BufferPool pool_;
  TransportListener* listener_ = nullptr;
  SlotTable<Remote> remotes_;
  std::vector<PeerId> failed_;
  RmaOperation* transferHead_ = nullptr;
  RmaOperation* transferTail_ = nullptr;
};

Result<std::unique_ptr<Transport>> Network::createTransport() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return Error(ErrorCode::kNomem, std::string("eventfd: ") + std::strerror(errno));
  auto port = std::make_shared<Port>(fd);
  const std::lock_guard lock(mutex_);
  std::string address = std::string(kScheme) + std::to_string(++numberLast_);
  ports_[address] = port;
  return std::unique_ptr<Transport>(new LocalTransport(*this, std::move(address), std::move(port)));
}

Result<PeerId> LocalTransport::connect(std::string_view address) {
  if (!address.starts_with(kScheme))
    return invalid("'" + std::string(address) + "' is no local address");
  auto port = network_.find(address);
  if (!port) return Error(ErrorCode::kUnreach, "nobody is at " + std::string(address));
  const auto name = remotes_.add(std::make_unique<Remote>(Remote{std::move(port)}));
  return PeerId{name.slot, name.generation};
}

void LocalTransport::disconnect(PeerId id) {
  if (!find(id)) return;
  std::erase(failed_, id);
  remotes_.remove(id.slot);
}

void LocalTransport::send(PeerId id, BufferRef message) {
  Remote* remote = find(id);
  if (!remote || remote->isFailed) return;
  if (remote->port->isShut()) return failLater(*remote, id);
  remote->port->push(BufferPool::detach(std::move(message)));
}

void LocalTransport::start(RmaOperation& operation, bool isWrite) {
  operation.isWrite = isWrite;
  operation.next = nullptr;
  operation.scratch[0] = 0;  // bytes copied
  (transferTail_ ? transferTail_->next : transferHead_) = &operation;
  transferTail_ = &operation;
}

RmaOperation* LocalTransport::popTransfer() {
  RmaOperation* operation = transferHead_;
  if (!operation) return nullptr;
  transferHead_ = operation->next;
  if (!transferHead_) transferTail_ = nullptr;
  return operation;
}

size_t LocalTransport::pollMessages() {
  size_t count = 0;
  for (MessageBuffer* message = port_->takeAll(); message; ++count) {
    MessageBuffer* next = message->next;
    message->next = nullptr;
    listener_->onMessage(pool_.attach(message));
    message = next;
  }
  return count;
}

// Copies the next run of bytes of the operation: within one local piece, at most kCopySizePerPoll.
void LocalTransport::copyPiece(RmaOperation& operation) {
  uint64_t at = operation.scratch[0];
  auto* remote = reinterpret_cast<std::byte*>(operation.remote.address) + at;
  for (size_t i = 0; i < operation.localCount; ++i) {
    const MutableBytes piece = operation.local[i];
    if (at >= piece.size()) {
      at -= piece.size();
      continue;
    }
    const size_t size = std::min<size_t>(piece.size() - at, kCopySizePerPoll);
    std::byte* local = piece.data() + at;
    std::memcpy(operation.isWrite ? remote : local, operation.isWrite ? local : remote, size);
    operation.scratch[0] += size;
    return;
  }
}

size_t LocalTransport::pollTransfers() {
  size_t count = 0;
  for (size_t copied = 0; transferHead_ && copied < kCopySizePerPoll; ++count) {
    RmaOperation& operation = *transferHead_;
    Remote* remote = find(operation.peer);
    const uint64_t before = operation.scratch[0];
    operation.code = !remote                    ? ErrorCode::kCanceled
                     : remote->port->isShut() ? ErrorCode::kUnreach
                                              : ErrorCode::kOk;
    if (operation.code == ErrorCode::kOk) copyPiece(operation);
    copied += operation.scratch[0] - before;
    if (operation.code == ErrorCode::kOk && operation.scratch[0] < operation.size()) continue;
    popTransfer();
    operation.done(operation, operation.code);
  }
  return count;
}

size_t LocalTransport::pollFailures() {
  if (failed_.empty()) return 0;
  const std::vector<PeerId> failed = std::exchange(failed_, {});
  for (const PeerId id : failed) {
    if (find(id)) listener_->onPeerFailed(id, ErrorCode::kUnreach);
  }
  return failed.size();
}

}  // namespace

std::unique_ptr<LocalNetwork> LocalNetwork::create() { return std::make_unique<Network>(); }

}  // namespace daos::rpc
