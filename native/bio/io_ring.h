// One io_uring for all devices of a reactor, and the files and block devices on it as Media.
//
// What a turn submits, to whichever device, leaves in one io_uring_enter, unless it is so much that
// the device would stand still meanwhile, or urgent; completions are taken in
// the next turn's poll, and wake a blocked loop through an eventfd. Files and buffers are
// registered.
//
// Thread: created, used and destroyed on the reactor's thread, which is the ring's only issuer.
// Life:   the ring outlives its Media. Destroying a Media waits for what the kernel still has of
//         it.
#pragma once

#include <liburing.h>

#include <array>
#include <memory>
#include <string>

#include "base/log.h"
#include "bio/media.h"

namespace daos::bio {

class RingMedia;

struct IoRingOptions {
  unsigned entryCount = 256;         // submitted by one call; more wait for the next
  unsigned inFlightCountMax = 1024;  // at the kernel at once; more wait in line
};

class IoRing final : private Poller {
 public:
  // DER_NOSYS when the kernel offers no io_uring. Which of its features are in use goes to `log`.
  static Result<std::unique_ptr<IoRing>> create(Reactor& reactor, const Log& log,
                                                IoRingOptions options = {});
  ~IoRing() override;
  IoRing(const IoRing&) = delete;
  IoRing& operator=(const IoRing&) = delete;

  Reactor& reactor() const { return reactor_; }
  const Log& log() const { return log_; }
  // Lets the kernel give up what it needs no more, the file of a request that a worker of its own
  // has ended: it does so only in a call, and the request's completion may have come before.
  void settle() { io_uring_get_events(&ring_); }
  // io_uring_enter calls that submitted something, and what they submitted.
  uint64_t submitCallCount() const { return submitCallCount_; }
  uint64_t submittedCount() const { return submittedCount_; }

 private:
  friend class RingMedia;
  static constexpr unsigned kSlotCount = 64;  // registered files, and registered pieces of memory
  struct Queued;
  IoRing(Reactor& reactor, const Log& log, IoRingOptions options);
  Status open();
  Status setUp();
  void registerTables();

  size_t poll() override;
  size_t flush() override;
  bool prepareWait() override;
  void cancelWait() override;
  int waitFd() const override { return eventFd_; }

  void queue(MediaRequest& request);
  void prepare(io_uring_sqe& entry, MediaRequest& request);
  size_t submitPrepared();
  bool hasWork() const;
  // Index of the registered piece that holds all of the buffer, or -1.
  int registeredIndex(const std::byte* data, uint64_t size) const;
  void registerMemory(MutableBytes memory);
  // A slot for `fd` in the table of registered files, or -1.
  int registerFile(int fd);
  void unregisterFile(int slot);
  // Takes completions until `media` has nothing at the kernel any more; its requests are not told.
  void drain(RingMedia& media);

  Reactor& reactor_;
  const Log log_;
  const IoRingOptions options_;
  io_uring ring_{};
  bool isOpen_ = false;
  int eventFd_ = -1;
  bool hasFileTable_ = false;
  bool hasBufferTable_ = false;
  std::array<bool, kSlotCount> fileSlots_{};
  std::array<MutableBytes, kSlotCount> memory_{};
  size_t memoryCount_ = 0;
  IntrusiveList<MediaRequest, MediaRequest> waiting_;
  uint64_t waitingBytes_ = 0;
  unsigned inFlightCount_ = 0;
  uint64_t submitCallCount_ = 0;
  uint64_t submittedCount_ = 0;
};

}  // namespace daos::bio
