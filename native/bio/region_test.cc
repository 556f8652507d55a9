#include "bio/region.h"

#include <gtest/gtest.h>

#include <cstring>

#include "bio/device_contents.h"
#include "bio/faulty_media.h"
#include "bio/media_batch.h"
#include "bio/memory_media.h"
#include "bio/store_devices.h"
#include "runtime/random.h"

namespace daos::bio {
namespace {

constexpr uint64_t kMiB = 1 << 20;
const Uuid kShare = Uuid::fromRandom(3, 4);
const Uuid kOther = Uuid::fromRandom(5, 6);

class BioRegion : public testing::Test {
 public:
  static constexpr uint64_t kRegionBytes = 32 * kMiB;

  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    pool_ = DmaPool::create(8 << 20).value();
    device_ = std::make_unique<VolumeDevice>(
        openMemoryMedia(*reactor_, "disk", 80 * kMiB).value());
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }
  auto open() { return run(Region::open(*device_, *pool_, place_, log_)); }
  void format() { ASSERT_TRUE(run(Region::format(device_->media(), *pool_, place_)).ok()); }
  Status write(Media& media, uint64_t offset, uint64_t size, uint64_t seed) {
    DmaBuffer buffer = filled(size, seed);
    return run([](Media& to, uint64_t at, Bytes bytes) -> Task<Status> {
      co_return co_await to.writeDurable(at, bytes);
    }(media, offset, buffer.bytes().first(size)));
  }
  bool holds(Media& media, uint64_t offset, uint64_t size, uint64_t seed) {
    DmaBuffer wanted = filled(size, seed);
    DmaBuffer found = filled(size, ~seed);
    const Status status = run([](Media& from, uint64_t at, MutableBytes bytes) -> Task<Status> {
      co_return co_await from.read(at, bytes);
    }(media, offset, found.bytes().first(size)));
    return status.ok() && std::memcmp(wanted.data(), found.data(), size) == 0;
  }
  DmaBuffer filled(uint64_t size, uint64_t seed) {
    DmaBuffer buffer = pool_->allocate(size).value();
    SeededRandom random(seed);
    for (uint64_t at = 0; at < size; at += 8) storeAs(buffer.data() + at, random.next());
    return buffer;
  }

  SystemClock clock_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }};
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<DmaPool> pool_;
  std::unique_ptr<VolumeDevice> device_;
  RegionPlace place_{{Uuid::fromRandom(1, 2), 0, kRegionBytes}, 33 * kMiB};
};

TEST_F(BioRegion, VolumesAreFoundAgainWithWhatTheyHold) {
  format();
  {
    auto region = open().value();
    ASSERT_TRUE(run(region->add(kShare, {{MediaRole::kWal, 2 * kMiB},
                                         {MediaRole::kData, 4 * kMiB}})).ok());
    auto wal = region->openVolume(*region->table().find(kShare, MediaRole::kWal), "wal");
    auto data = region->openVolume(*region->table().find(kShare, MediaRole::kData), "data");
    EXPECT_EQ(wal->sizeBytes(), 2 * kMiB);
    EXPECT_EQ(&wal->device(), &data->device());
    ASSERT_TRUE(write(*wal, 2 * kMiB - 4096, 4096, 1).ok());
    ASSERT_TRUE(write(*data, 0, 4 * kMiB, 2).ok());
  }
  auto region = open().value();
  EXPECT_EQ(region->table().volumes().size(), 2u);
  auto wal = region->openVolume(*region->table().find(kShare, MediaRole::kWal), "wal");
  auto data = region->openVolume(*region->table().find(kShare, MediaRole::kData), "data");
  EXPECT_TRUE(holds(*wal, 2 * kMiB - 4096, 4096, 1));
  EXPECT_TRUE(holds(*data, 0, 4 * kMiB, 2));
}

TEST_F(BioRegion, WhatIsNotFormattedOrOfAnotherDeviceIsRefused) {
  EXPECT_EQ(open().code(), ErrorCode::kDfInval);
  format();
  EXPECT_TRUE(open().ok());
  place_.identity.device = kOther;
  const auto refused = open();
  ASSERT_EQ(refused.code(), ErrorCode::kDfInval);
  EXPECT_NE(refused.error().message().find("disk: the region of target 0"), std::string::npos);
}

