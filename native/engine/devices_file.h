// DIR/devices: which devices the engine keeps its pools on. What it says is what labels are
// compared with.
//
// Format: docs/format/engine_directory.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "bio/device_roles.h"

namespace daos::engine {

struct KnownDevice {
  Uuid uuid;
  bio::DeviceRoles roles;
  uint64_t deviceBytes = 0;
  uint64_t regionBytes = 0;
  bool isFaulty = false;  // an administrator gave it up
  std::string why;
  std::string path;
  bool operator==(const KnownDevice&) const = default;
};

struct DevicesFile {
  Uuid engine;
  bool isFormatting = false;  // not all labels are written yet
  std::vector<KnownDevice> devices;
  bool operator==(const DevicesFile&) const = default;
};

// None: no devices were ever formatted for this directory. DER_DF_INVAL, DER_DF_INCOMPT.
Result<std::optional<DevicesFile>> readDevicesFile(const std::filesystem::path& directory);
Status writeDevicesFile(const std::filesystem::path& directory, const DevicesFile& file);

// For tests and readDevicesFile.
Result<DevicesFile> parseDevicesFile(const std::string& text);
std::string textOf(const DevicesFile& file);

}  // namespace daos::engine
