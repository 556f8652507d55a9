// Goal: whatever a crash leaves on the devices, recovery succeeds, finds everything that was
// reported durable, and each transaction wholly or not at all.
//
// Method: every sequence of up to three operations is run on recording devices, which held another
// store before: each operation waited for, all at once, and each a few turns after the one before,
// so that operations come while a checkpoint is under way. Then for every place in the record,
// every state a power cut could leave there is opened and must equal the state after some number of
// transactions, not fewer than were durable. What is durable is asked for in every turn. Operations
// that overlap are run on devices one of which is much slower than the other as well.
#include <gtest/gtest.h>

#include <functional>

#include "bio/media_slice.h"
#include "codec/checksum.h"
#include "vos/log/log_arena.h"
#include "vos/log/recording_media.h"

namespace daos::vos {
namespace {

constexpr uint64_t kArenaSize = 1 << 20;
constexpr uint64_t kWalSize = LogArena::kWalSizeMin;
constexpr size_t kSlotCount = 4;
constexpr uint64_t kLargeSize = 20000;

enum class Operation { kSmall, kLarge, kPunch, kAbort, kCheckpoint };
constexpr Operation kOperations[] = {Operation::kSmall, Operation::kLarge, Operation::kPunch,
                                     Operation::kAbort, Operation::kCheckpoint};

enum class Setting { kTwoDevices, kOneDevice, kSlowLog, kSlowMeta };
enum class Pace { kOneByOne, kAtOnce, kOverlapping };
constexpr size_t kTurnsBetween = 3;  // of operations that overlap
constexpr size_t kSlowTurnCount = 12;
constexpr uint64_t kSalt = 9;

// The root block: blocks of values by slot, and a number.
struct Root {
  uint64_t number;
  Offset blocks[kSlotCount];
};

class Subject {
 public:
  Subject(Reactor& reactor, bio::DmaPool& pool, bio::Media& wal, bio::Media& meta)
      : reactor_(reactor), pool_(pool), wal_(wal), meta_(meta) {}
  ~Subject() {
    if (arena_) reactor_.dropTasks();
  }
  Status create(uint64_t salt = kSalt) {
    auto made =
        run(LogArena::create({wal_, meta_, pool_, log_}, kArenaSize, store_, salt, options_));
    if (!made.ok()) return std::move(made).error();
    arena_ = std::move(made).value();
    arena_->begin();
    const Offset root = arena_->allocate(sizeof(Root));
    std::memset(arena_->at<void>(root), 0, sizeof(Root));
    arena_->setRoot(root);
    return run(arena_->waitDurable(arena_->commit()));
  }
  Status open() {
    auto opened = run(LogArena::open({wal_, meta_, pool_, log_}, store_, options_));
    if (!opened.ok()) return std::move(opened).error();
    arena_ = std::move(opened).value();
    return {};
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_.spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    while (!result) turn();
    return std::move(*result);
  }
  void turn() {
    reactor_.runOnce();
    if (onTurn_) onTurn_();
  }
  void onTurn(std::function<void()> callback) { onTurn_ = std::move(callback); }
  // Of one that began and is not waited for.
  void begin(Task<Status> task) {
    ++underWayCount_;
    reactor_.spawn([](Task<Status> inner, size_t& count) -> Task<void> {
      const Status status = co_await std::move(inner);
      EXPECT_TRUE(status.ok());
      --count;
    }(std::move(task), underWayCount_));
  }
  void awaitBegun() {
    while (underWayCount_ > 0) turn();
  }
  Root& root() { return *arena_->at<Root>(arena_->root()); }
  LogArena& arena() { return *arena_; }

  void apply(Operation operation, size_t step) {
    if (operation == Operation::kCheckpoint) return;
    const size_t slot = step % 2;
    arena_->begin();
    arena_->modify(root().number) += 1;
    if (operation == Operation::kSmall) replace(slot, 40, step);
    if (operation == Operation::kLarge) replace(slot, kLargeSize, step);
    if (operation == Operation::kPunch) drop(0);
    if (operation == Operation::kAbort) {
      replace(slot, 100, step);
      arena_->abort();
    } else {
      arena_->commit();
    }
  }
  // Everything a reader can see.
  uint32_t digest() {
    uint32_t sum = crc32c(bytesOf(&root().number, 8));
    for (const Offset block : root().blocks) {
      if (!block) {
        sum = crc32c(bytesOf("none", 4), sum);
        continue;
      }
      const uint64_t size = *arena_->at<uint64_t>(block);
      if (size > kLargeSize) return 0;
      sum = crc32c(bytesOf(arena_->at<void>(block), size), sum);
    }
    return sum;
  }

