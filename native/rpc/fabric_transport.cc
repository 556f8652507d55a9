#include "rpc/fabric_transport.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "rpc/fabric_transport_impl.h"
#include "rpc/shm_transport.h"

namespace daos::rpc {

static constexpr size_t kCompletionsPerPoll = 64;
static constexpr uint64_t kRetryPauseMaxNs = 2'000'000;

FabricTransport::FabricTransport(const Clock& clock, Random& random, FabricOptions options)
    : clock_(clock), random_(random), options_(std::move(options)),
      scheme_(options_.provider + "://"), pool_(options_.messageSizeMax) {}

FabricTransport::~FabricTransport() {
  fabric_.closeEndpoint();
  for (MessageBuffer* buffer : posted_) BufferRef::adopt(buffer).reset();
  for (MessageBuffer* buffer : sent_) BufferRef::adopt(buffer).reset();
  for (auto& [address, destination] : destinations_) dropQueue(*destination);
  while (!submitted_.empty()) endTransfer(*submitted_.back(), ErrorCode::kCanceled);
  while (RmaOperation* operation = queuedHead_) {
    queuedHead_ = operation->next;
    operation->done(*operation, ErrorCode::kCanceled);
  }
  if (timerFd_ >= 0) close(timerFd_);
  if (waitFd_ >= 0) close(waitFd_);
}

// ---- Opening ----

// Splits "10.0.0.1:31416", "[::1]:31416" and the same without port.
static void splitHost(std::string_view text, std::string& host, std::string& service) {
  const size_t bracket = text.find(']');
  const size_t colon = text.rfind(':');
  const bool isBare6 = bracket == std::string_view::npos && text.find(':') != colon;
  const bool hasPort = colon != std::string_view::npos && !isBare6 &&
                       (bracket == std::string_view::npos || colon > bracket);
  host = text.substr(0, hasPort ? colon : text.size());
  service = hasPort ? text.substr(colon + 1) : std::string_view();
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
}

static std::string printAddress(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
    inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(address.sin6_port));
  }
  const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
  inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(address.sin_port));
}

static bool parseAddress(std::string_view text, sockaddr_storage& storage) {
  std::string host, service;
  splitHost(text, host, service);
  const int port = std::atoi(service.c_str());
  if (port <= 0 || port > 65535) return false;
  std::memset(&storage, 0, sizeof storage);
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<uint16_t>(port));
    return true;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return false;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(static_cast<uint16_t>(port));
  return true;
}

Status FabricTransport::open() {
  FabricOpenOptions openOptions;
  openOptions.provider = options_.provider;
  splitHost(options_.address, openOptions.host, openOptions.service);
  DAOS_CHECK(fabric_.open(openOptions));
  sockaddr_storage storage{};
  size_t size = sizeof storage;
  const int code = fi_getname(&fabric_.endpoint->fid, &storage, &size);
  if (code != 0) return fabricError("fi_getname", code);
  address_ = scheme_ + printAddress(storage);
  limits_ = {pool_.capacity(), pool_.capacity(), 32768, uint64_t{16} << 20, true, false};
  waitFd_ = epoll_create1(EPOLL_CLOEXEC);
  timerFd_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (waitFd_ < 0 || timerFd_ < 0)
    return Error(ErrorCode::kNomem, std::string("epoll, timerfd: ") + std::strerror(errno));
  for (const int fd : {timerFd_, fabric_.waitFd}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ctl(waitFd_, EPOLL_CTL_ADD, fd, &event) != 0) {
      return Error(ErrorCode::kNomem, std::string("epoll: ") + std::strerror(errno));
    }
  }
  for (uint32_t i = 0; i < options_.receiveCount; ++i) postReceive(pool_.allocate());
  return {};
}

// ---- Peers ----

bool FabricTransport::canReach(std::string_view address) const {
  return address.starts_with(scheme_);
}

FabricDestination* FabricTransport::destinationOf(PeerId peer) const {
  const Remote* remote = remotes_.find(peer.slot, peer.generation);
  return remote ? remote->destination : nullptr;
}

