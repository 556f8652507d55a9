// Which targets use which devices of an engine: target t the (t mod n)-th of the n devices that
// have a role.
#pragma once

#include <vector>

#include "base/result.h"
#include "engine/device_options.h"

namespace daos::engine {

class DeviceLayout {
 public:
  // DER_INVAL: a role lies nowhere, a device is named twice or would be used by no target, or there
  // are too many.
  static Result<DeviceLayout> of(const std::vector<DeviceOption>& devices, uint32_t targetCount);

  size_t deviceCount() const { return devices_.size(); }
  uint32_t targetCount() const { return targetCount_; }
  uint32_t deviceOf(uint32_t target, bio::MediaRole role) const;
  // What the target uses of what the device is for.
  bio::DeviceRoles rolesOf(uint32_t target, uint32_t device) const;
  std::vector<uint32_t> usersOf(uint32_t device) const;
  // Of a region on a device of that size; 0: there is no room for any.
  uint64_t regionBytes(uint32_t device, uint64_t deviceBytes) const;

 private:
  DeviceLayout(std::vector<bio::DeviceRoles> devices, uint32_t targetCount)
      : devices_(std::move(devices)), targetCount_(targetCount) {}

  std::vector<bio::DeviceRoles> devices_;
  uint32_t targetCount_;
};

}  // namespace daos::engine
