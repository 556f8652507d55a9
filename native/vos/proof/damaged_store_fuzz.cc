// Stores whose bytes were changed where they lay: opened, read, listed, written to, aggregated.
//
// An input is a list of changes, five bytes each: where (little-endian, 32 bits) and what is xored
// to the byte there. They are made to the image of a small store that has one of everything.
//
// Goal: an error or some answer, never a crash, a hang, or a read outside of the arena.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "vos/proof/memory_arena.h"
#include "vos/vos.h"

namespace daos::vos::proof {
namespace {

constexpr uint64_t kSize = 2 << 20;
const Uuid kContainer = Uuid::fromRandom(1, 2);
const PoolOptions kOptions{.dataThreshold = PoolOptions::kNeverToMedia};

ObjectId objectOf(uint64_t low, ObjectType type) { return ObjectId::make({low, 7}, type, 1, 1); }

void put(Container& container, ObjectId oid, Bytes dkey, const IoDescriptor& akey, Epoch epoch,
         TransactionId transaction = {}) {
  const std::string value(akey.type == ValueType::kSingle
                              ? akey.recordSize
                              : akey.recordSize * akey.extents[0].count,
                          'v');
  UpdateRequest request{oid, dkey, {&akey, 1}, {}, {}};
  request.write.epoch = epoch;
  request.write.transaction = transaction;
  const Bytes data = bytesOf(value);
  DAOS_ASSERT(container.update(request, {&data, 1}).ok());
}

// Enough keys for trees of two levels, arrays with overlapping extents, punches at each level, a
// snapshot, a committed and a prepared transaction, a container that waits to be collected.
void populate(Pool& pool) {
  DAOS_ASSERT(pool.createContainer(kContainer).ok());
  const Uuid gone = Uuid::fromRandom(3, 4);
  DAOS_ASSERT(pool.createContainer(gone).ok());
  Container* container = *pool.openContainer(gone);
  const IoDescriptor single{.akey = bytesOf("single"), .recordSize = 40};
  put(*container, objectOf(9, ObjectType::kMultiHashed), bytesOf("k"), single, 5);
  pool.closeContainer(container);
  DAOS_ASSERT(pool.destroyContainer(gone).ok());

  container = *pool.openContainer(kContainer);
  Epoch epoch = 10;
  for (const ObjectType type : {ObjectType::kMultiHashed, ObjectType::kMultiLexical}) {
    const ObjectId oid = objectOf(static_cast<uint64_t>(type), type);
    for (int i = 0; i < 40; ++i) {
      const std::string dkey = "dkey " + std::to_string(i);
      put(*container, oid, bytesOf(dkey), single, ++epoch);
      const Extent extent{static_cast<uint64_t>(i * 3), 10};
      const IoDescriptor array{.akey = bytesOf("a"),
                               .type = ValueType::kArray,
                               .recordSize = 4,
                               .extents = {&extent, 1}};
      put(*container, oid, bytesOf("array"), array, ++epoch);
    }
    PunchRequest punch{oid, bytesOf("dkey 3"), {}, {}};
    punch.write.epoch = ++epoch;
    DAOS_ASSERT(container->punch(punch).ok());
  }
  const ObjectId oid = objectOf(77, ObjectType::kMultiHashed);
  const TransactionId committed = Uuid::fromRandom(5, 6);
  const TransactionId prepared = Uuid::fromRandom(7, 8);
  put(*container, oid, bytesOf("k"), single, ++epoch, committed);
  DAOS_ASSERT(container->commit({&committed, 1}).ok());
  put(*container, oid, bytesOf("other"), single, ++epoch, prepared);
  DAOS_ASSERT(container->createSnapshot(20).ok());
  pool.closeContainer(container);
}

// Lists everything below what is named, to a bound, and fetches what it finds.
class Explorer final : public EntrySink {
 public:
  explicit Explorer(Container& container) : container_(container) {}

  void list(EnumerateRequest request) {
    for (const Versions versions : {Versions::kVisible, Versions::kAll}) {
      request.versions = versions;
      Anchor anchor;
      left_ = kEntriesMax;
      entries_.clear();
      while (!anchor.isEnd && left_ > 0) {
        if (!container_.enumerate(request, anchor, *this).ok()) break;
      }
    }
  }
  bool take(const Entry& entry) override {
    if (left_ == 0) return false;
    --left_;
    entries_.push_back({entry.oid, std::vector<std::byte>(entry.key.begin(), entry.key.end())});
    return true;
  }
  struct Found {
    ObjectId oid;
    std::vector<std::byte> key;
  };
  std::vector<Found> takeEntries() { return std::move(entries_); }

