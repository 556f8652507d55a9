// How the tests open each driver.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bio/memory_media.h"

namespace daos::bio {

// Members die in reverse order: the media before what it stands on.
struct TestDevice {
  std::shared_ptr<void> below;
  std::unique_ptr<Media> media;
};

struct TestDriver {
  std::string name;
  Result<TestDevice> (*open)(Reactor& reactor, uint64_t sizeBytes);
};

inline Result<TestDevice> openTestMemory(Reactor& reactor, uint64_t sizeBytes) {
  TestDevice device;
  DAOS_TRY(device.media, openMemoryMedia(reactor, "memory", sizeBytes));
  return device;
}

inline std::vector<TestDriver> testDrivers() { return {{"Memory", openTestMemory}}; }

}  // namespace daos::bio
