// Whole systems under faults: the list of past failures, fresh seeds, and the same trace from the
// same seed.
#include <gtest/gtest.h>

#include <chrono>

#include "simulator/catalogue.h"

namespace daos::simulator {
namespace {

Catalogue catalogue() { return Catalogue::read(DAOS_SIMULATOR_DIRECTORY).value(); }

CaseResult runNamed(const Catalogue& from, CaseName& name) {
  return findRun(name.world)(from.resolve(name).value());
}

std::string describeFailure(const CaseName& name, const CaseResult& result) {
  return "simulate case '" + name.describe() + "' violates " + result.violation->check + ": " +
         result.violation->explanation;
}

TEST(SimulatorSystem, WhatFailedOnceHolds) {
  const Catalogue from = catalogue();
  const auto names = from.regressions();
  ASSERT_TRUE(names.ok()) << names.error().describe();
  EXPECT_FALSE(names->empty());
  for (CaseName name : *names) {
    const CaseResult result = runNamed(from, name);
    EXPECT_FALSE(result.violation) << describeFailure(name, result);
  }
}

// Other seeds at each run: a failure names its case, which then goes to the list. 500 in parts, so
// that several cores share them.
class SimulatorFreshSeeds : public testing::TestWithParam<uint64_t> {};

TEST_P(SimulatorFreshSeeds, Hold) {
  const Catalogue from = catalogue();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto second =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  const uint64_t first = second * 1000 + GetParam();
  uint64_t answered = 0;
  for (uint64_t seed = first; seed < first + 125; ++seed) {
    CaseName name{.seed = seed, .seconds = 1};
    CaseResult result = runNamed(from, name);
    ASSERT_FALSE(result.violation) << describeFailure(name, result);
    answered += result.counts["answered OK"];
  }
  EXPECT_GT(answered, 5'000u);
}

INSTANTIATE_TEST_SUITE_P(Parts, SimulatorFreshSeeds, testing::Values(0, 125, 250, 375));

TEST(SimulatorSystem, TheSameSeedGivesTheSameTrace) {
  const Catalogue from = catalogue();
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    CaseName name{.seed = seed, .workload = "mixed", .faults = "storm"};
    EXPECT_EQ(runNamed(from, name).traceHash, runNamed(from, name).traceHash) << seed;
  }
}

TEST(SimulatorSystem, EachWorkloadHoldsWithoutFaults) {
  const Catalogue from = catalogue();
  for (const auto& [workload, options] : from.workloads()) {
    CaseName name{.seed = 7, .workload = workload, .faults = "calm", .seconds = 60};
    CaseResult result = runNamed(from, name);
    EXPECT_FALSE(result.violation) << describeFailure(name, result);
    EXPECT_EQ(result.counts["undecided"], 0u);
    EXPECT_EQ(result.counts["operations"], result.counts["answered OK"] +
                                               result.counts["answered DER_EXIST"] +
                                               result.counts["answered DER_NONEXIST"] +
                                               result.counts["answered DER_EP_OLD"])
        << workload;
  }
}

TEST(SimulatorCatalogue, UnknownNamesAndMistakesAreRefused) {
  const Catalogue from = catalogue();
  CaseName name{.workload = "nothing"};
  const auto unknown = from.resolve(name);
  EXPECT_EQ(unknown.code(), ErrorCode::kNonexist);
  EXPECT_NE(unknown.error().message().find("registers"), std::string::npos);
  EXPECT_FALSE(Catalogue::read("/nowhere").ok());
  EXPECT_FALSE(parseCaseName("system seed=x").ok());
  EXPECT_FALSE(parseCaseName("moon seed=1").ok());
  const CaseName parsed =
      parseCaseName("rpc seed=12 workload=mixed faults=storm seconds=3").value();
  EXPECT_EQ(parsed.describe(), "rpc seed=12 workload=mixed faults=storm seconds=3");
}

}  // namespace
}  // namespace daos::simulator
