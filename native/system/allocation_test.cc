// The steady path of small operations allocates nothing, on either side.
//
// Every operator new of the program is counted, by thread: the client's is the test's own, all
// others are the engine's.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "system/loopback.h"

namespace {

thread_local uint64_t ownCount = 0;
std::atomic<uint64_t> allCount{0};

void* countedAllocationOrNull(size_t size) noexcept {
  ++ownCount;
  allCount.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size ? size : 1);
}

void* countedAllocation(size_t size) {
  if (void* memory = countedAllocationOrNull(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t size) { return countedAllocation(size); }
void* operator new[](size_t size) { return countedAllocation(size); }
// The library's own forms that don't throw are no calls of those above under a sanitizer.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return countedAllocationOrNull(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return countedAllocationOrNull(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace daos::system {
namespace {

constexpr uint64_t kOperationCount = 4000;
// Growing tables of the store.
constexpr uint64_t kGrowthCountMax = kOperationCount / 50;

struct Counts {
  uint64_t client = 0;
  uint64_t engine = 0;
  uint64_t elapsedNs = 0;

  // Beside growing tables there are timers, which come every few milliseconds, however many
  // operations a busy machine does in that time. One allocation in two operations is never allowed.
  uint64_t countMax() const {
    return std::min(kGrowthCountMax + elapsedNs / 1'000'000, kOperationCount / 2);
  }
  bool isSteady() const { return std::max(client, engine) <= countMax(); }
};

class Allocations : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    engine_ = engine::Engine::start({.dataDirectory = directory_.path(),
                                     .targetCount = 1,
                                     .transports = {GetParam()},
                                     .arenaKind = engine::ArenaKind::kPmem})
                  .value();
    ASSERT_TRUE(waitFor([&](auto done) {
                  engine_->createPool(pool_, {.arenaBytes = 64ull << 20}, done);
                }).ok());
    ASSERT_TRUE(waitFor([&](auto done) { engine_->createContainer(pool_, pool_, done); }).ok());
    client_ = LoopbackClient::create({GetParam()}).value();
    open_ = client_->openContainer(pool_, pool_, mapOf(*engine_)).value();
    object_ = client::Object::open(open_, ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 1))
                  .value();
  }
  void TearDown() override {
    object_.reset();
    open_.reset();
    client_.reset();
    EXPECT_TRUE(engine_->stop().ok());
  }

  // Runs them one after another, in a task that is spawned once.
  Counts run(bool isUpdate) {
    Counts counts;
    bool hasEnded = false;
    client_->reactor().spawn(isUpdate ? update(counts, hasEnded) : fetch(counts, hasEnded));
    client_->reactor().runUntil([&] { return hasEnded; });
    return counts;
  }

 private:
  Counts now() const {
    const Clock& clock = client_->reactor().clock();
    return {ownCount, allCount.load() - ownCount, clock.nowNs()};
  }
  void add(Counts& to, const Counts& before) const {
    const Counts after = now();
    to = {after.client - before.client, after.engine - before.engine,
          after.elapsedNs - before.elapsedNs};
  }
  Task<void> update(Counts& counts, bool& hasEnded) {
    char value[64] = {};
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = sizeof value};
    const Bytes data[] = {bytesOf(value, sizeof value)};
    const Counts before = now();
    for (uint64_t i = 0; i < kOperationCount; ++i) {
      const uint64_t dkey = i % 64;
      const auto done = co_await client::update(
          *object_, {.dkey = bytesOf(&dkey, sizeof dkey), .akeys = {&akey, 1}, .data = data});
      EXPECT_TRUE(done.ok());
    }
    add(counts, before);
    hasEnded = true;
  }
  Task<void> fetch(Counts& counts, bool& hasEnded) {
    char room[64];
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = sizeof room};
    const MutableBytes buffers[] = {bytesOf(room, sizeof room)};
    client::AkeyResult result;
    const Counts before = now();
    for (uint64_t i = 0; i < kOperationCount; ++i) {
      const uint64_t dkey = i % 64;
      const auto done =
          co_await client::fetch(*object_, {.dkey = bytesOf(&dkey, sizeof dkey),
                                            .akeys = {&akey, 1},
                                            .buffers = buffers,
                                            .results = {&result, 1}});
      EXPECT_TRUE(done.ok() && result.dataSize == sizeof room);
    }
    add(counts, before);
    hasEnded = true;
  }

  const Uuid pool_ = SystemRandom().uuid();
  ScratchDirectory directory_{"/dev/shm"};
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<LoopbackClient> client_;
  std::shared_ptr<client::Container> open_;
  std::shared_ptr<client::Object> object_;
};

TEST_P(Allocations, SmallUpdatesAndFetchesAllocateNothing) {
  run(true);
  run(false);
  for (const bool isUpdate : {true, false}) {
    // What else the engine does from time to time may fall into one run, but not into each; what
    // the path itself allocates is in every one.
    Counts counts = run(isUpdate);
    for (int again = 0; again < 4 && !counts.isSteady(); ++again) counts = run(isUpdate);
    EXPECT_LE(counts.client, counts.countMax()) << (isUpdate ? "update" : "fetch");
    EXPECT_LE(counts.engine, counts.countMax()) << (isUpdate ? "update" : "fetch");
  }
}

INSTANTIATE_TEST_SUITE_P(Transports, Allocations, testing::Values("shm", "tcp"));

}  // namespace
}  // namespace daos::system
