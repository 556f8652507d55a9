// Media: asynchronous read, write, flush and discard on aligned buffers of one device.
//
// Life of a request:
// 1. The caller fills a MediaRequest (or co_awaits read/write/…, which keeps it in the coroutine's
//    frame) and submits it. Nothing is allocated. Request and buffer stay where they are until it
//    ends.
// 2. What a turn of the reactor submits leaves in that turn's flush, as one batch; sooner, when it
//    is urgent or the batch is large, so that the device works while the turn goes on.
// 3. completed() is called from a later turn, never inside submit(); the request is the caller's
// again.
//
// Contract: requests in flight are not ordered. A flush covers the writes that had completed before
// it
//           was submitted. A durable write is on the medium when it completes, itself alone.
// Contract: a write that was neither flushed nor durable may be lost, kept, or torn at sectors by a
//           power cut; a sector is never torn inside.
// Failure:  a failed flush or durable write is fatal and never retried: the Media is failed from
// then on and
//           every later request ends with that first error. So it is when errors exceed the limit.
// Thread:   the reactor's.
#pragma once

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/intrusive_list.h"
#include "base/result.h"
#include "bio/media_statistics.h"
#include "runtime/mailbox.h"
#include "runtime/reactor.h"

namespace daos::bio {

// Every offset, size and buffer address of a read, write or discard is a multiple of this.
inline constexpr uint64_t kMediaBlockSize = 4096;
inline constexpr uint64_t kMediaTransferSizeMax = uint64_t{1} << 30;

class Media;

// A request that waits in the process (a slow, faulty or in-memory Media) may be destroyed; one
// that the kernel has may not: it and its buffer live until completed().
struct MediaRequest : Message, IntrusiveLink<MediaRequest> {
  MediaOperation operation = MediaOperation::kRead;
  bool isDurable = false;     // writes: the flush of these bytes is part of the write
  bool isUrgent = false;      // others wait for it: leaves at once, not at the end of the turn
  uint64_t offset = 0;        // a slice of a device rewrites it
  uint64_t sizeBytes = 0;     // 0 for flush
  std::byte* data = nullptr;  // a write reads it only
  void (*completed)(MediaRequest&) = nullptr;
  Status status;  // valid in completed() and after

  // The driver's, while the request is in flight.
  Media* media = nullptr;
  uint64_t submittedNs = 0;
  uint64_t driverWord = 0;

  MediaRequest() = default;
  MediaRequest(const MediaRequest&) = delete;
  MediaRequest& operator=(const MediaRequest&) = delete;
};

// What read(), write(), flush() and discard() return: co_await it once.
class [[nodiscard]] MediaAwaiter : private MediaRequest {
 public:
  MediaAwaiter(Media& target, MediaOperation wanted, uint64_t at, std::byte* buffer, uint64_t size,
               bool durable)
      : target_(target) {
    operation = wanted;
    offset = at;
    data = buffer;
    sizeBytes = size;
    isDurable = durable;
    completed = [](MediaRequest& request) { static_cast<MediaAwaiter&>(request).waiter_.resume(); };
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  Status await_resume() { return std::move(status); }

 private:
  Media& target_;
  std::coroutine_handle<> waiter_;
};

struct MediaOptions {
  // Failed reads and writes until the device counts as faulty; a failed flush is fatal at once.
  uint64_t errorCountMax = 8;
};

class Media {
 public:
  virtual ~Media() = default;
  Media(const Media&) = delete;
  Media& operator=(const Media&) = delete;

  // What errors and statistics call it: the path, or the name it was given.
  const std::string& name() const { return name_; }
  uint64_t sizeBytes() const { return sizeBytes_; }
  // What the device writes whole or not at all: 512 or 4096.
  uint64_t sectorSizeBytes() const { return sectorSizeBytes_; }
  Reactor& reactor() const { return reactor_; }
  // What a flush covers: the whole device where this is a part of one.
  virtual const Media& device() const { return *this; }