 private:
  static constexpr size_t kEntriesMax = 200;
  Container& container_;
  size_t left_ = 0;
  std::vector<Found> entries_;
};

void fetchBoth(Container& container, ObjectId oid, Bytes dkey) {
  const Extent all{0, 200};
  const IoDescriptor akeys[] = {
      {.akey = bytesOf("single"), .recordSize = 0},
      {.akey = bytesOf("a"), .type = ValueType::kArray, .recordSize = 4, .extents = {&all, 1}}};
  for (const Epoch epoch : {Epoch{20}, kEpochMax}) {
    for (const IoDescriptor& akey : akeys) {
      FetchRequest request{oid, dkey, {&akey, 1}, {}, false};
      request.read.epoch = epoch;
      request.read.inDoubt = InDoubt::kSkip;
      FetchResult result;
      if (!container.fetch(request, result).ok()) continue;
      const FetchedValue& value = result.values()[0];
      if (value.size > 1 << 20) continue;
      std::vector<std::byte> room(value.size);
      result.copyTo(value, room);
    }
  }
}

void explore(Container& container) {
  Explorer explorer(container);
  explorer.list({.level = Level::kObject});
  for (const Explorer::Found& object : explorer.takeEntries()) {
    explorer.list({.level = Level::kPunch, .oid = object.oid});
    explorer.list({.level = Level::kDkey, .oid = object.oid});
    size_t left = 20;
    for (const Explorer::Found& dkey : explorer.takeEntries()) {
      if (left-- == 0) break;
      fetchBoth(container, object.oid, dkey.key);
      for (const Level level : {Level::kAkey, Level::kSingle, Level::kExtent}) {
        explorer.list(
            {.level = level, .oid = object.oid, .dkey = dkey.key, .akey = bytesOf("a")});
      }
    }
    for (const QueryWhat what : {QueryWhat::kMaxDkey, QueryWhat::kMinExtent}) {
      QueryRequest request;
      request.oid = object.oid;
      request.what = what;
      (void)container.query(request);
    }
  }
}

void change(Container& container) {
  const IoDescriptor single{.akey = bytesOf("single"), .recordSize = 8};
  const std::string value(8, 'n');
  const Bytes data = bytesOf(value);
  for (const ObjectType type : {ObjectType::kMultiHashed, ObjectType::kMultiLexical}) {
    const ObjectId oid = objectOf(static_cast<uint64_t>(type), type);
    for (const char* dkey : {"dkey 7", "new"}) {
      UpdateRequest request{oid, bytesOf(dkey), {&single, 1}, {}, {}};
      request.write.epoch = 1000;
      (void)container.update(request, {&data, 1});
    }
    PunchRequest punch{oid, bytesOf("dkey 9"), {}, {}};
    punch.write.epoch = 1001;
    (void)container.punch(punch);
  }
  for (const TransactionInfo& info : container.preparedTransactions()) {
    (void)container.commit({&info.id, 1});
    break;
  }
  if (!container.beginAggregation(2000).ok()) return;
  for (int i = 0; i < 200; ++i) {
    const auto more = container.reduceStep(64);
    if (!more.ok() || !*more) break;
  }
  if (container.isReducing()) container.cancelReduction();
}

struct Image {
  MemoryRegion region{kSize};
  std::vector<std::byte> bytes;

  Image() {
    auto pool = Pool::create(MemoryArena::create(region).value(), nullptr, {}, kOptions).value();
    populate(*pool);
    pool.reset();
    bytes.assign(region.data(), region.data() + kSize);
  }
};

void tryImage(MemoryRegion& region) {
  auto arena = MemoryArena::open(region);
  if (!arena.ok()) return;
  auto pool = Pool::open(std::move(*arena), nullptr, {}, kOptions);
  if (!pool.ok()) return;
  for (const Uuid& uuid : (*pool)->listContainers()) {
    auto container = (*pool)->openContainer(uuid);
    if (!container.ok()) continue;
    explore(**container);
    change(**container);
    explore(**container);
    (*pool)->closeContainer(*container);
    (void)(*pool)->destroyContainer(uuid);
  }
  for (int i = 0; i < 100 && (*pool)->hasGarbage(); ++i) {
    if (!(*pool)->collectStep(256).ok()) break;
  }
}

}  // namespace
}  // namespace daos::vos::proof

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace daos::vos::proof;
  static Image image;
  std::memcpy(image.region.data(), image.bytes.data(), kSize);
  for (; size >= 5; data += 5, size -= 5) {
    const auto where = daos::loadAs<uint32_t>(data);
    image.region.data()[where % kSize] ^= static_cast<std::byte>(data[4]);
  }
  tryImage(image.region);
  return 0;
}
