#include "rpc/shm_channel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace daos::rpc {

static constexpr uint64_t kMagic = 0x316d6873'736f6164;
static constexpr uint32_t kVersion = 1;
static constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
static constexpr int kBacklog = 4096;

// The rings are named from the connecting side.
struct ShmMemory {
  ShmRingLayout toAcceptor;
  ShmRingLayout toConnector;
};

struct ShmChannel::Introduction {
  uint64_t magic = kMagic;
  uint32_t version = kVersion;
  uint32_t memorySize = sizeof(ShmMemory);
  uint64_t probeAddress = 0;
  uint64_t probeWord = 0;
  char name[kShmNameSizeMax + 1] = {};
};

static Error systemError(const std::string& what) {
  const bool isFull = errno == ENOMEM || errno == EMFILE || errno == ENFILE || errno == ENOSPC;
  return Error(isFull ? ErrorCode::kNomem : ErrorCode::kMisc, what + ": " + std::strerror(errno));
}

static socklen_t makeAddress(sockaddr_un& address, const std::string& name) {
  std::memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), std::min(name.size(), kShmNameSizeMax));
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                std::min(name.size(), kShmNameSizeMax));
}

// ---- Sockets ----

ShmSocket::~ShmSocket() { close(fd_); }

static Result<std::unique_ptr<ShmSocket>> makeSocket() {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return systemError("a unix socket");
  return std::make_unique<ShmSocket>(fd);
}

Result<std::unique_ptr<ShmSocket>> ShmSocket::listen(const std::string& name) {
  DAOS_TRY(auto made, makeSocket());
  sockaddr_un address;
  const socklen_t size = makeAddress(address, name);
  if (bind(made->fd(), reinterpret_cast<sockaddr*>(&address), size) != 0)
    return systemError("binding " + name);
  if (::listen(made->fd(), kBacklog) != 0) return systemError("listening at " + name);
  return made;
}

Result<std::unique_ptr<ShmSocket>> ShmSocket::connect(const std::string& name) {
  DAOS_TRY(auto made, makeSocket());
  sockaddr_un address;
  const socklen_t size = makeAddress(address, name);
  if (::connect(made->fd(), reinterpret_cast<sockaddr*>(&address), size) != 0) {
    return Error(ErrorCode::kUnreach, "shm://" + name + ": " + std::strerror(errno));
  }
  return made;
}

std::unique_ptr<ShmSocket> ShmSocket::accept() {
  const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return fd < 0 ? nullptr : std::make_unique<ShmSocket>(fd);
}

pid_t ShmSocket::peerProcess() const {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  return getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 ? credentials.pid : 0;
}

// ---- Making and mapping the memory ----

ShmChannel::ShmChannel(std::string ownName, std::unique_ptr<ShmSocket> socket, bool isConnecting)
    : ownName_(std::move(ownName)), socket_(std::move(socket)), isConnecting_(isConnecting),
      peerProcess_(socket_->peerProcess()), probeWord_(reinterpret_cast<uint64_t>(this) ^ kMagic) {}

ShmChannel::~ShmChannel() {
  if (memory_) munmap(memory_, sizeof(ShmMemory));
}

Result<std::unique_ptr<ShmChannel>> ShmChannel::connect(const std::string& ownName,
                                                        const std::string& peerName) {
  DAOS_TRY(auto socket, ShmSocket::connect(peerName));
  std::unique_ptr<ShmChannel> channel(new ShmChannel(ownName, std::move(socket), true));
  channel->peerName_ = peerName;
  DAOS_CHECK(channel->makeMemory());
  return channel;
}

std::unique_ptr<ShmChannel> ShmChannel::accept(const std::string& ownName,
                                               std::unique_ptr<ShmSocket> socket) {
  return std::unique_ptr<ShmChannel>(new ShmChannel(ownName, std::move(socket), false));
}