  // Request and buffer are borrowed until completed(). Unaligned or out of range: DER_INVAL.
  void submit(MediaRequest& request);
  MediaAwaiter read(uint64_t offset, MutableBytes into) {
    return {*this, MediaOperation::kRead, offset, into.data(), into.size(), false};
  }
  MediaAwaiter write(uint64_t offset, Bytes from) {
    return {*this, MediaOperation::kWrite, offset, const_cast<std::byte*>(from.data()), from.size(),
            false};
  }
  MediaAwaiter writeDurable(uint64_t offset, Bytes from) {
    return {*this, MediaOperation::kWrite, offset, const_cast<std::byte*>(from.data()), from.size(),
            true};
  }
  MediaAwaiter flush() { return {*this, MediaOperation::kFlush, 0, nullptr, 0, false}; }
  // The bytes are of no use any more: a hint; what a read then gives is undefined. An error of it
  // is counted, and never makes the device faulty.
  MediaAwaiter discard(uint64_t offset, uint64_t size) {
    return {*this, MediaOperation::kDiscard, offset, nullptr, size, false};
  }

  // Whether the first write of a block costs more than those after it: the medium's blocks may be
  // no more than reserved.
  virtual bool hasReservedBlocks() const { return false; }
  // Whether discards have any effect.
  virtual bool canDiscard() const { return false; }
  // Takes again what room discards gave back, so that writes there don't lack it. Blocks.
  // DER_NOSPACE.
  virtual Status reserve(uint64_t /*offset*/, uint64_t /*size*/) { return {}; }

  // Requests whose buffer lies in registered memory are cheaper. Memory must outlive the Media. A
  // driver that can't says so in the log and goes on without.
  virtual void registerMemory(MutableBytes) {}

  bool isFailed() const { return failure().has_value(); }
  // The first fatal error.
  virtual const std::optional<Error>& failure() const { return failure_; }
  // Called once, in the turn the Media fails: stop the targets that live on it.
  void onFailed(std::function<void(const Error&)> callback) { onFailed_ = std::move(callback); }
  // Declares the device faulty from outside (an administrator, SMART).
  void fail(Error error);

  virtual const MediaStatistics& statistics() const { return statistics_; }

 protected:
  Media(Reactor& reactor, std::string name, uint64_t sizeBytes, uint64_t sectorSizeBytes,
        MediaOptions options = {})
      : reactor_(reactor),
        name_(std::move(name)),
        sizeBytes_(sizeBytes),
        sectorSizeBytes_(sectorSizeBytes),
        options_(options) {}

  // For drivers. The request is checked; finish it by finish() in a later turn, or by finishLater()
  // now.
  virtual void start(MediaRequest& request) = 0;
  void finish(MediaRequest& request, Status status);
  void finishLater(MediaRequest& request, Status status);
  // For slices: the request is `device`'s from here on, and counted there alone.
  void forward(Media& device, MediaRequest& request);
  // For simulated devices: it was a simulated failure.
  void clearFailure() { failure_.reset(); }

 private:
  // Bytes from the first to the last that were written and may not be on the medium yet.
  struct Range {
    uint64_t begin = ~uint64_t{0};
    uint64_t end = 0;
    void cover(const Range& other) {
      begin = std::min(begin, other.begin);
      end = std::max(end, other.end);
    }
  };
  Status check(const MediaRequest& request) const;
  void judge(MediaRequest& request);
  void noteFlush(MediaRequest& request);

  Reactor& reactor_;
  const std::string name_;
  const uint64_t sizeBytes_;
  const uint64_t sectorSizeBytes_;
  const MediaOptions options_;
  MediaStatistics statistics_;
  Range written_;   // since the last flush was submitted
  Range flushing_;  // by the flushes in flight
  uint64_t flushInFlightCount_ = 0;
  std::optional<Error> failure_;
  std::function<void(const Error&)> onFailed_;
};

inline void MediaAwaiter::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  target_.submit(*this);
}

}  // namespace daos::bio
