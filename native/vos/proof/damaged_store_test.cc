// Goal: a damaged store gives errors or answers; what once did more is tried again, and some random
//       damage besides. Most of the looking is damaged_store_fuzz's, with sanitizers.
#include "vos/proof/damaged_store.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/random.h"

namespace daos::vos::proof {
namespace {

TEST(DamagedStore, SoundOneOpens) {
  DamagedStore store;
  EXPECT_TRUE(store.use({}));
  EXPECT_GT(store.wordCount(), 1000u);
  EXPECT_LT(store.wordCount(), 65536u);  // all of them can be named
}

TEST(DamagedStore, GivesErrorsOrAnswers) {
  constexpr int kStoreCount = 1000;
  DamagedStore store;
  SeededRandom random(1);
  int openedCount = 0;
  for (int i = 0; i < kStoreCount; ++i) {
    std::vector<std::byte> input((1 + random.below(4)) * DamagedStore::kChangeSize);
    for (std::byte& byte : input) byte = static_cast<std::byte>(random.below(256));
    openedCount += store.use(input);
  }
  // Damage that is not seen at opening is met later.
  EXPECT_GT(openedCount, kStoreCount / 2);
}

}  // namespace
}  // namespace daos::vos::proof
