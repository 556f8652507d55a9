// Goal:   whenever the power goes while an engine formats devices, makes, resizes and removes pools
//         on them, takes another device and replaces what was lost with the one before: each pool
//         is whole or gone at the next start, with what was acknowledged; no granule of a device is
//         lost; the same can be done again, and a pool can be made that takes all there is.
// Method: the engine's devices, its data directory and the store of one target, on two devices that
//         record every write (a discard is a write of something else) and a folder whose changes
//         are recorded (recorded_folders.h). For every place in the record, every state of the
//         devices (recording_media.h) with every state of the folder that a power cut could leave
//         there is opened. Granules are counted against the folders by reading the tables of
//         volumes.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "bio/engine_label.h"
#include "codec/checksum.h"
#include "engine/folder_pool_store.h"
#include "engine/share_mark.h"
#include "system/loopback.h"
#include "system/recorded_folders.h"
#include "vos/log/recording_media.h"

namespace daos::system {
namespace {

namespace fs = std::filesystem;
using bio::MediaRole;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kArenaBytes = kMiB;
// Behind the label and the table of volumes.
constexpr uint64_t kDataGranules = 12;
constexpr uint64_t kDataDeviceBytes = (2 + kDataGranules) * kMiB;
constexpr uint64_t kLogDeviceBytes = 48 * kMiB;
const Uuid kPool = Uuid::fromRandom(1, 2);
const Uuid kOther = Uuid::fromRandom(3, 4);
const Uuid kContainer = Uuid::fromRandom(5, 6);
const ObjectId kObject = ObjectId::make({1, 1}, ObjectType::kDkeyUint64, 1, 1);
constexpr size_t kValueSize = 9000;

// A device in memory; what is done to it is recorded, or can be undone.
struct Disk {
  std::vector<std::byte>* content = nullptr;
  vos::Record* record = nullptr;
  uint32_t number = 0;
  std::vector<std::pair<uint64_t, std::vector<std::byte>>> undone;

  uint64_t write(uint64_t offset, Bytes bytes, bool isDurable) {
    std::byte* const at = content->data() + offset;
    if (!record) undone.emplace_back(offset, std::vector<std::byte>(at, at + bytes.size()));
    std::memcpy(at, bytes.data(), bytes.size());
    if (!record) return 0;
    return record->add({vos::RecordedEvent::Kind::kWrite, number, 0, offset, isDurable,
                        {bytes.begin(), bytes.end()}});
  }
  void undo() {
    for (; !undone.empty(); undone.pop_back()) {
      const auto& [offset, bytes] = undone.back();
      std::memcpy(content->data() + offset, bytes.data(), bytes.size());
    }
  }
};

class DiskMedia final : public bio::Media {
 public:
  DiskMedia(Reactor& reactor, const std::string& name, Disk& disk)
      : Media(reactor, name, disk.content->size(), 512), disk_(disk) {}
  bool canDiscard() const override { return true; }

 protected:
  void start(bio::MediaRequest& request) override {
    using Kind = vos::RecordedEvent::Kind;
    if (request.operation == bio::MediaOperation::kRead) {
      std::memcpy(request.data, disk_.content->data() + request.offset, request.sizeBytes);
    } else if (request.operation == bio::MediaOperation::kWrite) {
      const Bytes bytes{request.data, request.sizeBytes};
      request.driverWord = disk_.write(request.offset, bytes, request.isDurable);
    } else if (request.operation == bio::MediaOperation::kDiscard) {
      request.driverWord = discard(request);
    } else if (disk_.record) {
      request.driverWord = disk_.record->add({.kind = Kind::kFlush, .device = disk_.number});
    }
    request.run = [](Message* message) {
      auto& done = *static_cast<bio::MediaRequest*>(message);
      static_cast<DiskMedia&>(*done.media).end(done);
    };
    reactor().post(&request);
  }

