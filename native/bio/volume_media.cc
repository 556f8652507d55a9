#include "bio/volume_media.h"

#include <algorithm>

namespace daos::bio {

VolumeDevice::VolumeDevice(std::unique_ptr<Media> media) : media_(std::move(media)) {
  media_->onFailed([this](const Error& error) { failed(error); });
}

void VolumeDevice::failed(const Error& error) {
  // A volume's owner is told in its turn, and removes none before the next.
  for (VolumeMedia* const volume : volumes_) volume->fail(error);
  if (onFailed_) onFailed_(error);
}

VolumeDevice::Part& VolumeDevice::takePart() {
  if (unused_.empty()) {
    parts_.emplace_back();
    unused_.push_back(&parts_.back());
  }
  Part& part = *unused_.back();
  unused_.pop_back();
  return part;
}

void VolumeDevice::ended(Part& part) {
  VolumeMedia* const volume = part.volume;
  MediaRequest* const whole = part.whole;
  Status status = std::move(part.status);
  unused_.push_back(&part);
  if (volume) volume->partEnded(*whole, std::move(status));
}

static uint64_t sizeOf(const std::vector<MediaExtent>& extents) {
  uint64_t size = 0;
  for (const MediaExtent& extent : extents) size += extent.sizeBytes;
  return size;
}

VolumeMedia::VolumeMedia(VolumeDevice& device, std::string name, std::vector<MediaExtent> extents)
    : Media(device.media().reactor(), std::move(name), sizeOf(extents),
            // Errors are counted by the device, which fails for all its volumes.
            device.media().sectorSizeBytes(), {.errorCountMax = ~uint64_t{0}}),
      device_(device) {
  uint64_t begin = 0;
  for (const MediaExtent& extent : extents) {
    DAOS_ASSERT(extent.offset % kMediaBlockSize == 0);
    DAOS_ASSERT(extent.sizeBytes % kMediaBlockSize == 0 && extent.sizeBytes > 0);
    DAOS_ASSERT(extent.offset + extent.sizeBytes <= device.media().sizeBytes());
    pieces_.push_back({begin, extent});
    begin += extent.sizeBytes;
  }
  device_.volumes_.push_back(this);
  if (const auto& failed = device.media().failure()) fail(*failed);
}

VolumeMedia::~VolumeMedia() {
  std::erase(device_.volumes_, this);
  for (VolumeDevice::Part& part : device_.parts_) {
    if (part.volume == this) part.volume = nullptr;
  }
}

size_t VolumeMedia::pieceOf(uint64_t offset) const {
  const auto after =
      std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                       [](uint64_t at, const Piece& piece) { return at < piece.begin; });
  return static_cast<size_t>(after - pieces_.begin()) - 1;
}

// The driver's word counts parts under way; the status keeps the first error.
void VolumeMedia::start(MediaRequest& request) {
  request.status = {};
  if (request.operation == MediaOperation::kFlush) {
    request.driverWord = 1;
    return submitPart(request, 0, 0, 0);
  }
  const uint64_t end = request.offset + request.sizeBytes;
  const size_t first = pieceOf(request.offset);
  size_t last = first;
  while (last + 1 < pieces_.size() && pieces_[last + 1].begin < end) ++last;
  request.driverWord = last - first + 1;
  uint64_t done = 0;
  for (size_t i = first; i <= last; ++i) {
    const Piece& piece = pieces_[i];
    const uint64_t within = request.offset + done - piece.begin;
    const uint64_t size =
        std::min(piece.at.sizeBytes - within, request.sizeBytes - done);
    submitPart(request, piece.at.offset + within, size, done);
    done += size;
  }
}

void VolumeMedia::submitPart(MediaRequest& whole, uint64_t offset, uint64_t sizeBytes,
                             uint64_t done) {
  VolumeDevice::Part& part = device_.takePart();
  part.volume = this;
  part.whole = &whole;
  part.device = &device_;
  part.operation = whole.operation;
  part.isDurable = whole.isDurable;
  part.isUrgent = whole.isUrgent;
  part.offset = offset;
  part.sizeBytes = sizeBytes;
  part.data = whole.data ? whole.data + done : nullptr;
  part.completed = [](MediaRequest& request) {
    auto& self = static_cast<VolumeDevice::Part&>(request);
    self.device->ended(self);
  };
  device_.media().submit(part);
}

void VolumeMedia::partEnded(MediaRequest& whole, Status status) {
  if (!status.ok() && whole.status.ok()) whole.status = std::move(status);
  if (--whole.driverWord > 0) return;
  Status first = std::move(whole.status);
  finish(whole, std::move(first));
}

}  // namespace daos::bio
