// Goal: damage of a small store, wherever it is, is told or does no harm: no read gives wrong data,
//       and nothing that was acknowledged is silently missing.
//
// Method: every sector that opening and reading the store look at, of labels, superblocks, tables,
// pages, log and bulk data, is lost in turn; of a smaller store every word, and one bit of every
// byte is flipped. Each time the store is opened and all of it is read. What is never looked at
// can't change an answer; the devices note what is, while the sound store is opened and read. Bulk
// data has the checksums that clients make, and is verified as they do. Once for a store that was
// closed in order, once for one whose process died with all of its history in the log.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "codec/checksum.h"
#include "vos/log/log_store.h"
#include "vos/log/meta_format.h"

namespace daos::vos {
namespace {

// Every byte, or one of a few in the much slower programs that look for errors of memory.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kStride = 13;
#else
constexpr uint64_t kStride = 1;
#endif
// A prime, and so no divisor of the size of a device.
constexpr uint64_t kJump = 1'000'003;
constexpr uint64_t kSectorSize = 512;
constexpr PoolIdentity kIdentity{};
const Uuid kContainer = Uuid::fromRandom(1, 2);
const ObjectId kObject = ObjectId::make({1, 1}, ObjectType::kDkeyUint64, 1, 1);
const LogStoreSizes kSizes{
    .arenaBytes = 1 << 20, .walBytes = LogArena::kWalSizeMin, .dataBytes = 64 << 10};
constexpr size_t kValueSizes[] = {40, 9000, 300, 4096, 5000, 3000};
constexpr uint64_t kValueCount = std::size(kValueSizes);
constexpr uint64_t kManyCount = 400;  // trees of more than one node; all but the first are small
constexpr uint32_t kChunkSize = 1024;

// A device in memory that notes which of its blocks are read.
class NotingMedia final : public bio::Media {
 public:
  NotingMedia(Reactor& reactor, std::vector<std::byte>& content, std::vector<bool>& isRead,
              bool& isWritten)
      : Media(reactor, "disk", content.size(), kSectorSize),
        content_(content),
        isRead_(isRead),
        isWritten_(isWritten) {}

 protected:
  void start(bio::MediaRequest& request) override {
    std::byte* at = content_.data() + request.offset;
    if (request.operation == bio::MediaOperation::kRead) {
      std::memcpy(request.data, at, request.sizeBytes);
      for (uint64_t done = 0; done < request.sizeBytes; done += bio::kMediaBlockSize) {
        isRead_[(request.offset + done) / bio::kMediaBlockSize] = true;
      }
    }
    if (request.operation == bio::MediaOperation::kWrite) {
      std::memcpy(at, request.data, request.sizeBytes);
      isWritten_ = true;
    }
    finishLater(request, {});
  }