 private:
  // Of what isn't recorded the beginning tells whether it was somebody's.
  uint64_t discard(const bio::MediaRequest& request) {
    const uint64_t size = disk_.record ? request.sizeBytes : bio::kMediaBlockSize;
    const std::vector<std::byte> other(size, std::byte{0xdd});
    return disk_.write(request.offset, other, false);
  }
  void end(bio::MediaRequest& request) {
    using Kind = vos::RecordedEvent::Kind;
    const bool isFlush = request.operation == bio::MediaOperation::kFlush;
    if (disk_.record && request.operation != bio::MediaOperation::kRead) {
      disk_.record->add({.kind = isFlush ? Kind::kFlushed : Kind::kWritten,
                         .device = disk_.number,
                         .number = request.driverWord});
    }
    finish(request, {});
  }

  Disk& disk_;
};

class Disks final : public engine::DeviceAccess {
 public:
  Result<engine::DeviceHold> hold(const std::string&) override {
    return engine::DeviceHold{.isHeld = true, .guard = nullptr};
  }
  Result<std::unique_ptr<bio::Media>> open(const std::string& path, Reactor& reactor) override {
    return std::unique_ptr<bio::Media>(
        std::make_unique<DiskMedia>(reactor, path, path == "log" ? disks[0] : disks[1]));
  }
  void undo() {
    for (Disk& disk : disks) disk.undo();
  }
  std::array<Disk, 2> disks;
};

// Of a pool that is there. Of a lost one only what lies on the device for its log.
struct Known {
  uint64_t dataBytes = 0;
  bool hasValue = false;
  bool isLost = false;
  bool operator==(const Known&) const = default;
};
using State = std::map<Uuid, Known>;

enum class Step : uint8_t {
  kFormat, kCreate, kPut, kGrow, kShrink, kCreateBeside, kDestroy, kCreateAgain, kRenew, kReplace
};
constexpr Step kSteps[] = {Step::kFormat, Step::kCreate,       Step::kPut,
                           Step::kGrow,   Step::kShrink,       Step::kCreateBeside,
                           Step::kDestroy, Step::kCreateAgain, Step::kRenew,  Step::kReplace};
const char* const kStepNames[] = {"Format",       "Create",  "Put",         "Grow",  "Shrink",
                                  "CreateBeside", "Destroy", "CreateAgain", "Renew", "Replace"};

State stateAfter(Step step) {
  switch (step) {
    case Step::kFormat:
      return {};
    case Step::kCreate:
      return {{kPool, {4 * kMiB, false}}};
    case Step::kPut:
      return {{kPool, {4 * kMiB, true}}};
    case Step::kGrow:
      return {{kPool, {8 * kMiB, true}}};
    case Step::kShrink:
      return {{kPool, {2 * kMiB, true}}};
    case Step::kCreateBeside:
      return {{kPool, {2 * kMiB, true}}, {kOther, {5 * kMiB, false}}};
    case Step::kDestroy:
      return {{kOther, {5 * kMiB, false}}};
    case Step::kCreateAgain:
      return {{kPool, {3 * kMiB, false}}, {kOther, {5 * kMiB, false}}};
    case Step::kRenew:
      return {{kPool, {.isLost = true}}, {kOther, {.isLost = true}}};
    case Step::kReplace:
      return {{kPool, {4 * kMiB, false}}, {kOther, {.isLost = true}}};
  }
  return {};
}

class DeviceCrash : public testing::TestWithParam<Step> {
 protected:
  // An engine's part of it, with one target, on what lies in a folder and on the disks.
  struct Running {
    engine::EngineOptions options;
    std::unique_ptr<engine::DataDirectory> directory;
    std::unique_ptr<engine::EngineDevices> devices;
    std::unique_ptr<engine::FolderPoolStore> store;
  };

  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    buffers_ = bio::DmaPool::create(8 << 20).value();
    contents_ = {std::vector<std::byte>(kLogDeviceBytes), std::vector<std::byte>(kDataDeviceBytes)};
    for (uint32_t i = 0; i < 2; ++i) {
      live_.disks[i] = {&contents_[i], &record_, record_.addDevice(&contents_[i]), {}};
    }
    fs::create_directory(folder_);
    fs::create_directory(copy_);
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
  // Formats them where that was never done.
  std::unique_ptr<Running> start(const fs::path& folder, Disks& disks) {
    auto running = std::make_unique<Running>();
    running->options.dataDirectory = folder;
    running->options.log = log_;
    running->directory = engine::DataDirectory::open(folder, 0, 1).value();
    engine::DeviceOptions storage{
        .devices = {{"log", {MediaRole::kWal, MediaRole::kMeta}}, {"data", {MediaRole::kData}}},
        .format = engine::DeviceFormat::kBlank};
    auto devices = engine::EngineDevices::open({.directory = folder,
                                                .targetCount = 1,
                                                .options = std::move(storage),
                                                .log = log_,
                                                .access = &disks},
                                               random_);
    if (!devices.ok()) {
      ADD_FAILURE() << devices.error().describe();
      return nullptr;
    }
    running->devices = std::move(*devices);
    auto store =
        engine::FolderPoolStore::create(*reactor_, random_, *running->directory, running->options,
                                        0, running->devices.get());
    if (!store.ok()) {
      ADD_FAILURE() << store.error().describe();
      return nullptr;
    }
    running->store = std::move(*store);
    settle();
    return running;
  }
  // What goes on in the background ends.
  void settle() {
    reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
  }
  static std::string value() {
    std::string text(kValueSize, '\0');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 + (i >> 8));
    return text;
  }

