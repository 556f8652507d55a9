#include <gtest/gtest.h>
#include <sys/resource.h>

#include <thread>

#include "runtime/completion.h"
#include "runtime/random.h"
#include "runtime/reactor.h"

namespace daos {
namespace {

Task<int> addLater(Reactor& reactor, int a, int b) {
  co_await reactor.yield();
  co_return a + b;
}

Task<Result<int>> failWhenOdd(Reactor& reactor, int value) {
  co_await reactor.yield();
  if (value % 2) co_return invalid("odd");
  co_return value;
}

Task<Result<int>> addChecked(Reactor& reactor, int a, int b) {
  DAOS_CO_TRY(const int left, co_await failWhenOdd(reactor, a));
  DAOS_CO_TRY(const int right, co_await failWhenOdd(reactor, b));
  co_return left + right;
}

TEST(RuntimeTask, AwaitedTasksReturnTheirValues) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  int sum = 0;
  reactor->spawn([](Reactor& r, int& out) -> Task<void> {
    out = co_await addLater(r, 1, 2) + co_await addLater(r, 3, 4);
  }(*reactor, sum));
  while (reactor->spawnedCount()) reactor->runOnce();
  EXPECT_EQ(sum, 10);
}

TEST(RuntimeTask, AnErrorEndsTheCoroutineThatTriesIt) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  std::vector<std::string> seen;
  reactor->spawn([](Reactor& r, std::vector<std::string>& out) -> Task<void> {
    const auto good = co_await addChecked(r, 2, 4);
    out.push_back(std::to_string(*good));
    const auto bad = co_await addChecked(r, 2, 5);
    out.push_back(std::string(bad.error().message()));
  }(*reactor, seen));
  while (reactor->spawnedCount()) reactor->runOnce();
  EXPECT_EQ(seen, (std::vector<std::string>{"6", "odd"}));
}

TEST(RuntimeReactor, TimersRunInOrderOfTheirDeadlines) {
  ManualClock clock;
  auto reactor = Reactor::create(clock).value();
  std::string order;
  reactor->addTimer(clock.nowNs() + 300, [&] { order += 'c'; });
  reactor->addTimer(clock.nowNs() + 100, [&] { order += 'a'; });
  const auto cancelled = reactor->addTimer(clock.nowNs() + 150, [&] { order += 'x'; });
  reactor->addTimer(clock.nowNs() + 200, [&] { order += 'b'; });
  EXPECT_TRUE(reactor->cancelTimer(cancelled));
  clock.advance(250);
  reactor->runOnce();
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(reactor->untilNextTimerNs(), 50u);
  clock.advance(50);
  reactor->runOnce();
  EXPECT_EQ(order, "abc");
}

TEST(RuntimeReactor, PostedFunctionsWakeABlockedLoopAndRunInOrder) {
  SystemClock clock;
  auto reactor = Reactor::create(clock, {.spinNs = 0}).value();
  std::vector<int> seen;
  std::thread loop([&] { reactor->run(); });
  for (int i = 0; i < 1000; ++i) {
    reactor->post([&seen, i] { seen.push_back(i); });
    if (i % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  reactor->post([&] { reactor->stop(); });
  loop.join();
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[i], i);
}

TEST(RuntimeReactor, ManyThreadsPostWithoutLoss) {
  SystemClock clock;
  auto reactor = Reactor::create(clock, {.spinNs = 1000}).value();
  size_t count = 0;
  std::thread loop([&] { reactor->run(); });
  std::vector<std::thread> posters;
  for (int t = 0; t < 4; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) reactor->post([&count] { ++count; });
    });
  }
  for (auto& poster : posters) poster.join();
  reactor->post([&] { reactor->stop(); });
  loop.join();
  EXPECT_EQ(count, 20000u);
}

uint64_t threadCpuNs() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  const auto ns = [](timeval t) {
    return static_cast<uint64_t>(t.tv_sec) * 1000000000 + t.tv_usec * 1000;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

TEST(RuntimeReactor, AnIdleLoopUsesUnderOnePercentOfACore) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  uint64_t usedNs = 0;
  std::thread loop([&] {
    const uint64_t before = threadCpuNs();
    reactor->run();
    usedNs = threadCpuNs() - before;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  reactor->stop();
  loop.join();
  EXPECT_LT(usedNs, 5000000u);
}

TEST(RuntimeCompletion, AValueSetBeforeTheAwaitIsNotLost) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  Completion<int> early, late;
  early.set(1);
  int sum = 0;
  reactor->spawn([](Completion<int>& a, Completion<int>& b, int& out) -> Task<void> {
    out = co_await a;
    out += co_await b;
  }(early, late, sum));
  EXPECT_EQ(sum, 1);
  late.set(2);
  EXPECT_EQ(sum, 3);
}

TEST(RuntimeRandom, TheSameSeedGivesTheSameSequence) {
  SeededRandom first(7), second(7), other(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = first.next();
    EXPECT_EQ(value, second.next());
    differs |= value != other.next();
  }
  EXPECT_TRUE(differs);
}

// A frame that says when it is freed, and what its destructor still could reach.
struct Witness {
  std::string& log;
  char name;
  ~Witness() { log += name; }
};

Task<int> suspendInside(Reactor& reactor, Completion<int>& never, std::string& log) {
  Witness witness{log, 'i'};
  co_await reactor.yield();
  co_return co_await never;
}

TEST(RuntimeReactor, DroppedTasksAreFreedWhereTheyAreSuspendedNewestFirst) {
  ManualClock clock;
  auto reactor = Reactor::create(clock).value();
  Completion<int> never;
  std::string log;
  reactor->spawn([](Reactor& r, Completion<int>& c, std::string& out) -> Task<void> {
    Witness witness{out, 'o'};
    std::string heap(100, 'x');
    co_await suspendInside(r, c, out);
  }(*reactor, never, log));
  reactor->spawn([](Reactor& r, std::string& out) -> Task<void> {
    Witness witness{out, 's'};
    co_await r.sleep(1000);
  }(*reactor, log));
  reactor->runOnce();
  reactor->spawn([](Reactor& r, std::string& out) -> Task<void> {
    Witness witness{out, 'y'};
    co_await r.yield();
  }(*reactor, log));
  bool ran = false;
  reactor->post([&ran, heap = std::string(100, 'x')] { ran = true; });
  EXPECT_EQ(reactor->spawnedCount(), 3u);
  reactor->dropTasks();
  EXPECT_EQ(log, "ysio");
  EXPECT_EQ(reactor->spawnedCount(), 0u);
  clock.advance(2000);
  EXPECT_FALSE(reactor->runOnce());
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace daos
