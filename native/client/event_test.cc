#include "client/event.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace daos::client {
namespace {

TEST(ClientEvent, ACompletionIsHandedOutOnceByPollOrByTest) {
  EventQueue queue;
  Event polled(&queue), tested(&queue);
  ASSERT_TRUE(polled.launch().ok());
  ASSERT_TRUE(tested.launch().ok());
  polled.complete({});
  tested.complete(Error(ErrorCode::kNospace));
  EXPECT_TRUE(*tested.test(0));
  EXPECT_EQ(tested.status().code(), ErrorCode::kNospace);
  EXPECT_FALSE(*tested.test(0));
  Event* taken[4];
  ASSERT_EQ(queue.poll(taken, 0), 1u);
  EXPECT_EQ(taken[0], &polled);
  EXPECT_EQ(queue.poll(taken, 0), 0u);
  EXPECT_EQ(polled.state(), Event::State::kReady);
}

TEST(ClientEvent, AnEventInUseIsRefusedUntilItIsTaken) {
  Event event;
  ASSERT_TRUE(event.launch().ok());
  EXPECT_EQ(event.launch().code(), ErrorCode::kBusy);
  event.complete({});
  EXPECT_EQ(event.launch().code(), ErrorCode::kBusy);
  EXPECT_TRUE(*event.test(0));
  EXPECT_TRUE(event.launch().ok());
  event.complete({});
}

TEST(ClientEvent, AParentCompletesAfterItsChildrenAndItsBarrier) {
  EventQueue queue;
  Event parent(&queue), first, second;
  ASSERT_TRUE(Event::attachChild(parent, first).ok());
  ASSERT_TRUE(Event::attachChild(parent, second).ok());
  ASSERT_TRUE(first.launch().ok());
  ASSERT_TRUE(second.launch().ok());
  first.complete({});
  ASSERT_TRUE(parent.barrier().ok());
  Event* taken[1];
  EXPECT_EQ(queue.poll(taken, 0), 0u);
  EXPECT_EQ(second.test(0).code(), ErrorCode::kNoPerm);
  second.complete({});
  ASSERT_EQ(queue.poll(taken, 0), 1u);
  EXPECT_EQ(taken[0], &parent);
}

TEST(ClientEvent, PollReturnsAtOnceWhenNothingRunsAndThatWasAskedFor) {
  EventQueue queue;
  Event* taken[1];
  EXPECT_EQ(queue.poll(taken, -1, true), 0u);
}

TEST(ClientEvent, CompletionsOfManyThreadsAllArriveAndEventsMayDieAtOnce) {
  EventQueue queue;
  constexpr int kRounds = 2000;
  std::vector<std::thread> threads;
  std::atomic<int> taken{0};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        auto event = std::make_unique<Event>(&queue);
        ASSERT_TRUE(event->launch().ok());
        event->complete({});
        if (*event->test(-1)) taken.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken.load(), 2 * kRounds);
  EXPECT_EQ(queue.completedCount(), 0u);
}

TEST(ClientEvent, AWaitingTestIsWokenByACompletionOfAnotherThread) {
  for (int i = 0; i < 200; ++i) {
    auto event = std::make_unique<Event>();
    ASSERT_TRUE(event->launch().ok());
    std::thread completer([raw = event.get()] { raw->complete({}); });
    EXPECT_TRUE(*event->test(-1));
    event.reset();
    completer.join();
  }
}

}  // namespace
}  // namespace daos::client