 private:
  std::vector<std::byte>& content_;
  std::vector<bool>& isRead_;
  bool& isWritten_;
};

std::vector<std::byte> valueOf(uint64_t key) {
  std::vector<std::byte> value(key < kValueCount ? kValueSizes[key] : 24);
  for (size_t i = 0; i < value.size(); ++i)
    value[i] = static_cast<std::byte>(i * 7 + i / 256 + key);
  return value;
}

std::vector<std::byte> checksumsOf(Bytes value) {
  std::vector<std::byte> all;
  for (size_t at = 0; at < value.size(); at += kChunkSize) {
    const uint32_t sum = crc32c(value.subspan(at, std::min<size_t>(kChunkSize, value.size() - at)));
    const Bytes bytes = bytesOf(&sum, sizeof(sum));
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

enum class Outcome { kRight, kOpenRefused, kReadRefused, kWrong };

class VosFlippedBytes : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    const uint64_t size = bio::StoreDevices::deviceSizeBytes(LogStore::roleSizes(kSizes), 1, 0);
    content_.resize(size);
    isRead_.resize(size / bio::kMediaBlockSize);
  }
  LogStore::Devices devices() {
    LogStore::Devices all;
    all.push_back(std::make_unique<NotingMedia>(*reactor_, content_, isRead_, isWritten_));
    return all;
  }
  LogStoreContext context() {
    return {.pool = *buffers_,
            .random = random_,
            .log = log_,
            .arena = {.undoSizeBytes = 256 << 10, .sealDelayNs = 100000}};
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    while (!result) reactor_->runOnce();
    return std::move(*result);
  }

  Status write(Container& container, uint64_t key) {
    const auto value = valueOf(key);
    const auto sums = checksumsOf(value);
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, value.size(), {}, 0};
    const Checksums checksums{1, 4, kChunkSize, sums};
    UpdateRequest request{kObject, bytesOf(&key, 8), {&descriptor, 1}, {&checksums, 1}, {}};
    request.write.epoch = key + 1;
    DAOS_TRY(PendingUpdate pending, container.updateBegin(request));
    std::memcpy(pending.buffers()[0].data(), value.data(), value.size());
    DAOS_CHECK(run(pending.writeData()));
    DAOS_TRY(const Ticket ticket, container.updateEnd(pending));
    return run(store_->arena().waitDurable(ticket));
  }
  void make(uint64_t valueCount) {
    for (uint64_t key = 0; key < valueCount; ++key) values_.push_back(valueOf(key));
    auto made = run(LogStore::create(devices(), context(), kIdentity, kSizes));
    ASSERT_TRUE(made.ok()) << made.error().describe();
    store_ = std::move(made).value();
    ASSERT_TRUE(store_->pool().createContainer(kContainer).ok());
    Container* const container = store_->pool().openContainer(kContainer).value();
    for (uint64_t key = 0; key < valueCount; ++key) ASSERT_TRUE(write(*container, key).ok());
    store_->pool().closeContainer(container);
    if (GetParam()) {
      ASSERT_TRUE(run(store_->close()).ok());
    } else {
      // Long enough for the seal behind the last group.
      const uint64_t endNs = clock_.nowNs() + 50'000'000;
      while (clock_.nowNs() < endNs) reactor_->runOnce();
      ASSERT_GT(store_->arena().walCounters().sealCount, 0u);
    }
    forget();
  }
  void forget() {
    reactor_->dropTasks();
    store_.reset();
  }

  Outcome readAll(Container& container) {
    Outcome outcome = Outcome::kRight;
    for (uint64_t key = 0; key < values_.size() && outcome != Outcome::kWrong; ++key) {
      const Outcome one = read(container, key);
      if (one != Outcome::kRight) outcome = one;
    }
    return outcome;
  }
  Outcome read(Container& container, uint64_t key) {
    const IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 0, {}, 0};
    FetchRequest request{kObject, bytesOf(&key, 8), {&descriptor, 1}, {}, false};
    FetchResult result;
    if (!container.fetch(request, result).ok()) return Outcome::kReadRefused;
    if (result.hasMedia() && !run(result.readMedia()).ok()) return Outcome::kReadRefused;
    std::vector<std::byte> value(result.values()[0].size);
    result.copyTo(result.values()[0], value);
    const auto& right = values_[key];
    if (value.size() == right.size() && std::memcmp(value.data(), right.data(), right.size()) == 0)
      return Outcome::kRight;
    // What a client does with it.
    std::vector<std::byte> sums;
    for (const Segment& segment : result.segments(result.values()[0])) {
      sums.insert(sums.end(), segment.checksums.begin(), segment.checksums.end());
    }
    return sums.empty() || sums == checksumsOf(value) ? Outcome::kWrong : Outcome::kReadRefused;
  }
  Outcome openAndRead() {
    auto opened = run(LogStore::open(devices(), context(), kIdentity));
    if (!opened.ok()) return Outcome::kOpenRefused;
    store_ = std::move(opened).value();
    const auto container = store_->pool().openContainer(kContainer);
    const Outcome outcome = container.ok() ? readAll(**container) : Outcome::kReadRefused;
    forget();
    return outcome;
  }

