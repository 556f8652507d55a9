// Goal: the cache of dkeys gives what is in the tree, or nothing, whatever happened to the key
//       since.
// Method: the cache alone, until entries give way; and a store whose keys go and come back, in
//         every way a key can go.
#include "vos/dkey_cache.h"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "runtime/random.h"
#include "vos/vos_fixture.h"

namespace daos::vos {
namespace {

TEST(DkeyCacheTest, GivesWhatWasRememberedOrNothing) {
  DkeyCache cache(0);  // the smallest: 256 words
  SeededRandom random(1);
  std::map<uint64_t, uint64_t> known;
  uint64_t foundCount = 0;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t name = DkeyCache::nameOf(16, (random.below(400) + 1) * 0x123456789abcdef1);
    switch (random.below(4)) {
      case 0: cache.forget(name); known.erase(name); break;
      case 1: cache.remember(name, known[name] = random.next() | 1); break;
      default: {
        const uint64_t word = cache.find(name);
        if (word == 0) break;
        ++foundCount;
        ASSERT_TRUE(known.contains(name) && known[name] == word) << "operation " << i;
      }
    }
  }
  EXPECT_GT(foundCount, 2000u);
}

TEST(DkeyCacheTest, OneKeyHasAnotherNameInEachTree) {
  EXPECT_NE(DkeyCache::nameOf(64, 5), DkeyCache::nameOf(128, 5));
  DkeyCache cache(64 << 20);
  cache.remember(DkeyCache::nameOf(64, 5), 16);
  EXPECT_EQ(cache.find(DkeyCache::nameOf(128, 5)), 0u);
  EXPECT_EQ(cache.find(DkeyCache::nameOf(64, 5)), 16u);
}

size_t residentBytesOfProcess() {
  std::ifstream statm("/proc/self/statm");
  size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

TEST(DkeyCacheTest, ItsPagesAreMadeWhenTheFirstKeyComes) {
  PageMaker maker;
  DkeyCache cache(uint64_t{2} << 30, &maker);  // 32 MiB
  const size_t before = residentBytesOfProcess();
  constexpr size_t kMost = 28 << 20;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LT(residentBytesOfProcess() - before, kMost / 2);
  cache.remember(1, 16);
  for (int i = 0; i < 1000 && residentBytesOfProcess() < before + kMost; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_GE(residentBytesOfProcess(), before + kMost);
  EXPECT_EQ(cache.find(1), 16u);
}

// As long as integer keys are.
constexpr std::string_view kKey = "dkeydkey";

class VosDkeyCacheTest : public VosTest {
 protected:
  void aggregate(Epoch upTo) {
    ASSERT_TRUE(container_->beginAggregation(upTo).ok());
    finish();
  }
  void discard(EpochRange range) {
    ASSERT_TRUE(container_->beginDiscard(range).ok());
    finish();
  }
  void finish() {
    Result<bool> more = true;
    while (more.ok() && *more) more = container_->reduceStep(1000);
    ASSERT_TRUE(more.ok()) << more.error().describe();
  }
  // Other keys, in the blocks that the one before had.
  void reuseBlocks(Epoch epoch) {
    for (int i = 0; i < 40; ++i) {
      ASSERT_EQ(put(hashedObject(9), "z" + std::to_string(i), "a", epoch, "other"), ErrorCode::kOk);
    }
  }
  // The key is gone, and can be made again, which its tree knows.
  void expectGoneAndComes(ObjectId oid, Epoch epoch, bool isReused = false) {
    EXPECT_EQ(get(oid, kKey, "a"), "-");
    if (isReused) reuseBlocks(epoch);
    EXPECT_EQ(get(oid, kKey, "a"), "-");
    ASSERT_EQ(put(oid, kKey, "a", epoch + 1, "again"), ErrorCode::kOk);
    EXPECT_EQ(get(oid, kKey, "a"), "again");
    EXPECT_EQ(list({Level::kDkey, oid}), std::vector<std::string>{std::string(kKey)});
    reopen();
    EXPECT_EQ(get(oid, kKey, "a"), "again");
  }
};

ObjectId objectOf(ObjectType type) { return ObjectId::make({3, 7}, type, 1, 1); }

TEST_F(VosDkeyCacheTest, AKeyThatAggregationDroppedIsFoundNoMore) {
  for (const ObjectType type :
       {ObjectType::kMultiHashed, ObjectType::kDkeyLexical, ObjectType::kDkeyUint64}) {
    const ObjectId oid = objectOf(type);
    const Epoch first = pool_->epochMax() + 10;
    ASSERT_EQ(put(oid, kKey, "a", first, "v"), ErrorCode::kOk);
    ASSERT_EQ(get(oid, kKey, "a"), "v");
    ASSERT_EQ(punch(oid, first + 1, kKey), ErrorCode::kOk);
    aggregate(first + 2);
    expectGoneAndComes(oid, first + 3);
  }
}

TEST_F(VosDkeyCacheTest, AKeyThatWasDiscardedIsFoundNoMore) {
  const ObjectId oid = objectOf(ObjectType::kMultiHashed);
  ASSERT_EQ(put(oid, kKey, "a", 10, "v"), ErrorCode::kOk);
  ASSERT_EQ(get(oid, kKey, "a"), "v");
  discard({5, 15});
  expectGoneAndComes(oid, 20, true);
}

TEST_F(VosDkeyCacheTest, AKeyWhoseUpdateWasRefusedWasNeverThere) {
  const ObjectId oid = objectOf(ObjectType::kMultiHashed);
  // The second akey is refused when the dkey is made already: it can't be of both types.
  const Extent extent{0, 1};
  const IoDescriptor descriptors[2] = {{bytesOf("a"), ValueType::kSingle, 1, {}, 0},
                                       {bytesOf("a"), ValueType::kArray, 1, {&extent, 1}, 0}};
  UpdateRequest request{oid, bytesOf(kKey), descriptors, {}, {}};
  request.write.epoch = 6;
  const Bytes data[2] = {bytesOf("1"), bytesOf("2")};
  EXPECT_EQ(container_->update(request, data).code(), ErrorCode::kInval);
  expectGoneAndComes(oid, 20);
}

TEST_F(VosDkeyCacheTest, AKeyThatAnAbortedTransactionMadeIsFoundNoMore) {
  const ObjectId oid = objectOf(ObjectType::kMultiHashed);
  const TransactionId id = Uuid::fromRandom(5, 6);
  IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 1, {}, 0};
  UpdateRequest request{oid, bytesOf(kKey), {&descriptor, 1}, {}, {}};
  request.write.epoch = 6;
  request.write.transaction = id;
  const Bytes data = bytesOf("1");
  ASSERT_TRUE(container_->update(request, {&data, 1}).ok());
  ASSERT_TRUE(container_->abort({&id, 1}).ok());
  aggregate(10);
  expectGoneAndComes(oid, 20);
}

TEST_F(VosDkeyCacheTest, AContainerMadeInThePlaceOfADestroyedOneIsEmpty) {
  const ObjectId oid = objectOf(ObjectType::kMultiHashed);
  ASSERT_EQ(put(oid, kKey, "a", 10, "v"), ErrorCode::kOk);
  ASSERT_EQ(get(oid, kKey, "a"), "v");
  pool_->closeContainer(container_);
  ASSERT_TRUE(pool_->destroyContainer(kUuid).ok());
  while (pool_->hasGarbage()) ASSERT_TRUE(pool_->collectStep(100).ok());
  ASSERT_TRUE(pool_->createContainer(kUuid).ok());
  container_ = *pool_->openContainer(kUuid);
  // An object record in the place of the old one: the same root.
  ASSERT_EQ(put(oid, "e", "a", 10, "w"), ErrorCode::kOk);
  EXPECT_EQ(get(oid, kKey, "a"), "-");
  EXPECT_EQ(list({Level::kDkey, oid}), std::vector<std::string>{"e"});
}

}  // namespace
}  // namespace daos::vos