Status ShmChannel::makeMemory() {
  const int fd = memfd_create("daos-rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return systemError("memfd_create");
  Status status;
  if (ftruncate(fd, sizeof(ShmMemory)) != 0 || fcntl(fd, F_ADD_SEALS, kSeals) != 0 ||
      !mapMemory(fd)) {
    status = systemError("memory for a channel");
  } else {
    // Whoever reads a ring first is taken for asleep: the first message wakes it.
    auto* memory = static_cast<ShmMemory*>(memory_);
    memory->toAcceptor.isConsumerAsleep.store(1, std::memory_order_relaxed);
    memory->toConnector.isConsumerAsleep.store(1, std::memory_order_release);
    status = introduce(fd);
  }
  close(fd);
  return status;
}

bool ShmChannel::mapMemory(int fd) {
  void* memory = mmap(nullptr, sizeof(ShmMemory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return false;
  memory_ = memory;
  auto* rings = static_cast<ShmMemory*>(memory);
  outgoing_ = std::make_unique<ShmProducer>(isConnecting_ ? rings->toAcceptor : rings->toConnector);
  incoming_ = std::make_unique<ShmConsumer>(isConnecting_ ? rings->toConnector : rings->toAcceptor);
  return true;
}

// ---- Introductions ----

Status ShmChannel::introduce(int memoryFd) {
  Introduction introduction;
  introduction.probeAddress = reinterpret_cast<uint64_t>(&probeWord_);
  introduction.probeWord = probeWord_;
  std::memcpy(introduction.name, ownName_.data(), std::min(ownName_.size(), kShmNameSizeMax));
  iovec data{&introduction, sizeof introduction};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (memoryFd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &memoryFd, sizeof(int));
  }
  if (sendmsg(fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof introduction) {
    return Error(ErrorCode::kUnreach, "shm://" + peerName_ + ": " + std::strerror(errno));
  }
  return {};
}

ShmChannel::Event ShmChannel::readSocket() {
  while (true) {
    Introduction introduction;
    iovec data{&introduction, sizeof introduction};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(fd(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return errno == EAGAIN || errno == EINTR ? Event::kNothing : Event::kClosed;
    if (size == 0) return Event::kClosed;
    int memoryFd = -1;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      std::memcpy(&memoryFd, CMSG_DATA(header), sizeof(int));
    }
    const bool isIntroduction = size == sizeof introduction;
    const bool isGood = isIntroduction && onIntroduction(introduction, memoryFd);
    if (memoryFd >= 0) close(memoryFd);
    if (isIntroduction) return isGood ? Event::kIntroduced : Event::kClosed;
  }
}

// Names end in "-PID-RANDOM": nobody may take the name of an endpoint in another process.
static bool isEntitled(std::string_view name, pid_t process) {
  const size_t last = name.rfind('-');
  const size_t before = last == std::string_view::npos || last == 0 ? std::string_view::npos
                                                                    : name.rfind('-', last - 1);
  if (before == std::string_view::npos) return false;
  return name.substr(before + 1, last - before - 1) == std::to_string(process);
}

bool ShmChannel::onIntroduction(const Introduction& introduction, int memoryFd) {
  if (introduction.magic != kMagic || introduction.version != kVersion) return false;
  if (introduction.memorySize != sizeof(ShmMemory)) return false;
  uint64_t word = 0;
  const iovec local{&word, sizeof word};
  const iovec remote{reinterpret_cast<void*>(introduction.probeAddress), sizeof word};
  canReachMemory_ = peerProcess_ > 0 &&
                    process_vm_readv(peerProcess_, &local, 1, &remote, 1, 0) == sizeof word &&
                    word == introduction.probeWord;
  if (isConnecting_) return true;
  struct stat status {};
  const bool isSound = memoryFd >= 0 && !memory_ && fcntl(memoryFd, F_GET_SEALS) == kSeals &&
                       fstat(memoryFd, &status) == 0 && status.st_size == sizeof(ShmMemory);
  if (!isSound || !mapMemory(memoryFd)) return false;
  const std::string name(introduction.name, strnlen(introduction.name, kShmNameSizeMax));
  if (isEntitled(name, peerProcess_)) peerName_ = name;
  return introduce(-1).ok();
}

bool ShmChannel::isPeerThere() const {
  char byte;
  const ssize_t size = recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size > 0 || (size < 0 && errno == EAGAIN);
}

// ---- Messages and memory ----

bool ShmChannel::send(Bytes message) {
  if (!outgoing_->push(message)) return false;
  if (outgoing_->mustWake()) wakePeer();
  return true;
}

void ShmChannel::wakePeer() const {
  const char byte = 0;
  // A full socket has wake-ups enough in it.
  [[maybe_unused]] const ssize_t size = ::send(fd(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

Result<size_t> ShmChannel::copy(const iovec* local, size_t count, uint64_t address, size_t size,
                                bool isWrite) const {
  const iovec remote{reinterpret_cast<void*>(address), size};
  const ssize_t copied = isWrite ? process_vm_writev(peerProcess_, local, count, &remote, 1, 0)
                                 : process_vm_readv(peerProcess_, local, count, &remote, 1, 0);
  if (copied > 0) return static_cast<size_t>(copied);
  const ErrorCode code = errno == EFAULT  ? ErrorCode::kInval
                         : errno == ESRCH ? ErrorCode::kUnreach
                                          : ErrorCode::kIo;
  return Error(code, std::string("memory of shm://") + peerName_ + ": " + std::strerror(errno));
}

}  // namespace daos::rpc