Result<PeerId> FabricTransport::connect(std::string_view address) {
  if (!address.starts_with(scheme_))
    return invalid("'" + std::string(address) + "' is no address of " + options_.provider);
  const auto found = destinations_.find(address);
  FabricDestination* destination = found == destinations_.end() ? nullptr : found->second.get();
  if (destination && destination->isFailed) {
    return Error(ErrorCode::kUnreach,
                 std::string(address) + " has failed and is not forgotten yet");
  }
  if (!destination) {
    DAOS_TRY(destination, addDestination(address));
  }
  const auto name = remotes_.add(std::make_unique<Remote>(Remote{destination}));
  const PeerId peer{name.slot, name.generation};
  destination->peers.push_back(peer);
  return peer;
}

Result<FabricDestination*> FabricTransport::addDestination(std::string_view address) {
  auto owned = std::make_unique<FabricDestination>();
  owned->address = address;
  const std::string rest(address.substr(scheme_.size()));
  sockaddr_storage storage{};
  if (!parseAddress(rest, storage))
    return invalid("'" + std::string(address) + "' has no numeric address and port");
  const int count = fi_av_insert(fabric_.addresses, &storage, 1, &owned->fabricAddress, 0, nullptr);
  if (count != 1)
    return Error(ErrorCode::kBusy, "no room for " + owned->address + " in the address table");
  FabricDestination* destination = owned.get();
  destinations_[owned->address] = std::move(owned);
  return destination;
}

void FabricTransport::disconnect(PeerId peer) {
  FabricDestination* destination = destinationOf(peer);
  if (!destination) return;
  remotes_.remove(peer.slot);
  std::erase(destination->peers, peer);
  std::erase_if(failures_, [peer](const auto& failure) { return failure.first == peer; });
  if (destination->peers.empty()) removeDestination(*destination);
}

void FabricTransport::removeDestination(FabricDestination& destination) {
  dropQueue(destination);
  std::erase(stalled_, &destination);
  const auto found = destinations_.find(destination.address);
  std::unique_ptr<FabricDestination> owned = std::move(found->second);
  destinations_.erase(found);
  fi_av_remove(fabric_.addresses, &owned->fabricAddress, 1, 0);
}

void FabricTransport::fail(FabricDestination& destination, ErrorCode code) {
  if (destination.isFailed) return;
  destination.isFailed = true;
  dropQueue(destination);
  for (const PeerId peer : destination.peers) failures_.emplace_back(peer, code);
}

size_t FabricTransport::queuedCount(PeerId peer) const {
  const FabricDestination* destination = destinationOf(peer);
  return destination ? destination->queuedCount : 0;
}

// ---- Sending ----

ssize_t FabricTransport::trySend(FabricDestination& destination, BufferRef& message) {
  void* context = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(message.get()) |
                                          static_cast<uintptr_t>(ContextKind::kSend));
  const ssize_t code = fi_send(fabric_.endpoint, message->data, message->size, nullptr,
                               destination.fabricAddress, context);
  if (code != 0) return code;
  destination.wasReached = true;
  message->context = reinterpret_cast<void*>(sent_.size());
  sent_.push_back(message.release());
  return 0;
}

void FabricTransport::send(PeerId peer, BufferRef message) {
  FabricDestination* destination = destinationOf(peer);
  if (!destination || destination->isFailed) return;
  message->tag = peer.slot | uint64_t{peer.generation} << 32;
  if (destination->queueHead) return stall(*destination, std::move(message));
  const ssize_t code = trySend(*destination, message);
  if (code == 0) return;
  // A connection that was there and is not any more: what was sent over it may be lost.
  if (code != -FI_EAGAIN || destination->wasReached) return fail(*destination, ErrorCode::kUnreach);
  stall(*destination, std::move(message));
}

void FabricTransport::stall(FabricDestination& destination, BufferRef message) {
  MessageBuffer* buffer = message.release();
  buffer->next = nullptr;
  if (!destination.queueHead) destination.stalledSinceNs = destination.retryAtNs = clock_.nowNs();
  (destination.queueTail ? destination.queueTail->next : destination.queueHead) = buffer;
  destination.queueTail = buffer;
  ++destination.queuedCount;
  if (destination.isStalled) return;
  destination.isStalled = true;
  stalled_.push_back(&destination);
}

