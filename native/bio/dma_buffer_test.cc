#include "bio/dma_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "runtime/random.h"

namespace daos::bio {
namespace {

TEST(BioDmaPool, BuffersNeverOverlapAndAllComeBack) {
  SeededRandom random(3);
  auto pool = DmaPool::create(1 << 20).value();
  std::vector<DmaBuffer> held;
  for (int step = 0; step < 5000; ++step) {
    if (random.chance(1, 2) && !held.empty()) {
      std::swap(held[random.below(held.size())], held.back());
      held.pop_back();
      continue;
    }
    held.push_back(*pool->allocate(1 + random.below(100000)));
    ASSERT_EQ(reinterpret_cast<uintptr_t>(held.back().data()) % 4096, 0u);
    for (size_t i = 0; i + 1 < held.size(); ++i) {
      const bool isApart = held[i].data() + held[i].size() <= held.back().data() ||
                           held.back().data() + held.back().size() <= held[i].data();
      ASSERT_TRUE(isApart);
    }
  }
  EXPECT_GT(pool->overflowCount(), 0u);
  held.clear();
  EXPECT_EQ(pool->usedBytes(), 0u);
  const auto whole = pool->allocate(1 << 20).value();  // everything has merged again
  EXPECT_EQ(whole.data(), pool->region().data());
}

TEST(BioDmaPool, MemoryBeyondTheRegionIsAskedFor) {
  uint64_t asked = 0;
  auto pool = DmaPool::create(4096, [&](uint64_t size) {
                asked += size;
                return size <= 8192;
              }).value();
  const auto inside = pool->allocate(4096).value();
  EXPECT_EQ(asked, 0u);
  const auto beyond = pool->allocate(5000).value();
  EXPECT_EQ(asked, 8192u);
  EXPECT_EQ(pool->allocate(10000).code(), ErrorCode::kNomem);
}

// The flags of this process's mapping that holds `address`, as the kernel tells them.
std::string flagsOfMapping(const std::byte* address) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  bool isInside = false;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      isInside = begin <= wanted && wanted < end;
    } else if (isInside && line.starts_with("VmFlags:")) {
      return line;
    }
  }
  return {};
}

// A large write is one piece of memory to the device then, not one for each 4 KiB.
TEST(BioDmaPool, LargeRegionsAskForHugePages) {
  const auto pool = DmaPool::create(8 << 20).value();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(pool->region().data()) % (2 << 20), 0u);
  if (!std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled")) {
    GTEST_SKIP() << "this kernel has no transparent huge pages";
  }
  EXPECT_NE(flagsOfMapping(pool->region().data()).find(" hg"), std::string::npos);
}

}  // namespace
}  // namespace daos::bio
