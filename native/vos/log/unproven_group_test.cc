// Goal:   the last group of a log counts only with all of the bulk data it tells of, and whatever
//         proves that it was durable keeps it (docs/design/durable-data.md).
// Method: a store on three disks in memory; the process is dropped, blocks of the data disk are
//         changed, and the store is opened again.
#include <gtest/gtest.h>

#include "bio/faulty_media.h"
#include "bio/memory_media.h"
#include "vos/log/log_store.h"

namespace daos::vos {
namespace {

constexpr PoolIdentity kIdentity{};
constexpr uint64_t kValueSize = 9000;
const Uuid kContainer = Uuid::fromRandom(1, 2);
const LogStoreSizes kSizes{.arenaBytes = 4 << 20, .walBytes = 512 << 10, .dataBytes = 1 << 20};

// A part of a store that is opened again and again.
class DiskView final : public bio::Media {
 public:
  explicit DiskView(bio::Media& disk)
      : Media(disk.reactor(), disk.name(), disk.sizeBytes(), 512), disk_(disk) {}

 protected:
  void start(bio::MediaRequest& request) override { forward(disk_, request); }

 private:
  bio::Media& disk_;
};

class VosUnprovenGroup : public testing::Test {
 protected:
  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    buffers_ = bio::DmaPool::create(16 << 20).value();
    const bio::RoleSizes roles = LogStore::roleSizes(kSizes);
    for (size_t i = 0; i < 3; ++i) {
      const uint64_t size = bio::StoreDevices::deviceSizeBytes(roles, 3, i);
      disks_.push_back(bio::openMemoryMedia(*reactor_, "disk" + std::to_string(i), size).value());
    }
    auto made = run(LogStore::create(views(), context(), kIdentity, kSizes));
    ASSERT_TRUE(made.ok()) << made.error().describe();
    store_ = std::move(made).value();
    ASSERT_TRUE(store_->pool().createContainer(kContainer).ok());
    container_ = store_->pool().openContainer(kContainer).value();
    waitDurable();
  }
  void TearDown() override {
    reactor_->dropTasks();
    store_.reset();
  }
  void crashAndReopen() {
    reactor_->dropTasks();
    store_->pool().closeContainer(container_);
    store_.reset();
    auto opened = run(LogStore::open(views(), context(), kIdentity));
    ASSERT_TRUE(opened.ok()) << opened.error().describe();
    store_ = std::move(opened).value();
    container_ = store_->pool().openContainer(kContainer).value();
  }
  LogStore::Devices views() {
    LogStore::Devices all;
    for (const auto& disk : disks_) {
      if (hasCaches_) {
        all.push_back(std::make_unique<bio::FaultyMedia>(*disk, random_));
      } else {
        all.push_back(std::make_unique<DiskView>(*disk));
      }
    }
    return all;
  }
  // No seal unless a test waits for it.
  LogStoreContext context() {
    return {.pool = *buffers_,
            .random = random_,
            .log = log_,
            .arena = {.sealDelayNs = sealNs_, .startMark = startMark_}};
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
  void waitDurable() {
    ASSERT_TRUE(run(store_->arena().waitDurable(store_->arena().lastTicket())).ok());
  }

  // Written, but not yet ended.
  struct Write {
    uint64_t key;
    char fill;
    IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, kValueSize, {}, 0};
    UpdateRequest request;
    PendingUpdate pending;
  };
  std::unique_ptr<Write> begin(uint64_t key, char fill, Epoch epoch) {
    auto write = std::make_unique<Write>();
    write->key = key;
    write->fill = fill;
    write->request = {kObject, bytesOf(&write->key, 8), {&write->descriptor, 1}, {}, {}};
    write->request.write.epoch = epoch;
    write->pending = container_->updateBegin(write->request).value();
    std::memset(write->pending.buffers()[0].data(), fill, kValueSize);
    EXPECT_TRUE(run(write->pending.writeData()).ok());
    return write;
  }
  void end(Write& write) { EXPECT_TRUE(container_->updateEnd(write.pending).ok()); }
  void put(uint64_t key, char fill, Epoch epoch) {
    end(*begin(key, fill, epoch));
    waitDurable();
  }
  // The character a value is filled with; '-': not there, '?': not the same throughout.
  char get(uint64_t key) {
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 0, {}, 0};
    FetchRequest request{kObject, bytesOf(&key, 8), {&descriptor, 1}, {}, false};
    FetchResult result;
    EXPECT_TRUE(container_->fetch(request, result).ok());
    const FetchedValue& found = result.values()[0];
    if (found.recordSize == 0) return '-';
    EXPECT_TRUE(run(result.readMedia()).ok());
    std::string value(found.size, '\0');
    result.copyTo(found, bytesOf(value.data(), value.size()));
    return value == std::string(kValueSize, value[0]) ? value[0] : '?';
  }
  // Replaces the blocks of the data disk that begin with `from`. Returns how many there were.
  size_t replaceBlocks(char from, char to) {
    bio::Media& disk = *disks_[2];
    const auto buffer = buffers_->allocate(disk.sizeBytes()).value();
    EXPECT_TRUE(run(readAll(disk, buffer.bytes())).ok());
    size_t count = 0;
    for (uint64_t at = bio::kRolesOffset; at < buffer.size(); at += bio::kMediaBlockSize) {
      if (buffer.data()[at] != static_cast<std::byte>(from)) continue;
      std::memset(buffer.data() + at, to, 1);
      ++count;
    }
    EXPECT_TRUE(run(writeAll(disk, buffer.bytes())).ok());
    return count;
  }
  static Task<Status> readAll(bio::Media& disk, MutableBytes to) {
    co_return co_await disk.read(0, to);
  }
  static Task<Status> writeAll(bio::Media& disk, Bytes from) {
    co_return co_await disk.writeDurable(0, from);
  }
  bool isDropped() const { return store_->arena().recovery().isLastGroupDropped; }