// Goal: a torn write of a table, of whatever length, leaves the table before it.
TEST_F(BioRegion, ATornTableLeavesTheOneBefore) {
  format();
  auto region = open().value();
  ASSERT_TRUE(run(region->add(kShare, {{MediaRole::kData, kMiB}})).ok());
  ASSERT_TRUE(run(region->add(kOther, {{MediaRole::kData, kMiB}})).ok());
  const uint64_t newest = place_.offset + region->table().sequence() % 2 * kVolumeTableBytesMax;
  const DmaBuffer block = pool_->allocate(4096).value();
  for (size_t kept = 0; kept < 128; kept += 8) {
    run([](Media& media, uint64_t at, MutableBytes bytes, size_t size) -> Task<int> {
      EXPECT_TRUE((co_await media.read(at, bytes)).ok());
      std::memset(bytes.data() + size, 0x5a, bytes.size() - size);
      EXPECT_TRUE((co_await media.writeDurable(at, bytes)).ok());
      co_return 0;
    }(device_->media(), newest, block.bytes(), 127 - kept));
    lines_.clear();
    auto before = open();
    ASSERT_TRUE(before.ok()) << before.error().describe();
    EXPECT_NE((*before)->table().find(kShare, MediaRole::kData), nullptr);
    EXPECT_EQ((*before)->table().find(kOther, MediaRole::kData), nullptr);
    EXPECT_EQ(lines_.size(), 1u);
  }
}

TEST_F(BioRegion, ANewVolumeHoldsNoLabelOfAnEarlierOne) {
  format();
  auto region = open().value();
  const std::vector<VolumeWish> wishes{{MediaRole::kData, 4 * kMiB}};
  SeededRandom random(1);
  for (const Uuid& share : {kShare, kOther}) {
    ASSERT_TRUE(run(region->add(share, wishes)).ok());
    StoreDevices::Devices devices;
    devices.push_back(region->openVolume(*region->table().find(share, MediaRole::kData), "data"));
    const auto store = run(StoreDevices::format(std::move(devices), *pool_, {share, 0},
                                                {.dataBytes = 3 * kMiB}, random));
    ASSERT_TRUE(store.ok()) << store.error().describe();
    ASSERT_TRUE(run(region->remove(share)).ok());
  }
}

TEST_F(BioRegion, AFullRegionIsRefusedAndKeepsWhatItHas) {
  format();
  auto region = open().value();
  ASSERT_TRUE(run(region->add(kShare, {{MediaRole::kData, 30 * kMiB}})).ok());
  const Status refused =
      run(region->add(kOther, {{MediaRole::kWal, kMiB}, {MediaRole::kData, kMiB}}));
  EXPECT_EQ(refused.code(), ErrorCode::kNospace);
  EXPECT_NE(refused.error().message().find("disk: no volume for data"), std::string::npos);
  EXPECT_EQ(open().value()->table().volumes().size(), 1u);
  EXPECT_TRUE(run(region->add(kOther, {{MediaRole::kData, 25 * kMiB}}, kShare)).ok());
  EXPECT_EQ(region->table().find(kShare, MediaRole::kData), nullptr);
}

TEST_F(BioRegion, ChangesAtTheSameTimeWaitForEachOther) {
  format();
  auto region = open().value();
  int done = 0;
  for (uint64_t i = 0; i < 6; ++i) {
    reactor_->spawn([](Region& at, Uuid share, int& count) -> Task<void> {
      std::vector<VolumeWish> wishes(1, VolumeWish{MediaRole::kData, 2 * kMiB});
      EXPECT_TRUE((co_await at.add(share, std::move(wishes))).ok());
      ++count;
    }(*region, Uuid::fromRandom(i, 1), done));
  }
  reactor_->runUntil([&] { return done == 6; });
  EXPECT_EQ(open().value()->table().volumes().size(), 6u);
  const auto removed = run(region->retain({Uuid::fromRandom(2, 1), kShare}));
  EXPECT_EQ(removed.value(), 5u);
  const auto again = open().value();
  ASSERT_EQ(again->table().volumes().size(), 1u);
  EXPECT_EQ(again->table().volumes()[0].share, Uuid::fromRandom(2, 1));
}

// --- discarding

