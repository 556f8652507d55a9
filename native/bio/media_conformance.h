// The fixture of the tests that every driver of Media has to pass (media_conformance_test.cc); a
// test program instantiates them with its drivers.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "bio/dma_buffer.h"
#include "bio/media_test_drivers.h"
#include "runtime/random.h"

namespace daos::bio {

class BioMedia : public testing::TestWithParam<TestDriver> {
 public:
  static constexpr uint64_t kSize = 4 << 20;

  void SetUp() override {
    reactor_ = Reactor::create(clock_).value();
    pool_ = DmaPool::create(8 << 20).value();
    auto opened = GetParam().open(*reactor_, kSize);
    ASSERT_TRUE(opened.ok()) << opened.error().describe();
    device_ = std::move(opened).value();
    device_.media->registerMemory(pool_->region());
  }
  void run(Task<void> task) {
    reactor_->spawn(std::move(task));
    reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
  }
  DmaBuffer filled(uint64_t size, uint64_t seed) {
    DmaBuffer buffer = pool_->allocate(size).value();
    SeededRandom random(seed);
    for (uint64_t at = 0; at < size; at += 8) storeAs(buffer.data() + at, random.next());
    return buffer;
  }
  Media& media() { return *device_.media; }

  SystemClock clock_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<DmaPool> pool_;
  TestDevice device_;
};

}  // namespace daos::bio
