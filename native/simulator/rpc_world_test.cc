// A few seeds of the rpc world under each kind of fault.
#include <gtest/gtest.h>

#include "simulator/rpc_world.h"

namespace daos::simulator {
namespace {

struct Case {
  const char* name;
  FaultOptions faults;
  friend void PrintTo(const Case& self, std::ostream* out) { *out << self.name; }
};

std::vector<Case> cases() {
  FaultOptions crashes;
  crashes.breakShare = 5000;
  crashes.partitionEveryNs = 500'000'000;
  crashes.clogEveryNs = 500'000'000;
  crashes.crashEveryNs = 300'000'000;
  crashes.pauseEveryNs = 500'000'000;
  crashes.slowShare = 10'000;
  FaultOptions lossy;
  lossy.lossShare = lossy.duplicateShare = lossy.reorderShare = 10'000;
  lossy.corruptShare = 3000;
  FaultOptions storm = crashes;
  storm.duplicateShare = storm.reorderShare = storm.lossShare = 3000;
  return {{"Calm", {}}, {"Crashes", crashes}, {"Lossy", lossy}, {"Storm", storm}};
}

class SimulatorRpc : public testing::TestWithParam<Case> {};

TEST_P(SimulatorRpc, WhatIsAnsweredHasRunOnce) {
  uint64_t answered = 0, total = 0;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    CaseResult result =
        runRpcCase({.seed = seed, .faults = GetParam().faults, .durationNs = 4'000'000'000});
    ASSERT_FALSE(result.violation) << "seed " << seed << ": " << result.violation->explanation;
    answered += result.counts["answered OK"];
    total += result.counts["calls"];
  }
  EXPECT_GT(answered * 2, total);
}

TEST_P(SimulatorRpc, TheSameSeedGivesTheSameTrace) {
  const auto hashOf = [&](uint64_t seed) {
    return runRpcCase({.seed = seed, .faults = GetParam().faults, .durationNs = 2'000'000'000})
        .traceHash;
  };
  EXPECT_EQ(hashOf(3), hashOf(3));
  EXPECT_NE(hashOf(3), hashOf(4));
}

INSTANTIATE_TEST_SUITE_P(Faults, SimulatorRpc, testing::ValuesIn(cases()),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace daos::simulator
