// Goal: whatever a crash leaves of a whole store, log, metadata and bulk data, it opens again, has
//       all
// that was acknowledged, and of everything else each operation wholly or not at all; no byte of a
// value is another's, and no block of the data area is lost.
//
// Method: every sequence of up to three operations is run once on recording devices, each operation
// waited for or all at once, with all roles on one device or a device for each. Then for every
// place in the record, every state a power cut could leave there is opened and must be what is
// readable after some number of arena transactions, not fewer than were durable.
//
// What is left out, since the states would be the same or too many: places where the set of writes
// that may be lost is that of the place before (the start of a flush, the end of a write that is
// not durable). Where more than five writes may be lost at once, of their subsets only none, all,
// each alone and all but each; each torn in five ways, with all others lost and with all others
// kept.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>

#include "vos/log/log_store.h"
#include "vos/log/recording_media.h"

namespace daos::vos {
namespace {

constexpr size_t kSlotCount = 2;
constexpr size_t kSmallSize = 40;
constexpr size_t kLargeSize = 9000;  // in the data area
// At the beginning of the area, and free: the rest is smaller, and so what is written goes there.
constexpr size_t kFreeSize = 160 << 10;
constexpr PoolIdentity kIdentity{};
const Uuid kFiller = Uuid::fromRandom(3, 4);
const Uuid kContainer = Uuid::fromRandom(1, 2);
const ObjectId kObject = ObjectId::make({1, 1}, ObjectType::kDkeyUint64, 1, 1);
const LogStoreSizes kSizes{
    .arenaBytes = 1 << 20, .walBytes = LogArena::kWalSizeMin, .dataBytes = 256 << 10};

enum class Operation {
  kSmall,
  kLarge,
  kPunch,
  kCommit,  // a transaction of a small and a large write
  kAbort,
  kAggregate,
  kCheckpoint,
  kEvacuate,  // what lies behind the free blocks goes there
  kSettle     // what was absorbed goes to the data area
};
using Operations = std::vector<Operation>;
const Operations kBasicOperations = {Operation::kSmall,     Operation::kLarge,
                                     Operation::kPunch,     Operation::kCommit,
                                     Operation::kAbort,     Operation::kAggregate,
                                     Operation::kCheckpoint};

// What is readable: of each slot the step (from 1) that wrote its small and its large value.
struct Slot {
  uint8_t small = 0;
  uint8_t large = 0;
  bool operator==(const Slot&) const = default;
};
using Content = std::array<Slot, kSlotCount>;

std::vector<std::byte> valueOf(uint64_t step, size_t size) {
  std::vector<std::byte> value(size);
  for (size_t i = 0; i < size; ++i) value[i] = static_cast<std::byte>(step * 61 + i / 512 + 1);
  return value;
}

class Subject {
 public:
  // `absorbBelow`: as in PoolOptions.
  Subject(Reactor& reactor, bio::DmaPool& buffers, uint64_t absorbBelow)
      : reactor_(reactor), buffers_(buffers), absorbBelow_(absorbBelow) {}
  ~Subject() {
    if (store_) reactor_.dropTasks();
  }
  Status create(LogStore::Devices devices) {
    auto made = run(LogStore::create(std::move(devices), context(), kIdentity, kSizes));
    if (!made.ok()) return std::move(made).error();
    store_ = std::move(made).value();
    DAOS_CHECK(run(fill()));
    DAOS_TRY(const Ticket ticket, store_->pool().createContainer(kContainer));
    DAOS_TRY(container_, store_->pool().openContainer(kContainer));
    return run(arena().waitDurable(ticket));
  }
  Status open(LogStore::Devices devices) {
    auto opened = run(LogStore::open(std::move(devices), context(), kIdentity));
    if (!opened.ok()) return std::move(opened).error();
    store_ = std::move(opened).value();
    DAOS_TRY(container_, store_->pool().openContainer(kContainer));
    return {};
  }
  Status close() {
    store_->pool().closeContainer(container_);
    Status status = run(store_->close());
    store_.reset();
    return status;
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
  LogArena& arena() { return store_->arena(); }
  Reactor& reactor() { return reactor_; }

  // What is there now is the first content.
  void begin() { start_ = arena().lastTicket(); }
  // Ends when the operation is acknowledged. `contents` gets what is readable after each of its
  // transactions, which are the arena's in order.
  Task<Status> apply(Operation operation, uint8_t step, std::vector<Content>& contents) {
    const uint64_t slot = (step - 1) % kSlotCount;
    Ticket before = 0;
    switch (operation) {
      case Operation::kSmall:
      case Operation::kLarge:
        DAOS_CO_CHECK(co_await update(slot, step, operation == Operation::kLarge, {}));
        note(contents, [&](Content& now) {
          show(now, {slot, operation == Operation::kLarge, step, epoch_});
        });
        break;
      case Operation::kPunch: {
        const uint64_t key = 0;
        PunchRequest request{kObject, bytesOf(&key, 8), {}, {}};
        request.write.epoch = ++epoch_;
        DAOS_CO_TRY([[maybe_unused]] const Ticket ticket, container_->punch(request));
        newest_[0][0] = newest_[0][1] = epoch_;
        note(contents, [](Content& now) { now[0] = {}; });
        break;
      }
      case Operation::kCommit:
      case Operation::kAbort:
        DAOS_CO_CHECK(co_await transact(slot, step, operation == Operation::kCommit, contents));
        break;
      case Operation::kAggregate:
        DAOS_CO_CHECK(aggregate(contents));
        break;
      case Operation::kCheckpoint:
        co_return co_await arena().checkpoint();
      case Operation::kEvacuate:
        // It ends when nothing lies there, also of what is being written meanwhile.
        before = arena().lastTicket();
        DAOS_CO_CHECK(co_await store_->pool().evacuateMedia(kFreeSize, [] { return false; }));
        evacuationTransactionCount_ += arena().lastTicket() - before;
        pad(contents, arena().lastTicket());
        break;
      case Operation::kSettle:
        DAOS_CO_CHECK(co_await settle());
        pad(contents, arena().lastTicket());
        break;
    }
    co_return co_await arena().waitDurable(arena().lastTicket());
  }
  // What a reader finds; none when a value is neither whole nor absent.
  std::optional<Content> read() {
    Content content;
    for (uint64_t slot = 0; slot < kSlotCount; ++slot) {
      const auto small = readValue(slot, false);
      const auto large = readValue(slot, true);
      if (!small || !large) return std::nullopt;
      content[slot] = {*small, *large};
    }
    return content;
  }
  // Of what was absorbed.
  uint64_t settledBytes() const { return settledBytes_; }
  // With those of others that came in between.
  uint64_t evacuationTransactionCount() const { return evacuationTransactionCount_; }
  bool hasLostSpace() {
    return container_->usage().mediaBytes != store_->pool().space().mediaUsedBytes;
  }

 private:
  LogStoreContext context() {
    return {.pool = buffers_,
            .random = random_,
            .log = log_,
            .arena = {.undoSizeBytes = 256 << 10, .sealDelayNs = 100000},
            .vos = {.absorbBelow = absorbBelow_}};
  }
  Task<Status> settle() {
    if (isSettling_) co_return Status{};
    isSettling_ = true;
    DAOS_CO_CHECK(co_await arena().waitDurable(arena().lastTicket()));
    const uint64_t before = store_->pool().absorbedBytes();
    for (bool hasMore = true; hasMore;) {
      DAOS_CO_TRY(hasMore, co_await store_->pool().settleStep(kLargeSize));
    }
    const uint64_t after = store_->pool().absorbedBytes();
    settledBytes_ += before > after ? before - after : 0;
    isSettling_ = false;
    co_return Status{};
  }
  struct Write {
    uint64_t slot;
    bool isLarge;
    uint8_t step;
    Epoch epoch;
  };
  // What is committed late may be older than what is there, or than the punch of it.
  void show(Content& now, const Write& write) {
    Epoch& newest = newest_[write.slot][write.isLarge];
    if (write.epoch < newest) return;
    newest = write.epoch;
    (write.isLarge ? now[write.slot].large : now[write.slot].small) = write.step;
  }
  // Leaves a hole at the beginning of the area.
  Task<Status> fill() {
    Pool& pool = store_->pool();
    DAOS_CO_TRY([[maybe_unused]] const Ticket made, pool.createContainer(kFiller));
    DAOS_CO_TRY(Container* const filler, pool.openContainer(kFiller));
    const IoDescriptor value{bytesOf("filler"), ValueType::kSingle, kFreeSize - 4096, {}, 0};
    const uint64_t dkey = 0;
    UpdateRequest request{kObject, bytesOf(&dkey, 8), {&value, 1}, {}, {}};
    request.write.epoch = 1;
    {
      DAOS_CO_TRY(PendingUpdate pending, filler->updateBegin(request));
      DAOS_CO_CHECK(co_await pending.writeData());
      DAOS_CO_TRY([[maybe_unused]] const Ticket written, filler->updateEnd(pending));
    }
    pool.closeContainer(filler);
    DAOS_CO_TRY([[maybe_unused]] const Ticket gone, pool.destroyContainer(kFiller));
    while (pool.hasGarbage()) {
      DAOS_CO_TRY([[maybe_unused]] const bool isMore, pool.collectStep(100));
    }
    co_return co_await arena().waitDurable(arena().lastTicket());
  }
  // Transactions up to `ticket` that nobody noted changed nothing that is readable.
  void pad(std::vector<Content>& contents, Ticket ticket) {
    while (start_ + contents.size() - 1 < ticket) contents.push_back(contents.back());
  }
  // After the arena's last transaction: the content before it, changed by `change`.
  template <typename Change>
  void note(std::vector<Content>& contents, Change change) {
    pad(contents, arena().lastTicket() - 1);
    Content now = contents.back();
    change(now);
    contents.push_back(now);
  }
  Task<Status> update(uint64_t slot, uint8_t step, bool isLarge, TransactionId transaction) {
    const auto value = valueOf(step, isLarge ? kLargeSize : kSmallSize);
    const Extent extent{0, kLargeSize};
    const IoDescriptor small{bytesOf("small"), ValueType::kSingle, kSmallSize, {}, 0};
    const IoDescriptor large{bytesOf("large"), ValueType::kArray, 1, {&extent, 1}, 0};
    UpdateRequest request{kObject, bytesOf(&slot, 8), {isLarge ? &large : &small, 1}, {}, {}};
    request.write.transaction = transaction;
    request.write.epoch = epoch_ + 1;
    DAOS_CO_TRY(PendingUpdate pending, container_->updateBegin(request));
    std::memcpy(pending.buffers()[0].data(), value.data(), value.size());
    DAOS_CO_CHECK(co_await pending.writeData());
    request.write.epoch = ++epoch_;
    DAOS_CO_TRY([[maybe_unused]] const Ticket ticket, container_->updateEnd(pending));
    co_return Status{};
  }
  Task<Status> transact(uint64_t slot, uint8_t step, bool isCommitted,
                        std::vector<Content>& contents) {
    const TransactionId id = Uuid::fromRandom(step, 77);
    const auto keep = [](Content&) {};
    DAOS_CO_CHECK(co_await update(slot, step, false, id));
    const Write small{slot, false, step, epoch_};
    note(contents, keep);
    DAOS_CO_CHECK(co_await update(slot, step, true, id));
    const Write large{slot, true, step, epoch_};
    note(contents, keep);
    const Ticket before = arena().lastTicket();
    if (isCommitted) {
      DAOS_CO_TRY([[maybe_unused]] const Ticket ticket, container_->commit({&id, 1}));
      note(contents, [&](Content& now) {
        show(now, small);
        show(now, large);
      });
    } else {
      DAOS_CO_TRY([[maybe_unused]] const Ticket ticket, container_->abort({&id, 1}));
      note(contents, keep);
    }
    // More transactions than one would need more contents.
    DAOS_ASSERT(arena().lastTicket() == before + 1);
    co_return Status{};
  }
  Status aggregate(std::vector<Content>& contents) {
    DAOS_CHECK(container_->beginAggregation(epoch_));
    while (true) {
      DAOS_TRY(const bool hasMore, container_->reduceStep(2));
      if (!hasMore) break;
    }
    pad(contents, arena().lastTicket());
    return {};
  }
  // 0: absent; none: torn, or an error.
  std::optional<uint8_t> readValue(uint64_t slot, bool isLarge) {
    const Extent extent{0, kLargeSize};
    const IoDescriptor small{bytesOf("small"), ValueType::kSingle, 0, {}, 0};
    const IoDescriptor large{bytesOf("large"), ValueType::kArray, 1, {&extent, 1}, 0};
    FetchRequest request{kObject, bytesOf(&slot, 8), {isLarge ? &large : &small, 1}, {}, false};
    request.read.inDoubt = InDoubt::kSkip;
    FetchResult result;
    if (!container_->fetch(request, result).ok()) return std::nullopt;
    const FetchedValue& found = result.values()[0];
    if (found.recordSize == 0) return 0;
    if (result.hasMedia() && !run(result.readMedia()).ok()) return std::nullopt;
    std::vector<std::byte> value(found.size);
    result.copyTo(found, value);
    for (uint8_t step = 1; step <= 3; ++step) {
      if (value == valueOf(step, isLarge ? kLargeSize : kSmallSize)) return step;
    }
    return std::nullopt;
  }

  Reactor& reactor_;
  bio::DmaPool& buffers_;
  Log log_;
  SeededRandom random_{3};
  std::unique_ptr<LogStore> store_;
  Container* container_ = nullptr;
  Epoch epoch_ = 1;
  Ticket start_ = 0;
  uint64_t evacuationTransactionCount_ = 0;
  const uint64_t absorbBelow_;
  bool isSettling_ = false;
  uint64_t settledBytes_ = 0;
  Epoch newest_[kSlotCount][2] = {};  // of the committed small and large values, or their punch
};

struct Counts {
  uint64_t sequences = 0;
  uint64_t places = 0;
  uint64_t states = 0;
  // Transactions of evacuations, where one operation was waited for after the other.
  uint64_t moved = 0;
  uint64_t settledBytes = 0;
  uint64_t dropped = 0;  // in which the log held a group without all of its bulk data
};

class Enumerator {
 public:
  Enumerator(Reactor& reactor, bio::DmaPool& buffers, size_t deviceCount, uint64_t absorbBelow)
      : reactor_(reactor), buffers_(buffers), deviceCount_(deviceCount),
        absorbBelow_(absorbBelow) {}
  const Counts& counts() const { return counts_; }

