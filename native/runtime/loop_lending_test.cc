// Goal: whoever has the loop, everything that was posted runs once and in order, timers run, and
// neither thread waits for the other for long.
#include "runtime/loop_lending.h"

#include <gtest/gtest.h>

#include <thread>

namespace daos {
namespace {

class LoopLendingTest : public testing::Test {
 protected:
  void start() {
    owner_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    if (!owner_.joinable()) return;
    reactor_->post([this] { loop_.stop(); });
    loop_.giveBack();
    owner_.join();
  }
  // As the guest. A bound that only a loop which is never lent reaches.
  bool turnUntil(const std::atomic<bool>& isDone) {
    for (int i = 0; i < 10'000'000 && !isDone; ++i) {
      if (!loop_.turn()) std::this_thread::yield();
    }
    return isDone;
  }
  void becomeGuest() {
    std::atomic<bool> isDone{false};
    reactor_->post([&] { isDone = true; });
    while (!loop_.turn()) std::this_thread::yield();
    ASSERT_TRUE(turnUntil(isDone));
  }

  SystemClock clock_;
  std::unique_ptr<Reactor> reactor_ = Reactor::create(clock_).value();
  LoopLending loop_{*reactor_};
  std::thread owner_;
};

TEST_F(LoopLendingTest, TheGuestRunsWhatItPosts) {
  start();
  becomeGuest();
  std::thread::id runner;
  std::atomic<bool> isDone{false};
  // Between two turns of a guest that stalls, the owner may take the loop back.
  for (int i = 0; i < 1000 && runner != std::this_thread::get_id(); ++i) {
    isDone = false;
    reactor_->post([&] {
      runner = std::this_thread::get_id();
      isDone = true;
    });
    ASSERT_TRUE(turnUntil(isDone));
  }
  EXPECT_EQ(runner, std::this_thread::get_id());
}

TEST_F(LoopLendingTest, TheOwnerGoesOnWhenTheGuestGivesTheLoopBack) {
  start();
  becomeGuest();
  std::atomic<bool> isDone{false};
  reactor_->post([&] { isDone = true; });
  loop_.giveBack();
  while (!isDone) std::this_thread::yield();
}

TEST_F(LoopLendingTest, TheOwnerGoesOnWhenTheGuestStaysAway) {
  start();
  becomeGuest();
  std::atomic<bool> isDone{false};
  reactor_->post(
      [&] { reactor_->addTimer(reactor_->nowNs() + 1'000'000, [&] { isDone = true; }); });
  while (!isDone) std::this_thread::yield();
}

TEST_F(LoopLendingTest, ALoopThatIsLentStops) {
  start();
  becomeGuest();
  bool hasRun = false;
  reactor_->post([&] { hasRun = true; });
  TearDown();
  EXPECT_TRUE(hasRun);
  EXPECT_FALSE(loop_.turn());
}

// Both threads count on the loop, without a lock of their own.
TEST_F(LoopLendingTest, NothingIsLostOrOvertakenWhileTheLoopChangesHands) {
  constexpr uint64_t kMessageCount = 20'000;
  start();
  uint64_t count = 0;  // of the loop
  bool isInOrder = true;
  std::atomic<uint64_t> seen{0};
  for (uint64_t i = 0; i < kMessageCount; ++i) {
    reactor_->post([&, i] {
      isInOrder &= count++ == i;
      seen.store(count, std::memory_order_relaxed);
    });
    // Some turns as a guest, some not, some gone for longer than the owner's patience.
    if (i % 7 < 4) loop_.turn();
    if (i % 64 == 0) loop_.giveBack();
    if (i % 5000 == 0) std::this_thread::sleep_for(3 * LoopLending::kPatience);
  }
  while (seen < kMessageCount) std::this_thread::yield();
  TearDown();
  EXPECT_TRUE(isInOrder);
  EXPECT_EQ(count, kMessageCount);
}

}  // namespace
}  // namespace daos
