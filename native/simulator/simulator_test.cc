// The simulator's own parts: order of events, processes under virtual time, settings, fault plans.
#include <gtest/gtest.h>

#include "runtime/completion.h"
#include "simulator/faults.h"
#include "simulator/process.h"
#include "simulator/scheduler.h"
#include "simulator/simulate_options.h"

namespace daos::simulator {
namespace {

TEST(SimulatorScheduler, EventsRunByTimeAndTheSeedDecidesBetweenEqualOnes) {
  const auto orderOf = [](uint64_t seed) {
    Scheduler scheduler(seed);
    std::string order;
    scheduler.at(50, [&] { order += 'z'; });
    for (char name = 'a'; name < 'i'; ++name) scheduler.at(20, [&order, name] { order += name; });
    const auto cancelled = scheduler.at(30, [&] { order += '!'; });
    EXPECT_TRUE(scheduler.cancel(cancelled));
    EXPECT_FALSE(scheduler.cancel(cancelled));
    scheduler.runUntil(100);
    EXPECT_EQ(scheduler.nowNs(), 100u);
    return order;
  };
  EXPECT_EQ(orderOf(1), orderOf(1));
  EXPECT_NE(orderOf(1), orderOf(2));
  EXPECT_EQ(orderOf(1).back(), 'z');
}

TEST(SimulatorProcess, SleepersWakeAtTheirVirtualTime) {
  Scheduler scheduler(1);
  Trace trace;
  Process process(scheduler, trace, {.id = 1, .seed = 1});
  uint64_t wokenNs = 0;
  process.reactor().spawn([](Process& p, uint64_t& out) -> Task<void> {
    co_await p.reactor().sleep(3'600'000'000'000ull);
    out = p.scheduler().nowNs();
  }(process, wokenNs));
  process.wake();
  scheduler.runUntil(4'000'000'000'000ull);
  EXPECT_GE(wokenNs, 3'600'000'000'000ull);
  EXPECT_LT(wokenNs, 3'600'000'100'000ull);
  EXPECT_LT(scheduler.stepCount(), 20u);
}

TEST(SimulatorProcess, APausedProcessDoesNothingUntilItsTime) {
  Scheduler scheduler(1);
  Trace trace;
  Process process(scheduler, trace, {.id = 1, .seed = 1});
  scheduler.runUntil(10);
  uint64_t ranNs = 0;
  process.pause(1000000);
  process.reactor().post([&] { ranNs = scheduler.nowNs(); });
  process.wake();
  scheduler.runUntil(5000000);
  EXPECT_EQ(ranNs, 1000010u);
}

TEST(SimulatorProcess, ACrashFreesTasksAndNothingRunsAfterIt) {
  Scheduler scheduler(1);
  Trace trace;
  auto process = std::make_unique<Process>(scheduler, trace, ProcessOptions{.id = 1, .seed = 1});
  bool isFreed = false, ran = false;
  struct Witness {
    bool& isFreed;
    ~Witness() { isFreed = true; }
  };
  process->reactor().spawn([](Reactor& reactor, bool& freed, bool& after) -> Task<void> {
    Witness witness{freed};
    co_await reactor.sleep(1000);
    after = true;
  }(process->reactor(), isFreed, ran));
  process->wake();
  scheduler.runUntil(500);
  process->dropTasks();
  EXPECT_TRUE(isFreed);
  process->wake();
  scheduler.runUntil(5000);
  process.reset();
  scheduler.runUntil(10000);
  EXPECT_FALSE(ran);
}

TEST(SimulatorClock, WallTimeIsSkewedDriftsAndSteps) {
  Scheduler scheduler(1);
  const SimulatedClock exact(scheduler, 5, 0, 0);
  SimulatedClock wrong(scheduler, 7, 1000, 200);
  scheduler.runUntil(1'000'000'000);
  EXPECT_EQ(exact.nowNs(), 1'000'000'005u);
  EXPECT_EQ(wrong.wallNs() - exact.wallNs(), 1000u + 200'000u);
  wrong.step(-2000);
  EXPECT_EQ(wrong.wallNs() - exact.wallNs(), 200'000u - 1000u);
}

TEST(SimulatorSettings, FilesAreReadAndWrittenBack) {
  FaultOptions options;
  const Status status =
      applySettings(options, faultSettings(), "storm.faults",
                    "# a comment\nnetwork.loss = 0.5%\n\nprocess.crashEvery = 2s  # often\n"
                    "arena.size = 64MiB\ndisk.torn = no\n");
  ASSERT_TRUE(status.ok()) << status.error().describe();
  EXPECT_EQ(options.lossShare, 5000u);
  EXPECT_EQ(options.crashEveryNs, 2'000'000'000u);
  EXPECT_EQ(options.arenaSizeBytes, 64u << 20);
  EXPECT_EQ(options.torn, 0u);
  const std::string text = formatSettings(options, FaultOptions{}, faultSettings());
  FaultOptions again;
  ASSERT_TRUE(applySettings(again, faultSettings(), "text", text).ok()) << text;
  EXPECT_EQ(formatSettings(again, FaultOptions{}, faultSettings()), text);
}

TEST(SimulatorSettings, MistakesNameFileAndLine) {
  FaultOptions options;
  const auto messageOf = [&](std::string_view text) {
    const Status status = applySettings(options, faultSettings(), "x.faults", text);
    return status.ok() ? std::string() : std::string(status.error().message());
  };
  EXPECT_NE(messageOf("\nnetwork.lose = 1%").find("x.faults:2"), std::string::npos);
  EXPECT_NE(messageOf("network.loss = 5ms").find("5ms"), std::string::npos);
  EXPECT_NE(messageOf("network.loss").find("'='"), std::string::npos);
  EXPECT_NE(messageOf("disk.torn = 3").find("yes"), std::string::npos);
  EXPECT_NE(messageOf("network.loss = 101%").find("101%"), std::string::npos);
  EXPECT_NE(messageOf("\nnetwork.lose = 1%").find("network.loss,"), std::string::npos);
  EXPECT_NE(messageOf("network.delayMax = -5ms").find("-5ms"), std::string::npos);
}

TEST(SimulatorOptions, WordsBecomeACaseAndMistakesAreNamed) {
  const auto parse = [](std::vector<std::string_view> words) {
    return parseSimulateOptions(words, 77);
  };
  const auto options = parse({"--seed", "5", "--workload", "mixed", "--set", "clients=2"}).value();
  EXPECT_EQ(options.seedFirst, 5u);
  EXPECT_EQ(options.seedLast, 5u);
  EXPECT_EQ(options.name.workload, "mixed");
  EXPECT_EQ(options.settings.front().second, "2");
  EXPECT_EQ(parse({"--forever"}).value().seedFirst, 77u);
  EXPECT_EQ(parse({"--forever", "--seed", "9"}).value().seedFirst, 9u);
  EXPECT_TRUE(parse({"--directory", "there", "--help"}).value().asksForHelp);
  const auto mistakeOf = [&](std::vector<std::string_view> words) {
    const auto refused = parse(std::move(words));
    return refused.ok() ? std::string() : std::string(refused.error().message());
  };
  EXPECT_EQ(mistakeOf({"--sede", "5"}), "what is '--sede'?");
  EXPECT_EQ(mistakeOf({"--seed"}), "--seed wants a value");
  EXPECT_EQ(mistakeOf({"--seconds", "0.5"}), "'0.5' is no whole number");
  // None would be played, and all would seem to hold.
  EXPECT_EQ(mistakeOf({"--seeds", "5..2"}), "--seeds 5..2: there is none between the two");
}

TEST(SimulatorFaults, APlanFollowsTheSeedAndOtherKindsDoNotShiftIt) {
  FaultOptions options;
  options.crashEveryNs = 1'000'000'000;
  const auto crashes = planFaults(5, options, 100'000'000'000ull);
  EXPECT_GT(crashes.size(), 50u);
  EXPECT_LT(crashes.size(), 200u);
  options.pauseEveryNs = 500'000'000;
  const auto both = planFaults(5, options, 100'000'000'000ull);
  std::vector<uint64_t> times;
  for (const FaultEvent& event : both) {
    if (event.kind == FaultKind::kCrash) times.push_back(event.timeNs);
  }
  ASSERT_EQ(times.size(), crashes.size());
  for (size_t i = 0; i < times.size(); ++i) EXPECT_EQ(times[i], crashes[i].timeNs);
  EXPECT_NE(planFaults(6, options, 100'000'000'000ull).front().timeNs, both.front().timeNs);
}

TEST(SimulatorTrace, TheHashDependsOnEveryField) {
  const TraceEvent base{1, 2, TraceKind::kSend, 3, 4, 5};
  const auto hashOf = [](TraceEvent event) {
    Trace trace;
    trace.add(event);
    return trace.hash();
  };
  TraceEvent other = base;
  EXPECT_EQ(hashOf(base), hashOf(other));
  other.timeNs = 9;
  EXPECT_NE(hashOf(base), hashOf(other));
  other = base;
  other.b = 9;
  EXPECT_NE(hashOf(base), hashOf(other));
  EXPECT_NE(digestOf(bytesOf("abcdefghi")), digestOf(bytesOf("abcdefgh")));
  EXPECT_NE(digestOf(bytesOf(std::string_view("a\0", 2))), digestOf(bytesOf("a")));
}

}  // namespace
}  // namespace daos::simulator
