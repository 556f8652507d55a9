// What lies on a device before it is formatted, as far as its beginning tells.
#pragma once

#include <optional>
#include <string>

#include "bio/dma_buffer.h"
#include "bio/engine_label.h"
#include "bio/media.h"
#include "runtime/task.h"

namespace daos::bio {

struct DeviceContents {
  bool isBlank = false;   // nothing but zeros in the first MiB
  std::string what;       // for people: "blank", "an ext4 file system", "data"
  std::optional<EngineLabel> label;
};

// `begin`: the first MiB of a device, or all of a smaller one.
DeviceContents contentsOf(Bytes begin);
Task<Result<DeviceContents>> readContents(Media& device, DmaPool& pool);

}  // namespace daos::bio
