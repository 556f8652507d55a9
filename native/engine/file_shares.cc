#include "engine/file_shares.h"

#include "bio/file_error.h"
#include "bio/file_media.h"
#include "engine/faulty_mark.h"

namespace daos::engine {

namespace fs = std::filesystem;

static constexpr const char* kLogFile = "store";
static constexpr const char* kPmemFile = "arena";
static constexpr const char* kDataFile = "data";

static bio::DeviceRoles rolesOf(const std::string& file) {
  if (file == kLogFile) return {bio::MediaRole::kWal, bio::MediaRole::kMeta};
  if (file == kDataFile) return {bio::MediaRole::kData};
  return {};
}

// The log is written in full, so that its durable writes change no metadata of the file system.
static Status makeFiles(const fs::path& folder, const bio::RoleSizes& sizes) {
  const bool hasLog = sizes.walBytes > 0;
  const bool hasData = sizes.dataBytes > 0;
  const size_t count = size_t{hasLog} + size_t{hasData};
  if (hasLog) {
    DAOS_CHECK(bio::createMediaFile((folder / kLogFile).string(),
                                    bio::StoreDevices::deviceSizeBytes(sizes, count, 0),
                                    {.writtenBytes = bio::kRolesOffset + sizes.walBytes}));
  }
  if (!hasData) return {};
  return bio::createMediaFile((folder / kDataFile).string(),
                              bio::StoreDevices::deviceSizeBytes(sizes, count, count - 1));
}

Task<Result<ShareStorage::Devices>> FileShares::make(ShareFolder share, bio::RoleSizes sizes,
                                                     const ShareFolder*) {
  DAOS_CO_CHECK(makeFiles(share.folder, sizes));
  co_return open(share);
}

Result<ShareStorage::Devices> FileShares::open(const ShareFolder& share) {
  if (!ring_) {
    return Error(ErrorCode::kNosys, "the kernel offers no io_uring; a pool's bulk data needs it");
  }
  Devices devices;
  for (const char* file : {kLogFile, kDataFile}) {
    if (!fs::exists(share.folder / file)) continue;
    // While it is made the share lies beside its place; messages name where it will be.
    DAOS_TRY(auto media,
             bio::openFileMedia(*ring_, (share.folder / file).string(),
                                {.media = {.errorCountMax = options_.deviceErrorCountMax},
                                 .name = (share.place / file).string()}));
    devices.push_back(std::move(media));
  }
  return devices;
}

bool FileShares::hasData(const ShareFolder& share) const {
  return fs::exists(share.folder / kDataFile);
}

Result<std::unique_ptr<bio::Media>> FileShares::openData(const ShareFolder& share) {
  return bio::openFileMedia(*ring_, (share.folder / kDataFile).string(), {});
}

Task<Status> FileShares::resizeData(ShareFolder share, uint64_t dataBytes) {
  co_return bio::resizeMediaFile(
      (share.folder / kDataFile).string(),
      bio::StoreDevices::deviceSizeBytes({.dataBytes = dataBytes}, 1, 0));
}

Status FileShares::checkGrowth(uint64_t dataBytes) const {
  const uint64_t free = directory_.freeBytes();
  if (dataBytes <= free) return {};
  return Error(ErrorCode::kNospace, "the data area wants " + std::to_string(dataBytes >> 20) +
                                        " MiB more; " + std::to_string(free >> 20) +
                                        " MiB are free in " + options_.dataDirectory);
}

Task<Status> FileShares::remove(ShareFolder share) {
  std::error_code failure;
  fs::remove_all(share.folder, failure);
  if (failure) co_return bio::fileError(share.folder, "can't be removed", failure.value());
  co_return Status{};
}

Status FileShares::markFaulty(const ShareFolder& share, const std::string& path,
                              const std::string& why) {
  const fs::path device(path);
  const std::string file = device.filename().string();
  const bool isKnown = file == kLogFile || file == kPmemFile || file == kDataFile;
  if (device.parent_path() != share.place || !isKnown || !fs::exists(share.place)) {
    return Error(ErrorCode::kNonexist, path + ": no device of pool " + share.pool.toString());
  }
  return writeFaultyMark(share.place, {file, why});
}

std::vector<FaultyDevice> FileShares::faultyDevices(const ShareFolder& share) const {
  const auto mark = readFaultyMark(share.folder);
  if (!mark) return {};
  const fs::path device = share.place / mark->file;
  std::error_code failure;
  const uint64_t sizeBytes = fs::file_size(share.folder / mark->file, failure);
  return {{.pool = share.pool,
           .path = device.string(),
           .roles = rolesOf(mark->file),
           .sizeBytes = failure ? 0 : sizeBytes,
           .why = device.string() + " was set faulty: " + mark->why}};
}

}  // namespace daos::engine
