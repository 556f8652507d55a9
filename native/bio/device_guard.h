// Holds a file or block device for this process, so that several media of it may be opened here and
// none anywhere else: a block device that is mounted, or that another program holds, is refused.
//
// The lock is taken exclusively, and kept shared: each medium has a share of it as well
// (FileMediaOptions::isShared). So a guard waits for the requests that the kernel still has of a
// process that was killed.
//
// Thread: any; one at a time.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace daos::bio {

class DeviceGuard {
 public:
  // Blocks, for at most `waitMs` where its lock is held. DER_BUSY, DER_NONEXIST, DER_NO_PERM;
  // DER_INVAL: neither a file nor a block device.
  static Result<std::unique_ptr<DeviceGuard>> take(const std::string& path, uint64_t waitMs = 5000);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  explicit DeviceGuard(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace daos::bio
