// Goal:   large writes enter in order and a few at a time, each of them enters at last, and one
//         that is given up holds up nobody.
#include "bio/write_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/task.h"

namespace daos::bio {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class BioWriteQueue : public testing::Test {
 protected:
  // A write that is under way until its name is in `ended_`.
  Task<void> write(char name, uint64_t sizeBytes) {
    WriteQueue::Turn turn(queue_, sizeBytes);
    co_await turn;
    entered_ += name;
    while (ended_.find(name) == std::string::npos) co_await reactor_->yield();
  }
  void start(char name, uint64_t sizeBytes) { reactor_->spawn(write(name, sizeBytes)); }
  std::string entered() {
    for (int i = 0; i < 10; ++i) reactor_->runOnce();
    return entered_;
  }
  std::string enteredAfter(char name) {
    ended_ += name;
    return entered();
  }
  void TearDown() override { reactor_->dropTasks(); }

  SystemClock clock_;
  std::unique_ptr<Reactor> reactor_ = Reactor::create(clock_).value();
  WriteQueue queue_{*reactor_};
  std::string entered_, ended_;
};

TEST_F(BioWriteQueue, AFewAreUnderWayAtATimeInOrder) {
  for (const char name : {'a', 'b', 'c', 'd'}) start(name, kMiB);
  EXPECT_EQ(entered(), "ab");
  EXPECT_EQ(enteredAfter('b'), "abc");
  EXPECT_EQ(enteredAfter('a'), "abcd");
}

TEST_F(BioWriteQueue, HalfOfManyAreUnderWay) {
  for (char name = 'a'; name < 'a' + 16; ++name) start(name, kMiB);
  EXPECT_EQ(entered().size(), 8u);
}

TEST_F(BioWriteQueue, SmallOnesWaitForNobody) {
  for (const char name : {'a', 'b', 'c'}) start(name, kMiB);
  start('s', WriteQueue::kSmallBytes);
  EXPECT_EQ(entered(), "abs");
}

TEST_F(BioWriteQueue, OneThatIsLargerThanTheRoomGoesAloneAndIsNotPassed) {
  start('a', kMiB);
  start('L', 8 * kMiB);
  start('b', kMiB);
  EXPECT_EQ(entered(), "a");
  EXPECT_EQ(enteredAfter('a'), "aL");
  EXPECT_EQ(enteredAfter('L'), "aLb");
}

TEST_F(BioWriteQueue, AWaitingOneThatIsGivenUpHoldsUpNobody) {
  start('a', 2 * kMiB);
  auto waiting = std::make_unique<WriteQueue::Turn>(queue_, 8 * kMiB);
  EXPECT_FALSE(waiting->await_ready());
  waiting->await_suspend(std::noop_coroutine());
  start('b', kMiB);
  EXPECT_EQ(enteredAfter('x'), "a");
  waiting.reset();
  EXPECT_EQ(entered(), "a");
  EXPECT_EQ(enteredAfter('a'), "ab");
}

TEST_F(BioWriteQueue, DroppedWithAllThatWaitsItIsEmptyAgain) {
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) start(name, kMiB);
  EXPECT_EQ(entered(), "ab");
  reactor_->dropTasks();
  entered_.clear();
  for (const char name : {'f', 'g', 'h'}) start(name, kMiB);
  EXPECT_EQ(entered(), "fg");
}

}  // namespace
}  // namespace daos::bio
