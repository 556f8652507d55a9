#include "vos/proof/sample_store.h"

#include <string>
#include <vector>

#include "codec/checksum.h"

namespace daos::vos::proof {

namespace {

const Uuid kContainer = Uuid::fromRandom(1, 2);
const Uuid kGone = Uuid::fromRandom(3, 4);
// Small, so that a few hundred bytes go to media, also when they have grown together.
const PoolOptions kOptions{.dataThreshold = 256};
constexpr uint64_t kChunkSize = 32;
constexpr int kKeyCount = 40;

ObjectId objectOf(uint64_t low, ObjectType type) { return ObjectId::make({low, 7}, type, 1, 1); }

// Keys that differ late only, so that nodes need separators.
std::string keyOf(int number) { return "a long common beginning " + std::to_string(number); }

IoDescriptor singleOf(Bytes akey, uint64_t size) { return {.akey = akey, .recordSize = size}; }

IoDescriptor arrayOf(Bytes akey, uint64_t recordSize, const Extent& extent) {
  return {.akey = akey,
          .type = ValueType::kArray,
          .recordSize = recordSize,
          .extents = {&extent, 1}};
}

// Lists what is named, to a bound, and keeps it.
class Explorer final : public EntrySink {
 public:
  struct Found {
    ObjectId oid;
    std::vector<std::byte> key;
  };

  explicit Explorer(Container& container) : container_(container) {}
  std::vector<Found> list(EnumerateRequest request) {
    request.inDoubt = InDoubt::kSkip;
    for (const Versions versions : {Versions::kVisible, Versions::kAll}) {
      request.versions = versions;
      entries_.clear();
      left_ = kEntriesMax;
      Anchor anchor;
      while (!anchor.isEnd && left_ > 0) {
        turn_ = kTurn;
        if (!container_.enumerate(request, anchor, *this).ok()) break;
      }
    }
    return std::move(entries_);
  }
  // Breaks off every few entries, so that anchors are used.
  bool take(const Entry& entry) override {
    if (left_ == 0 || turn_ == 0) return false;
    --left_;
    --turn_;
    entries_.push_back({entry.oid, std::vector<std::byte>(entry.key.begin(), entry.key.end())});
    return true;
  }

