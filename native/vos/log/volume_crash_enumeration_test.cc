// Goal:   whenever a crash comes while volumes are made, resized and removed, the region opens
//         again with the table before the change or the one after it, what an acknowledged change
//         made stays, and nothing that the table names is discarded.
// Method: devices that record every write; every place in the record, with torn, lost and kept
//         writes (recording_media.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "bio/region.h"
#include "vos/log/recording_media.h"

namespace daos::vos {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kDeviceBytes = 40 * kMiB;
// So many that the table has several sectors, which a crash can tear apart.
constexpr uint64_t kOtherCount = 28;
constexpr uint64_t kFilledCount = 2;
constexpr std::byte kFilling{0x11};
const Uuid kFirst = Uuid::fromRandom(3, 4);
const Uuid kSecond = Uuid::fromRandom(5, 6);
const bio::RegionPlace kPlace{{Uuid::fromRandom(1, 2), 0, 39 * kMiB}, kMiB};

// What a table says, for comparison.
using State = std::vector<std::pair<Uuid, uint64_t>>;

State stateOf(const bio::VolumeTable& table) {
  State state;
  for (const bio::Volume& volume : table.volumes()) {
    state.emplace_back(volume.share, volume.sizeBytes());
  }
  return state;
}

class VosVolumeCrash : public testing::Test {
 public:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    pool_ = bio::DmaPool::create(8 << 20).value();
    auto media = std::make_unique<RecordingMedia>(*reactor_, record_, "disk", kDeviceBytes);
    device_ = std::make_unique<bio::VolumeDevice>(std::move(media));
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
  // One acknowledged change: the note says how many there were.
  void did(const Status& status, const bio::Region& region) {
    ASSERT_TRUE(status.ok()) << status.error().describe();
    states_.push_back(stateOf(region.table()));
    record_.note(states_.size() - 1);
  }
  // Something in each granule of the first share's volume, which is in its place from here on.
  void fill(bio::Region& region) {
    const bio::Volume volume = *region.table().find(kFirst, bio::MediaRole::kData);
    const auto media = region.openVolume(volume, "first");
    const bio::DmaBuffer block = pool_->allocate(4096).value();
    std::fill(block.bytes().begin(), block.bytes().end(), kFilling);
    for (uint64_t offset = 0; offset < media->sizeBytes(); offset += kMiB) {
      run([](bio::Media& to, uint64_t at, Bytes bytes) -> Task<int> {
        EXPECT_TRUE((co_await to.writeDurable(at, bytes)).ok());
        co_return 0;
      }(*media, offset, block.bytes()));
    }
    did({}, region);
    filledFrom_ = states_.size() - 1;
  }
  // Of a state from before a change: what its first volume was filled with.
  void expectFilled(const std::vector<std::byte>& image, uint64_t note) {
    if (note < filledFrom_) return;
    for (const auto& [share, sizeBytes] : states_[note]) {
      if (share != kFirst) continue;
      const uint64_t first = kPlace.offset + (1 + kOtherCount) * kMiB;
      for (uint64_t granule = 0; granule < std::min(sizeBytes / kMiB, kFilledCount); ++granule) {
        EXPECT_EQ(image[first + granule * kMiB], kFilling) << "granule " << granule;
      }
    }
  }
  void discard(bio::Region& region) {
    EXPECT_TRUE(run(region.discardFreed()).ok());
    did({}, region);
  }
  State stateIn(std::vector<std::byte>& image) {
    Record unused;
    bio::VolumeDevice device(std::make_unique<RecordingMedia>(*reactor_, unused, "image", image));
    auto region = run(bio::Region::open(device, *pool_, kPlace, log_));
    EXPECT_TRUE(region.ok()) << (region.ok() ? "" : region.error().describe());
    return region.ok() ? stateOf((*region)->table()) : State{{Uuid{}, 0}};
  }

  SystemClock clock_;
  Log log_{LogLevel::kOff, {}};
  Record record_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> pool_;
  std::unique_ptr<bio::VolumeDevice> device_;
  std::vector<State> states_;
  uint64_t filledFrom_ = ~uint64_t{0};
};

TEST_F(VosVolumeCrash, EveryCrashLeavesATableFromBeforeOrAfterTheChange) {
  ASSERT_TRUE(run(bio::Region::format(device_->media(), *pool_, kPlace)).ok());
  auto region = run(bio::Region::open(*device_, *pool_, kPlace, log_)).value();
  const auto wish = [](uint64_t mebibytes) {
    return std::vector<bio::VolumeWish>{{bio::MediaRole::kData, mebibytes * kMiB}};
  };
  for (uint64_t i = 0; i < kOtherCount; ++i) {
    ASSERT_TRUE(run(region->add(Uuid::fromRandom(i, 7), wish(1))).ok());
  }
  EXPECT_GT(loadAs<bio::VolumeTableHeader>(region->table().encode().data()).sizeBytes, 512u);
  record_.restart();
  region->onFreed([] {});
  did({}, *region);
  did(run(region->add(kFirst, wish(kFilledCount))), *region);
  fill(*region);
  did(run(region->add(kSecond, wish(1))), *region);
  did(run(region->resize(kFirst, bio::MediaRole::kData, 3 * kMiB)), *region);
  did(run(region->resize(kFirst, bio::MediaRole::kData, kMiB)), *region);
  discard(*region);
  did(run(region->remove(kFirst)), *region);
  discard(*region);
  const uint64_t filledTo = states_.size();
  did(run(region->add(kFirst, wish(4), kSecond)), *region);
  discard(*region);
  size_t visitedCount = 0;
  const size_t placeCount =
      record_.visitAllCrashes([&](size_t place, uint64_t note, Record::Images& images) {
        ++visitedCount;
        const State state = stateIn(images[0]);
        const bool isBefore = state == states_[note];
        const bool isAfter = note + 1 < states_.size() && state == states_[note + 1];
        ASSERT_TRUE(isBefore || isAfter) << "place " << place << ", note " << note;
        if (isBefore && note < filledTo) expectFilled(images[0], note);
      });
  EXPECT_GT(placeCount, 12u);
  EXPECT_GT(visitedCount, placeCount);
}

}  // namespace
}  // namespace daos::vos
