// Is there one order of a history's operations that respects time and explains every result?
//
// The search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memory
// of configurations seen ("Testing for Linearizability", 2017). Histories are checked group by
// group, which is sound because linearizability is local. Two prunings: an operation that only
// looks is placed as soon as what it saw holds, and an unanswered operation that nobody can have
// noticed is left out.
//
// A configuration is remembered by 128 bits of hash; a collision could hide a violation with
// probability about 2^-90 in the largest search allowed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/check/history.h"

namespace daos::simulator {

enum class Verdict { kHolds, kViolated, kUndecided };

struct LinearizabilityOptions {
  // Configurations to remember before giving up with kUndecided.
  size_t configurationsMax = 1u << 21;
};

struct LinearizabilityReport {
  Verdict verdict = Verdict::kHolds;
  // kViolated: the longest order found (ids), and the operation that had to come next and could
  // not.
  std::vector<uint64_t> longestOrder;
  uint64_t stuckOperation = 0;
  std::string explanation;
};

// All cells start absent.
LinearizabilityReport checkLinearizability(const History& history,
                                           LinearizabilityOptions options = {});

}  // namespace daos::simulator
