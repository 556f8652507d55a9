// When a group leaves: which transactions of bulk data it waits for to share a flush, and how long.
#include "vos/log/wal_writer.h"

#include <gtest/gtest.h>

#include "bio/memory_media.h"

namespace daos::vos {
namespace {

constexpr uint64_t kSmall = 4096;
constexpr uint64_t kLarge = 1 << 20;

class VosWalWriter : public testing::Test {
 protected:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    buffers_ = bio::DmaPool::create(4 << 20).value();
    disk_ = bio::openMemoryMedia(*reactor_, "disk", 1 << 20).value();
    writer_ = std::make_unique<WalWriter>(
        *disk_, *buffers_, WalWriterOptions{.sealDelayNs = ~uint64_t{0} / 4, .data = disk_.get()},
        [this] { ++progressCount_; });
  }
  void begin(size_t count, uint64_t size) {
    for (size_t i = 0; i < count; ++i) writer_->dataWriteBegun(size);
  }
  // The writes end and the transactions that tell of them come.
  void end(size_t count, uint64_t size) {
    for (size_t i = 0; i < count; ++i) {
      writer_->dataWriteEnded(size);
      const ArenaData data{++transaction_ * kLarge, static_cast<uint32_t>(size / 4096), 0};
      ASSERT_TRUE(writer_->append(transaction_, {}, nullptr, {&data, 1}).ok());
    }
  }
  void waitDurable() {
    const uint64_t wanted = transaction_;
    reactor_->runUntil([&] { return writer_->durableTransaction() == wanted; });
  }

  SystemClock clock_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::unique_ptr<bio::Media> disk_;
  std::unique_ptr<WalWriter> writer_;
  uint64_t transaction_ = 0;
  int progressCount_ = 0;
};

TEST_F(VosWalWriter, AGroupWaitsForMostOfTheSmallDataUnderWay) {
  begin(100, kSmall);
  end(1, kSmall);
  EXPECT_FALSE(writer_->pump());
  end(80, kSmall);
  EXPECT_FALSE(writer_->pump());
  end(10, kSmall);
  EXPECT_TRUE(writer_->pump());
  waitDurable();
  EXPECT_EQ(writer_->counters().groupCount, 1u);
  end(9, kSmall);
  EXPECT_TRUE(writer_->pump());
  waitDurable();
}

TEST_F(VosWalWriter, AGroupDoesNotWaitForDataThatCameAfterIt) {
  begin(40, kSmall);
  end(1, kSmall);
  EXPECT_FALSE(writer_->pump());
  for (int i = 0; i < 39; ++i) {  // a stream of writes that never ends
    begin(10, kSmall);
    end(1, kSmall);
    if (writer_->pump()) break;
  }
  EXPECT_EQ(writer_->counters().groupCount, 1u);
  waitDurable();
}

TEST_F(VosWalWriter, AGroupLeavesWhenTheDataItWaitedForFailed) {
  begin(40, kSmall);
  end(1, kSmall);
  EXPECT_FALSE(writer_->pump());
  for (int i = 0; i < 39; ++i) writer_->dataWriteEnded(kSmall);
  EXPECT_TRUE(writer_->pump());
  waitDurable();
}

TEST_F(VosWalWriter, AGroupWithoutBulkDataOrBesideFewOrLargeWritesLeavesAtOnce) {
  begin(31, kSmall);
  end(1, kSmall);
  EXPECT_TRUE(writer_->pump());
  waitDurable();
  begin(40, kSmall);
  ASSERT_TRUE(writer_->append(++transaction_, {}, nullptr).ok());
  EXPECT_TRUE(writer_->pump());
  waitDurable();
  begin(60, kLarge);
  end(1, kLarge);
  EXPECT_TRUE(writer_->pump());
  waitDurable();
}

// Who is answered fills buffers again, which takes time that the device can use.
TEST_F(VosWalWriter, AGroupOfLargeDataLeavesBeforeThoseBeforeItAreAnswered) {
  begin(2, kLarge);
  end(1, kLarge);
  EXPECT_TRUE(writer_->pump());
  end(1, kLarge);
  uint64_t groupsWhenTold = 0;
  reactor_->runUntil([&] {
    if (progressCount_ > 0 && groupsWhenTold == 0) {
      groupsWhenTold = writer_->counters().groupCount;
    }
    return groupsWhenTold > 0;
  });
  EXPECT_EQ(groupsWhenTold, 2u);
  waitDurable();
}

}  // namespace
}  // namespace daos::vos
