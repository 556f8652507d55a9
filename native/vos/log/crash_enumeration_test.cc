// Goal: whatever a crash leaves on the devices, recovery succeeds, finds everything that was
// reported durable, and each transaction wholly or not at all.
//
// Method: every sequence of up to three operations is run once on recording devices, each operation
// waited for or all at once. Then for every place in the record, every state a power cut could
// leave there is opened and must equal the state after some number of transactions, not fewer than
// were durable.
#include <gtest/gtest.h>

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
  Status create() {
    auto made = run(LogArena::create({wal_, meta_, pool_, log_}, kArenaSize, store_, 9, options_));
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
    while (!result) reactor_.runOnce();
    return std::move(*result);
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
  std::unique_ptr<LogArena> arena_;
};

struct Enumerator {
  explicit Enumerator(Reactor& loop, bio::DmaPool& buffers, bool oneDevice)
      : reactor(loop), pool(buffers), isOneDevice(oneDevice) {}

  void runSequence(const std::vector<Operation>& operations, bool isWaitedFor) {
    Record record;
    const uint64_t metaSize = LogArena::metaSizeBytes(kArenaSize);
    RecordingMedia first(reactor, record, "first", isOneDevice ? kWalSize + metaSize : kWalSize);
    RecordingMedia second(reactor, record, "second", isOneDevice ? 4096 : metaSize);
    bio::MediaSlice wal(first, "WAL", 0, kWalSize);
    bio::MediaSlice meta(isOneDevice ? static_cast<bio::Media&>(first) : second, "META",
                         isOneDevice ? kWalSize : 0, metaSize);
    Subject subject(reactor, pool, wal, meta);
    ASSERT_TRUE(subject.create().ok());
    record.restart();
    std::vector<uint32_t> digests{subject.digest()};
    play(subject, record, operations, isWaitedFor, digests);
    if (!testing::Test::HasFailure()) visitAll(record, digests);
  }

  void play(Subject& subject, Record& record, const std::vector<Operation>& operations,
            bool isWaitedFor, std::vector<uint32_t>& digests) {
    const Ticket start = subject.arena().lastTicket();
    const auto noteDurable = [&] { record.note(subject.arena().durableTicket() - start); };
    for (size_t step = 0; step < operations.size(); ++step) {
      const Ticket before = subject.arena().lastTicket();
      subject.apply(operations[step], step);
      if (subject.arena().lastTicket() > before) digests.push_back(subject.digest());
      if (operations[step] == Operation::kCheckpoint) {
        ASSERT_TRUE(subject.run(subject.arena().checkpoint()).ok());
      } else if (isWaitedFor) {
        ASSERT_TRUE(subject.run(subject.arena().waitDurable(subject.arena().lastTicket())).ok());
      }
      noteDurable();
    }
    ASSERT_TRUE(subject.run(subject.arena().waitDurable(subject.arena().lastTicket())).ok());
    noteDurable();
    ASSERT_TRUE(subject.run(subject.arena().close()).ok());
  }

  void visitAll(const Record& record, const std::vector<uint32_t>& digests) {
    record.visitAllCrashes([&](size_t count, uint64_t note, Record::Images& images) {
      if (!testing::Test::HasFailure()) check(note, images, digests, count);
    });
  }

  void check(uint64_t note, Record::Images& images, const std::vector<uint32_t>& digests,
             size_t count) {
    ++stateCount;
    Record ignored;
    const uint64_t metaSize = LogArena::metaSizeBytes(kArenaSize);
    RecordingMedia first(reactor, ignored, "first", images[0]);
    RecordingMedia second(reactor, ignored, "second", images[1]);
    bio::MediaSlice wal(first, "WAL", 0, kWalSize);
    bio::MediaSlice meta(isOneDevice ? static_cast<bio::Media&>(first) : second, "META",
                         isOneDevice ? kWalSize : 0, metaSize);
    Subject subject(reactor, pool, wal, meta);
    const Status status = subject.open();
    ASSERT_TRUE(status.ok()) << status.error().describe() << " after event " << count;
    const auto found =
        std::find(digests.begin() + static_cast<ptrdiff_t>(note), digests.end(), subject.digest());
    const auto any = std::find(digests.begin(), digests.end(), subject.digest()) - digests.begin();
    ASSERT_NE(found, digests.end())
        << note << " of " << digests.size() - 1 << " transactions were durable after event "
        << count << "; the state is that after " << any;
  }

  Reactor& reactor;
  bio::DmaPool& pool;
  const bool isOneDevice;
  uint64_t stateCount = 0;
};

class VosCrashEnumeration : public testing::TestWithParam<bool> {};

TEST_P(VosCrashEnumeration, EveryCrashOfEverySequenceRecovers) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  auto pool = bio::DmaPool::create(32 << 20).value();
  Enumerator enumerator(*reactor, *pool, GetParam());
  std::vector<std::vector<Operation>> sequences{{}};
  size_t sequenceCount = 0;
  for (size_t next = 0; next < sequences.size() && !HasFailure(); ++next) {
    const auto sequence = sequences[next];
    for (const bool isWaitedFor : {true, false}) {
      enumerator.runSequence(sequence, isWaitedFor);
      ++sequenceCount;
    }
    for (const Operation operation : kOperations) {
      if (sequence.size() == 3) break;
      sequences.push_back(sequence);
      sequences.back().push_back(operation);
    }
  }
  std::printf("%zu sequences, %llu crash states, all recovered\n", sequenceCount,
              static_cast<unsigned long long>(enumerator.stateCount));
  EXPECT_GT(enumerator.stateCount, 10000u);
}

INSTANTIATE_TEST_SUITE_P(Devices, VosCrashEnumeration, testing::Bool(),
                         [](const auto& param) { return param.param ? "One" : "Two"; });

}  // namespace
}  // namespace daos::vos