  void runSequence(const std::vector<Operation>& operations, bool isWaitedFor) {
    ++counts_.sequences;
    Record record;
    LogStore::Devices devices;
    for (size_t i = 0; i < deviceCount_; ++i) {
      const uint64_t size =
          bio::StoreDevices::deviceSizeBytes(LogStore::roleSizes(kSizes), deviceCount_, i);
      devices.push_back(
          std::make_unique<RecordingMedia>(reactor_, record, "d" + std::to_string(i), size));
    }
    Subject subject(reactor_, buffers_, absorbBelow_);
    const Status created = subject.create(std::move(devices));
    ASSERT_TRUE(created.ok()) << created.error().describe();
    record.restart();
    std::vector<Content> contents{Content{}};
    play(subject, record, operations, isWaitedFor, contents);
    if (isWaitedFor) counts_.moved += subject.evacuationTransactionCount();
    counts_.settledBytes += subject.settledBytes();
    if (!testing::Test::HasFailure()) visitAll(record, contents, operations);
  }

 private:
  void play(Subject& subject, Record& record, const std::vector<Operation>& operations,
            bool isWaitedFor, std::vector<Content>& contents) {
    subject.begin();
    const Ticket start = subject.arena().lastTicket();
    const auto noteDurable = [&] { record.note(subject.arena().durableTicket() - start); };
    size_t endedCount = 0;
    for (size_t i = 0; i < operations.size(); ++i) {
      subject.reactor().spawn([](Subject& of, Operation operation, uint8_t step,
                                 std::vector<Content>& to, size_t& count) -> Task<void> {
        const Status status = co_await of.apply(operation, step, to);
        EXPECT_TRUE(status.ok()) << status.error().describe();
        ++count;
      }(subject, operations[i], static_cast<uint8_t>(i + 1), contents, endedCount));
      while (isWaitedFor && endedCount <= i) {
        subject.reactor().runOnce();
        noteDurable();
      }
    }
    while (endedCount < operations.size()) {
      subject.reactor().runOnce();
      noteDurable();
    }
    ASSERT_EQ(contents.size() - 1, subject.arena().lastTicket() - start);
    // Before anything is visited: who visits drops all tasks of the loop.
    ASSERT_TRUE(subject.close().ok());
  }

