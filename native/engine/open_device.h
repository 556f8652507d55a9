// Opens a device of an engine as a Media, by its path: a file or block device through io_uring, or
// spdk:NAME through SPDK where it is built in.
#pragma once

#include <memory>
#include <string>

#include "bio/device_guard.h"
#include "bio/io_ring.h"
#include "bio/spdk/spdk_environment.h"

namespace daos::engine {

bool isSpdkPath(const std::string& path);
// Whether this build has SPDK.
bool hasSpdk();

// What has to live as long as any media on a device.
struct DeviceHold {
  bool isHeld = false;
  std::unique_ptr<bio::DeviceGuard> guard;  // null: SPDK has taken it from the kernel
};

// How an engine comes by its devices, where that is not as below: for simulated ones.
class DeviceAccess {
 public:
  virtual ~DeviceAccess() = default;
  virtual Result<DeviceHold> hold(const std::string& path) = 0;
  virtual Result<std::unique_ptr<bio::Media>> open(const std::string& path, Reactor& reactor) = 0;
};

// DER_BUSY, DER_NONEXIST, DER_NO_PERM, DER_INVAL. Blocks.
Result<DeviceHold> holdDevice(const std::string& path);

// DER_NOSYS: this build has no SPDK; DER_INVAL, DER_NOMEM, DER_BUSY. Blocks.
Result<std::unique_ptr<bio::SpdkEnvironment>> openSpdk(const bio::SpdkOptions& options,
                                                       const Log& log);

// One of several media of a device that is held. `spdk`: null where no path names it.
Result<std::unique_ptr<bio::Media>> openDevice(const std::string& path, bio::IoRing& ring,
                                               bio::SpdkEnvironment* spdk,
                                               bio::MediaOptions options = {});

}  // namespace daos::engine
