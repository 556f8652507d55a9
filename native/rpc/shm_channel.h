// What joins two endpoints of one host: a sealed piece of memory with a ring each way, and a
// socket.
//
// 1. The connecting side makes the memory and sends it through the socket with an introduction; it
//    may put messages in its ring at once. 2. The accepting side checks and maps it, and introduces
//    itself. 3. Either closes, or dies: the socket tells.
//
// The memory is sealed against shrinking, so that a peer can't make our access to it fail.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "rpc/shm_ring.h"

namespace daos::rpc {

inline constexpr size_t kShmNameSizeMax = 63;

// A socket's name in the abstract namespace: it vanishes with its process.
class ShmSocket {
 public:
  explicit ShmSocket(int fd) : fd_(fd) {}
  ~ShmSocket();
  ShmSocket(const ShmSocket&) = delete;
  ShmSocket& operator=(const ShmSocket&) = delete;
  static Result<std::unique_ptr<ShmSocket>> listen(const std::string& name);
  // DER_UNREACH: nobody listens there, or too many wait.
  static Result<std::unique_ptr<ShmSocket>> connect(const std::string& name);
  // Null when nobody waits.
  std::unique_ptr<ShmSocket> accept();
  int fd() const { return fd_; }
  // The process at the other end, as we may address it; 0: of another pid namespace.
  pid_t peerProcess() const;

 private:
  const int fd_;
};

class ShmChannel {
 public:
  enum class Event { kNothing, kIntroduced, kClosed };

  // Connects to `peerName` and introduces `ownName`.
  static Result<std::unique_ptr<ShmChannel>> connect(const std::string& ownName,
                                                     const std::string& peerName);
  // Of an accepted socket; the peer has still to introduce itself.
  static std::unique_ptr<ShmChannel> accept(const std::string& ownName,
                                            std::unique_ptr<ShmSocket> socket);
  ~ShmChannel();
  ShmChannel(const ShmChannel&) = delete;
  ShmChannel& operator=(const ShmChannel&) = delete;

  int fd() const { return socket_->fd(); }
  // Empty until it has introduced itself, or when it is not entitled to the name it gave.
  const std::string& peerName() const { return peerName_; }
  bool isReady() const { return memory_ != nullptr; }
  bool isConnecting() const { return isConnecting_; }
  bool canReachMemory() const { return canReachMemory_; }

  // Reads what the socket has: introductions, and bytes that only wake.
  Event readSocket();
  // Whether the other end is there right now, by the kernel's account.
  bool isPeerThere() const;

  // False: no room. Wakes the peer if it sleeps.
  bool send(Bytes message);
  // The same in two steps: the ring's reserve and commit.
  std::byte* reserve(size_t sizeMax) { return outgoing_->reserve(sizeMax); }
  void commit(size_t size) {
    outgoing_->commit(size);
    if (outgoing_->mustWake()) wakePeer();
  }
  ShmConsumer& incoming() { return *incoming_; }

  // Copies between the peer's memory and local pieces; at most what one system call does. Bytes
  // copied, or an error.
  Result<size_t> copy(const iovec* local, size_t count, uint64_t address, size_t size,
                      bool isWrite) const;

 private:
  struct Introduction;
  ShmChannel(std::string ownName, std::unique_ptr<ShmSocket> socket, bool isConnecting);
  void wakePeer() const;
  Status makeMemory();
  bool mapMemory(int fd);
  Status introduce(int memoryFd);
  bool onIntroduction(const Introduction& introduction, int memoryFd);

  const std::string ownName_;
  const std::unique_ptr<ShmSocket> socket_;
  const bool isConnecting_;
  pid_t peerProcess_ = 0;
  std::string peerName_;
  void* memory_ = nullptr;
  std::unique_ptr<ShmProducer> outgoing_;
  std::unique_ptr<ShmConsumer> incoming_;
  bool canReachMemory_ = false;
  uint64_t probeWord_;  // what a peer reads to see whether it can reach our memory
};

}  // namespace daos::rpc
