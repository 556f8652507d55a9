// Goal:   what may have changed within a range of epochs is listed, all of it and little else, at a
//         cost that is bounded call by call.
// Method: random histories, each name judged by reading it on both sides; then large ones, counted.
#include <random>
#include <set>

#include "vos/vos_fixture.h"

namespace daos::vos {
namespace {

class VosChanges : public VosTest {
 protected:
  EnumerateRequest changed(Level level, EpochRange range, ObjectId oid = {},
                           std::string_view dkey = {}) {
    EnumerateRequest request;
    request.level = level;
    request.oid = oid;
    request.dkey = bytesOf(dkey);
    request.changed = range;
    return request;
  }
  // Names that are listed as of either end of the range.
  std::set<std::string> onBothSides(EnumerateRequest request, size_t pageSize) {
    std::set<std::string> names;
    for (const Epoch epoch : {request.changed->low - 1, request.changed->high}) {
      request.epochs.high = epoch;
      for (const std::string& name : list(request, pageSize)) names.insert(name);
    }
    return names;
  }
  size_t callsFor(const EnumerateRequest& request) {
    struct Sink final : EntrySink {
      bool take(const Entry&) override { return true; }
    } sink;
    Anchor anchor;
    size_t count = 0;
    for (; !anchor.isEnd; ++count) EXPECT_TRUE(container_->enumerate(request, anchor, sink).ok());
    return count;
  }
};

const ObjectId kTree = hashedObject(5);

TEST_F(VosChanges, OnlyWhatHasAWriteOrAPunchInTheRangeIsListed) {
  for (uint64_t i = 1; i <= 4; ++i) {
    put(hashedObject(i), "d1", "a", 10, "v");
    put(hashedObject(i), "d2", "a", 10, "v");
  }
  put(hashedObject(2), "d2", "b", 20, "w");
  punch(hashedObject(3), 21, "d1");
  put(hashedObject(4), "d1", "a", 31, "late");
  const EpochRange range{11, 30};
  EXPECT_EQ(onBothSides(changed(Level::kObject, range), 1), (std::set<std::string>{"2", "3"}));
  EXPECT_EQ(onBothSides(changed(Level::kDkey, range, hashedObject(2)), 1),
            (std::set<std::string>{"d2"}));
  EXPECT_EQ(onBothSides(changed(Level::kAkey, range, hashedObject(2), "d2"), 1),
            (std::set<std::string>{"b"}));
  EXPECT_EQ(onBothSides(changed(Level::kDkey, range, hashedObject(3)), 1),
            (std::set<std::string>{"d1"}));
  EXPECT_EQ(onBothSides(changed(Level::kDkey, range, hashedObject(4)), 1), std::set<std::string>{});
}

TEST_F(VosChanges, BeneathAPunchOfTheRangeEverythingIsListed) {
  for (const char* dkey : {"d1", "d2", "d3"}) put(kTree, dkey, "a", 10, "v");
  punch(kTree, 20);
  put(kTree, "d2", "a", 25, "v");
  const EpochRange range{11, 30};
  EXPECT_EQ(onBothSides(changed(Level::kDkey, range, kTree), 2),
            (std::set<std::string>{"d1", "d2", "d3"}));
  punch(kTree, 40, "d2");
  put(kTree, "d2", "other", 41, "v");
  EXPECT_EQ(onBothSides(changed(Level::kAkey, {31, 50}, kTree, "d2"), 2),
            (std::set<std::string>{"a", "other"}));
}

TEST_F(VosChanges, NothingThatReadsDifferentlyIsEverLeftOut) {
  std::mt19937 random(20);
  auto below = [&](uint32_t n) { return random() % n; };
  for (Epoch epoch = 1; epoch <= 2000; ++epoch) {
    const ObjectId oid = hashedObject(below(4));
    const std::string dkey = "d" + std::to_string(below(20));
    const std::string akey = "a" + std::to_string(below(3));
    switch (below(24)) {
      case 0: punch(oid, epoch); break;
      case 1: punch(oid, epoch, dkey); break;
      case 2: punch(oid, epoch, dkey, akey); break;
      case 3: write(oid, dkey, "array", epoch, below(50), "bytes"); break;
      case 4: punchExtent(oid, dkey, "array", epoch, {below(50), 1 + below(9)}); break;
      default: put(oid, dkey, akey, epoch, std::to_string(epoch));
    }
  }
  for (int round = 0; round < 200; ++round) {
    const Epoch from = 1 + below(2000);
    const Epoch to = from + 1 + below(40);
    const ObjectId oid = hashedObject(below(4));
    const auto dkeys = onBothSides(changed(Level::kDkey, {from + 1, to}, oid), 1 + below(9));
    for (uint32_t i = 0; i < 20; ++i) {
      const std::string dkey = "d" + std::to_string(i);
      const auto akeys = onBothSides(changed(Level::kAkey, {from + 1, to}, oid, dkey), 2);
      for (const char* akey : {"a0", "a1", "a2"}) {
        if (get(oid, dkey, akey, from) == get(oid, dkey, akey, to)) continue;
        ASSERT_TRUE(dkeys.contains(dkey)) << dkey << " from " << from << " to " << to;
        ASSERT_TRUE(akeys.contains(akey)) << dkey << "/" << akey << " from " << from;
      }
      if (read(oid, dkey, "array", {0, 64}, from) == read(oid, dkey, "array", {0, 64}, to))
        continue;
      ASSERT_TRUE(dkeys.contains(dkey)) << dkey << " from " << from << " to " << to;
      ASSERT_TRUE(akeys.contains("array")) << dkey << " from " << from << " to " << to;
    }
  }
}

TEST_F(VosChanges, ACallEndsAfterABoundedNumberOfRecordsAndGoesOnFromThere) {
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i) put(kTree, "key" + std::to_string(i), "a", 10, "v");
  for (int i = 0; i < kCount; i += kCount / 10) put(kTree, "key" + std::to_string(i), "a", 20, "w");
  const EnumerateRequest request = changed(Level::kDkey, {11, 30}, kTree);
  EXPECT_EQ(list(request, 1000).size(), 10u);
  // Each of the keys and its akey is looked at, once.
  const size_t calls = callsFor(request);
  EXPECT_GE(calls, 2 * kCount / EnumerateRequest::kVisitsMax);
  EXPECT_LE(calls, 3 * kCount / EnumerateRequest::kVisitsMax + 1);
  // The object is listed without looking through all that it holds, though nothing changed.
  EXPECT_EQ(list(changed(Level::kObject, {31, 40}), 10).size(), 1u);
  EXPECT_EQ(callsFor(changed(Level::kObject, {31, 40})), 1u);
  EXPECT_EQ(list(changed(Level::kDkey, {31, 40}, kTree), 10).size(), 0u);
}

}  // namespace
}  // namespace daos::vos
