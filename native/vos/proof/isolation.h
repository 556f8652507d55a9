// Runs a piece of a test in a process of its own, so that what crashes or hangs there is an answer
// here.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace daos::vos::proof {

struct IsolationOptions {
  uint32_t timeoutSeconds = 60;
  // What the process says on stderr is dropped: it is expected to fail.
  bool isQuiet = false;
};

// The words that `body` returns, or how its process ended when it did not get so far; nothing when
// all is well.
std::optional<std::string> runIsolated(const std::function<std::optional<std::string>()>& body,
                                       const IsolationOptions& options);

}  // namespace daos::vos::proof
