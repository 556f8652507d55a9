#include "placement/layout.h"

#include <gtest/gtest.h>

#include <set>

namespace daos::placement {
namespace {

PoolMap mapOf(uint32_t count) {
  PoolMap map{.version = 1};
  for (uint32_t i = 0; i < count; ++i) map.targets.push_back({.rank = i / 4, .index = i % 4});
  return map;
}

ObjectId classOid(uint64_t low, uint16_t groups) {
  return ObjectId::make({low, 0}, ObjectType::kMultiHashed, kRedundancyNone, groups);
}

TEST(PlacementLayout, ObjectsOfOneGroupSpreadEvenlyOverTargets) {
  const PoolMap map = mapOf(8);
  std::vector<int> counts(8);
  for (uint64_t i = 0; i < 8000; ++i) ++counts[computeLayout(map, classOid(i, 1))->groups[0]];
  for (int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(PlacementLayout, AWideObjectHasEachTargetOnce) {
  const Layout layout = computeLayout(mapOf(7), classOid(5, kGroupCountMax)).value();
  EXPECT_EQ(std::set<uint32_t>(layout.groups.begin(), layout.groups.end()).size(), 7u);
}

TEST(PlacementLayout, DkeysSpreadOverGroupsAndStayWhereTheyAre) {
  const Layout layout = computeLayout(mapOf(4), classOid(5, 4)).value();
  std::vector<int> counts(4);
  for (int i = 0; i < 4000; ++i) {
    const std::string dkey = "dkey-" + std::to_string(i);
    const uint32_t group = groupOfDkey(layout, bytesOf(dkey));
    EXPECT_EQ(group, groupOfDkey(layout, bytesOf(dkey)));
    ++counts[group];
  }
  for (int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(PlacementLayout, AGrownMapMovesOnlyTheShareOfTheNewTarget) {
  int moved = 0;
  for (uint64_t i = 0; i < 8000; ++i) {
    moved += computeLayout(mapOf(7), classOid(i, 1))->groups !=
             computeLayout(mapOf(8), classOid(i, 1))->groups;
  }
  EXPECT_NEAR(moved, 1000, 150);
}

TEST(PlacementLayout, UnservableClassesAreRefusedWithTheReason) {
  EXPECT_EQ(computeLayout(mapOf(4), ObjectId{1, 0}).code(), ErrorCode::kInval);
  EXPECT_EQ(computeLayout(mapOf(4), classOid(1, 5)).code(), ErrorCode::kInval);
  EXPECT_EQ(computeLayout(mapOf(0), classOid(1, 1)).code(), ErrorCode::kNonexist);
  const ObjectId replicated = ObjectId::make({1, 0}, ObjectType::kMultiHashed, 8, 1);
  const auto unserved = computeLayout(mapOf(4), replicated);
  EXPECT_EQ(unserved.code(), ErrorCode::kNosys);
  EXPECT_NE(unserved.error().message().find("of class RP_2G1;"), std::string::npos);
}

}  // namespace
}  // namespace daos::placement