  // --- steps

  Status create(Running& on, const Uuid& pool, uint64_t dataBytes) {
    auto stored = run(on.store->create(pool, {kArenaBytes, dataBytes}));
    if (!stored.ok()) return std::move(stored).error();
    return run((*stored)->close());
  }
  Status put(Running& on) {
    DAOS_TRY(auto stored, run(on.store->open(kPool)));
    vos::Pool& pool = stored->vos();
    const auto made = pool.createContainer(kContainer);
    if (!made.ok() && made.code() != ErrorCode::kExist) return made.error();
    DAOS_TRY(vos::Container* const container, pool.openContainer(kContainer));
    const uint64_t dkey = 1;
    const std::string text = value();
    const IoDescriptor single{bytesOf("s"), ValueType::kSingle, text.size(), {}, 0};
    vos::UpdateRequest request{kObject, bytesOf(&dkey, sizeof dkey), {&single, 1}, {}, {}};
    request.write.epoch = 10;
    DAOS_TRY(auto pending, container->updateBegin(request));
    std::memcpy(pending.buffers()[0].data(), text.data(), text.size());
    DAOS_CHECK(run(pending.writeData()));
    DAOS_TRY(const vos::Ticket ticket, container->updateEnd(pending));
    DAOS_CHECK(run(pool.arena().waitDurable(ticket)));
    pool.closeContainer(container);
    return run(stored->close());
  }
  // The device for data.
  Status renew(Running& on) {
    if (!on.devices->isFaulty(1)) {
      DAOS_CHECK(on.devices->setFaulty(1, "too old"));
      on.store->failDevice(1, Error(ErrorCode::kIo, "too old"));
    }
    run([](engine::PoolStore& store) -> Task<int> {
      co_await store.releaseDevice(1);
      co_return 0;
    }(*on.store));
    DAOS_CHECK(on.devices->renew(1, false, random_));
    return run(on.store->takeDevice(1));
  }
  bool hasValue(vos::Pool& pool) {
    auto opened = pool.openContainer(kContainer);
    if (!opened.ok()) return false;
    const uint64_t dkey = 1;
    const IoDescriptor single{bytesOf("s"), ValueType::kSingle, 0, {}, 0};
    vos::FetchRequest request{kObject, bytesOf(&dkey, sizeof dkey), {&single, 1}, {}, false};
    request.read.epoch = kEpochMax;
    std::string text(kValueSize, '.');
    {
      vos::FetchResult result;
      EXPECT_TRUE((*opened)->fetch(request, result).ok());
      EXPECT_TRUE(run(result.readMedia()).ok());
      if (result.values()[0].size == kValueSize) {
        result.copyTo(result.values()[0], bytesOf(text.data(), text.size()));
      }
      result.release();
    }
    pool.closeContainer(*opened);
    return text == value();
  }
  Status take(Running& on, Step step) {
    const State after = stateAfter(step);
    const auto bytesOf = [&](const Uuid& pool) { return after.at(pool).dataBytes; };
    switch (step) {
      case Step::kFormat:
        return {};
      case Step::kCreate:
      case Step::kCreateAgain:
        return create(on, kPool, bytesOf(kPool));
      case Step::kPut:
        return put(on);
      case Step::kGrow:
      case Step::kShrink:
        return run(on.store->resize(kPool, bytesOf(kPool)));
      case Step::kCreateBeside:
        return create(on, kOther, bytesOf(kOther));
      case Step::kDestroy:
        return run(on.store->destroy(kPool));
      case Step::kRenew:
        return renew(on);
      case Step::kReplace: {
        DAOS_TRY(auto stored, run(on.store->replace(kPool, {kArenaBytes, bytesOf(kPool)})));
        return run(stored->close());
      }
    }
    return {};
  }

