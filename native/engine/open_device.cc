#include "engine/open_device.h"

#include "bio/file_media.h"
#ifdef DAOS_WITH_SPDK
#include "bio/spdk/spdk_media.h"
#endif

namespace daos::engine {

static constexpr std::string_view kSpdkPrefix = "spdk:";

bool isSpdkPath(const std::string& path) { return path.starts_with(kSpdkPrefix); }

Result<DeviceHold> holdDevice(const std::string& path) {
  if (isSpdkPath(path)) return DeviceHold{.isHeld = true, .guard = nullptr};
  DAOS_TRY(auto guard, bio::DeviceGuard::take(path));
  return DeviceHold{.isHeld = true, .guard = std::move(guard)};
}

#ifdef DAOS_WITH_SPDK

bool hasSpdk() { return true; }

Result<std::unique_ptr<bio::SpdkEnvironment>> openSpdk(const bio::SpdkOptions& options,
                                                       const Log& log) {
  return bio::SpdkEnvironment::create(options, log);
}

static Result<std::unique_ptr<bio::Media>> openBySpdk(const std::string& path, bio::IoRing& ring,
                                                      bio::SpdkEnvironment& spdk,
                                                      bio::MediaOptions options) {
  return bio::openSpdkMedia(spdk, ring.reactor(), path.substr(kSpdkPrefix.size()), options);
}

#else

bool hasSpdk() { return false; }

static Error withoutSpdk(const std::string& what) {
  return Error(ErrorCode::kNosys, what + ": this build has no SPDK; build the core with "
                                         "-DDAOS_WITH_SPDK=ON (docs/spdk.md), or name the device "
                                         "by its path under /dev");
}

Result<std::unique_ptr<bio::SpdkEnvironment>> openSpdk(const bio::SpdkOptions&, const Log&) {
  return withoutSpdk("devices with a path like spdk:NAME");
}

static Result<std::unique_ptr<bio::Media>> openBySpdk(const std::string& path, bio::IoRing&,
                                                      bio::SpdkEnvironment&, bio::MediaOptions) {
  return withoutSpdk(path);
}

#endif

Result<std::unique_ptr<bio::Media>> openDevice(const std::string& path, bio::IoRing& ring,
                                               bio::SpdkEnvironment* spdk,
                                               bio::MediaOptions options) {
  if (!isSpdkPath(path)) {
    return bio::openFileMedia(ring, path,
                              {.media = options, .isShared = true, .givesBack = true});
  }
  DAOS_ASSERT(spdk != nullptr);
  return openBySpdk(path, ring, *spdk, options);
}

}  // namespace daos::engine
