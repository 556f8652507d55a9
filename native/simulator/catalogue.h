// The workloads and faults that files describe, and the cases they make.
//
// <directory>/workloads/NAME.workload, <directory>/faults/NAME.faults, <directory>/regressions.txt.
// A line of the last is a case that once failed: "system seed=12 workload=mixed faults=storm
// seconds=2".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulator/case.h"

namespace daos::simulator {

// A case by names. "any" lets the seed choose among all files.
struct CaseName {
  std::string world = "system";
  uint64_t seed = 1;
  std::string workload = "any";
  std::string faults = "any";
  uint64_t seconds = 2;

  // As a line of the regression list.
  std::string describe() const;
};

class Catalogue {
 public:
  // DER_NONEXIST without such a directory; DER_INVAL for a file with a mistake in it.
  static Result<Catalogue> read(const std::string& directory);

  // DER_NONEXIST for an unknown name. Replaces "any" in `name` by what the seed chose.
  Result<CaseArguments> resolve(CaseName& name) const;
  Result<std::vector<CaseName>> regressions() const;
  const std::map<std::string, WorkloadOptions>& workloads() const { return workloads_; }
  const std::map<std::string, FaultOptions>& faults() const { return faults_; }

 private:
  std::string directory_;
  std::map<std::string, WorkloadOptions> workloads_;
  std::map<std::string, FaultOptions> faults_;
};

Result<CaseName> parseCaseName(std::string_view line);
// "system" or "rpc"; null for another.
RunCase findRun(std::string_view world);

}  // namespace daos::simulator
