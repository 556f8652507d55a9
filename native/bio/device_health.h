// What a device says of its own health.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace daos::bio {

struct DeviceHealth {
  bool isAvailable = false;
  std::string why;  // not available: why not
  // Bits: 1 spare is low, 2 temperature, 4 reliability is degraded, 8 read-only, 16 backup failed.
  uint32_t criticalWarning = 0;
  uint32_t temperatureKelvin = 0;
  uint32_t sparePercent = 0;
  uint32_t spareThresholdPercent = 0;
  uint32_t usedPercent = 0;  // of its expected life; may exceed 100
  uint64_t powerOnHours = 0;
  uint64_t unsafeShutdownCount = 0;
  uint64_t mediaErrorCount = 0;

  // The device itself says that it had better be replaced.
  bool isCritical() const { return criticalWarning != 0; }
};

// Asks the device at `path`, which blocks for the time of one command. A file has no health of its
// own; a block device has it when its driver is NVMe.
DeviceHealth readDeviceHealth(const std::string& path);

// The page "SMART / Health Information" of NVMe. DER_INVAL when it is short.
Result<DeviceHealth> parseNvmeHealth(Bytes page);

}  // namespace daos::bio