// Zeros where memory was given back.
class BioRegionDiscard : public BioRegion {
 public:
  void SetUp() override {
    BioRegion::SetUp();
    format();
    region_ = open().value();
    region_->onFreed([this] { ++toldCount_; });
  }
  void add(const Uuid& share, uint64_t mebibytes) {
    ASSERT_TRUE(run(region_->add(share, {{MediaRole::kData, mebibytes * kMiB}})).ok());
    fill(share);
  }
  void fill(const Uuid& share) {
    const auto volume = region_->openVolume(*region_->table().find(share, MediaRole::kData), "v");
    for (uint64_t at = 0; at < volume->sizeBytes(); at += kMiB) {
      ASSERT_TRUE(write(*volume, at, kMiB, 7).ok());
    }
  }
  // Of the region's granules those that hold what fill() wrote.
  std::string filledGranules() {
    std::string found;
    for (uint64_t granule = 1; granule < kRegionBytes / kMiB; ++granule) {
      found += holds(device_->media(), place_.offset + granule * kMiB, kMiB, 7) ? 'x' : '.';
    }
    return found.substr(0, 10);
  }
  uint64_t discardedBytes() {
    return device_->media().statistics().of(MediaOperation::kDiscard).sizeBytes;
  }

  std::unique_ptr<Region> region_;
  int toldCount_ = 0;
};

TEST_F(BioRegionDiscard, WhatChangesGaveUpIsDiscardedAndNothingElse) {
  add(kShare, 4);
  add(kOther, 3);
  EXPECT_EQ(filledGranules(), "xxxxxxx...");
  EXPECT_EQ(toldCount_, 0);
  ASSERT_TRUE(run(region_->resize(kShare, MediaRole::kData, 2 * kMiB)).ok());
  EXPECT_EQ(toldCount_, 1);
  EXPECT_EQ(discardedBytes(), 0u);
  ASSERT_TRUE(run(region_->discardFreed()).ok());
  EXPECT_EQ(filledGranules(), "xx..xxx...");
  ASSERT_TRUE(run(region_->remove(kOther)).ok());
  ASSERT_TRUE(run(region_->discardFreed()).ok());
  EXPECT_EQ(filledGranules(), "xx........");
  EXPECT_EQ(discardedBytes(), 5 * kMiB);
  ASSERT_TRUE(run(region_->retain({})).ok());
  ASSERT_TRUE(run(region_->discardFreed()).ok());
  EXPECT_EQ(filledGranules(), "..........");
  EXPECT_EQ(discardedBytes(), 7 * kMiB);
}

TEST_F(BioRegionDiscard, WhatSomebodyHasTakenAgainStays) {
  add(kShare, 4);
  ASSERT_TRUE(run(region_->remove(kShare)).ok());
  add(kOther, 2);
  ASSERT_TRUE(run(region_->discardFreed()).ok());
  EXPECT_EQ(filledGranules(), "xx........");
  ASSERT_TRUE(run(region_->add(kShare, {{MediaRole::kData, 3 * kMiB}}, kOther)).ok());
  fill(kShare);
  ASSERT_TRUE(run(region_->discardFreed()).ok());
  EXPECT_EQ(filledGranules(), "xxx.......");
}

TEST_F(BioRegionDiscard, AFreshRegionGivesUpAllThatIsFree) {
  add(kShare, 3);
  region_->noteAllFreed();
  ASSERT_TRUE(run(region_->discardFreed()).ok());
  EXPECT_EQ(discardedBytes(), kRegionBytes - 4 * kMiB);
  EXPECT_EQ(filledGranules(), "xxx.......");
  region_->noteAllFreed();
  region_->forgetFreed();
  ASSERT_TRUE(run(region_->discardFreed()).ok());
  EXPECT_EQ(discardedBytes(), kRegionBytes - 4 * kMiB);
}

// A share is made in the place of one whose space is being discarded.
TEST_F(BioRegionDiscard, ChangesGoOnBesideIt) {
  add(kShare, 20);
  ASSERT_TRUE(run(region_->remove(kShare)).ok());
  bool isDone = false;
  reactor_->spawn([](Region& region, bool& done) -> Task<void> {
    EXPECT_TRUE((co_await region.discardFreed()).ok());
    done = true;
  }(*region_, isDone));
  add(kOther, 6);
  reactor_->runUntil([&] { return isDone; });
  EXPECT_EQ(filledGranules().substr(0, 6), "xxxxxx");
  EXPECT_FALSE(region_->isInUse());
}

TEST_F(BioRegion, ADeviceThatRefusesDiscardsIsSoundAndItsErrorsAreCounted) {
  const auto below = openMemoryMedia(*reactor_, "memory", 80 * kMiB).value();
  SeededRandom random(1);
  auto faulty = std::make_unique<FaultyMedia>(*below, random,
                                              FaultRates{.discardError = 1'000'000});
  FaultyMedia& media = *faulty;
  device_ = std::make_unique<VolumeDevice>(std::move(faulty));
  format();
  const auto region = open().value();
  region->onFreed([] {});
  for (uint64_t round = 1; round <= 20; ++round) {
    ASSERT_TRUE(run(region->add(kShare, {{MediaRole::kData, 4 * kMiB}})).ok());
    ASSERT_TRUE(run(region->remove(kShare)).ok());
    EXPECT_EQ(run(region->discardFreed()).code(), ErrorCode::kIo);
    EXPECT_EQ(media.statistics().of(MediaOperation::kDiscard).errorCount, round);
  }
  EXPECT_FALSE(media.isFailed());
  device_.reset();
}