  void visitAll(const Record& record, const std::vector<Content>& contents,
                const std::vector<Operation>& operations) {
    counts_.places += record.visitAllCrashes(
        [&](size_t count, uint64_t note, Record::Images& images) {
          if (!testing::Test::HasFailure()) check(note, images, contents, operations, count);
        });
  }

  void check(uint64_t note, Record::Images& images, const std::vector<Content>& contents,
             const std::vector<Operation>& operations, size_t count) {
    ++counts_.states;
    Record ignored;
    LogStore::Devices devices;
    for (size_t i = 0; i < deviceCount_; ++i) {
      devices.push_back(std::make_unique<RecordingMedia>(reactor_, ignored,
                                                         "d" + std::to_string(i), images[i]));
    }
    Subject subject(reactor_, buffers_, absorbBelow_);
    const Status status = subject.open(std::move(devices));
    std::string what = "after event " + std::to_string(count) + " of";
    for (const Operation operation : operations) {
      what += " " + std::to_string(static_cast<int>(operation));
    }
    ASSERT_TRUE(status.ok()) << status.error().describe() << " " << what;
    counts_.dropped += subject.arena().recovery().isLastGroupDropped ? 1 : 0;
    const auto found = subject.read();
    ASSERT_TRUE(found.has_value()) << "a value is torn " << what;
    const auto from = contents.begin() + static_cast<ptrdiff_t>(note);
    ASSERT_NE(std::find(from, contents.end(), *found), contents.end())
        << note << " of " << contents.size() - 1 << " transactions were durable " << what;
    ASSERT_FALSE(subject.hasLostSpace()) << what;
  }

