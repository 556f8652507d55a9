#include "bio/ring_media.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace daos::bio {

RingMedia::RingMedia(IoRing& ring, RingMediaFile file, MediaOptions options)
    : Media(ring.reactor(), std::move(file.path), file.sizeBytes, file.sectorSizeBytes, options),
      ring_(ring),
      fd_(file.fd),
      isBlockDevice_(file.isBlockDevice),
      hasReservedBlocks_(file.hasReservedBlocks),
      fileSlot_(ring.registerFile(file.fd)) {}

RingMedia::~RingMedia() {
  ring_.drain(*this);
  ring_.unregisterFile(fileSlot_);
  close(fd_);
}

// A file keeps its blocks: they were preallocated so that later writes can't run out of space.
void RingMedia::start(MediaRequest& request) {
  if (request.operation == MediaOperation::kDiscard && !isBlockDevice_) {
    finishLater(request, {});
    return;
  }
  request.driverWord = 0;
  ring_.queue(request);
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

void RingMedia::arrived(MediaRequest& request, int code) {
  if (isClosing_) return;
  const bool isTransfer =
      request.operation == MediaOperation::kRead || request.operation == MediaOperation::kWrite;
  if (code == -EINTR || (code == -EAGAIN && isTransfer)) {
    ring_.queue(request);
    return;
  }
  // It was a hint.
  if (code == -EOPNOTSUPP && request.operation == MediaOperation::kDiscard) code = 0;
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
