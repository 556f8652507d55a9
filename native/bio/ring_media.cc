#include "bio/ring_media.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bio/file_error.h"

namespace daos::bio {

RingMedia::RingMedia(IoRing& ring, RingMediaFile file, MediaOptions options)
    : Media(ring.reactor(), std::move(file.path), file.sizeBytes, file.sectorSizeBytes, options),
      ring_(ring),
      fd_(file.fd),
      isBlockDevice_(file.isBlockDevice),
      hasReservedBlocks_(file.hasReservedBlocks),
      canDiscard_(file.canDiscard),
      discardsByCommand_(file.isBlockDevice),
      fileSlot_(ring.registerFile(file.fd)) {}

RingMedia::~RingMedia() {
  ring_.drain(*this);
  ring_.unregisterFile(fileSlot_);
  close(fd_);
}

void RingMedia::start(MediaRequest& request) {
  if (request.operation == MediaOperation::kDiscard && !canDiscard_) {
    finishLater(request, {});
    return;
  }
  request.driverWord = 0;
  ring_.queue(request);
}

Status RingMedia::reserve(uint64_t offset, uint64_t size) {
  if (isBlockDevice_ || !canDiscard_) return {};
  // Not posix_fallocate: where the file system has no reservations, that writes.
  while (fallocate(fd_, 0, static_cast<off_t>(offset), static_cast<off_t>(size)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EOPNOTSUPP) return {};
    const std::string what = "reserving " + std::to_string(size >> 20) + " MiB";
    return fileError(name(), what.c_str(), errno);
  }
  return {};
}

Error RingMedia::errorOf(const MediaRequest& request, int code) const {
  std::string message = name() + ": " + std::string(operationName(request.operation));
  if (request.operation != MediaOperation::kFlush) {
    message +=
        " of " + std::to_string(request.sizeBytes) + " bytes at " + std::to_string(request.offset);
  }
  message += code == 0 ? ": the file ends here" : std::string(": ") + std::strerror(-code);
  const bool isFull = code == -ENOSPC || code == -EDQUOT;
  return Error(isFull ? ErrorCode::kNospace : ErrorCode::kIo, std::move(message));
}

bool RingMedia::isDiscardRefused(MediaRequest& request, int& code) {
  if (code != -EOPNOTSUPP && code != -EINVAL && code != -ENOTTY) return false;
  if (std::exchange(discardsByCommand_, false)) {
    ring_.queue(request);
    return true;
  }
  if (code != -EOPNOTSUPP) return false;
  code = 0;  // it was a hint
  canDiscard_ = false;
  return false;
}

void RingMedia::arrived(MediaRequest& request, int code) {
  if (isClosing_) return;
  const bool isTransfer =
      request.operation == MediaOperation::kRead || request.operation == MediaOperation::kWrite;
  if (code == -EINTR || (code == -EAGAIN && isTransfer)) {
    ring_.queue(request);
    return;
  }
  if (request.operation == MediaOperation::kDiscard && isDiscardRefused(request, code)) return;
  if (code < 0 || (code == 0 && isTransfer)) {
    finish(request, errorOf(request, code));
    return;
  }
  request.driverWord += isTransfer ? static_cast<uint64_t>(code) : request.sizeBytes;
  if (request.driverWord < request.sizeBytes) {
    ring_.queue(request);
    return;
  }
  finish(request, {});
}

}  // namespace daos::bio
