// Runs random histories one after the other, in processes of their own, until one fails; makes that
// one small.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "vos/proof/history_runner.h"

namespace daos::vos::proof {

struct HuntOptions {
  uint64_t firstSeed = 1;
  uint64_t operationCount = 1000;
  size_t historyLength = 500;  // operations of a history: of one seed, on one new store
  size_t historiesPerProcess = 100;
  size_t shrinkTrialMax = 4000;
  uint64_t dataThreshold = PoolOptions::kNeverToMedia;  // as in PoolOptions
  // Called after each process with the operations done so far.
  std::function<void(uint64_t)> onProgress;
};

// Nothing, or a report of the failure: what differs, the seed, and the shrunk history in replayable
// text.
std::optional<std::string> huntFailures(ArenaSource& source, const HuntOptions& options);

// A history that is given, in a process of its own: nothing, or what differs.
std::optional<std::string> replay(std::span<const Operation> history, ArenaSource& source,
                                  uint64_t dataThreshold, bool isQuiet);

}  // namespace daos::vos::proof
