// Goal: the data area of a pool grows and shrinks beneath open containers, keeps what it holds, and
// is never cut into it.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

class Resize : public testing::TestWithParam<engine::ArenaKind>, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_NO_FATAL_FAILURE(
        createStore({.arenaBytes = 32 * kMebibyte, .dataBytes = 4 * kMebibyte}));
    open();
  }
  void start() { startEngine({.transports = {"local"}, .arenaKind = GetParam()}); }
  void open() {
    startClient();
    openContainer();
  }
  std::string valueOf(uint64_t number) { return std::string(kMebibyte / 2, char('a' + number)); }
  Status put(uint64_t number) {
    auto done = SystemFixture::put(*object(number), "k", valueOf(number));
    return done.ok() ? Status{} : Status(std::move(done).error());
  }
  bool holds(uint64_t number) {
    const auto found = get(*object(number), "k", kMebibyte / 2);
    return found.ok() && *found == valueOf(number);
  }
  Status resize(uint64_t dataBytes) {
    return waitFor([&](auto done) { engine_->resizePool(pool_, dataBytes, done); });
  }
  uint64_t dataFileBytes() {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
      if (entry.path().filename() == "data") return entry.file_size();
    }
    return 0;
  }
};

TEST_P(Resize, GrowsShrinksAndKeepsWhatIsThere) {
  uint64_t count = 0;
  while (count < 20 && put(count).ok()) ++count;
  ASSERT_LE(count, 8u);
  ASSERT_TRUE(resize(12 * kMebibyte).ok());
  EXPECT_GT(dataFileBytes(), 12 * kMebibyte);
  for (uint64_t i = 0; i < count; ++i) EXPECT_TRUE(holds(i)) << i;
  ASSERT_TRUE(put(count).ok());
  ASSERT_TRUE(put(count + 1).ok());
  EXPECT_TRUE(resize(12 * kMebibyte).ok());  // again: nothing to do

  const Status refused = resize(2 * kMebibyte);
  ASSERT_EQ(refused.code(), ErrorCode::kNospace);
  EXPECT_NE(refused.error().message().find("bytes of data lie in it"), std::string::npos)
      << refused.error().message();
  ASSERT_TRUE(resize(6 * kMebibyte).ok());
  EXPECT_LT(dataFileBytes(), 8 * kMebibyte);
  for (uint64_t i = 0; i < count + 2; ++i) EXPECT_TRUE(holds(i)) << i;

  stop();
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(openPool());
  open();
  for (uint64_t i = 0; i < count + 2; ++i) EXPECT_TRUE(holds(i)) << i;
}

TEST_P(Resize, WritesGoOnMeanwhile) {
  std::atomic<bool> isOver = false;
  std::thread resizer([&] {
    for (const uint64_t mebibytes : {8, 4, 8, 4}) EXPECT_TRUE(resize(mebibytes * kMebibyte).ok());
    isOver = true;
  });
  uint64_t count = 0;
  const auto target = object(1);
  for (; !isOver || count < 100; ++count) {
    const auto done =
        SystemFixture::put(*target, "k" + std::to_string(count), std::string(64, 'v'));
    EXPECT_TRUE(done.ok()) << count << ": " << done.error().describe();
    if (!done.ok()) break;
  }
  resizer.join();
}

TEST_P(Resize, APoolKeepsTheTiersThatItWasMadeWith) {
  const Uuid arenaOnly = Uuid::fromRandom(3, 9);
  ASSERT_TRUE(waitFor([&](auto done) {
                engine_->createPool(arenaOnly, {.arenaBytes = 32 * kMebibyte}, done);
              }).ok());
  EXPECT_EQ(waitFor([&](auto done) { engine_->resizePool(arenaOnly, kMebibyte, done); }).code(),
            ErrorCode::kInval);
  EXPECT_EQ(resize(0).code(), ErrorCode::kInval);
}

TEST_P(Resize, WhatTheDiskHasNoRoomForIsRefusedAndTheOldSizeStays) {
  const uint64_t free = std::filesystem::space(directory_.path()).available;
  const uint64_t before = dataFileBytes();
  // Far more, as others may give space back meanwhile: what can be reserved is reserved, up to all
  // memory there is.
  EXPECT_EQ(resize(16 * free).code(), ErrorCode::kNospace);
  EXPECT_EQ(dataFileBytes(), before);
  EXPECT_TRUE(put(1).ok());
  EXPECT_TRUE(holds(1));
}

INSTANTIATE_TEST_SUITE_P(Arenas, Resize,
                         testing::Values(engine::ArenaKind::kLog, engine::ArenaKind::kPmem),
                         [](const auto& arena) {
                           return arena.param == engine::ArenaKind::kLog ? "Log" : "Pmem";
                         });

}  // namespace
}  // namespace daos::system
