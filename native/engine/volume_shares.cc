#include "engine/volume_shares.h"

#include "bio/file_error.h"

namespace daos::engine {

namespace fs = std::filesystem;

using bio::MediaRole;

static uint64_t sizeOf(const bio::RoleSizes& sizes, MediaRole role) {
  if (role == MediaRole::kWal) return sizes.walBytes;
  return role == MediaRole::kMeta ? sizes.metaBytes : sizes.dataBytes;
}

uint64_t VolumeShares::volumeBytes(uint64_t roleBytes) {
  return roleBytes == 0 ? 0 : alignUp(bio::kRolesOffset + roleBytes, bio::kGranuleBytes);
}

// --- making

std::vector<bio::VolumeWish> VolumeShares::wishesFor(const TargetRegions::Part& part,
                                                     const bio::RoleSizes& sizes) const {
  std::vector<bio::VolumeWish> wishes;
  for (const MediaRole role : bio::kMediaRoles) {
    const uint64_t bytes = volumeBytes(sizeOf(sizes, role));
    if (bytes > 0 && part.known.roles.has(role)) wishes.push_back({role, bytes});
  }
  return wishes;
}

// All before the first is changed: what is replaced stays where it can't be.
Status VolumeShares::checkParts(const Uuid& share, const bio::RoleSizes& sizes,
                                const Uuid& insteadOf) const {
  for (const auto& part : regions_.parts()) {
    const auto wishes = wishesFor(*part, sizes);
    if (wishes.empty()) continue;
    if (part->failure) {
      return Error(ErrorCode::kBusy, part->known.path + " is faulty; renew it first: " +
                                         std::string(part->failure->message()));
    }
    DAOS_CHECK(part->region->checkRoom(share, wishes, insteadOf));
  }
  return {};
}

Task<Status> VolumeShares::addVolumes(Uuid share, bio::RoleSizes sizes, Uuid insteadOf) {
  DAOS_CO_CHECK(checkParts(share, sizes, insteadOf));
  for (const auto& part : regions_.parts()) {
    auto wishes = wishesFor(*part, sizes);
    if (wishes.empty()) continue;
    // It may have failed meanwhile.
    if (part->failure) co_return *part->failure;
    DAOS_CO_CHECK(co_await part->region->add(share, std::move(wishes), insteadOf));
  }
  co_return Status{};
}

Task<Result<ShareStorage::Devices>> VolumeShares::make(ShareFolder share, bio::RoleSizes sizes,
                                                       const ShareFolder* replaced) {
  ShareMark mark{.share = random_.uuid(), .roles = {}};
  for (const MediaRole role : bio::kMediaRoles) {
    if (sizeOf(sizes, role) > 0) mark.roles = mark.roles | bio::DeviceRoles{role};
  }
  Uuid insteadOf;
  if (replaced) {
    DAOS_CO_TRY(const auto old, readShareMark(replaced->folder));
    if (old) insteadOf = old->share;
  }
  if (mark.roles.isEmpty()) co_return Devices{};
  DAOS_CO_CHECK(writeShareMark(share.folder, mark));
  Status added = co_await addVolumes(mark.share, sizes, insteadOf);
  if (!added.ok()) {
    co_await removeVolumes(mark.share);
    co_return std::move(added).error();
  }
  co_return open(share);
}

// --- opening

Result<std::unique_ptr<bio::Media>> VolumeShares::openVolume(const ShareFolder& share,
                                                             const ShareMark& mark,
                                                             MediaRole role) {
  TargetRegions::Part& part = regions_.partOf(role);
  if (part.failure) return *part.failure;
  const bio::Volume* const volume = part.region->table().find(mark.share, role);
  const std::string name = part.known.path + " (" + bio::roleName(role) + " of pool " +
                           share.pool.toString() + ", target " + std::to_string(target_) + ")";
  if (volume) return part.region->openVolume(*volume, name);
  return Error(ErrorCode::kIo, name + " is lost: the device has replaced the one it lay on");
}

Result<ShareStorage::Devices> VolumeShares::open(const ShareFolder& share) {
  DAOS_TRY(const auto mark, readShareMark(share.folder));
  Devices devices;
  for (const MediaRole role : bio::kMediaRoles) {
    if (!mark || !mark->roles.has(role)) continue;
    DAOS_TRY(auto volume, openVolume(share, *mark, role));
    devices.push_back(std::move(volume));
  }
  return devices;
}

bool VolumeShares::hasData(const ShareFolder& share) const {
  const auto mark = readShareMark(share.folder);
  return mark.ok() && *mark && (*mark)->roles.has(MediaRole::kData);
}

Result<std::unique_ptr<bio::Media>> VolumeShares::openData(const ShareFolder& share) {
  DAOS_TRY(const auto mark, readShareMark(share.folder));
  if (!mark) return Error(ErrorCode::kNonexist, share.place.string() + " has no volumes");
  return openVolume(share, *mark, MediaRole::kData);
}

Task<Status> VolumeShares::resizeData(ShareFolder share, uint64_t dataBytes) {
  DAOS_CO_TRY(const auto mark, readShareMark(share.folder));
  if (!mark) co_return Error(ErrorCode::kNonexist, share.place.string() + " has no volumes");
  TargetRegions::Part& part = regions_.partOf(MediaRole::kData);
  if (part.failure) co_return *part.failure;
  co_return co_await part.region->resize(mark->share, MediaRole::kData, volumeBytes(dataBytes));
}

// --- removing

// On a device that has failed they stay, until a start finds that nobody names them.
Task<void> VolumeShares::removeVolumes(Uuid share) {
  for (const auto& part : regions_.parts()) {
    if (!part->region || part->failure) continue;
    const Status removed = co_await part->region->remove(share);
    if (removed.ok()) continue;
    DAOS_LOG_WARNING(log_, "volumes of a share that is removed: " + removed.error().describe());
  }
}

Task<Status> VolumeShares::remove(ShareFolder share) {
  const auto mark = readShareMark(share.folder);
  if (mark.ok() && *mark) co_await removeVolumes((*mark)->share);
  std::error_code failure;
  fs::remove_all(share.folder, failure);
  if (failure) co_return bio::fileError(share.folder, "can't be removed", failure.value());
  countLost();
  co_return Status{};
}

Result<std::vector<Uuid>> VolumeShares::sharesInPlace() const {
  DAOS_TRY(const auto pools, directory_.pools(target_));
  std::vector<Uuid> shares;
  for (const Uuid& pool : pools) {
    DAOS_TRY(const auto mark, readShareMark(directory_.targetPath(pool, target_)));
    if (mark) shares.push_back(mark->share);
  }
  return shares;
}

// Where it can't be told whose volumes are wanted, none goes.
Task<void> VolumeShares::sweep() {
  const auto shares = sharesInPlace();
  if (!shares.ok()) {
    DAOS_LOG_WARNING(log_, "volumes that nobody names stay: " + shares.error().describe());
    co_return;
  }
  for (const auto& part : regions_.parts()) {
    if (!part->region || part->failure) continue;
    const auto removed = co_await part->region->retain({shares->begin(), shares->end()});
    if (!removed.ok()) {
      DAOS_LOG_WARNING(log_, "volumes that nobody names: " + removed.error().describe());
    } else if (*removed > 0) {
      DAOS_LOG_INFO(log_, part->known.path + ": volumes of " + std::to_string(*removed) +
                              " shares that were never made, or were being removed, are free");
    }
  }
  countLost();
}

// --- what is faulty

std::vector<FaultyDevice> VolumeShares::faultyDevices(const ShareFolder& share) const {
  const auto mark = readShareMark(share.folder);
  std::vector<FaultyDevice> all;
  if (!mark.ok() || !*mark) return all;
  for (const auto& part : regions_.parts()) {
    FaultyDevice device{.pool = share.pool, .path = part->known.path};
    for (const MediaRole role : bio::kMediaRoles) {
      if (!(*mark)->roles.has(role) || !part->known.roles.has(role)) continue;
      const bool isThere = part->region && part->region->table().find((*mark)->share, role);
      if (!part->failure && isThere) continue;
      device.roles = device.roles | bio::DeviceRoles{role};
    }
    if (device.roles.isEmpty()) continue;
    device.isLost = !part->failure;
    device.why = part->failure ? std::string(part->failure->message())
                               : part->known.path +
                                     " has replaced a device, and what lay on that is lost";
    all.push_back(std::move(device));
  }
  return all;
}

void VolumeShares::countLost() {
  std::map<uint32_t, size_t> lost;
  for (const auto& part : regions_.parts()) lost[part->known.device] = 0;
  const auto pools = directory_.pools(target_);
  if (!pools.ok()) return;
  for (const Uuid& pool : *pools) {
    const fs::path place = directory_.targetPath(pool, target_);
    for (const FaultyDevice& device : faultyDevices({place, place, pool})) {
      if (!device.isLost) continue;
      for (const auto& part : regions_.parts()) {
        lost[part->known.device] += part->known.path == device.path;
      }
    }
  }
  for (const auto& [device, count] : lost) regions_.devices().noteLost(device, target_, count);
}

}  // namespace daos::engine