  Reactor& reactor_;
  bio::DmaPool& buffers_;
  const size_t deviceCount_;
  const uint64_t absorbBelow_;
  Counts counts_;
};

class VosStoreCrashEnumeration : public testing::TestWithParam<size_t> {
 protected:
  // The basic operations and one more.
  Counts enumerate(Operation added, uint64_t absorbBelow) {
    Operations all = kBasicOperations;
    all.push_back(added);
    SystemClock clock;
    auto reactor = Reactor::create(clock).value();
    auto buffers = bio::DmaPool::create(32 << 20).value();
    Enumerator enumerator(*reactor, *buffers, GetParam(), absorbBelow);
    std::vector<Operations> sequences{{}};
    for (size_t next = 0; next < sequences.size() && !HasFailure(); ++next) {
      const auto sequence = sequences[next];
      for (const bool isWaitedFor : {true, false}) enumerator.runSequence(sequence, isWaitedFor);
      for (const Operation operation : all) {
        if (sequence.size() == 3) break;
        sequences.push_back(sequence);
        sequences.back().push_back(operation);
      }
    }
    const Counts& counts = enumerator.counts();
    std::printf("%llu sequences, %llu places, %llu crash states, all recovered; in %llu the log "
                "had a group without its data\n",
                static_cast<unsigned long long>(counts.sequences),
                static_cast<unsigned long long>(counts.places),
                static_cast<unsigned long long>(counts.states),
                static_cast<unsigned long long>(counts.dropped));
    return counts;
  }
};

TEST_P(VosStoreCrashEnumeration, EveryCrashOfEverySequenceRecovers) {
  const Counts counts = enumerate(Operation::kEvacuate, 0);
  EXPECT_GT(counts.states, 50000u);
  EXPECT_GT(counts.dropped, 1000u);
  EXPECT_GT(counts.moved, 40u);
}

TEST_P(VosStoreCrashEnumeration, EveryCrashWithAbsorbedDataRecovers) {
  const Counts counts = enumerate(Operation::kSettle, 16 << 10);
  EXPECT_GT(counts.states, 30000u);
  EXPECT_GT(counts.settledBytes, 100 * kLargeSize);
}

std::string devicesName(const testing::TestParamInfo<size_t>& devices) {
  return devices.param == 1 ? "OneDevice" : "ThreeDevices";
}
INSTANTIATE_TEST_SUITE_P(Devices, VosStoreCrashEnumeration, testing::Values(1, 3), devicesName);

}  // namespace
}  // namespace daos::vos