void FabricTransport::dropQueue(FabricDestination& destination) {
  while (MessageBuffer* buffer = destination.queueHead) {
    destination.queueHead = buffer->next;
    BufferRef::adopt(buffer).reset();
  }
  destination.queueTail = nullptr;
  destination.queuedCount = 0;
}

// True when the queue is empty now.
bool FabricTransport::retry(FabricDestination& destination, uint64_t nowNs) {
  while (MessageBuffer* buffer = destination.queueHead) {
    MessageBuffer* next = buffer->next;
    BufferRef message = BufferRef::adopt(buffer);
    const bool wasReached = destination.wasReached;
    const ssize_t code = trySend(destination, message);
    if (code == 0) {
      destination.queueHead = next;
      if (!next) destination.queueTail = nullptr;
      --destination.queuedCount;
      destination.stalledSinceNs = nowNs;
      continue;
    }
    message.release();
    const uint64_t waitedNs = nowNs - destination.stalledSinceNs;
    if (code != -FI_EAGAIN || wasReached || waitedNs > options_.connectTimeoutNs) {
      fail(destination, ErrorCode::kUnreach);
      return true;
    }
    destination.retryAtNs = nowNs + std::min(waitedNs / 4, kRetryPauseMaxNs);
    return false;
  }
  return true;
}

size_t FabricTransport::retryStalled() {
  if (stalled_.empty()) return 0;
  size_t count = 0;
  const uint64_t now = clock_.nowNs();
  for (size_t i = 0; i < stalled_.size();) {
    FabricDestination& destination = *stalled_[i];
    const size_t before = destination.queuedCount;
    const bool isEmpty = destination.retryAtNs <= now && retry(destination, now);
    count += before - destination.queuedCount;
    if (isEmpty) {
      destination.isStalled = false;
      stalled_[i] = stalled_.back();
      stalled_.pop_back();
    } else {
      ++i;
    }
  }
  return count;
}

// ---- Receiving ----

void FabricTransport::postReceive(BufferRef ref) {
  MessageBuffer* buffer = ref.release();
  buffer->tag = posted_.size();
  posted_.push_back(buffer);
  const ssize_t code =
      fi_recv(fabric_.endpoint, buffer->data, buffer->capacity, nullptr, FI_ADDR_UNSPEC, buffer);
  // The provider's receive queue is larger than what is posted; it can only be out of memory.
  DAOS_ASSERT(code == 0);
}

void FabricTransport::forgetPosted(MessageBuffer* buffer) {
  MessageBuffer* last = posted_.back();
  last->tag = buffer->tag;
  posted_[buffer->tag] = last;
  posted_.pop_back();
}

BufferRef FabricTransport::takeSent(MessageBuffer* buffer) {
  MessageBuffer* last = sent_.back();
  last->context = buffer->context;
  sent_[reinterpret_cast<size_t>(buffer->context)] = last;
  sent_.pop_back();
  return BufferRef::adopt(buffer);
}

void FabricTransport::onReceived(MessageBuffer* buffer, size_t size) {
  forgetPosted(buffer);
  buffer->size = static_cast<uint32_t>(size);
  BufferRef message = BufferRef::adopt(buffer);
  listener_->onMessage(message);
  postReceive(buffer->references == 1 ? std::move(message) : pool_.allocate());
}

void FabricTransport::onCompletion(const fi_cq_msg_entry& entry) {
  const auto bits = reinterpret_cast<uintptr_t>(entry.op_context);
  void* object = reinterpret_cast<void*>(bits & ~uintptr_t{7});
  switch (static_cast<ContextKind>(bits & 7)) {
    case ContextKind::kReceive: return onReceived(static_cast<MessageBuffer*>(object), entry.len);
    case ContextKind::kSend: return takeSent(static_cast<MessageBuffer*>(object)).reset();
    case ContextKind::kTransfer:
      return endTransfer(*static_cast<RmaOperation*>(object), ErrorCode::kOk);
  }
}

