#include "rpc/shm_transport.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <vector>

#include "rpc/shm_channel.h"
#include "rpc/slot_table.h"

namespace daos::rpc {
namespace {

constexpr std::string_view kScheme = "shm://";
constexpr uint32_t kMessageSizeMax = 65536;
// A message costs little: small ones let both sides work at the same time.
constexpr uint32_t kMessageSizeBest = 512;
constexpr uint32_t kInlineSizeMax = 16384;
// Bytes copied for RMA in one poll, so that a large transfer does not hold up everything else.
constexpr size_t kCopySizePerPoll = size_t{1} << 20;
// The sockets are looked at once in so many polls: they only tell of comers and leavers while the
// loop is awake.
constexpr uint32_t kPollsPerSocketPoll = 1024;
constexpr size_t kMessagesPerPoll = 64;     // of one channel
constexpr size_t kChannelsPerPoll = 128;
constexpr long kRetryPauseNs = 200'000;

// A channel as the transport keeps it.
struct Neighbour {
  explicit Neighbour(std::unique_ptr<ShmChannel> owned) : channel(std::move(owned)) {
    inRing.context = this;
    inRing.onRelease = [](MessageBuffer* buffer) {
      static_cast<Neighbour*>(buffer->context)->isRingTaken = false;
    };
  }
  std::unique_ptr<ShmChannel> channel;
  std::vector<PeerId> peers;
  std::deque<BufferRef> queue;  // messages for which the ring has no room
  MessageBuffer inRing;         // a message that is written in place
  bool isRingTaken = false;     // by it
  bool isFailed = false;        // its peers are told; nothing more comes or goes
  bool isClosed = false;        // the other end is gone; what is in the ring is still read
};

class ShmTransport final : public Transport {
 public:
  ShmTransport(std::string name, Log log)
      : name_(std::move(name)),
        address_(std::string(kScheme) + name_),
        log_(std::move(log)),
        pool_(kMessageSizeMax) {}
  ~ShmTransport() override;
  Status open();

  const std::string& address() const override { return address_; }
  const TransportLimits& limits() const override { return limits_; }
  void setListener(TransportListener& listener) override { listener_ = &listener; }
  bool canReach(std::string_view address) const override;
  Result<PeerId> connect(std::string_view address) override;
  void disconnect(PeerId peer) override;
  void probe(PeerId) override { pollsSinceSockets_ = kPollsPerSocketPoll; }
  BufferRef allocate() override { return pool_.allocate(); }
  BufferRef allocateFor(PeerId peer) override;
  void send(PeerId peer, BufferRef message) override;
  size_t queuedCount(PeerId peer) const override {
    const Neighbour* neighbour = find(peer);
    return neighbour ? neighbour->queue.size() : 0;
  }
  bool canReachMemoryOf(PeerId peer) override {
    const Neighbour* neighbour = find(peer);
    return neighbour && neighbour->channel->canReachMemory();
  }
  Result<MemoryRegion> registerMemory(MutableBytes memory, MemoryAccess) override {
    return MemoryRegion{{0, reinterpret_cast<uint64_t>(memory.data())}, memory.size(), nullptr};
  }
  void deregisterMemory(const MemoryRegion&) override {}
  void read(RmaOperation& operation) override { startTransfer(operation, false); }
  void write(RmaOperation& operation) override { startTransfer(operation, true); }

  size_t poll() override;
  bool prepareWait() override;
  void cancelWait() override;
  int waitFd() const override { return waitFd_; }

 private:
  struct Remote {
    Neighbour* neighbour;
  };
  Neighbour* find(PeerId peer) const {
    const Remote* remote = remotes_.find(peer.slot, peer.generation);
    return remote ? remote->neighbour : nullptr;
  }
  Status watch(int fd, void* what);
  Neighbour& add(std::unique_ptr<ShmChannel> channel);
  void fail(Neighbour& neighbour);
  void removeUnused();
  size_t pollSockets();
  void acceptAll();
  void onSocket(Neighbour& neighbour);
  size_t pollRings();
  size_t pollRing(Neighbour& neighbour);
  size_t retryQueues();
  size_t pollTransfers();
  void startTransfer(RmaOperation& operation, bool isWrite);
  bool copyPiece(RmaOperation& operation, ShmChannel& channel);
  size_t pollFailures();

