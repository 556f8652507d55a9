// Goal:   a share that was left between two steps of a resize opens, has lost nothing, and can be
//         given the new size again, or the old one.
// Method: the files of the share before and after a whole resize, of which each state in between is
//         put together: the store counts blocks in its own files, the label is in the data file,
//         and that file's length is its own.
#include <gtest/gtest.h>

#include <filesystem>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSmall = 4 << 20;
constexpr uint64_t kLarge = 12 << 20;
constexpr uint64_t kValueCount = 4;

class ResizeStates : public testing::TestWithParam<engine::ArenaKind>, public SystemFixture {
 protected:
  void start() {
    startEngine({.dataDirectory = live_, .transports = {"local"}, .arenaKind = GetParam()});
  }
  void open() {
    openPool();
    startClient();
    openContainer();
  }
  Status resize(uint64_t dataBytes) {
    return waitFor([&](auto done) { engine_->resizePool(pool_, dataBytes, done); });
  }
  std::string valueOf(uint64_t number) { return std::string(kMebibyte / 2, char('a' + number)); }
  bool put(uint64_t number) {
    return SystemFixture::put(*object(number), "k", valueOf(number)).ok();
  }
  bool holds(uint64_t number) {
    const auto found = get(*object(number), "k", kMebibyte / 2);
    return found.ok() && *found == valueOf(number);
  }

  // A share of `from` with values in it, and its files before and after a resize to `to`.
  void makeShares(uint64_t from, uint64_t to) {
    fs::create_directories(live_);
    start();
    ASSERT_NO_FATAL_FAILURE(createStore({.arenaBytes = 32 * kMebibyte, .dataBytes = from}));
    open();
    for (uint64_t i = 0; i < kValueCount; ++i) ASSERT_TRUE(put(i)) << i;
    stop();
    fs::copy(live_, before_, fs::copy_options::recursive);
    start();
    open();
    const Status resized = resize(to);
    ASSERT_TRUE(resized.ok()) << resized.error().describe();
    stop();
    fs::copy(live_, after_, fs::copy_options::recursive);
  }
  static fs::path dataFileIn(const fs::path& directory) {
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.path().filename() == "data" && entry.is_regular_file()) return entry.path();
    }
    return {};
  }
  // The store's files of one share, the data file of another, as long as that of a third.
  void compose(const fs::path& store, const fs::path& label, const fs::path& length) {
    fs::remove_all(live_);
    fs::copy(store, live_, fs::copy_options::recursive);
    const fs::path data = dataFileIn(live_);
    fs::copy_file(dataFileIn(label), data, fs::copy_options::overwrite_existing);
    fs::resize_file(data, fs::file_size(dataFileIn(length)));
  }
  void expectUsable(uint64_t dataBytes) {
    start();
    open();
    for (uint64_t i = 0; i < kValueCount; ++i) EXPECT_TRUE(holds(i)) << i;
    const Status resized = resize(dataBytes);
    EXPECT_TRUE(resized.ok()) << resized.error().describe();
    for (uint64_t i = 0; i < kValueCount; ++i) EXPECT_TRUE(holds(i)) << i;
    uint64_t count = kValueCount;
    while (count < 40 && put(count)) ++count;
    EXPECT_EQ(count > kSmall / (kMebibyte / 2), dataBytes == kLarge) << count;
    for (uint64_t i = 0; i < count; ++i) EXPECT_TRUE(holds(i)) << i;
    stop();
    // What it gave up is nobody's any more.
    EXPECT_EQ(fs::file_size(dataFileIn(live_)), dataBytes + kMebibyte);
  }

  const fs::path live_ = directory_.path() / "live";
  const fs::path before_ = directory_.path() / "before";
  const fs::path after_ = directory_.path() / "after";
};

TEST_P(ResizeStates, EachStateOfGrowingOpensAndGoesOnOrBack) {
  ASSERT_NO_FATAL_FAILURE(makeShares(kSmall, kLarge));
  for (const uint64_t next : {kLarge, kSmall}) {
    SCOPED_TRACE(next);
    compose(before_, before_, after_);  // the file has grown
    expectUsable(next);
    compose(before_, after_, after_);  // and its label says so
    expectUsable(next);
  }
}

TEST_P(ResizeStates, EachStateOfShrinkingOpensAndGoesOnOrBack) {
  ASSERT_NO_FATAL_FAILURE(makeShares(kLarge, kSmall));
  for (const uint64_t next : {kSmall, kLarge}) {
    SCOPED_TRACE(next);
    compose(after_, before_, before_);  // the store has given the blocks up
    expectUsable(next);
    compose(after_, after_, before_);  // and the label says so
    expectUsable(next);
  }
}

INSTANTIATE_TEST_SUITE_P(Arenas, ResizeStates,
                         testing::Values(engine::ArenaKind::kLog, engine::ArenaKind::kPmem),
                         [](const auto& arena) {
                           return arena.param == engine::ArenaKind::kLog ? "Log" : "Pmem";
                         });

}  // namespace
}  // namespace daos::system
