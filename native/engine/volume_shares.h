// Shares on volumes of the engine's devices: one for each role of a share, in the target's region
// of the device that has the role for it. Its folder says whose volumes they are (share_mark.h).
//
//   made      1. the folder beside its place, with a new UUID; 2. its volumes, one durable write a
//             device; 3. what is in them; 4. the folder's rename into its place.
//   removed   1. the folder's rename away from its place; 2. its volumes; 3. the folder.
//
// Invariant: after a kill, volumes that no folder names are nobody's: sweep() removes them.
#pragma once

#include "engine/data_directory.h"
#include "engine/share_mark.h"
#include "engine/share_storage.h"
#include "engine/target_regions.h"

namespace daos::engine {

class VolumeShares final : public ShareStorage {
 public:
  // All are borrowed.
  VolumeShares(TargetRegions& regions, const DataDirectory& directory, Random& random,
               uint32_t target, const Log& log)
      : regions_(regions), directory_(directory), random_(random), target_(target), log_(log) {}

  // What the volume of a role of that size takes; 0: none.
  static uint64_t volumeBytes(uint64_t roleBytes);

  // At a start, with all regions that can be opened.
  Task<void> sweep();

  Task<Result<Devices>> make(ShareFolder share, bio::RoleSizes sizes,
                             const ShareFolder* replaced) override;
  Result<Devices> open(const ShareFolder& share) override;
  bool hasData(const ShareFolder& share) const override;
  Result<std::unique_ptr<bio::Media>> openData(const ShareFolder& share) override;
  Task<Status> resizeData(ShareFolder share, uint64_t dataBytes) override;
  Status checkGrowth(uint64_t) const override { return {}; }
  Task<Status> remove(ShareFolder share) override;
  std::vector<FaultyDevice> faultyDevices(const ShareFolder& share) const override;
  // Tells the engine's devices how many shares of this target lost volumes.
  void countLost();

 private:
  // What a share of these sizes wants on one of the target's devices.
  std::vector<bio::VolumeWish> wishesFor(const TargetRegions::Part& part,
                                         const bio::RoleSizes& sizes) const;
  Status checkParts(const Uuid& share, const bio::RoleSizes& sizes, const Uuid& insteadOf) const;
  Task<Status> addVolumes(Uuid share, bio::RoleSizes sizes, Uuid insteadOf);
  Task<void> removeVolumes(Uuid share);
  Result<std::unique_ptr<bio::Media>> openVolume(const ShareFolder& share, const ShareMark& mark,
                                                 bio::MediaRole role);
  Result<std::vector<Uuid>> sharesInPlace() const;

  TargetRegions& regions_;
  const DataDirectory& directory_;
  Random& random_;
  const uint32_t target_;
  const Log log_;
};

}  // namespace daos::engine