void FabricTransport::onErrorCompletion() {
  fi_cq_err_entry error{};
  if (fi_cq_readerr(fabric_.completions, &error, 0) != 1) return;
  const auto bits = reinterpret_cast<uintptr_t>(error.op_context);
  if (bits == 0) return;
  void* object = reinterpret_cast<void*>(bits & ~uintptr_t{7});
  DAOS_LOG_INFO(options_.log, address_ + ": " + fi_strerror(error.err));
  switch (static_cast<ContextKind>(bits & 7)) {
    case ContextKind::kReceive: {
      // A message that is too large for the buffer, or cut off: nobody's.
      auto* buffer = static_cast<MessageBuffer*>(object);
      forgetPosted(buffer);
      return postReceive(BufferRef::adopt(buffer));
    }
    case ContextKind::kSend: {
      const BufferRef message = takeSent(static_cast<MessageBuffer*>(object));
      FabricDestination* destination = destinationOf(
          {static_cast<uint32_t>(message->tag), static_cast<uint32_t>(message->tag >> 32)});
      if (destination) fail(*destination, ErrorCode::kUnreach);
      return;
    }
    case ContextKind::kTransfer: {
      auto& operation = *static_cast<RmaOperation*>(object);
      const bool isKeyBad =
          error.err == FI_EINVAL || error.err == FI_ENOKEY || error.err == FI_EACCES;
      return endTransfer(operation, isKeyBad ? ErrorCode::kInval : ErrorCode::kUnreach);
    }
  }
}

size_t FabricTransport::pollCompletions() {
  fi_cq_msg_entry entries[kCompletionsPerPoll];
  const ssize_t count = fi_cq_read(fabric_.completions, entries, kCompletionsPerPoll);
  if (count > 0) {
    for (ssize_t i = 0; i < count; ++i) onCompletion(entries[i]);
    return static_cast<size_t>(count);
  }
  if (count != -FI_EAVAIL) return 0;
  onErrorCompletion();
  return 1;
}

size_t FabricTransport::pollFailures() {
  if (failures_.empty()) return 0;
  const auto failures = std::exchange(failures_, {});
  for (const auto& [peer, code] : failures) {
    if (destinationOf(peer)) listener_->onPeerFailed(peer, code);
  }
  return failures.size();
}

size_t FabricTransport::poll() {
  return pollCompletions() + retryStalled() + pollTransfers() + pollFailures();
}

// ---- Waiting ----

bool FabricTransport::prepareWait() {
  if (!failures_.empty() || queuedHead_) return false;
  fid* queue = &fabric_.completions->fid;
  if (fi_trywait(fabric_.fabric, &queue, 1) != FI_SUCCESS) return false;
  if (!stalled_.empty()) {
    const uint64_t now = clock_.nowNs();
    uint64_t wakeNs = now + kRetryPauseMaxNs;
    for (const FabricDestination* destination : stalled_)
      wakeNs = std::min(wakeNs, destination->retryAtNs);
    itimerspec when{};
    when.it_value.tv_nsec = static_cast<long>(wakeNs > now ? wakeNs - now : 1);
    timerfd_settime(timerFd_, 0, &when, nullptr);
  }
  return true;
}

void FabricTransport::cancelWait() {
  if (stalled_.empty()) return;
  uint64_t expirations;
  [[maybe_unused]] const ssize_t size = ::read(timerFd_, &expirations, sizeof expirations);
}

Result<std::unique_ptr<Transport>> createFabricTransport(const Clock& clock, Random& random,
                                                         FabricOptions options) {
  if (options.provider == "shm") return createShmTransport(random, options.log, options.shmAddress);
  if (options.provider != "tcp" && options.provider != "verbs") {
    return invalid("no provider '" + options.provider + "'; there are tcp, shm and verbs");
  }
  const std::string where = options.provider + " at " + options.address;
  auto transport = std::make_unique<FabricTransport>(clock, random, std::move(options));
  if (Status opened = transport->open(); !opened.ok())
    return std::move(opened).error().within(where);
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace daos::rpc
