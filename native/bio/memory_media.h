// A Media in memory: tests, the simulator, and targets that need not survive.
//
// A flush keeps its promise only as long as the process lives. Requests end in the next turn, in
// order.
#pragma once

#include <memory>

#include "bio/media.h"

namespace daos::bio {

struct MemoryMediaOptions {
  MediaOptions media;
  uint64_t sectorSizeBytes = 512;
};

// Zeros at first; `sizeBytes` is a multiple of 4096. DER_NOMEM when the system refuses.
Result<std::unique_ptr<Media>> openMemoryMedia(Reactor& reactor, std::string name,
                                               uint64_t sizeBytes, MemoryMediaOptions options = {});

}  // namespace daos::bio
