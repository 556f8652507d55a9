#include "bio/faulty_media.h"

#include <gtest/gtest.h>

#include <cstring>

#include "bio/memory_media.h"

namespace daos::bio {
namespace {

constexpr uint64_t kSize = 1 << 20;
constexpr uint32_t kAlways = 1000000;
alignas(4096) std::byte gOut[65536];
alignas(4096) std::byte gIn[65536];

class BioFaultyMedia : public testing::Test {
 public:
  explicit BioFaultyMedia(uint64_t seed = 1) : random_(seed) {
    reactor_ = Reactor::create(clock_).value();
    below_ = openMemoryMedia(*reactor_, "disk", kSize).value();
    media_ = std::make_unique<FaultyMedia>(*below_, random_);
    std::memset(gOut, 0x11, sizeof(gOut));
  }
  void TestBody() override {}
  void settle() {
    while (reactor_->spawnedCount() > 0) {
      if (!reactor_->runOnce()) clock_.advance(1000);
    }
  }
  Status run(Task<Status> task) {
    Status out;
    reactor_->spawn([](Task<Status> inner, Status& status) -> Task<void> {
      status = co_await std::move(inner);
    }(std::move(task), out));
    settle();
    return out;
  }
  Status write(uint64_t offset, Bytes bytes, bool durable = false) {
    return run([](Media& media, uint64_t at, Bytes from, bool isDurable) -> Task<Status> {
      if (isDurable) co_return co_await media.writeDurable(at, from);
      co_return co_await media.write(at, from);
    }(*media_, offset, bytes, durable));
  }
  Status flush() {
    return run([](Media& media) -> Task<Status> { co_return co_await media.flush(); }(*media_));
  }
  Status read(uint64_t offset, uint64_t size) {
    return run([](Media& media, uint64_t at, MutableBytes into) -> Task<Status> {
      co_return co_await media.read(at, into);
    }(*media_, offset, MutableBytes(gIn, size)));
  }
  // How many of the sectors at the start of the device are those of gOut.
  size_t sectorsThere(size_t count) {
    EXPECT_TRUE(read(0, count * 512).ok());
    size_t there = 0;
    for (size_t i = 0; i < count; ++i) there += std::memcmp(gIn + i * 512, gOut, 512) == 0;
    return there;
  }

