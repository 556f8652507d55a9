// Shares on files in their folders.
//
// `store` is a device with the roles WAL and META; a share in a PmemArena has none. Bulk data lies
// in `data`, a device with the role DATA, where the pool has such space. A device that was given up
// has a mark beside it (faulty_mark.h).
#pragma once

#include "bio/io_ring.h"
#include "engine/data_directory.h"
#include "engine/engine.h"
#include "engine/share_storage.h"

namespace daos::engine {

class FileShares final : public ShareStorage {
 public:
  // All are borrowed; without a ring there are no devices, only shares all in pmem.
  FileShares(bio::IoRing* ring, const DataDirectory& directory, const EngineOptions& options)
      : ring_(ring), directory_(directory), options_(options) {}

  Task<Result<Devices>> make(ShareFolder share, bio::RoleSizes sizes,
                             const ShareFolder* replaced) override;
  Result<Devices> open(const ShareFolder& share) override;
  bool hasData(const ShareFolder& share) const override;
  Result<std::unique_ptr<bio::Media>> openData(const ShareFolder& share) override;
  Task<Status> resizeData(ShareFolder share, uint64_t dataBytes) override;
  Status checkGrowth(uint64_t dataBytes) const override;
  Task<Status> remove(ShareFolder share) override;
  std::vector<FaultyDevice> faultyDevices(const ShareFolder& share) const override;
  // DER_NONEXIST: `path` is no device of it.
  static Status markFaulty(const ShareFolder& share, const std::string& path,
                           const std::string& why);

 private:
  bio::IoRing* const ring_;
  const DataDirectory& directory_;
  const EngineOptions& options_;
};

}  // namespace daos::engine