  static inline const ObjectId kObject = ObjectId::make({1, 1}, ObjectType::kDkeyUint64, 1, 1);
  SystemClock clock_;
  SeededRandom random_{3};
  Log log_;
  bool hasCaches_ = false;  // what was not flushed is lost with the process
  uint64_t sealNs_ = 3'600'000'000'000;
  uint32_t startMark_ = 0;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::vector<std::unique_ptr<bio::Media>> disks_;
  std::unique_ptr<LogStore> store_;
  Container* container_ = nullptr;
};

TEST_F(VosUnprovenGroup, WithAllItsDataItIsThere) {
  put(1, 'a', 2);
  put(2, 'b', 3);
  crashAndReopen();
  EXPECT_FALSE(isDropped());
  EXPECT_EQ(get(1), 'a');
  EXPECT_EQ(get(2), 'b');
}

TEST_F(VosUnprovenGroup, WithoutSomeOfItsDataNoneOfItHasHappened) {
  put(1, 'a', 2);
  const auto second = begin(2, 'b', 3);
  const auto third = begin(3, 'c', 4);
  end(*second);
  end(*third);
  waitDurable();
  EXPECT_EQ(replaceBlocks('b', 'x'), 3u);
  crashAndReopen();
  EXPECT_TRUE(isDropped());
  EXPECT_EQ(get(1), 'a');
  EXPECT_EQ(get(2), '-');
  EXPECT_EQ(get(3), '-');
  EXPECT_EQ(store_->pool().space().mediaUsedBytes, container_->usage().mediaBytes);
}

TEST_F(VosUnprovenGroup, WhatWasDroppedStaysSoThoughItsDataComes) {
  put(1, 'a', 2);
  EXPECT_EQ(replaceBlocks('a', 'x'), 3u);
  crashAndReopen();
  ASSERT_TRUE(isDropped());
  EXPECT_EQ(replaceBlocks('x', 'a'), 3u);
  crashAndReopen();
  EXPECT_FALSE(isDropped());
  EXPECT_EQ(get(1), '-');
  put(1, 'b', 3);
  crashAndReopen();
  EXPECT_EQ(get(1), 'b');
}

TEST_F(VosUnprovenGroup, ALaterGroupProvesIt) {
  put(1, 'a', 2);
  put(2, 'b', 3);
  EXPECT_EQ(replaceBlocks('a', 'x'), 3u);
  crashAndReopen();
  EXPECT_FALSE(isDropped());
  EXPECT_EQ(get(1), '?');  // damaged, which is for the client's checksums to tell; not gone
  EXPECT_EQ(get(2), 'b');
}