  const std::string name_;
  const std::string address_;
  const Log log_;
  const TransportLimits limits_{kMessageSizeMax, kMessageSizeBest, kInlineSizeMax,
                                uint64_t{1} << 30, true, true};
  BufferPool pool_;
  std::unique_ptr<ShmSocket> listening_;
  TransportListener* listener_ = nullptr;
  int waitFd_ = -1;
  int timerFd_ = -1;
  SlotTable<Remote> remotes_;
  std::vector<std::unique_ptr<Neighbour>> neighbours_;
  size_t nextNeighbour_ = 0;
  size_t queuedCount_ = 0;  // over all neighbours
  bool hasUnused_ = false;
  uint32_t pollsSinceSockets_ = 0;
  std::vector<PeerId> failures_;
  RmaOperation* transferHead_ = nullptr;
  RmaOperation* transferTail_ = nullptr;
};

// Names carry a mark of the host's boot, so that an address of another host is known as such.
std::string hostMark() {
  char text[37] = "00000000";
  if (std::FILE* file = std::fopen("/proc/sys/kernel/random/boot_id", "re")) {
    if (!std::fgets(text, sizeof text, file)) text[0] = '0';
    std::fclose(file);
  }
  return "daos-" + std::string(text, 8);
}

bool isOfThisHost(std::string_view address) {
  return address.starts_with(std::string(kScheme) + hostMark() + "-");
}

ShmTransport::~ShmTransport() {
  while (RmaOperation* operation = transferHead_) {
    transferHead_ = operation->next;
    operation->done(*operation, ErrorCode::kCanceled);
  }
  neighbours_.clear();
  if (timerFd_ >= 0) close(timerFd_);
  if (waitFd_ >= 0) close(waitFd_);
}

Status ShmTransport::watch(int fd, void* what) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = what;
  if (epoll_ctl(waitFd_, EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return Error(ErrorCode::kNomem, std::string("epoll: ") + std::strerror(errno));
}

Status ShmTransport::open() {
  DAOS_TRY(listening_, ShmSocket::listen(name_));
  waitFd_ = epoll_create1(EPOLL_CLOEXEC);
  timerFd_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (waitFd_ < 0 || timerFd_ < 0)
    return Error(ErrorCode::kNomem, std::string("epoll, timerfd: ") + std::strerror(errno));
  DAOS_CHECK(watch(timerFd_, &timerFd_));
  return watch(listening_->fd(), &listening_);
}

// ---- Peers ----

bool ShmTransport::canReach(std::string_view address) const {
  return isOfThisHost(address);
}

Result<PeerId> ShmTransport::connect(std::string_view address) {
  if (!canReach(address))
    return invalid("'" + std::string(address) + "' is no shm address of this host");
  const std::string name(address.substr(kScheme.size()));
  if (name.size() > kShmNameSizeMax) return invalid("'" + std::string(address) + "' is too long");
  Neighbour* neighbour = nullptr;
  for (auto& one : neighbours_) {
    if (!one->isFailed && !one->isClosed && one->channel->peerName() == name) neighbour = one.get();
  }
  if (!neighbour) {
    DAOS_TRY(auto channel, ShmChannel::connect(name_, name));
    const int fd = channel->fd();
    neighbour = &add(std::move(channel));
    DAOS_CHECK(watch(fd, neighbour));
  }
  const auto entry = remotes_.add(std::make_unique<Remote>(Remote{neighbour}));
  const PeerId peer{entry.slot, entry.generation};
  neighbour->peers.push_back(peer);
  return peer;
}

Neighbour& ShmTransport::add(std::unique_ptr<ShmChannel> channel) {
  neighbours_.push_back(std::make_unique<Neighbour>(std::move(channel)));
  return *neighbours_.back();
}

void ShmTransport::disconnect(PeerId peer) {
  Neighbour* neighbour = find(peer);
  if (!neighbour) return;
  remotes_.remove(peer.slot);
  std::erase(neighbour->peers, peer);
  std::erase(failures_, peer);
  hasUnused_ |= neighbour->peers.empty();
}

void ShmTransport::fail(Neighbour& neighbour) {
  if (neighbour.isFailed) return;
  neighbour.isFailed = neighbour.isClosed = true;
  queuedCount_ -= neighbour.queue.size();
  neighbour.queue.clear();
  failures_.insert(failures_.end(), neighbour.peers.begin(), neighbour.peers.end());
  hasUnused_ |= neighbour.peers.empty();
}

// A channel ends when none of our peers uses it; one that the other side has made, when that side
// has left.
void ShmTransport::removeUnused() {
  hasUnused_ = false;
  for (size_t i = 0; i < neighbours_.size();) {
    Neighbour& neighbour = *neighbours_[i];
    const bool isOurs = neighbour.channel->isConnecting();
    if (!neighbour.peers.empty() || !(isOurs || neighbour.isFailed)) {
      ++i;
      continue;
    }
    queuedCount_ -= neighbour.queue.size();
    epoll_ctl(waitFd_, EPOLL_CTL_DEL, neighbour.channel->fd(), nullptr);
    neighbours_[i] = std::move(neighbours_.back());
    neighbours_.pop_back();
  }
}

// ---- Sockets ----

size_t ShmTransport::pollSockets() {
  pollsSinceSockets_ = 0;
  epoll_event events[32];
  const int count = epoll_wait(waitFd_, events, 32, 0);
  for (int i = 0; i < count; ++i) {
    void* what = events[i].data.ptr;
    if (what == &listening_) {
      acceptAll();
    } else if (what == &timerFd_) {
      uint64_t expirations;
      [[maybe_unused]] const ssize_t size = ::read(timerFd_, &expirations, sizeof expirations);
    } else {
      onSocket(*static_cast<Neighbour*>(what));
    }
  }
  if (count == 32) pollsSinceSockets_ = kPollsPerSocketPoll;
  return count > 0 ? static_cast<size_t>(count) : 0;
}

void ShmTransport::acceptAll() {
  while (auto socket = listening_->accept()) {
    Neighbour& neighbour = add(ShmChannel::accept(name_, std::move(socket)));
    if (!watch(neighbour.channel->fd(), &neighbour).ok()) fail(neighbour);
  }
}

void ShmTransport::onSocket(Neighbour& neighbour) {
  if (neighbour.isClosed) return;
  if (neighbour.channel->readSocket() != ShmChannel::Event::kClosed) return;
  neighbour.isClosed = true;
  epoll_ctl(waitFd_, EPOLL_CTL_DEL, neighbour.channel->fd(), nullptr);
  // What it sent before it left is in the ring, and is read before its failure is told.
  if (!neighbour.channel->isReady()) fail(neighbour);
}

// ---- Messages ----

BufferRef ShmTransport::allocateFor(PeerId peer) {
  Neighbour* neighbour = find(peer);
  const bool isOpen =
      neighbour && !neighbour->isClosed && !neighbour->isRingTaken && neighbour->queue.empty();
  std::byte* room = isOpen ? neighbour->channel->reserve(kMessageSizeMax) : nullptr;
  if (!room) return pool_.allocate();
  MessageBuffer& buffer = neighbour->inRing;
  buffer.data = room;
  buffer.size = 0;
  buffer.capacity = kMessageSizeMax;
  buffer.references = 1;
  neighbour->isRingTaken = true;
  return BufferRef::adopt(&buffer);
}

void ShmTransport::send(PeerId peer, BufferRef message) {
  Neighbour* neighbour = find(peer);
  if (!neighbour || neighbour->isClosed) return;
  if (message.get() == &neighbour->inRing) return neighbour->channel->commit(message->size);
  const bool goesAtOnce = neighbour->queue.empty() && !neighbour->isRingTaken;
  if (goesAtOnce && neighbour->channel->send(message.bytes())) return;
  neighbour->queue.push_back(std::move(message));
  ++queuedCount_;
}

size_t ShmTransport::retryQueues() {
  size_t count = 0;
  for (auto& neighbour : neighbours_) {
    if (neighbour->isRingTaken) continue;
    while (!neighbour->queue.empty() &&
           neighbour->channel->send(neighbour->queue.front().bytes())) {
      neighbour->queue.pop_front();
      --queuedCount_;
      ++count;
    }
  }
  return count;
}

size_t ShmTransport::pollRing(Neighbour& neighbour) {
  if (neighbour.isFailed || !neighbour.channel->isReady()) return 0;
  ShmConsumer& ring = neighbour.channel->incoming();
  size_t count = 0;
  for (; count < kMessagesPerPoll; ++count) {
    const std::byte* data = nullptr;
    const uint64_t size = ring.front(data);
    if (size == 0) break;
    if (size > kMessageSizeMax) {
      DAOS_LOG_WARNING(
          log_, address_ + ": a neighbour sent a message of " + std::to_string(size) + " bytes");
      fail(neighbour);
      break;
    }
    BufferRef message = pool_.allocate();
    std::memcpy(message->data, data, size);
    message->size = static_cast<uint32_t>(size);
    ring.pop();
    listener_->onMessage(std::move(message));
  }
  if (ring.isBroken() || (neighbour.isClosed && count == 0)) fail(neighbour);
  return count;
}

size_t ShmTransport::pollRings() {
  size_t count = 0;
  const size_t total = neighbours_.size();
  // Listeners may add channels meanwhile; none is removed before the end of the poll.
  for (size_t i = 0; i < std::min(total, kChannelsPerPoll); ++i) {
    if (nextNeighbour_ >= total) nextNeighbour_ = 0;
    count += pollRing(*neighbours_[nextNeighbour_++]);
  }
  return count;
}

size_t ShmTransport::pollFailures() {
  if (failures_.empty()) return 0;
  const std::vector<PeerId> failures = std::exchange(failures_, {});
  for (const PeerId peer : failures) {
    if (find(peer)) listener_->onPeerFailed(peer, ErrorCode::kUnreach);
  }
  return failures.size();
}

size_t ShmTransport::poll() {
  size_t count = pollRings();
  if (queuedCount_ > 0) count += retryQueues();
  if (transferHead_) count += pollTransfers();
  if (++pollsSinceSockets_ >= kPollsPerSocketPoll) count += pollSockets();
  count += pollFailures();
  if (hasUnused_) removeUnused();
  return count;
}

// ---- Memory of neighbours ----

void ShmTransport::startTransfer(RmaOperation& operation, bool isWrite) {
  operation.isWrite = isWrite;
  operation.code = ErrorCode::kOk;
  operation.scratch[0] = 0;  // bytes copied
  operation.next = nullptr;
  (transferTail_ ? transferTail_->next : transferHead_) = &operation;
  transferTail_ = &operation;
}

// Copies what is left of the operation, up to the share of one poll. True when it has ended.
bool ShmTransport::copyPiece(RmaOperation& operation, ShmChannel& channel) {
  iovec pieces[RmaOperation::kPieceCountMax];
  size_t count = 0;
  size_t size = 0;
  uint64_t skip = operation.scratch[0];
  for (size_t i = 0; i < operation.localCount && size < kCopySizePerPoll; ++i) {
    const MutableBytes piece = operation.local[i];
    if (skip >= piece.size()) {
      skip -= piece.size();
      continue;
    }
    const size_t taken = std::min<size_t>(piece.size() - skip, kCopySizePerPoll - size);
    pieces[count++] = {piece.data() + skip, taken};
    size += taken;
    skip = 0;
  }
  if (size == 0) return true;
  auto copied = channel.copy(pieces, count, operation.remote.address + operation.scratch[0], size,
                             operation.isWrite);
  if (!copied.ok()) {
    operation.code = copied.code();
    return true;
  }
  operation.scratch[0] += *copied;
  return operation.scratch[0] == operation.size();
}

size_t ShmTransport::pollTransfers() {
  size_t count = 0;
  uint64_t copied = 0;
  while (transferHead_ && copied < kCopySizePerPoll) {
    RmaOperation& operation = *transferHead_;
    Neighbour* neighbour = find(operation.peer);
    const uint64_t before = operation.scratch[0];
    // The process id of one that is gone may be somebody else's by now.
    if (!neighbour) {
      operation.code = ErrorCode::kCanceled;
    } else if (neighbour->isClosed || !neighbour->channel->isPeerThere()) {
      operation.code = ErrorCode::kUnreach;
    }
    ++count;
    const bool hasEnded =
        operation.code != ErrorCode::kOk || copyPiece(operation, *neighbour->channel);
    copied += operation.scratch[0] - before;
    if (!hasEnded) continue;
    transferHead_ = operation.next;
    if (!transferHead_) transferTail_ = nullptr;
    operation.done(operation, operation.code);
  }
  return count;
}

// ---- Waiting ----

bool ShmTransport::prepareWait() {
  if (!failures_.empty() || transferHead_ || hasUnused_) return false;
  for (auto& neighbour : neighbours_) {
    if (neighbour->channel->isReady()) neighbour->channel->incoming().setAsleep(true);
  }
  // Whoever sends from now on sees that we sleep; what came before is found here.
  for (auto& neighbour : neighbours_) {
    if (neighbour->isFailed || !neighbour->channel->isReady()) continue;
    if (neighbour->isClosed || !neighbour->channel->incoming().isEmpty()) {
      cancelWait();
      return false;
    }
  }
  if (queuedCount_ > 0) {
    itimerspec when{};
    when.it_value.tv_nsec = kRetryPauseNs;
    timerfd_settime(timerFd_, 0, &when, nullptr);
  }
  return true;
}

void ShmTransport::cancelWait() {
  for (auto& neighbour : neighbours_) {
    if (neighbour->channel->isReady()) neighbour->channel->incoming().setAsleep(false);
  }
  pollsSinceSockets_ = kPollsPerSocketPoll;
}

}  // namespace

Result<std::unique_ptr<Transport>> createShmTransport(Random& random, Log log,
                                                      std::string_view address) {
  char name[kShmNameSizeMax + 1];
  std::snprintf(name, sizeof name, "%s-%d-%08x", hostMark().c_str(), getpid(),
                static_cast<uint32_t>(random.next()));
  if (!address.empty()) {
    if (!isOfThisHost(address) || address.size() - kScheme.size() > kShmNameSizeMax)
      return invalid("'" + std::string(address) + "' is no shm address of this host");
    std::snprintf(name, sizeof name, "%s", std::string(address.substr(kScheme.size())).c_str());
  }
  auto transport = std::make_unique<ShmTransport>(name, std::move(log));
  DAOS_CHECK(transport->open());
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace daos::rpc