  void noteWhatIsRead() {
    isRead_.assign(isRead_.size(), false);
    isWritten_ = false;
    ASSERT_EQ(openAndRead(), Outcome::kRight);
    // Opening changes nothing, so that all damage begins with the same store.
    ASSERT_FALSE(isWritten_);
    blocks_ = isRead_;
  }
  bool isLookedAt(uint64_t at) const { return blocks_[at / bio::kMediaBlockSize]; }
  bool isInSuperblock(uint64_t at) const {
    return loadAs<uint64_t>(content_.data() + alignDown(at, kPageSize)) == kSuperblockMagic;
  }
  // A superblock has a twin.
  void damage(uint64_t at, Bytes wrong) {
    const bool isHarmless = isInSuperblock(at);
    const Bytes there = Bytes(content_).subspan(at, wrong.size());
    const std::vector<std::byte> right(there.begin(), there.end());
    std::memcpy(content_.data() + at, wrong.data(), wrong.size());
    const Outcome outcome = openAndRead();
    std::memcpy(content_.data() + at, right.data(), right.size());
    ++counts_[static_cast<size_t>(outcome)];
    const bool isAsItShould = isHarmless ? outcome == Outcome::kRight : outcome != Outcome::kWrong;
    wrongCount_ += !isAsItShould;
    EXPECT_TRUE(isAsItShould) << wrong.size() << " bytes at " << at << ", "
                              << std::to_integer<int>(wrong[0]) << " in place of "
                              << std::to_integer<int>(right[0]) << ": outcome "
                              << static_cast<int>(outcome);
  }
  bool hasSeenEnough() const { return wrongCount_ >= 3; }
  // A sector, or a word.
  void loseEach(uint64_t sizeBytes) {
    const std::vector<std::byte> zeros(sizeBytes);
    for (uint64_t at = 0; at < content_.size() && !hasSeenEnough(); at += sizeBytes) {
      const bool isZero = std::memcmp(content_.data() + at, zeros.data(), sizeBytes) == 0;
      if (isLookedAt(at) && !isZero) damage(at, zeros);
    }
  }
  // Here and there, and what is no zero first: soon there has been some damage of every kind.
  void flipBytes() {
    const uint64_t size = content_.size();
    for (uint64_t i = 0; i < 2 * size && !hasSeenEnough(); i += kStride) {
      const uint64_t at = i * kJump % size;
      const std::byte right = content_[at];
      const bool isTurn = (right == std::byte{0}) == (i >= size);
      if (!isTurn || !isLookedAt(at)) continue;
      const std::byte flipped = right ^ std::byte{static_cast<uint8_t>(1u << (at * 5 % 8))};
      damage(at, {&flipped, 1});
    }
  }

  void tell() const {
    const auto count = [this](Outcome outcome) {
      return static_cast<unsigned long long>(counts_[static_cast<size_t>(outcome)]);
    };
    std::printf("of %llu places damage did no harm, of %llu it was told at opening, of %llu at "
                "reading\n",
                count(Outcome::kRight), count(Outcome::kOpenRefused), count(Outcome::kReadRefused));
  }

  std::vector<std::vector<std::byte>> values_;
  SystemClock clock_;
  Log log_;
  SeededRandom random_{5};
  std::unique_ptr<Reactor> reactor_ = Reactor::create(clock_).value();
  std::unique_ptr<bio::DmaPool> buffers_ = bio::DmaPool::create(16 << 20).value();
  std::vector<std::byte> content_;
  std::vector<bool> isRead_;
  bool isWritten_ = false;
  std::vector<bool> blocks_;  // that a sound store looks at
  uint64_t counts_[4] = {};   // by outcome
  uint64_t wrongCount_ = 0;
  std::unique_ptr<LogStore> store_;
};

TEST_P(VosFlippedBytes, NoLostSectorGivesWrongData) {
  ASSERT_NO_FATAL_FAILURE(make(kManyCount));
  ASSERT_NO_FATAL_FAILURE(noteWhatIsRead());
  loseEach(kSectorSize);
  tell();
  EXPECT_FALSE(isWritten_);
  EXPECT_GT(counts_[1] + counts_[2], 100u);
}

TEST_P(VosFlippedBytes, NoneGivesWrongData) {
  ASSERT_NO_FATAL_FAILURE(make(kValueCount));
  ASSERT_NO_FATAL_FAILURE(noteWhatIsRead());
  loseEach(sizeof(uint64_t));
  flipBytes();
  tell();
  EXPECT_FALSE(isWritten_);
  EXPECT_GT(counts_[0], 1000u);
  EXPECT_GT(counts_[1], 500u);
  EXPECT_GT(counts_[2], 500u);
}

std::string endName(const testing::TestParamInfo<bool>& isClosed) {
  return isClosed.param ? "Closed" : "Killed";
}
INSTANTIATE_TEST_SUITE_P(Ends, VosFlippedBytes, testing::Bool(), endName);

}  // namespace
}  // namespace daos::vos
