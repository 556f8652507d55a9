#include "bio/media.h"
#include "base/planted.h"

namespace daos::bio {

Status Media::check(const MediaRequest& request) const {
  if (const auto& failed = failure()) return *failed;
  if (request.operation == MediaOperation::kFlush) return {};
  const uint64_t bits =
      request.offset | request.sizeBytes | reinterpret_cast<uintptr_t>(request.data);
  const bool isAligned = bits % kMediaBlockSize == 0;
  const bool isInside =
      request.offset <= sizeBytes_ && request.sizeBytes <= sizeBytes_ - request.offset;
  const bool isBounded =
      request.operation == MediaOperation::kDiscard || request.sizeBytes <= kMediaTransferSizeMax;
  if (isAligned && isInside && isBounded && request.sizeBytes > 0) return {};
  return invalid(std::string(operationName(request.operation)) + " of " +
                 std::to_string(request.sizeBytes) + " bytes at " + std::to_string(request.offset) +
                 " of " + name_ + " (" + std::to_string(sizeBytes_) +
                 " bytes): not in whole blocks of 4096 inside of it");
}

void Media::submit(MediaRequest& request) {
  DAOS_ASSERT(request.completed != nullptr);
  request.media = this;
  request.submittedNs = reactor_.clock().nowNs();
  if (++statistics_.inFlightCount > statistics_.inFlightCountMax) {
    statistics_.inFlightCountMax = statistics_.inFlightCount;
  }
  Status status = check(request);
  if (request.operation == MediaOperation::kFlush) {
    ++flushInFlightCount_;
    flushing_.cover(std::exchange(written_, {}));
  }
  if (status.ok()) {
    start(request);
  } else {
    finishLater(request, std::move(status));
  }
}

void Media::finishLater(MediaRequest& request, Status status) {
  request.status = std::move(status);
  request.run = [](Message* message) {
    MediaRequest& self = *static_cast<MediaRequest*>(message);
    self.media->finish(self, std::move(self.status));
  };
  reactor_.post(&request);
}

void Media::forward(Media& device, MediaRequest& request) {
  --statistics_.inFlightCount;
  if (request.operation == MediaOperation::kFlush) --flushInFlightCount_;
  device.submit(request);
}

void Media::finish(MediaRequest& request, Status status) {
  const bool isFlush = request.operation == MediaOperation::kFlush || request.isDurable;
  if (isFlush && !status.ok() && isPlanted(Planted::kRetryFailedFlush)) return start(request);
  request.status = std::move(status);
  judge(request);
  request.completed(request);
}

// The error of a flush names the bytes that may be lost by it.
void Media::noteFlush(MediaRequest& request) {
  const Range range = flushing_;
  if (--flushInFlightCount_ == 0) flushing_ = {};
  if (request.status.ok() || failure() || range.begin >= range.end) return;
  Error& error = request.status.error();
  error =
      Error(error.code(), std::string(error.message()) + "; it was to keep what was written from " +
                              std::to_string(range.begin) + " to " + std::to_string(range.end));
}

// Counts the outcome, and decides whether the device has failed.
void Media::judge(MediaRequest& request) {
  --statistics_.inFlightCount;
  OperationStatistics& operation = statistics_.of(request.operation);
  ++operation.count;
  if (request.isDurable) ++statistics_.durableWriteCount;
  if (request.operation == MediaOperation::kFlush) noteFlush(request);
  if (request.status.ok()) {
    if (request.operation == MediaOperation::kWrite && !request.isDurable) {
      written_.cover({request.offset, request.offset + request.sizeBytes});
    }
    operation.sizeBytes += request.sizeBytes;
    operation.latency.add(reactor_.clock().nowNs() - request.submittedNs);
    return;
  }
  if (request.status.code() == ErrorCode::kInval) return;  // the caller's mistake, not the device's
  ++operation.errorCount;
  if (failure() || request.operation == MediaOperation::kDiscard) return;
  if (request.operation == MediaOperation::kFlush || request.isDurable) {
    fail(request.status.error());
    return;
  }
  if (request.status.code() != ErrorCode::kIo) return;
  const uint64_t errorCount = statistics_.of(MediaOperation::kRead).errorCount +
                              statistics_.of(MediaOperation::kWrite).errorCount;
  if (errorCount < options_.errorCountMax) return;
  fail(Error(ErrorCode::kIo,
             name_ + " is faulty: " + std::to_string(errorCount) +
                 " I/O errors, the last: " + std::string(request.status.error().message())));
}

void Media::fail(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  if (onFailed_) onFailed_(*failure_);
}

}  // namespace daos::bio
