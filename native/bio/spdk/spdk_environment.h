// SPDK in this process: its memory, the PCI devices that it may take, and its block devices.
//
// SPDK is a matter of a whole process, so there is one of these at a time, made in main and handed
// to whoever opens media on it. A thread of its own does what belongs to no target: timers of
// controllers, devices that come and go.
//
// Thread: create() and destruction belong to one thread; media may be opened from any.
// Life:   outlives all media on it. A second one can't be made after the first: SPDK's memory is
//         set up once in the life of a process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace daos::bio {

struct SpdkOptions {
  std::string name = "daos";
  // Addresses like 0000:01:00.0. SPDK detaches a device that it takes from the kernel, a network
  // card as well as a disk: what is not named here is never touched, and without a name the PCI bus
  // is not looked at.
  std::vector<std::string> pciAllowed;
  // Without them only devices that are not hardware can be used.
  bool hasHugePages = true;
  uint64_t memoryBytes = uint64_t{1} << 30;
  // The block devices to make, in the form of SPDK's own configuration files ("subsystems": …).
  std::string configuration;
};

class SpdkEnvironment {
 public:
  // Blocks until the block devices are there. DER_INVAL: an address or the configuration;
  // DER_NOMEM; DER_BUSY: there was one in this process.
  static Result<std::unique_ptr<SpdkEnvironment>> create(const SpdkOptions& options,
                                                         const Log& log);
  virtual ~SpdkEnvironment() = default;
  SpdkEnvironment(const SpdkEnvironment&) = delete;
  SpdkEnvironment& operator=(const SpdkEnvironment&) = delete;

  virtual const Log& log() const = 0;

 protected:
  SpdkEnvironment() = default;
};

}  // namespace daos::bio
