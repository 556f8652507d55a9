// A target's part of a device: a table of volumes, and the space that they are made of.
//
// The table lies twice in the region's first MiB. A change writes the copy that does not count,
// durably, with the next sequence number, and takes effect when that has ended: a crash leaves the
// table before or the one after, whole.
//
// What changes give up is discarded by discardFreed(), for whoever asked to be told of it: only
// once the table that says so is durable, and only what nobody has taken again.
//
// Thread: the reactor's. Changes wait for each other.
// Format: docs/format/volume_table.md, version 1.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>

#include "base/log.h"
#include "bio/dma_buffer.h"
#include "bio/volume_media.h"
#include "bio/volume_table.h"
#include "runtime/task.h"

namespace daos::bio {

struct RegionPlace {
  RegionIdentity identity;
  uint64_t offset = 0;  // on the device
};

struct VolumeWish {
  MediaRole role = MediaRole::kData;
  uint64_t sizeBytes = 0;  // in whole granules
};

class Region {
 public:
  // An empty table; what was there counts no more.
  static Task<Status> format(Media& device, DmaPool& pool, RegionPlace place);
  // Device and pool outlive the region. DER_DF_INVAL: neither copy of the table is whole;
  // DER_DF_INCOMPT.
  static Task<Result<std::unique_ptr<Region>>> open(VolumeDevice& device, DmaPool& pool,
                                                    RegionPlace place, const Log& log);

  const VolumeTable& table() const { return table_; }
  // Changes are under way, or wait: it has to stay.
  bool isInUse() const { return userCount_ > 0; }
  // A volume that is in the table. Its size stays as it is now.
  std::unique_ptr<Media> openVolume(const Volume& volume, std::string name);

  // Whether add() would find room; nothing is changed.
  Status checkRoom(const Uuid& share, const std::vector<VolumeWish>& wishes,
                   const Uuid& insteadOf) const;
  // All of them in one durable step; what lay there before cannot be mistaken for a share's. With
  // `insteadOf` that share's volumes go in the same step, and before it what they hold may be lost.
  // DER_EXIST, DER_NOSPACE.
  Task<Status> add(Uuid share, std::vector<VolumeWish> wishes, Uuid insteadOf = {});
  // No volume that changes is open. DER_NONEXIST, DER_NOSPACE.
  Task<Status> resize(Uuid share, MediaRole role, uint64_t sizeBytes);
  Task<Status> remove(Uuid share);
  // Removes the volumes of all other shares. Returns of how many.
  Task<Result<size_t>> retain(std::set<Uuid> shares);

  // From here on `callback` is called when there is something to discard.
  void onFreed(std::function<void()> callback) { onFreed_ = std::move(callback); }
  // Of a region that was just formatted: all that is free.
  void noteAllFreed();
  void forgetFreed() { freed_.clear(); }
  // In pieces, so that changes need not wait for more than one. Ends when there is nothing left, or
  // the device has failed. The first error: the device refused a piece, which then stays as it is.
  Task<Status> discardFreed();

 private:
  Region(VolumeDevice& device, DmaPool& pool, RegionPlace place)
      : device_(device), pool_(pool), place_(place), table_(place.identity) {}
  Task<void> enter();
  void leave() {
    isChanging_ = false;
    --userCount_;
  }
  Task<Status> commit(VolumeTable table);
  Result<VolumeTable> withVolumes(const Uuid& share, const std::vector<VolumeWish>& wishes,
                                  const Uuid& insteadOf) const;
  Task<Status> addNow(Uuid share, std::vector<VolumeWish> wishes, Uuid insteadOf);
  // So that writes to it find room; and what it begins with.
  Status reserve(const Volume& volume);
  Task<Status> clearHead(const Volume& volume);
  std::vector<MediaExtent> extentsOf(const Volume& volume) const;
  // What of freed_ is to be discarded next.
  std::optional<VolumeExtent> takeFreed();

  VolumeDevice& device_;
  DmaPool& pool_;
  const RegionPlace place_;
  VolumeTable table_;
  bool isChanging_ = false;
  size_t userCount_ = 0;
  std::vector<VolumeExtent> freed_;
  std::function<void()> onFreed_;
};

}  // namespace daos::bio
