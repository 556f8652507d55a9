// Goal: a prefix is found where it stands, in nodes of every size and whatever the order of their
//       slots.
// Method: random nodes of few different prefixes, beside a plain count; what lies in free slots and
//         behind the prefixes is noise.
#include "vos/node_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "runtime/random.h"
#include "vos/key_tree.h"

namespace daos::vos {
namespace {

struct RandomNode {
  // As in an arena: aligned, with memory behind it.
  alignas(64) std::array<std::byte, TreeNode::sizeFor(kSlotCountMax) + 64> bytes;
  std::vector<uint64_t> sorted;

  RandomNode(SeededRandom& random, unsigned capacity) {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
    node().capacity = static_cast<uint8_t>(capacity);
    const auto count = static_cast<unsigned>(random.below(capacity + 1));
    // Around the places where signed and unsigned orders part.
    constexpr uint64_t kMiddles[] = {8, uint64_t{1} << 63, ~uint64_t{0} - 8};
    const uint64_t middle = kMiddles[random.below(3)];
    for (unsigned i = 0; i < count; ++i) sorted.push_back(middle - 8 + random.below(16));
    std::ranges::sort(sorted);
    std::array<unsigned, kSlotCountMax> slots;
    std::iota(slots.begin(), slots.end(), 0u);
    for (unsigned i = capacity; i > 1; --i) std::swap(slots[i - 1], slots[random.below(i)]);
    uint64_t order = 0;
    for (unsigned i = 0; i < kSlotCountMax; ++i) order |= uint64_t{slots[i]} << (4 * i);
    node().permutation = order << 4 | count;
    for (unsigned i = 0; i < count; ++i) node().prefixes()[slots[i]] = sorted[i];
  }
  TreeNode& node() { return *reinterpret_cast<TreeNode*>(bytes.data()); }
};

TEST(VosNodeSearch, EveryPrefixIsCountedInNodesOfEverySize) {
  SeededRandom random(1);
  for (int round = 0; round < 20'000; ++round) {
    constexpr unsigned kCapacities[] = {3, 7, 15};
    RandomNode made(random, kCapacities[round % 3]);
    const auto& sorted = made.sorted;
    const uint64_t prefix = sorted.empty() || random.chance(1, 8)
                                ? random.next()
                                : sorted[random.below(sorted.size())] + random.below(3) - 1;
    const auto first = std::ranges::lower_bound(sorted, prefix);
    const auto last = std::ranges::upper_bound(sorted, prefix);
    const unsigned low = countBelow(made.node(), prefix);
    ASSERT_EQ(low, first - sorted.begin()) << "round " << round;
    ASSERT_EQ(endOfEqual(made.node(), low, prefix), last - sorted.begin()) << "round " << round;
    if (sorted.empty()) continue;
    // What the first entry has does not count, and may be anything.
    const auto behind = std::lower_bound(sorted.begin() + 1, sorted.end(), prefix);
    made.node().prefixes()[made.node().slotAt(0)] = random.next();
    ASSERT_EQ(countBelowBehindFirst(made.node(), prefix), behind - sorted.begin() - 1)
        << "round " << round;
  }
}

TEST(VosNearbyHint, NamesTheLineOfWhatIsNear) {
  SeededRandom random(2);
  for (int round = 0; round < 1000; ++round) {
    const Offset record = (Offset{100} << 16) + random.below(1 << 12) * 16;
    const Offset there = record - (1 << 20) + random.below(1 << 17) * 16;
    const uint64_t item = record | NearbyHint::make(record, there);
    EXPECT_EQ(itemOffset(item), record);
    EXPECT_EQ(NearbyHint::lineOf(item), alignDown(there, 64));
  }
}

TEST(VosNearbyHint, IsNoneOfWhatIsFarAndOfNothing) {
  const Offset record = Offset{100} << 16;
  EXPECT_EQ(NearbyHint::make(record, 0), 0u);
  EXPECT_EQ(NearbyHint::make(record, record + (Offset{32} << 16)), 0u);
  EXPECT_EQ(NearbyHint::make(record, record - (Offset{32} << 16)), 0u);
  EXPECT_NE(NearbyHint::make(record, record + (Offset{31} << 16)), 0u);
  EXPECT_NE(NearbyHint::make(record, record - (Offset{31} << 16)), 0u);
  EXPECT_EQ(NearbyHint::lineOf(record), 0u);
}

}  // namespace
}  // namespace daos::vos