  ManualClock clock_;
  SeededRandom random_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<Media> below_;
  std::unique_ptr<FaultyMedia> media_;
};

TEST_F(BioFaultyMedia, APowerCutTearsWhatWasNotFlushedAndKeepsWhatWas) {
  bool wasWhole = false, wasGone = false, wasTorn = false;
  for (int round = 0; round < 60; ++round) {
    std::memset(gOut, round + 1, sizeof(gOut));
    ASSERT_TRUE(write(65536, {gOut, 4096}).ok());
    ASSERT_TRUE(flush().ok());
    ASSERT_TRUE(write(0, {gOut, 65536}).ok());
    ASSERT_TRUE(run(media_->cutPower()).ok());
    const size_t there = sectorsThere(128);
    wasWhole |= there == 128;
    wasGone |= there == 0;
    wasTorn |= there > 0 && there < 128;
    ASSERT_TRUE(read(65536, 4096).ok());
    ASSERT_EQ(std::memcmp(gIn, gOut, 4096), 0);
  }
  EXPECT_TRUE(wasWhole);
  EXPECT_TRUE(wasGone);
  EXPECT_TRUE(wasTorn);
}

TEST_F(BioFaultyMedia, ADurableWriteIsNotUndoneByAnOlderOne) {
  for (int round = 0; round < 20; ++round) {
    std::memset(gOut, 100 + round, 4096);
    ASSERT_TRUE(write(0, {gOut, 4096}).ok());
    std::memset(gOut, 200 + round, 4096);
    ASSERT_TRUE(write(0, {gOut, 4096}, true).ok());
    ASSERT_TRUE(run(media_->cutPower()).ok());
    ASSERT_EQ(sectorsThere(8), 8u);
  }
}

TEST_F(BioFaultyMedia, AFlushUnderWayDoesNotBringOldBytesOverANewerDurableWrite) {
  // The last of them is the old content of what is overwritten while the flush brings the others.
  for (uint64_t i = 8; i > 0; --i) ASSERT_TRUE(write((i - 1) * 4096, {gOut, 4096}).ok());
  alignas(4096) static std::byte newer[4096];
  std::memset(newer, 0x77, sizeof newer);
  Status flushed, written;
  reactor_->spawn([](Media& media, Status& out) -> Task<void> {
    out = co_await media.flush();
  }(*media_, flushed));
  for (int turn = 0; turn < 3; ++turn) reactor_->runOnce();
  reactor_->spawn([](Media& media, Status& out) -> Task<void> {
    out = co_await media.writeDurable(0, newer);
  }(*media_, written));
  settle();
  ASSERT_TRUE(flushed.ok() && written.ok());
  ASSERT_TRUE(read(0, 4096).ok());
  EXPECT_EQ(std::memcmp(gIn, newer, sizeof newer), 0);
}

TEST_F(BioFaultyMedia, WritesOfADeadProcessMayGetThere) {
  size_t there = 0;
  for (int round = 0; round < 40; ++round) {
    std::memset(gOut, round + 1, 4096);
    reactor_->spawn([](Media& media) -> Task<void> {
      (void)co_await media.write(0, {gOut, 4096});
    }(*media_));
    reactor_->dropTasks();
    ASSERT_TRUE(run(media_->cutPower()).ok());
    there += sectorsThere(8) == 8;
  }
  EXPECT_GT(there, 0u);
  EXPECT_LT(there, 40u);
}

TEST_F(BioFaultyMedia, ADeadProcessLeavesTheCacheAndOnlyAFlushMakesItDurable) {
  size_t there = 0, wasLost = 0;
  for (int round = 0; round < 60; ++round) {
    const bool isFlushed = round % 2 == 0;
    std::memset(gOut, round + 1, 4096);
    ASSERT_TRUE(write(0, {gOut, 4096}).ok());
    alignas(4096) static std::byte inFlight[4096];
    std::memset(inFlight, round + 1, sizeof inFlight);
    reactor_->spawn([](Media& media) -> Task<void> {
      (void)co_await media.write(4096, inFlight);
    }(*media_));
    reactor_->dropTasks();
    media_->processDied();
    ASSERT_EQ(sectorsThere(8), 8u);
    ASSERT_TRUE(read(4096, 4096).ok());
    const bool isThere = std::memcmp(gIn, inFlight, sizeof inFlight) == 0;
    there += isThere;
    if (isFlushed) ASSERT_TRUE(flush().ok());
    ASSERT_TRUE(run(media_->cutPower()).ok());
    wasLost += sectorsThere(8) < 8;
    if (!isFlushed) continue;
    ASSERT_EQ(sectorsThere(8), 8u);
    ASSERT_TRUE(read(4096, 4096).ok());
    EXPECT_EQ(std::memcmp(gIn, inFlight, sizeof inFlight) == 0, isThere);
  }
  EXPECT_GT(there, 0u);
  EXPECT_LT(there, 60u);
  EXPECT_GT(wasLost, 0u);
}

TEST_F(BioFaultyMedia, ErrorsNameTheirPlaceAndAFailedFlushIsFatal) {
  media_->setRates({.readError = kAlways});
  const Status status = read(8192, 4096);
  EXPECT_EQ(status.code(), ErrorCode::kIo);
  EXPECT_NE(status.error().message().find("8192"), std::string::npos);
  media_->setRates({.noSpace = kAlways});
  EXPECT_EQ(write(0, {gOut, 4096}).code(), ErrorCode::kNospace);
  EXPECT_FALSE(media_->isFailed());
  media_->setRates({.flushError = kAlways});
  EXPECT_EQ(flush().code(), ErrorCode::kIo);
  media_->setRates({});
  EXPECT_EQ(write(0, {gOut, 4096}).code(), ErrorCode::kIo);
  EXPECT_TRUE(media_->isFailed());
}

TEST_F(BioFaultyMedia, AFailedFlushNamesTheBytesItWasToKeep) {
  ASSERT_TRUE(write(4096, {gOut, 4096}).ok());
  ASSERT_TRUE(flush().ok());
  ASSERT_TRUE(write(12288, {gOut, 4096}).ok());
  ASSERT_TRUE(write(8192, {gOut, 4096}).ok());
  media_->setRates({.flushError = kAlways});
  const Status status = flush();
  ASSERT_EQ(status.code(), ErrorCode::kIo);
  EXPECT_NE(status.error().message().find(media_->name()), std::string::npos);
  EXPECT_NE(status.error().message().find("from 8192 to 16384"), std::string::npos)
      << status.error().message();
}

TEST_F(BioFaultyMedia, RotFlipsOneBitForGood) {
  ASSERT_TRUE(write(0, {gOut, 4096}, true).ok());
  media_->setRates({.bitRot = kAlways});
  ASSERT_TRUE(read(0, 4096).ok());
  media_->setRates({});
  ASSERT_TRUE(read(0, 4096).ok());
  int bits = 0;
  for (int i = 0; i < 4096; ++i)
    bits += __builtin_popcount(static_cast<unsigned>(gIn[i] ^ gOut[i]));
  EXPECT_EQ(bits, 1);
}

TEST_F(BioFaultyMedia, AMisdirectedWriteReportsSuccess) {
  media_->setRates({.misdirected = kAlways});
  ASSERT_TRUE(write(0, {gOut, 4096}).ok());
  media_->setRates({});
  ASSERT_TRUE(read(0, 8192).ok());
  EXPECT_NE(std::memcmp(gIn, gOut, 4096), 0);
  EXPECT_EQ(std::memcmp(gIn + 4096, gOut, 4096), 0);
}

TEST_F(BioFaultyMedia, SlownessIsVirtualTime) {
  media_->setRates({.slow = kAlways, .slowNsMax = 1000000000});
  const uint64_t before = clock_.nowNs();
  ASSERT_TRUE(read(0, 4096).ok());
  EXPECT_GT(clock_.nowNs() - before, 1000000u);
}

TEST_F(BioFaultyMedia, TheSameSeedGivesTheSameFaults) {
  std::vector<std::vector<uint64_t>> runs;
  for (const uint64_t seed : {7, 7, 8}) {
    BioFaultyMedia subject(seed);
    subject.media_->setRates({.readError = 100000,
                              .writeError = 100000,
                              .bitRot = 100000,
                              .misdirected = 100000,
                              .slow = 100000});
    for (uint64_t i = 0; i < 200; ++i) {
      (void)subject.write(i % 64 * 4096, {gOut, 4096});
      (void)subject.read(i % 50 * 4096, 4096);
    }
    (void)subject.run(subject.media_->cutPower());
    const FaultCounts& counts = subject.media_->counts();
    runs.push_back({counts.errors, counts.rottenBits, counts.misdirectedWrites, counts.slowRequests,
                    counts.sectorsKept, counts.sectorsLost, subject.clock_.nowNs()});
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
  for (size_t i = 0; i < 4; ++i) EXPECT_GT(runs[0][i], 0u);
}

}  // namespace
}  // namespace daos::bio
