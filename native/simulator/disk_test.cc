// What a disk keeps: through completion, flush, process crash and power cut, with and without
// faults.
#include "simulator/disk.h"

#include <gtest/gtest.h>

#include <cstring>

#include "bio/dma_buffer.h"

namespace daos::simulator {
namespace {

using bio::kMediaBlockSize;

class SimulatorDisk : public testing::Test {
 protected:
  SimulatorDisk() { restart(); }
  ~SimulatorDisk() override { crash(); }
  void crash() {
    if (process_) process_->dropTasks();
    media_.reset();
    process_.reset();
  }
  void restart() {
    crash();
    process_ = std::make_unique<Process>(scheduler_, trace_, ProcessOptions{.id = 1, .seed = 1});
    media_ = disk_.open(*process_, "disk");
  }
  void run(Task<void> task) {
    process_->reactor().spawn(std::move(task));
    process_->wake();
    scheduler_.runUntil(scheduler_.nowNs() + 1'000'000'000,
                        [&] { return process_->reactor().spawnedCount() == 0; });
    ASSERT_EQ(process_->reactor().spawnedCount(), 0u);
  }
  void write(uint64_t block, char fill, bool isFlushed) { run(writeTask(block, fill, isFlushed)); }
  Task<void> writeTask(uint64_t block, char fill, bool isFlushed) {
    std::memset(out_, fill, sizeof(out_));
    status_ = co_await media_->write(block * kMediaBlockSize, out_);
    if (isFlushed) status_ = co_await media_->flush();
  }
  Task<void> writeBothTask(char fill) {
    co_await writeTask(1, fill, true);
    co_await writeTask(2, fill, true);
  }
  Task<void> writeDurableTask(char fill) {
    std::memset(out_, fill, sizeof(out_));
    status_ = co_await media_->writeDurable(0, out_);
  }
  // The write completes after the flush was submitted.
  Task<void> writeBesideFlush(uint64_t block, char fill) {
    process_->reactor().spawn(writeTask(block, fill, false));
    status_ = co_await media_->flush();
  }
  Task<void> readTask(uint64_t block) {
    status_ = co_await media_->read(block * kMediaBlockSize, in_);
  }
  // The fill of the block, or '?' when it is mixed.
  char read(uint64_t block) {
    run(readTask(block));
    for (const std::byte byte : in_) {
      if (byte != in_[0]) return '?';
    }
    return static_cast<char>(in_[0]);
  }

  FaultOptions faults_;
  Scheduler scheduler_{1};
  Trace trace_;
  SimulatedDisk disk_{scheduler_, trace_, faults_, {.id = 1, .seed = 1, .sizeBytes = 1 << 20}};
  std::unique_ptr<Process> process_;
  std::unique_ptr<bio::Media> media_;
  Status status_;
  alignas(kMediaBlockSize) std::byte out_[kMediaBlockSize];
  alignas(kMediaBlockSize) std::byte in_[kMediaBlockSize];
};

TEST_F(SimulatorDisk, WhatIsWrittenIsReadBackAlsoAfterACrash) {
  write(3, 'a', false);
  EXPECT_EQ(read(3), 'a');
  restart();
  EXPECT_EQ(read(3), 'a');
}

TEST_F(SimulatorDisk, WhatAHaltedProcessWasAboutToDoNeverHappens) {
  write(1, 'a', true);
  write(2, 'a', true);
  bool isHalted = false;
  // The write of one block and its flush; not the write of the other.
  process_->haltAfter(2, [&] { isHalted = true; });
  process_->reactor().spawn(writeBothTask('b'));
  process_->wake();
  scheduler_.runUntil(scheduler_.nowNs() + 1'000'000'000, [&] { return isHalted; });
  EXPECT_TRUE(isHalted);
  restart();
  EXPECT_EQ(read(1), 'b');
  EXPECT_EQ(read(2), 'a');
  process_->haltAfter(0, [] { FAIL(); });
  process_->dontHalt();
  write(2, 'c', true);
  EXPECT_EQ(read(2), 'c');
}

TEST_F(SimulatorDisk, APowerCutKeepsWhatWasFlushedAndMayLoseTheRest) {
  int lost = 0, kept = 0, torn = 0;
  for (int round = 0; round < 60; ++round) {
    write(3, 'a', true);
    write(3, 'b', false);
    crash();
    disk_.cutPower();
    restart();
    const char found = read(3);
    ASSERT_TRUE(found == 'a' || found == 'b' || found == '?');
    ++(found == 'a' ? lost : found == 'b' ? kept : torn);
  }
  EXPECT_GT(lost, 5);
  EXPECT_GT(kept, 5);
  EXPECT_GT(torn, 5);
}

TEST_F(SimulatorDisk, AWriteAfterTheFlushWasSubmittedIsNotCovered) {
  bool isLost = false;
  for (int round = 0; round < 40 && !isLost; ++round) {
    write(5, 'a', true);
    run(writeBesideFlush(5, 'b'));
    crash();
    disk_.cutPower();
    restart();
    isLost = read(5) == 'a';
  }
  EXPECT_TRUE(isLost);
}

TEST_F(SimulatorDisk, ADurableWriteSurvives) {
  for (int round = 0; round < 20; ++round) {
    const char fill = static_cast<char>('a' + round);
    run(writeDurableTask(fill));
    EXPECT_TRUE(status_.ok());
    crash();
    disk_.cutPower();
    restart();
    EXPECT_EQ(read(0), fill);
  }
}

TEST_F(SimulatorDisk, AWriteInFlightAtACrashMayBeThereOrNot) {
  std::string outcomes;
  for (int round = 0; round < 60; ++round) {
    write(7, 'a', true);
    process_->reactor().spawn(writeTask(7, 'b', false));
    process_->wake();
    scheduler_.runUntil(scheduler_.nowNs() + 1000);
    restart();
    outcomes += read(7);
  }
  EXPECT_NE(outcomes.find('a'), std::string::npos);
  EXPECT_NE(outcomes.find('b'), std::string::npos);
  EXPECT_NE(outcomes.find('?'), std::string::npos);
}

TEST_F(SimulatorDisk, FaultsOfRequestsAreReportedOrSilentAsTheyShouldBe) {
  faults_.readErrorShare = 1000000;
  write(1, 'a', true);
  read(1);
  EXPECT_EQ(status_.code(), ErrorCode::kIo);
  faults_.readErrorShare = 0;
  faults_.misdirectShare = 1000000;
  write(1, 'b', true);
  EXPECT_TRUE(status_.ok());
  faults_.misdirectShare = 0;
  EXPECT_EQ(read(1), 'a');
  EXPECT_EQ(read(2), 'b');
  faults_.flushErrorShare = 1000000;
  write(1, 'c', true);
  EXPECT_EQ(status_.code(), ErrorCode::kIo);
  EXPECT_TRUE(media_->isFailed());
}

TEST_F(SimulatorDisk, ARottenBitIsFoundInABlockThatWasWritten) {
  EXPECT_EQ(disk_.rotBit(), UINT64_MAX);
  write(9, 'a', true);
  EXPECT_EQ(disk_.rotBit(), 9 * kMediaBlockSize);
  EXPECT_EQ(read(9), '?');
  disk_.heal();
  EXPECT_EQ(disk_.rotBit(), UINT64_MAX);
}

}  // namespace
}  // namespace daos::simulator
