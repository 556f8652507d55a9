// Makes a failing case smaller: fewer faults, then a smaller workload, as long as the same check is
// violated.
#pragma once

#include <functional>
#include <string>

#include "simulator/case.h"

namespace daos::simulator {

struct MinimiseOptions {
  uint32_t attemptsMax = 400;
  // Told of each step that was kept.
  std::function<void(const std::string& step)> onProgress;
};

// `failing` has been run and violates `check`.
CaseArguments minimise(CaseArguments failing, const std::string& check, RunCase run,
                       const MinimiseOptions& options);

}  // namespace daos::simulator