 private:
  static constexpr size_t kEntriesMax = 100;
  static constexpr size_t kTurn = 30;
  Container& container_;
  size_t left_ = 0;
  size_t turn_ = 0;
  std::vector<Found> entries_;
};

}  // namespace

SampleStore::SampleStore()
    : reactor_(Reactor::create(clock_).value()),
      buffers_(bio::DmaPool::create(8 << 20).value()),
      media_(bio::openMemoryMedia(*reactor_, "data", 1 << 20).value()) {}

// What one call of put() writes: a value of the descriptor's size, with checksums when asked to.
struct SampleStore::Write {
  ObjectId oid;
  Bytes dkey;
  const IoDescriptor& akey;
  Epoch epoch;
  TransactionId transaction{};
  bool hasChecksums = false;
};

Status SampleStore::put(Container& container, const Write& write) {
  const IoDescriptor& akey = write.akey;
  const uint64_t count = akey.type == ValueType::kSingle ? 1 : akey.extents[0].count;
  const std::string value(akey.recordSize * count, 'v');
  const Bytes data = bytesOf(value);
  std::vector<std::byte> sums;
  for (uint64_t at = 0; write.hasChecksums && at < value.size(); at += kChunkSize) {
    sums.resize(sums.size() + 4);
    checksumOf(ChecksumType::kCrc32c, data.subspan(at, std::min(kChunkSize, value.size() - at)),
               MutableBytes(sums).last(4));
  }
  const Checksums checksums{static_cast<uint16_t>(ChecksumType::kCrc32c), 4, kChunkSize, sums};
  UpdateRequest request{write.oid, write.dkey, {&akey, 1}, {}, {}};
  if (!sums.empty()) request.checksums = {&checksums, 1};
  request.write.epoch = write.epoch;
  request.write.transaction = write.transaction;
  if (!container.needsMedia(request)) {
    auto done = container.update(request, {&data, 1});
    return done.ok() ? Status{} : Status(std::move(done).error());
  }
  DAOS_TRY(PendingUpdate pending, container.updateBegin(request));
  for (const MutableBytes& buffer : pending.buffers()) {
    std::memcpy(buffer.data(), value.data(), std::min(buffer.size(), value.size()));
  }
  DAOS_CHECK(run(pending.writeData()));
  DAOS_CHECK(container.updateEnd(pending));
  return {};
}

// Trees of two levels, arrays whose extents overlap, repeat and are of several lengths, holes, data
// on media, punches at each level, snapshots, transactions.
void SampleStore::fill(Container& container) {
  Epoch epoch = 10;
  const auto must = [](Status status) { DAOS_ASSERT(status.ok()); };
  for (const ObjectType type : {ObjectType::kMultiHashed, ObjectType::kMultiLexical}) {
    const ObjectId oid = objectOf(static_cast<uint64_t>(type), type);
    for (int i = 0; i < kKeyCount; ++i) {
      const std::string dkey = keyOf(i);
      const auto size = static_cast<uint64_t>(i % 8 == 0 ? 300 : 40);
      const IoDescriptor single = singleOf(bytesOf("single"), size);
      must(put(container, {oid, bytesOf(dkey), single, ++epoch, {}, i % 2 == 0}));
      const Extent extent{static_cast<uint64_t>(i / 2 * 6), i % 5 == 0 ? 70u : 10u};
      const IoDescriptor array = arrayOf(bytesOf("a"), i % 7 == 3 ? 0 : 4, extent);
      must(put(container, {oid, bytesOf("array"), array, ++epoch, {}, i % 3 != 0}));
    }
    const Bytes akey = bytesOf("single");
    for (const bool isAkey : {false, true}) {
      const std::string dkey = keyOf(isAkey ? 3 : 5);
      PunchRequest punch{oid, bytesOf(dkey), {}, {}};
      if (isAkey) punch.akeys = {&akey, 1};
      punch.write.epoch = ++epoch;
      DAOS_ASSERT(container.punch(punch).ok());
    }
  }
  prepare(container, epoch);
  DAOS_ASSERT(container.createSnapshot(20).ok());
  DAOS_ASSERT(container.createSnapshot(60).ok());
}

// A committed transaction and two that are in doubt, one larger than a chunk of its list.
void SampleStore::prepare(Container& container, Epoch epoch) {
  const ObjectId oid = objectOf(77, ObjectType::kMultiHashed);
  for (uint64_t id = 5; id < 8; ++id) {
    const TransactionId transaction = Uuid::fromRandom(id, 6);
    for (int i = 0; i < (id == 7 ? 14 : 2); ++i) {
      const std::string dkey = keyOf(i + static_cast<int>(id) * 100);
      const Extent extent{static_cast<uint64_t>(i), 3};
      const IoDescriptor akey = i % 2 == 0 ? singleOf(bytesOf("single"), 40)
                                           : arrayOf(bytesOf("a"), 4, extent);
      DAOS_ASSERT(put(container, {oid, bytesOf(dkey), akey, ++epoch, transaction}).ok());
    }
    for (const bool isObject : {false, true}) {
      const ObjectId punched = isObject ? objectOf(id, ObjectType::kMultiHashed) : oid;
      const std::string dkey = keyOf(static_cast<int>(id) * 1000);
      PunchRequest punch{punched, isObject ? Bytes{} : bytesOf(dkey), {}, {}};
      punch.write.epoch = ++epoch;
      punch.write.transaction = transaction;
      DAOS_ASSERT(container.punch(punch).ok());
    }
    if (id == 5) DAOS_ASSERT(container.commit({&transaction, 1}).ok());
  }
}

void SampleStore::make() {
  auto arena = MemoryArena::create(region_).value();
  auto pool = Pool::create(std::move(arena), {*media_, *buffers_}, {}, kOptions).value();
  for (const Uuid& uuid : {kContainer, kGone}) {
    DAOS_ASSERT(pool->createContainer(uuid).ok());
    Container* container = *pool->openContainer(uuid);
    if (uuid == kContainer) {
      fill(*container);
    } else {
      prepare(*container, 5);
    }
    pool->closeContainer(container);
  }
  DAOS_ASSERT(pool->destroyContainer(kGone).ok());
}

void SampleStore::fetch(Container& container, ObjectId oid, Bytes dkey) {
  const Extent all{0, 200};
  const IoDescriptor akeys[] = {singleOf(bytesOf("single"), 0), arrayOf(bytesOf("a"), 4, all)};
  for (const Epoch epoch : {Epoch{20}, kEpochMax}) {
    for (const IoDescriptor& akey : akeys) {
      FetchRequest request{oid, dkey, {&akey, 1}, {}, false};
      request.read.epoch = epoch;
      request.read.inDoubt = InDoubt::kSkip;
      FetchResult result;
      if (!container.fetch(request, result).ok()) continue;
      const FetchedValue& value = result.values()[0];
      if (value.size > kArenaSize || !run(result.readMedia()).ok()) continue;
      std::vector<std::byte> room(value.size);
      result.copyTo(value, room);
    }
  }
}

void SampleStore::exploreObject(Container& container, ObjectId oid) {
  Explorer explorer(container);
  (void)explorer.list({.level = Level::kPunch, .oid = oid});
  size_t left = 12;
  for (const Explorer::Found& dkey : explorer.list({.level = Level::kDkey, .oid = oid})) {
    if (left-- == 0) break;
    fetch(container, oid, dkey.key);
    for (const Level level : {Level::kAkey, Level::kSingle, Level::kExtent, Level::kPunch}) {
      const Bytes akey = bytesOf(level == Level::kSingle ? "single" : "a");
      (void)explorer.list({.level = level, .oid = oid, .dkey = dkey.key, .akey = akey});
    }
  }
  fetch(container, oid, bytesOf("array"));
  for (const bool isReverse : {false, true}) {
    (void)explorer.list({.level = Level::kExtent,
                         .oid = oid,
                         .dkey = bytesOf("array"),
                         .akey = bytesOf("a"),
                         .isReverse = isReverse});
  }
  for (const QueryWhat what : {QueryWhat::kMaxDkey, QueryWhat::kMaxExtent, QueryWhat::kMinExtent}) {
    QueryRequest request;
    request.oid = oid;
    request.what = what;
    if (what != QueryWhat::kMaxDkey) request.dkey = bytesOf("array");
    if (what != QueryWhat::kMaxDkey) request.akey = bytesOf("a");
    (void)container.query(request);
  }
}

void SampleStore::explore(Container& container) {
  size_t left = 12;
  for (const Explorer::Found& object : Explorer(container).list({.level = Level::kObject})) {
    if (left-- == 0) break;
    exploreObject(container, object.oid);
  }
}

void SampleStore::change(Container& container) {
  for (const ObjectType type : {ObjectType::kMultiHashed, ObjectType::kMultiLexical}) {
    const ObjectId oid = objectOf(static_cast<uint64_t>(type), type);
    for (const int number : {7, 100, 101, 102}) {
      const std::string dkey = keyOf(number);
      const IoDescriptor single = singleOf(bytesOf("single"), number == 101 ? 600 : 8);
      (void)put(container, {oid, bytesOf(dkey), single, 1000});
    }
    for (const uint64_t index : {0u, 12u, 1000u}) {
      const Extent extent{index, 10};
      const IoDescriptor array = arrayOf(bytesOf("a"), 4, extent);
      (void)put(container, {oid, bytesOf("array"), array, 1000 + index});
    }
    const std::string dkey = keyOf(9);
    PunchRequest punch{oid, bytesOf(dkey), {}, {}};
    punch.write.epoch = 1001;
    (void)container.punch(punch);
  }
  bool isCommit = true;
  for (const TransactionInfo& info : container.preparedTransactions()) {
    (void)(isCommit ? container.commit({&info.id, 1}) : container.abort({&info.id, 1}));
    isCommit = !isCommit;
  }
}

void SampleStore::reduce(Container& container) {
  constexpr int kStepsMax = 200;
  for (const bool isDiscard : {false, true}) {
    const Status begun = isDiscard ? container.beginDiscard({900, 3000})
                                   : container.beginAggregation(850);
    if (!begun.ok()) continue;
    for (int i = 0; i < kStepsMax; ++i) {
      const auto more = container.reduceStep(64);
      if (!more.ok() || !*more) break;
      if (container.hasReductionWrite()) (void)run(container.writeReduction());
    }
    if (container.isReducing()) container.cancelReduction();
  }
  for (int i = 0; i < kStepsMax; ++i) {
    const auto more = container.forgetCommittedStep(kEpochMax, 10);
    if (!more.ok() || !*more) break;
  }
}

bool SampleStore::useAll() {
  auto arena = MemoryArena::open(region_);
  if (!arena.ok()) return false;
  auto opened = Pool::open(std::move(*arena), {*media_, *buffers_}, {}, kOptions);
  if (!opened.ok()) return false;
  Pool& pool = **opened;
  for (const Uuid& uuid : pool.listContainers()) {
    Container* container = *pool.openContainer(uuid);
    explore(*container);
    change(*container);
    reduce(*container);
    explore(*container);
    (void)container->setSnapshots({});
    pool.closeContainer(container);
    (void)pool.destroyContainer(uuid);
  }
  (void)pool.createContainer(Uuid::fromRandom(8, 8));
  for (int i = 0; i < 200 && pool.hasGarbage(); ++i) {
    if (!pool.collectStep(256).ok()) break;
  }
  return true;
}

}  // namespace daos::vos::proof
