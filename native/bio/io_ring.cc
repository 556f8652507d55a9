#include "bio/io_ring.h"

#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "bio/ring_media.h"

namespace daos::bio {

// BLOCK_URING_CMD_DISCARD, which headers of older kernels don't have.
static constexpr unsigned kDiscardCommand = _IO(0x12, 0);
static constexpr uint64_t kSubmitBytes = 256 << 10;  // do not wait for the end of the turn

IoRing::IoRing(Reactor& reactor, const Log& log, IoRingOptions options)
    : reactor_(reactor), log_(log), options_(options) {}

Result<std::unique_ptr<IoRing>> IoRing::create(Reactor& reactor, const Log& log,
                                               IoRingOptions options) {
  std::unique_ptr<IoRing> ring(new IoRing(reactor, log, options));
  DAOS_CHECK(ring->open());
  return ring;
}

Status IoRing::open() {
  DAOS_CHECK(setUp());
  isOpen_ = true;
  eventFd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (eventFd_ < 0) return Error(ErrorCode::kMisc, std::string("eventfd: ") + std::strerror(errno));
  const int code = io_uring_register_eventfd(&ring_, eventFd_);
  if (code < 0)
    return Error(ErrorCode::kNosys, std::string("io_uring eventfd: ") + std::strerror(-code));
  io_uring_cq_eventfd_toggle(&ring_, false);
  registerTables();
  reactor_.addPoller(*this);
  return {};
}

// The newest way of completion first: task work run only when this thread asks for it.
Status IoRing::setUp() {
  struct Way {
    unsigned flags;
    const char* name;
  };
  constexpr Way kWays[] = {
      {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
       "single issuer, deferred task work"},
      {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, "cooperative task work"},
      {0, "no optional feature"}};
  int code = 0;
  for (const Way& way : kWays) {
    io_uring_params parameters{};
    parameters.flags = way.flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    parameters.cq_entries = options_.inFlightCountMax * 2;
    code = io_uring_queue_init_params(options_.entryCount, &ring_, &parameters);
    if (code == 0) {
      DAOS_LOG_DEBUG(log_, std::string("io_uring: ") + way.name);
      return {};
    }
    if (code != -EINVAL) break;
  }
  return Error(ErrorCode::kNosys,
               std::string("io_uring: ") + std::strerror(-code) +
                   " (a kernel from 5.11 on is needed, and a container must allow it)");
}

void IoRing::registerTables() {
  hasFileTable_ = io_uring_register_files_sparse(&ring_, kSlotCount) == 0;
  hasBufferTable_ = io_uring_register_buffers_sparse(&ring_, kSlotCount) == 0;
  if (!hasFileTable_) DAOS_LOG_INFO(log_, "io_uring: no registered files on this kernel");
  if (!hasBufferTable_) DAOS_LOG_INFO(log_, "io_uring: no registered buffers on this kernel");
}

IoRing::~IoRing() {
  DAOS_ASSERT(inFlightCount_ == 0);
  if (eventFd_ >= 0) {
    reactor_.removePoller(*this);
    close(eventFd_);
  }
  if (isOpen_) io_uring_queue_exit(&ring_);
}

void IoRing::registerMemory(MutableBytes memory) {
  if (!hasBufferTable_ || registeredIndex(memory.data(), memory.size()) >= 0) return;
  if (memoryCount_ == kSlotCount) {
    DAOS_LOG_INFO(log_, "io_uring: no slot for another piece of registered memory");
    return;
  }
  const iovec piece{memory.data(), memory.size()};
  const __u64 tag = 0;
  const int code = io_uring_register_buffers_update_tag(&ring_, static_cast<unsigned>(memoryCount_),
                                                        &piece, &tag, 1);
  if (code < 0) {
    DAOS_LOG_INFO(log_, "io_uring: " + std::to_string(memory.size()) +
                            " bytes of memory can't be registered: " + std::strerror(-code));
    return;
  }
  memory_[memoryCount_++] = memory;
}

int IoRing::registeredIndex(const std::byte* data, uint64_t size) const {
  for (size_t i = 0; i < memoryCount_; ++i) {
    const MutableBytes piece = memory_[i];
    if (data >= piece.data() && data + size <= piece.data() + piece.size())
      return static_cast<int>(i);
  }
  return -1;
}

int IoRing::registerFile(int fd) {
  for (unsigned slot = 0; hasFileTable_ && slot < kSlotCount; ++slot) {
    if (fileSlots_[slot]) continue;
    if (io_uring_register_files_update(&ring_, slot, &fd, 1) < 0) return -1;
    fileSlots_[slot] = true;
    return static_cast<int>(slot);
  }
  return -1;
}

void IoRing::unregisterFile(int slot) {
  if (slot < 0) return;
  const int none = -1;
  io_uring_register_files_update(&ring_, static_cast<unsigned>(slot), &none, 1);
  fileSlots_[static_cast<size_t>(slot)] = false;
}

// The part of the request that is still to do; a short transfer comes here again for its rest.
void IoRing::prepare(io_uring_sqe& entry, MediaRequest& request) {
  RingMedia& media = static_cast<RingMedia&>(*request.media);
  const int fd = media.fileSlot_ >= 0 ? media.fileSlot_ : media.fd_;
  std::byte* data = request.data + request.driverWord;
  const auto size = static_cast<unsigned>(request.sizeBytes - request.driverWord);
  const uint64_t offset = request.offset + request.driverWord;
  const bool isTransfer =
      request.operation == MediaOperation::kRead || request.operation == MediaOperation::kWrite;
  const int index = isTransfer ? registeredIndex(data, size) : -1;
  switch (request.operation) {
    case MediaOperation::kRead:
      if (index >= 0)
        io_uring_prep_read_fixed(&entry, fd, data, size, offset, index);
      else
        io_uring_prep_read(&entry, fd, data, size, offset);
      break;
    case MediaOperation::kWrite:
      if (index >= 0)
        io_uring_prep_write_fixed(&entry, fd, data, size, offset, index);
      else
        io_uring_prep_write(&entry, fd, data, size, offset);
      if (request.isDurable) entry.rw_flags = RWF_DSYNC;
      break;
    case MediaOperation::kFlush:
      io_uring_prep_fsync(&entry, fd, IORING_FSYNC_DATASYNC);
      break;
    case MediaOperation::kDiscard:
      if (media.discardsByCommand_) {
        io_uring_prep_rw(IORING_OP_URING_CMD, &entry, fd, nullptr, 0, 0);
        entry.cmd_op = kDiscardCommand;
        entry.addr = offset;
        entry.addr3 = request.sizeBytes;
      } else {
        io_uring_prep_fallocate(&entry, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                static_cast<off_t>(offset), static_cast<off_t>(request.sizeBytes));
      }
      break;
  }
  if (media.fileSlot_ >= 0) entry.flags |= IOSQE_FIXED_FILE;
  io_uring_sqe_set_data(&entry, &request);
}

// A turn that fills buffers for many requests takes longer than a call into the kernel, and the
// device has nothing to do until they leave.
void IoRing::queue(MediaRequest& request) {
  waiting_.pushBack(request);
  waitingBytes_ += request.sizeBytes;
  if (request.isUrgent || waitingBytes_ >= kSubmitBytes) flush();
}

size_t IoRing::flush() {
  size_t count = 0;
  waitingBytes_ = 0;
  while (!waiting_.empty() && inFlightCount_ < options_.inFlightCountMax) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (!entry) {
      if (submitPrepared() == 0) break;
      continue;
    }
    MediaRequest& request = *waiting_.popFront();
    prepare(*entry, request);
    ++static_cast<RingMedia&>(*request.media).atKernelCount_;
    ++inFlightCount_;
    ++count;
  }
  submitPrepared();
  return count;
}