TEST_F(VosUnprovenGroup, ASealProvesIt) {
  sealNs_ = 100'000;
  crashAndReopen();
  put(1, 'a', 2);
  reactor_->runUntil([&] { return store_->arena().walCounters().sealCount > 0; });
  for (int i = 0; i < 10; ++i) reactor_->runOnce();
  EXPECT_EQ(replaceBlocks('a', 'x'), 3u);
  crashAndReopen();
  EXPECT_FALSE(isDropped());
  EXPECT_EQ(get(1), '?');
}

TEST_F(VosUnprovenGroup, AfterALongerWhileTheSealOutlivesThePower) {
  sealNs_ = 100'000;
  hasCaches_ = true;
  crashAndReopen();
  put(1, 'a', 2);
  reactor_->runUntil([&] { return store_->arena().walCounters().sealCount == 2; });
  for (int i = 0; i < 10; ++i) reactor_->runOnce();
  EXPECT_EQ(store_->arena().walCounters().sealCount, 2u);
  hasCaches_ = false;
  EXPECT_EQ(replaceBlocks('a', 'x'), 3u);
  crashAndReopen();
  EXPECT_FALSE(isDropped());
  EXPECT_EQ(get(1), '?');
}

// Its data was at the device before it, and no power cut has taken it away since.
TEST_F(VosUnprovenGroup, AMachineThatKeptRunningProvesIt) {
  startMark_ = 7;
  crashAndReopen();
  put(1, 'a', 2);
  EXPECT_EQ(replaceBlocks('a', 'x'), 3u);
  crashAndReopen();
  EXPECT_FALSE(isDropped());
  EXPECT_TRUE(store_->arena().recovery().isLastGroupDamaged);
  EXPECT_EQ(get(1), '?');
}

TEST_F(VosUnprovenGroup, AMachineThatStartedAnewDoesNot) {
  startMark_ = 7;
  crashAndReopen();
  put(1, 'a', 2);
  EXPECT_EQ(replaceBlocks('a', 'x'), 3u);
  startMark_ = 8;
  crashAndReopen();
  EXPECT_TRUE(isDropped());
  EXPECT_FALSE(store_->arena().recovery().isLastGroupDamaged);
  EXPECT_EQ(get(1), '-');
}

TEST_F(VosUnprovenGroup, ACheckpointProvesIt) {
  put(1, 'a', 2);
  ASSERT_TRUE(run(store_->arena().checkpoint()).ok());
  EXPECT_EQ(replaceBlocks('a', 'x'), 3u);
  crashAndReopen();
  EXPECT_FALSE(isDropped());
  EXPECT_EQ(get(1), '?');
}

TEST_F(VosUnprovenGroup, ACheckpointInPlaceOfTheGroupBringsItsDataToTheMedium) {
  hasCaches_ = true;
  crashAndReopen();
  end(*begin(1, 'a', 2));
  const std::string value(8000, 'b');
  for (uint64_t key = 2; key < 100; ++key) {  // more than the log holds
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, value.size(), {}, 0};
    UpdateRequest request{kObject, bytesOf(&key, 8), {&descriptor, 1}, {}, {}};
    request.write.epoch = key + 1;
    const Bytes data = bytesOf(value);
    ASSERT_TRUE(container_->update(request, {&data, 1}).ok());
  }
  waitDurable();
  EXPECT_EQ(store_->arena().counters().resetCount, 1u);
  crashAndReopen();
  EXPECT_FALSE(isDropped());
  EXPECT_EQ(get(1), 'a');
}

TEST_F(VosUnprovenGroup, WhatItDroppedItselfMayBeOverwritten) {
  const auto first = begin(1, 'a', 2);
  const auto second = begin(1, 'b', 2);
  end(*first);
  end(*second);  // replaces what has the same stamp
  waitDurable();
  EXPECT_EQ(replaceBlocks('a', 'x'), 3u);
  crashAndReopen();
  EXPECT_FALSE(isDropped());
  EXPECT_EQ(get(1), 'b');
}

}  // namespace
}  // namespace daos::vos
