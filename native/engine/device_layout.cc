#include "engine/device_layout.h"

#include <algorithm>

#include "bio/engine_label.h"
#include "bio/volume_table.h"

namespace daos::engine {

static Status checkPath(const std::vector<DeviceOption>& devices, size_t index) {
  const std::string& path = devices[index].path;
  if (path.empty() || path.find('\n') != std::string::npos) {
    return invalid("device " + std::to_string(index) + " of the engine has no path");
  }
  if (devices[index].roles.isEmpty()) return invalid("device " + path + " has no role");
  for (size_t other = 0; other < index; ++other) {
    if (devices[other].path == path) return invalid("device " + path + " is named twice");
  }
  return {};
}

Result<DeviceLayout> DeviceLayout::of(const std::vector<DeviceOption>& devices,
                                      uint32_t targetCount) {
  if (devices.empty() || devices.size() > bio::kEngineDeviceCountMax) {
    return invalid("an engine has 1 to " + std::to_string(bio::kEngineDeviceCountMax) +
                   " devices, not " + std::to_string(devices.size()));
  }
  std::vector<bio::DeviceRoles> roles;
  bio::DeviceRoles all;
  for (size_t i = 0; i < devices.size(); ++i) {
    DAOS_CHECK(checkPath(devices, i));
    roles.push_back(devices[i].roles);
    all = all | devices[i].roles;
  }
  for (const bio::MediaRole role : bio::kMediaRoles) {
    if (all.has(role)) continue;
    return invalid("no device of the engine has the role " + std::string(bio::roleName(role)) +
                   "; each of wal, meta and data needs one");
  }
  DeviceLayout layout(std::move(roles), targetCount);
  for (uint32_t i = 0; i < devices.size(); ++i) {
    if (!layout.usersOf(i).empty()) continue;
    return invalid("device " + devices[i].path + " (" + devices[i].roles.names() +
                   ") would be used by no target: the engine has " + std::to_string(targetCount) +
                   ", fewer than devices for these roles");
  }
  return layout;
}

uint32_t DeviceLayout::deviceOf(uint32_t target, bio::MediaRole role) const {
  std::vector<uint32_t> having;
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    if (devices_[i].has(role)) having.push_back(i);
  }
  return having[target % having.size()];
}

bio::DeviceRoles DeviceLayout::rolesOf(uint32_t target, uint32_t device) const {
  bio::DeviceRoles roles;
  for (const bio::MediaRole role : bio::kMediaRoles) {
    if (deviceOf(target, role) == device) roles = roles | bio::DeviceRoles{role};
  }
  return roles;
}

std::vector<uint32_t> DeviceLayout::usersOf(uint32_t device) const {
  std::vector<uint32_t> users;
  for (uint32_t t = 0; t < targetCount_; ++t) {
    if (!rolesOf(t, device).isEmpty()) users.push_back(t);
  }
  return users;
}

// One granule of a region has its table.
uint64_t DeviceLayout::regionBytes(uint32_t device, uint64_t deviceBytes) const {
  if (deviceBytes <= bio::kRegionsOffset) return 0;
  const uint64_t bytes = std::min(
      alignDown((deviceBytes - bio::kRegionsOffset) / usersOf(device).size(), bio::kGranuleBytes),
      bio::kRegionBytesMax);
  return bytes < 2 * bio::kGranuleBytes ? 0 : bytes;
}

}  // namespace daos::engine
