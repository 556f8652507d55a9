#include "engine/target_regions.h"

namespace daos::engine {

TargetRegions::TargetRegions(bio::IoRing& ring, bio::DmaPool& buffers, EngineDevices& devices,
                             uint32_t target, const Log& log)
    : ring_(ring), buffers_(buffers), devices_(devices), target_(target), log_(log) {
  for (DevicePart& known : devices_.partsOf(target)) {
    parts_.push_back(std::make_unique<Part>());
    parts_.back()->known = std::move(known);
  }
}

Task<Status> TargetRegions::openPart(Part& part) {
  if (!part.known.failure.empty()) co_return Error(ErrorCode::kIo, part.known.failure);
  auto media = devices_.openMedia(part.known.device, ring_);
  if (!media.ok()) {
    devices_.noteFailure(part.known.device, media.error());
    co_return std::move(media).error();
  }
  part.device = std::make_unique<bio::VolumeDevice>(std::move(media).value());
  part.device->onFailed([this, &part](const Error& error) { failed(part, error); });
  auto region = co_await bio::Region::open(*part.device, buffers_, part.known.place, log_);
  if (!region.ok()) {
    devices_.noteDamaged(part.known.device, target_, region.error());
    co_return std::move(region).error();
  }
  part.region = std::move(region).value();
  watchFreed(part);
  co_return Status{};
}

void TargetRegions::watchFreed(Part& part) {
  if (!devices_.isDiscarding() || !part.device->media().canDiscard()) return;
  part.region->onFreed([this, &part] {
    if (!std::exchange(part.isDiscarding, true)) ring_.reactor().spawn(discardFreed(part));
  });
  if (part.known.isFresh) part.region->noteAllFreed();
}

Task<void> TargetRegions::discardFreed(Part& part) {
  const bio::OperationStatistics& counts =
      part.device->media().statistics().of(bio::MediaOperation::kDiscard);
  const uint64_t bytesBefore = counts.sizeBytes;
  const uint64_t errorsBefore = counts.errorCount;
  const Status discarded = co_await part.region->discardFreed();
  part.isDiscarding = false;
  const bool isNews = devices_.noteDiscards(part.known.device, counts.sizeBytes - bytesBefore,
                                            counts.errorCount - errorsBefore);
  if (!isNews || discarded.ok()) co_return;
  DAOS_LOG_WARNING(log_,
                   "what is free on a device can't be discarded, which changes nothing but "
                   "what the device knows of it; from here on such errors are only counted: " +
                       discarded.error().describe());
}

void TargetRegions::stopDiscarding() {
  for (const auto& part : parts_) {
    if (part->region) part->region->forgetFreed();
  }
}

Task<void> TargetRegions::openAll() {
  for (const auto& part : parts_) {
    Status status = co_await openPart(*part);
    if (status.ok()) continue;
    part->failure = Error(ErrorCode::kIo, std::string(status.error().message()));
    DAOS_LOG_ERROR(log_, "target " + std::to_string(target_) +
                             " can't use a device: " + status.error().describe());
  }
}

Task<Status> TargetRegions::open(uint32_t device) {
  for (const DevicePart& known : devices_.partsOf(target_)) {
    if (known.device != device) continue;
    Part& part = partOf(known.roles.has(bio::MediaRole::kWal)    ? bio::MediaRole::kWal
                        : known.roles.has(bio::MediaRole::kMeta) ? bio::MediaRole::kMeta
                                                                 : bio::MediaRole::kData);
    part.known = known;
    part.failure.reset();
    Status status = co_await openPart(part);
    if (status.ok()) continue;
    part.failure = Error(ErrorCode::kIo, std::string(status.error().message()));
    co_return *part.failure;
  }
  co_return Status{};
}

Task<void> TargetRegions::close(uint32_t device) {
  for (const auto& part : parts_) {
    if (part->known.device != device) continue;
    if (!part->failure) part->failure = Error(ErrorCode::kIo, part->known.path + " is closed");
    if (part->region) part->region->forgetFreed();
    while (part->region && part->region->isInUse()) {
      co_await ring_.reactor().sleep(100'000);
    }
    part->region.reset();
    part->device.reset();
  }
}

void TargetRegions::fail(uint32_t device, const Error& error) {
  for (const auto& part : parts_) {
    if (part->known.device != device) continue;
    if (part->device) part->device->media().fail(error);
    if (!part->failure) failed(*part, error);
  }
}

// It may be in the middle of the region's own change: that stays, closed to all.
void TargetRegions::failed(Part& part, const Error& error) {
  if (part.failure) return;
  part.failure = error;
  devices_.noteFailure(part.known.device, error);
  if (onFailed_) onFailed_(error);
}

std::optional<Error> TargetRegions::failure() const {
  for (const auto& part : parts_) {
    if (part->failure) return part->failure;
  }
  return std::nullopt;
}

TargetRegions::Part& TargetRegions::partOf(bio::MediaRole role) {
  for (const auto& part : parts_) {
    if (part->known.roles.has(role)) return *part;
  }
  DAOS_ASSERT(false);
  return *parts_.front();
}

}  // namespace daos::engine
