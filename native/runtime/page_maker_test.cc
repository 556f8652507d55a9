// Goal: what was asked for becomes memory without being touched, keeps its bytes, and nothing is
// done to memory that was forgotten.
#include "runtime/page_maker.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "testing/resident_pages.h"

namespace daos {
namespace {

constexpr size_t kSize = 24 << 20;

class PageMakerTest : public testing::Test {
 protected:
  PageMakerTest() {
    void* address = mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    memory_ = {static_cast<std::byte*>(address), kSize};
    // Else one store brings 2 MiB.
    madvise(address, kSize, MADV_NOHUGEPAGE);
  }
  ~PageMakerTest() override {
    maker_.forget(memory_);
    munmap(memory_.data(), kSize);
  }
  MutableBytes memory_;
  PageMaker maker_;
};

TEST_F(PageMakerTest, WhatIsAskedForBecomesMemoryAndNothingElse) {
  EXPECT_EQ(residentBytes(memory_), 0u);
  memory_[5 << 20] = std::byte{7};
  const MutableBytes wanted = memory_.subspan(4 << 20, 9 << 20);
  maker_.make(wanted);
  EXPECT_TRUE(becomesResident(wanted));
  EXPECT_EQ(residentBytes(memory_), wanted.size());
  EXPECT_EQ(memory_[5 << 20], std::byte{7});
  maker_.make(memory_.last(4096));
  EXPECT_TRUE(becomesResident(memory_.last(4096)));
}

TEST_F(PageMakerTest, WhatIsForgottenIsLeftAlone) {
  for (int round = 0; round < 50; ++round) {
    maker_.make(memory_);
    maker_.forget(memory_);
    // Gone again, and nobody brings it back.
    madvise(memory_.data(), kSize, MADV_DONTNEED);
    std::this_thread::sleep_for(std::chrono::milliseconds(round % 5));
    ASSERT_EQ(residentBytes(memory_), 0u);
  }
}

TEST_F(PageMakerTest, OneThatIsClosedAmidItsWorkEnds) {
  for (int round = 0; round < 20; ++round) {
    PageMaker other;
    for (int i = 0; i < 100; ++i) other.make(memory_);
  }
}

}  // namespace
}  // namespace daos