// Goal: requests over the border of two extents find the same bytes as two within them.
TEST_F(BioRegion, RequestsOverTheBordersOfExtentsAreSplit) {
  VolumeMedia volume(*device_, "volume",
                     {{40 * kMiB, 8192}, {10 * kMiB, 4096}, {20 * kMiB, 16384}});
  EXPECT_EQ(volume.sizeBytes(), 28672u);
  ASSERT_TRUE(write(volume, 4096, 20480, 5).ok());
  EXPECT_TRUE(holds(volume, 4096, 20480, 5));
  EXPECT_EQ(volume.statistics().of(MediaOperation::kWrite).count, 1u);
  EXPECT_EQ(volume.statistics().durableWriteCount, 1u);
  EXPECT_EQ(device_->media().statistics().of(MediaOperation::kWrite).count, 3u);
  const DmaBuffer wanted = filled(20480, 5);
  const DmaBuffer found = pool_->allocate(20480).value();
  run([](Media& media, MutableBytes to) -> Task<int> {
    MediaBatch batch(media);
    batch.read(40 * kMiB + 4096, to.first(4096));
    batch.read(10 * kMiB, to.subspan(4096, 4096));
    batch.read(20 * kMiB, to.subspan(8192, 12288));
    EXPECT_TRUE((co_await batch.all()).ok());
    co_return 0;
  }(device_->media(), found.bytes()));
  EXPECT_EQ(std::memcmp(wanted.data(), found.data(), 20480), 0);
}

TEST_F(BioRegion, AFailedDeviceFailsAllItsVolumesAtOnce) {
  VolumeMedia first(*device_, "first", {{kMiB, kMiB}});
  VolumeMedia second(*device_, "second", {{2 * kMiB, kMiB}});
  std::vector<std::string> told;
  first.onFailed([&](const Error& error) { told.emplace_back(error.message()); });
  second.onFailed([&](const Error& error) { told.emplace_back(error.message()); });
  device_->onFailed([&](const Error& error) { told.emplace_back(error.message()); });
  device_->media().fail(Error(ErrorCode::kIo, "pulled out"));
  EXPECT_EQ(told, (std::vector<std::string>(3, "pulled out")));
  EXPECT_EQ(write(second, 0, 4096, 1).error().message(), "pulled out");
  VolumeMedia third(*device_, "third", {{3 * kMiB, kMiB}});
  EXPECT_TRUE(third.isFailed());
}

TEST_F(BioRegion, ContentsOfADeviceAreNamed) {
  const auto what = [&] { return run(readContents(device_->media(), *pool_)).value(); };
  EXPECT_TRUE(what().isBlank);
  const auto put = [&](uint64_t offset, std::string_view text) {
    const DmaBuffer block = pool_->allocate(4096).value();
    std::memset(block.data(), 0, 4096);
    std::memcpy(block.data() + offset % 4096, text.data(), text.size());
    run([](Media& media, uint64_t at, Bytes bytes) -> Task<int> {
      EXPECT_TRUE((co_await media.writeDurable(at, bytes)).ok());
      co_return 0;
    }(device_->media(), alignDown(offset, 4096), block.bytes()));
  };
  put(1080, "\x53\xef");
  EXPECT_EQ(what().what, "an ext file system");
  put(512, "EFI PART");
  EXPECT_EQ(what().what, "a partition table (GPT)");
  put(0, "");
  put(kMiB - 1, "x");
  EXPECT_EQ(what().what, "data of an unknown kind");
  EngineLabel label{};
  label.engine = kShare;
  label.rank = 7;
  label.deviceCount = label.targetCount = label.regionCount = label.roles = 1;
  label.deviceBytes = 80 * kMiB;
  label.regionBytes = 79 * kMiB;
  label.setUsedBy(0);
  ASSERT_TRUE(run(writeEngineLabel(device_->media(), *pool_, label)).ok());
  EXPECT_EQ(what().what, "device 0 of engine " + kShare.toString() + " (rank 7)");
  EXPECT_EQ(run(readEngineLabel(device_->media(), *pool_)).value().engine, kShare);
}

}  // namespace
}  // namespace daos::bio
