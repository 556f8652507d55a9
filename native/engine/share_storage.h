// What the share of a pool stands on, besides its folder: how its devices are made, opened, resized
// and removed. Files in the folder (file_shares.h), or volumes of the engine's devices
// (volume_shares.h).
//
//   folder   where the share's folder lies now: its place, or beside it while it is made or removed
//   place    where it will lie, for messages
//
// Thread: the target's.
#pragma once

#include <filesystem>
#include <vector>

#include "base/uuid.h"
#include "bio/store_devices.h"
#include "engine/pool_store.h"

namespace daos::engine {

struct ShareFolder {
  std::filesystem::path folder;
  std::filesystem::path place;
  Uuid pool;
};

class ShareStorage {
 public:
  using Devices = bio::StoreDevices::Devices;
  virtual ~ShareStorage() = default;

  // Devices of these sizes, in the order that StoreDevices wants them. `replaced`: null, or a
  // share in whose place it comes, of which some device is lost. What fails leaves no device.
  // DER_NOSPACE; DER_BUSY: a device is faulty.
  virtual Task<Result<Devices>> make(ShareFolder share, bio::RoleSizes sizes,
                                     const ShareFolder* replaced) = 0;
  virtual Result<Devices> open(const ShareFolder& share) = 0;
  // Whether it has a device for bulk data, and that alone, of a closed share.
  virtual bool hasData(const ShareFolder& share) const = 0;
  virtual Result<std::unique_ptr<bio::Media>> openData(const ShareFolder& share) = 0;
  // Of a closed share. DER_NOSPACE: the size stays.
  virtual Task<Status> resizeData(ShareFolder share, uint64_t dataBytes) = 0;
  // Whether a data area may grow by so much; DER_NOSPACE says what is free.
  virtual Status checkGrowth(uint64_t dataBytes) const = 0;
  // The folder with all that it stands on.
  virtual Task<Status> remove(ShareFolder share) = 0;
  // Devices of it that were given up or lost; `path` is one of theirs.
  virtual std::vector<FaultyDevice> faultyDevices(const ShareFolder& share) const = 0;
};

}  // namespace daos::engine
