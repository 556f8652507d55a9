// One run: what is simulated under which seed, and what came out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulator/check/durability.h"
#include "simulator/faults.h"
#include "simulator/workload/workload_options.h"

namespace daos::simulator {

struct CaseArguments {
  uint64_t seed = 0;
  WorkloadOptions workload;
  FaultOptions faults;
  std::set<uint32_t> withoutFaults;  // indices of the plan that are left out
  uint64_t durationNs = 2'000'000'000;
  bool isRecording = false;
};

struct CaseResult {
  std::optional<Violation> violation;
  uint64_t traceHash = 0;
  uint64_t eventCount = 0;
  uint64_t virtualNs = 0;
  // What happened, by name: operations, answers, crashes, sectors lost …
  std::map<std::string, uint64_t> counts;
  std::vector<FaultEvent> plan;
  // With a violation: the operations on what it is about, and the faults, in order of time.
  std::string timeline;
  // Recording only.
  std::string trace;
};

using RunCase = CaseResult (*)(const CaseArguments& arguments);

}  // namespace daos::simulator