 private:
  void drop(size_t slot) {
    if (root().blocks[slot]) arena_->free(root().blocks[slot]);
    arena_->modify(root().blocks[slot]) = 0;
  }
  void replace(size_t slot, uint64_t size, size_t step) {
    drop(slot);
    const Offset block = arena_->allocate(size);
    std::memset(arena_->at<void>(block), static_cast<int>(step + 1), size);
    *arena_->at<uint64_t>(block) = size;
    arena_->modify(root().blocks[slot]) = block;
  }

  Reactor& reactor_;
  bio::DmaPool& pool_;
  bio::Media& wal_;
  bio::Media& meta_;
  Log log_;
  const Uuid store_ = Uuid::fromRandom(1, 1);
  const LogArenaOptions options_{.undoSizeBytes = 72 << 10, .sealDelayNs = 100000};
  std::function<void()> onTurn_;
  size_t underWayCount_ = 0;
  std::unique_ptr<LogArena> arena_;
};

class Enumerator {
 public:
  Enumerator(Reactor& loop, bio::DmaPool& buffers, Setting setting)
      : reactor_(loop), pool_(buffers), isOneDevice_(setting == Setting::kOneDevice),
        setting_(setting) {
    makeEarlierStore();
  }

  void runSequence(const std::vector<Operation>& operations, Pace pace) {
    Record record;
    RecordingMedia first(reactor_, record, "first", firstSize());
    RecordingMedia second(reactor_, record, "second", secondSize());
    first.content() = earlier_[0];
    second.content() = earlier_[1];
    bio::MediaSlice wal(first, "WAL", 0, kWalSize);
    bio::MediaSlice meta(isOneDevice_ ? static_cast<bio::Media&>(first) : second, "META",
                         isOneDevice_ ? kWalSize : 0, metaSize_);
    Subject subject(reactor_, pool_, wal, meta);
    ASSERT_TRUE(subject.create().ok());
    record.restart();
    if (setting_ == Setting::kSlowLog) first.delayBy(kSlowTurnCount);
    if (setting_ == Setting::kSlowMeta) second.delayBy(kSlowTurnCount);
    std::vector<uint32_t> digests{subject.digest()};
    play(subject, record, operations, pace, digests);
    if (!testing::Test::HasFailure()) visitAll(record, digests);
  }
  uint64_t visitedCount() const { return stateCount_; }

 private:
  uint64_t firstSize() const { return isOneDevice_ ? kWalSize + metaSize_ : kWalSize; }
  uint64_t secondSize() const { return isOneDevice_ ? 4096 : metaSize_; }
  // Groups of its log lie where those of the next store will end.
  void makeEarlierStore() {
    Record record;
    RecordingMedia first(reactor_, record, "first", firstSize());
    RecordingMedia second(reactor_, record, "second", secondSize());
    bio::MediaSlice wal(first, "WAL", 0, kWalSize);
    bio::MediaSlice meta(isOneDevice_ ? static_cast<bio::Media&>(first) : second, "META",
                         isOneDevice_ ? kWalSize : 0, metaSize_);
    Subject subject(reactor_, pool_, wal, meta);
    ASSERT_TRUE(subject.create(kSalt + 1).ok());
    for (size_t step = 10; step < 20; ++step) {
      subject.apply(Operation::kSmall, step);
      ASSERT_TRUE(subject.run(subject.arena().waitDurable(subject.arena().lastTicket())).ok());
    }
    earlier_ = {first.content(), second.content()};
  }

