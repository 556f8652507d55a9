// Workload, recorder and checkers together, on a store that is correct or broken on purpose.
#include <gtest/gtest.h>

#include "simulator/process.h"
#include "simulator/workload/client_driver.h"
#include "simulator/workload/reference_store.h"
#include "simulator/workload/value_codec.h"

namespace daos::simulator {
namespace {

struct Outcome {
  std::optional<Violation> violation;
  uint64_t traceHash = 0;
  uint64_t operationCount = 0;
  uint64_t undecided = 0;
  std::string timelineOfNone;  // of a violation that names no operation
};

Outcome runOn(StoreFault fault, uint64_t seed) {
  WorkloadOptions options;
  options.operationCount = 80;
  Scheduler scheduler(seed);
  Trace trace;
  const KeySpace keys(options);
  Recorder recorder(scheduler, trace, keys);
  Process process(scheduler, trace, {.id = 1, .seed = seed});
  ReferenceStore store(process.reactor(), process.random(), fault);
  std::vector<std::unique_ptr<ClientDriver>> drivers;
  for (uint32_t client = 1; client <= 4; ++client) {
    drivers.push_back(std::make_unique<ClientDriver>(
        process.reactor(), store, keys, recorder,
        ClientDriver::Arguments{
            .client = client, .seed = seed, .operationCount = options.operationCount}));
    process.reactor().spawn(drivers.back()->run());
  }
  process.wake();
  const auto isDone = [&] { return process.reactor().spawnedCount() == 0; };
  scheduler.runUntil(60'000'000'000, isDone);
  std::vector<uint64_t> ids;
  ClientDriver last(process.reactor(), store, keys, recorder, {.client = 9, .seed = seed});
  process.reactor().spawn(last.readAll(&ids));
  process.wake();
  scheduler.runUntil(120'000'000'000, isDone);
  const std::set<SnapshotQuestion> asked = recorder.questions();
  process.reactor().spawn(last.rereadSnapshots({asked.begin(), asked.end()}));
  process.wake();
  scheduler.runUntil(180'000'000'000, isDone);
  EXPECT_TRUE(isDone());
  Outcome outcome{.violation = recorder.violation(),
                  .traceHash = trace.hash(),
                  .operationCount = recorder.operations().size(),
                  .timelineOfNone = recorder.timeline({.check = "space"})};
  if (!outcome.violation) outcome.violation = recorder.judge(outcome.undecided);
  return outcome;
}

TEST(SimulatorWorkload, ACorrectStorePasses) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome outcome = runOn(StoreFault::kNone, seed);
    ASSERT_FALSE(outcome.violation) << "seed " << seed << " " << outcome.violation->check << ": "
                                    << outcome.violation->explanation;
    EXPECT_GT(outcome.operationCount, 300u);
    EXPECT_EQ(outcome.undecided, 0u);
    const std::string& timeline = outcome.timelineOfNone;
    EXPECT_NE(timeline.find("the last 100 of " + std::to_string(outcome.operationCount)),
              std::string::npos);
    EXPECT_EQ(std::count(timeline.begin(), timeline.end(), '\n'), 101);
  }
}

TEST(SimulatorWorkload, TheSameSeedGivesTheSameTrace) {
  EXPECT_EQ(runOn(StoreFault::kNone, 5).traceHash, runOn(StoreFault::kNone, 5).traceHash);
  EXPECT_NE(runOn(StoreFault::kNone, 5).traceHash, runOn(StoreFault::kNone, 6).traceHash);
}

class SimulatorWorkloadFault : public testing::TestWithParam<std::pair<StoreFault, const char*>> {};

TEST_P(SimulatorWorkloadFault, IsFoundWithinAFewSeeds) {
  std::string found;
  uint64_t seed = 0;
  while (found.empty() && ++seed <= 20) {
    const Outcome outcome = runOn(GetParam().first, seed);
    if (outcome.violation) found = outcome.violation->check;
  }
  EXPECT_NE(std::string(GetParam().second).find(found), std::string::npos)
      << found << " at seed " << seed;
  EXPECT_FALSE(found.empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, SimulatorWorkloadFault,
    testing::Values(std::pair(StoreFault::kLoseWrite, "linearizability"),
                    std::pair(StoreFault::kApplyTwice, "linearizability"),
                    std::pair(StoreFault::kStaleRead, "linearizability immutability"),
                    std::pair(StoreFault::kTornUpdate, "linearizability"),
                    std::pair(StoreFault::kLosePunch, "linearizability immutability"),
                    std::pair(StoreFault::kIgnoreCondition, "linearizability"),
                    std::pair(StoreFault::kCorruptByte, "corruption"),
                    std::pair(StoreFault::kMovePast, "immutability linearizability"),
                    std::pair(StoreFault::kListGhost, "linearizability")));

TEST(SimulatorValueCodec, EveryChangedByteIsNoticed) {
  std::vector<std::byte> bytes(45);
  encodeValue(bytes, 77, 5);
  EXPECT_EQ(decodeValue(bytes, 5), CellValue{77});
  EXPECT_FALSE(decodeValue(bytes, 6));
  EXPECT_FALSE(decodeValue(Bytes(bytes).first(44), 5));
  for (std::byte& byte : bytes) {
    byte ^= std::byte{4};
    EXPECT_FALSE(decodeValue(bytes, 5));
    byte ^= std::byte{4};
  }
}

}  // namespace
}  // namespace daos::simulator
