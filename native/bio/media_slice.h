// A part of a device as a Media of its own: roles WAL, META and DATA that share one device.
//
// Counters, failure and flush are the device's: a flush of a slice flushes all of the device.
#pragma once

#include "bio/media.h"

namespace daos::bio {

class MediaSlice final : public Media {
 public:
  // [offset, offset + sizeBytes) of `device`, which outlives the slice and all its requests. In
  // whole blocks.
  MediaSlice(Media& device, std::string role, uint64_t offset, uint64_t sizeBytes)
      : Media(device.reactor(), device.name() + " (" + std::move(role) + ")", sizeBytes,
              device.sectorSizeBytes()),
        device_(device),
        offset_(offset) {
    DAOS_ASSERT(offset % kMediaBlockSize == 0);
    DAOS_ASSERT(sizeBytes % kMediaBlockSize == 0);
    DAOS_ASSERT(offset + sizeBytes <= device.sizeBytes());
  }
  const Media& device() const override { return device_.device(); }
  bool hasReservedBlocks() const override { return device_.hasReservedBlocks(); }
  bool canDiscard() const override { return device_.canDiscard(); }
  void registerMemory(MutableBytes memory) override { device_.registerMemory(memory); }
  const std::optional<Error>& failure() const override { return device_.failure(); }
  const MediaStatistics& statistics() const override { return device_.statistics(); }

 protected:
  // From here on the request is the device's: it completes there.
  void start(MediaRequest& request) override {
    request.offset += offset_;
    forward(device_, request);
  }

 private:
  Media& device_;
  const uint64_t offset_;
};

}  // namespace daos::bio