  void play(Subject& subject, Record& record, const std::vector<Operation>& operations, Pace pace,
            std::vector<uint32_t>& digests) {
    LogArena& arena = subject.arena();
    const Ticket start = arena.lastTicket();
    subject.onTurn([&] { record.note(arena.durableTicket() - start); });
    for (size_t step = 0; step < operations.size(); ++step) {
      const Ticket before = arena.lastTicket();
      subject.apply(operations[step], step);
      if (arena.lastTicket() > before) digests.push_back(subject.digest());
      const bool isCheckpoint = operations[step] == Operation::kCheckpoint;
      subject.begin(isCheckpoint ? arena.checkpoint() : arena.waitDurable(arena.lastTicket()));
      if (pace == Pace::kOneByOne) subject.awaitBegun();
      for (size_t turn = 0; pace == Pace::kOverlapping && turn < kTurnsBetween; ++turn) {
        subject.turn();
      }
    }
    subject.awaitBegun();
    ASSERT_TRUE(subject.run(arena.close()).ok());
    subject.onTurn(nullptr);
  }

  void visitAll(const Record& record, const std::vector<uint32_t>& digests) {
    record.visitAllCrashes([&](size_t count, uint64_t note, Record::Images& images) {
      if (!testing::Test::HasFailure()) check(note, images, digests, count);
    });
  }

  void check(uint64_t note, Record::Images& images, const std::vector<uint32_t>& digests,
             size_t count) {
    ++stateCount_;
    Record ignored;
    RecordingMedia first(reactor_, ignored, "first", images[0]);
    RecordingMedia second(reactor_, ignored, "second", images[1]);
    bio::MediaSlice wal(first, "WAL", 0, kWalSize);
    bio::MediaSlice meta(isOneDevice_ ? static_cast<bio::Media&>(first) : second, "META",
                         isOneDevice_ ? kWalSize : 0, metaSize_);
    Subject subject(reactor_, pool_, wal, meta);
    const Status status = subject.open();
    ASSERT_TRUE(status.ok()) << status.error().describe() << " after event " << count;
    const auto found =
        std::find(digests.begin() + static_cast<ptrdiff_t>(note), digests.end(), subject.digest());
    const auto any = std::find(digests.begin(), digests.end(), subject.digest()) - digests.begin();
    ASSERT_NE(found, digests.end())
        << note << " of " << digests.size() - 1 << " transactions were durable after event "
        << count << "; the state is that after " << any;
  }

  Reactor& reactor_;
  bio::DmaPool& pool_;
  const bool isOneDevice_;
  const Setting setting_;
  const uint64_t metaSize_ = LogArena::metaSizeBytes(kArenaSize);
  std::vector<std::vector<std::byte>> earlier_;
  uint64_t stateCount_ = 0;
};

std::vector<Pace> pacesOf(Setting setting) {
  if (setting == Setting::kSlowLog || setting == Setting::kSlowMeta) return {Pace::kOverlapping};
  return {Pace::kOneByOne, Pace::kAtOnce, Pace::kOverlapping};
}

class VosCrashEnumeration : public testing::TestWithParam<Setting> {};

TEST_P(VosCrashEnumeration, EveryCrashOfEverySequenceRecovers) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  auto pool = bio::DmaPool::create(32 << 20).value();
  Enumerator enumerator(*reactor, *pool, GetParam());
  std::vector<std::vector<Operation>> sequences{{}};
  size_t sequenceCount = 0;
  for (size_t next = 0; next < sequences.size() && !HasFailure(); ++next) {
    const auto sequence = sequences[next];
    for (const Pace pace : pacesOf(GetParam())) {
      enumerator.runSequence(sequence, pace);
      ++sequenceCount;
    }
    for (const Operation operation : kOperations) {
      if (sequence.size() == 3) break;
      sequences.push_back(sequence);
      sequences.back().push_back(operation);
    }
  }
  std::printf("%zu sequences, %llu crash states, all recovered\n", sequenceCount,
              static_cast<unsigned long long>(enumerator.visitedCount()));
  EXPECT_GT(enumerator.visitedCount(), 10000u);
}

std::string settingName(const testing::TestParamInfo<Setting>& setting) {
  constexpr const char* kNames[] = {"Two", "One", "SlowLog", "SlowMeta"};
  return kNames[static_cast<size_t>(setting.param)];
}
INSTANTIATE_TEST_SUITE_P(Devices, VosCrashEnumeration,
                         testing::Values(Setting::kTwoDevices, Setting::kOneDevice,
                                         Setting::kSlowLog, Setting::kSlowMeta),
                         settingName);

}  // namespace
}  // namespace daos::vos
