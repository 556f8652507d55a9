// The mark of a device that an administrator has given up: a file beside it, so that it is
// remembered over restarts of the engine.
//
// DIR/pools/UUID/target-N/faulty   text: the device's file name, and on the second line the reason
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"

namespace daos::engine {

struct FaultyMark {
  std::string file;  // of the device, within its share's directory
  std::string why;   // one line
};

// Durable when it returns.
Status writeFaultyMark(const std::filesystem::path& share, const FaultyMark& mark);
// None: no device there was given up.
std::optional<FaultyMark> readFaultyMark(const std::filesystem::path& share);

}  // namespace daos::engine
