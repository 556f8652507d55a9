// The file `share` in the folder of a share that stands on volumes: whose volumes, and which roles
// they have.
//
// Format: docs/format/engine_directory.md.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.h"
#include "base/uuid.h"
#include "bio/device_roles.h"

namespace daos::engine {

struct ShareMark {
  Uuid share;
  bio::DeviceRoles roles;
};

Status writeShareMark(const std::filesystem::path& folder, const ShareMark& mark);
// None: the share stands on files. DER_DF_INVAL.
Result<std::optional<ShareMark>> readShareMark(const std::filesystem::path& folder);

}  // namespace daos::engine