  // --- what is recorded

  void note() { record_.note(marks_.size()), marks_.push_back({isDone_, folders_->count()}); }
  void recordStep(Step step) {
    folders_.emplace(folder_, [this] { note(); });
    std::unique_ptr<Running> running;
    for (const Step each : kSteps) {
      if (each == step) {
        settle();
        record_.restart();
        marks_.clear();
        note();
      }
      if (each == Step::kFormat) {
        running = start(folder_, live_);
        ASSERT_NE(running, nullptr);
      }
      const Status taken = take(*running, each);
      ASSERT_TRUE(taken.ok()) << taken.error().describe();
      if (each == step) break;
    }
    isDone_ = true;
    note();
    settle();
    note();
    EXPECT_TRUE(folders_->matches("lock"));
    running.reset();
    folders_->stop();
  }

  // --- what is checked

  // The volumes that there are, by device, share and role; with their sizes.
  using Volumes = std::map<std::string, uint64_t>;
  static std::string nameOf(const Uuid& share, MediaRole role) {
    return share.toString() + " " + bio::roleName(role);
  }
  Volumes volumesOn(Disks& disks) {
    Volumes all;
    for (const char* path : {"log", "data"}) {
      bio::VolumeDevice device(disks.open(path, *reactor_).value());
      const auto label = run(bio::readEngineLabel(device.media(), *buffers_)).value();
      const bio::RegionPlace place{{label.device(), 0, label.regionBytes}, label.regionOffset(0)};
      const auto region = run(bio::Region::open(device, *buffers_, place, log_)).value();
      for (const bio::Volume& volume : region->table().volumes()) {
        all[nameOf(volume.share, volume.role)] = volume.sizeBytes();
      }
    }
    return all;
  }
  // Those that the folders name, of which the data areas are as large as `state` says.
  Volumes volumesWanted(const fs::path& folder, const State& state) {
    Volumes all;
    for (const auto& [pool, known] : state) {
      const auto mark =
          engine::readShareMark(folder / "pools" / pool.toString() / "target-0").value().value();
      const bio::RoleSizes sizes = vos::LogStore::roleSizes({kArenaBytes, 0, known.dataBytes});
      all[nameOf(mark.share, MediaRole::kWal)] = engine::VolumeShares::volumeBytes(sizes.walBytes);
      all[nameOf(mark.share, MediaRole::kMeta)] =
          engine::VolumeShares::volumeBytes(sizes.metaBytes);
      if (known.isLost) continue;
      all[nameOf(mark.share, MediaRole::kData)] =
          engine::VolumeShares::volumeBytes(sizes.dataBytes);
    }
    return all;
  }
  std::optional<State> stateOf(Running& on) {
    State state;
    const auto pools = on.store->list();
    if (!pools.ok()) return std::nullopt;
    for (const engine::FaultyDevice& device : on.store->faultyDevices()) {
      EXPECT_TRUE(device.isLost) << device.why;
      state[device.pool].isLost = true;
    }
    for (const Uuid& pool : *pools) {
      if (state.contains(pool)) continue;
      auto stored = run(on.store->open(pool));
      EXPECT_TRUE(stored.ok()) << pool.toString() << ": " << stored.error().describe();
      if (!stored.ok()) return std::nullopt;
      state[pool] = {(*stored)->vos().mediaSizeBytes(), hasValue((*stored)->vos())};
      EXPECT_TRUE(run((*stored)->close()).ok());
    }
    return state;
  }
  // As an administrator, or the control plane, does it: what was under way is done again.
  void finish(Running& on, Step step, const State& found) {
    const State wanted = stateAfter(step);
    if (found != wanted || step == Step::kGrow || step == Step::kShrink) {
      const Status taken = take(on, step);
      EXPECT_TRUE(taken.ok()) << taken.error().describe();
    }
    settle();
    EXPECT_EQ(stateOf(on), wanted);
  }
  void check(const fs::path& folder, Disks& disks, Step step, bool isDone) {
    auto running = start(folder, disks);
    if (!running) return;
    if (const auto failure = running->store->failure()) {
      ASSERT_TRUE(step == Step::kRenew && !isDone) << failure->describe();
      const Status renewed = renew(*running);
      ASSERT_TRUE(renewed.ok()) << renewed.error().describe();
      settle();
    }
    const auto found = stateOf(*running);
    ASSERT_TRUE(found.has_value());
    const State after = stateAfter(step);
    const State before = step == Step::kFormat ? State{} : stateAfter(kSteps[size_t(step) - 1]);
    EXPECT_TRUE(*found == after || (!isDone && *found == before));
    // Resized volumes are larger than what they hold for a while, and what is replaced has lost
    // more.
    if (step != Step::kGrow && step != Step::kShrink && step != Step::kReplace) {
      EXPECT_EQ(volumesOn(disks), volumesWanted(folder, *found));
    }
    finish(*running, step, *found);
    EXPECT_EQ(volumesOn(disks), volumesWanted(folder, after));
    for (const auto& [pool, known] : after) EXPECT_TRUE(run(running->store->destroy(pool)).ok());
    settle();
    EXPECT_TRUE(volumesOn(disks).empty());
    const Status all = create(*running, kPool, (kDataGranules - 1) * kMiB);
    EXPECT_TRUE(all.ok()) << all.error().describe();
  }
  // Other writes may leave the same: each is looked at once.
  bool isNew(bool isDone, const RecordedFolders::Tree& tree, const vos::Record::Images& images) {
    std::array<uint32_t, 2> sums;
    for (size_t i = 0; i < 2; ++i) sums[i] = crc32c({images[i].data(), images[i].size()});
    return seen_.insert({isDone, tree, sums}).second;
  }
  void checkAll(Step step) {
    size_t stateCount = 0, newCount = 0;
    std::map<size_t, std::set<RecordedFolders::Tree>> trees;
    const size_t placeCount =
        record_.visitAllCrashes([&](size_t place, uint64_t mark, vos::Record::Images& images) {
          if (HasFailure()) return;
          const auto [isDone, folderCount] = marks_[mark];
          auto& states = trees[folderCount];
          if (states.empty()) states = folders_->statesAfter(folderCount);
          for (const RecordedFolders::Tree& tree : states) {
            ++stateCount;
            if (!isNew(isDone, tree, images)) continue;
            ++newCount;
            SCOPED_TRACE("place " + std::to_string(place) + ", mark " + std::to_string(mark));
            RecordedFolders::make(copy_, tree);
            Disks disks;
            for (uint32_t i = 0; i < 2; ++i) disks.disks[i].content = &images[i];
            check(copy_, disks, step, isDone);
            disks.undo();
          }
        });
    std::printf("%zu places, %zu states, %zu of them different\n", placeCount, stateCount,
                newCount);
    EXPECT_GT(stateCount, placeCount);
  }

  SystemClock clock_;
  SeededRandom random_{7};
  Log log_{LogLevel::kOff, {}};
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  ScratchDirectory scratch_{"/dev/shm"};
  const fs::path folder_ = scratch_.path() / "recorded";
  const fs::path copy_ = scratch_.path() / "copy";
  std::array<std::vector<std::byte>, 2> contents_;
  Disks live_;
  vos::Record record_;
  std::optional<RecordedFolders> folders_;
  // Whether the step is acknowledged, and calls so far.
  std::vector<std::pair<bool, size_t>> marks_;
  bool isDone_ = false;
  std::set<std::tuple<bool, RecordedFolders::Tree, std::array<uint32_t, 2>>> seen_;
};

INSTANTIATE_TEST_SUITE_P(Steps, DeviceCrash, testing::ValuesIn(kSteps), [](const auto& step) {
  return kStepNames[static_cast<size_t>(step.param)];
});

TEST_P(DeviceCrash, PoolsAreWholeOrGoneAndNoGranuleIsLost) {
  recordStep(GetParam());
  if (HasFatalFailure()) return;
  checkAll(GetParam());
}

}  // namespace
}  // namespace daos::system