// EAGAIN and EBUSY leave the entries in the ring: the next turn tries again.
size_t IoRing::submitPrepared() {
  if (io_uring_sq_ready(&ring_) == 0) return 0;
  const int code = io_uring_submit(&ring_);
  DAOS_ASSERT(code >= 0 || code == -EAGAIN || code == -EBUSY || code == -EINTR);
  if (code <= 0) return 0;
  ++submitCallCount_;
  submittedCount_ += static_cast<uint64_t>(code);
  return static_cast<size_t>(code);
}

bool IoRing::hasWork() const {
  const unsigned flags = *reinterpret_cast<volatile unsigned*>(ring_.sq.kflags);
  return io_uring_cq_ready(&ring_) > 0 || (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
}

size_t IoRing::poll() {
  if (inFlightCount_ == 0 || !hasWork()) return 0;
  if (io_uring_cq_ready(&ring_) == 0) io_uring_get_events(&ring_);
  size_t count = 0;
  io_uring_cqe* entry;
  while (io_uring_peek_cqe(&ring_, &entry) == 0 && entry) {
    MediaRequest& request = *static_cast<MediaRequest*>(io_uring_cqe_get_data(entry));
    const int code = entry->res;
    io_uring_cqe_seen(&ring_, entry);
    --inFlightCount_;
    ++count;
    RingMedia& media = static_cast<RingMedia&>(*request.media);
    --media.atKernelCount_;
    media.arrived(request, code);
  }
  return count;
}

bool IoRing::prepareWait() {
  if (!waiting_.empty() || io_uring_sq_ready(&ring_) > 0) return false;
  if (inFlightCount_ == 0) return true;
  io_uring_cq_eventfd_toggle(&ring_, true);
  // The kernel adds work and then looks whether we want to be told: one of us must see the other,
  // and a load may pass the store before it.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!hasWork()) return true;
  cancelWait();
  return false;
}

void IoRing::cancelWait() {
  io_uring_cq_eventfd_toggle(&ring_, false);
  uint64_t count;
  [[maybe_unused]] const ssize_t size = read(eventFd_, &count, sizeof(count));
}

void IoRing::drain(RingMedia& media) {
  media.isClosing_ = true;
  for (MediaRequest* request = waiting_.front(); request;) {
    MediaRequest* next = waiting_.after(request);
    if (request->media == &media) request->unlink();
    request = next;
  }
  while (media.atKernelCount_ > 0) {
    submitPrepared();
    io_uring_cqe* entry;
    io_uring_wait_cqe(&ring_, &entry);
    poll();
  }
}

}  // namespace daos::bio
