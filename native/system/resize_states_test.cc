// Goal:   a share that was left between two steps of a resize opens, has lost nothing, and can be
//         given the new size again, or the old one.
// Method: the files of the share before and after a whole resize, of which each state in between is
//         put together: the store counts blocks in its own files, the label is in the data file,
//         and that file's length is its own.
#include <gtest/gtest.h>

#include <filesystem>

#include "system/loopback.h"

namespace daos::system {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMebibyte = 1 << 20;
constexpr uint64_t kSmall = 4 * kMebibyte;
constexpr uint64_t kLarge = 12 * kMebibyte;
constexpr uint64_t kValueCount = 4;

class ResizeStates : public testing::TestWithParam<engine::ArenaKind> {
 protected:
  void TearDown() override { stop(); }

  void start() {
    auto engine = engine::Engine::start({.dataDirectory = live_.string(),
                                         .transports = {"local"},
                                         .localNetwork = network_.get(),
                                         .arenaKind = GetParam()});
    ASSERT_TRUE(engine.ok()) << engine.error().describe();
    engine_ = std::move(*engine);
  }
  void open() {
    const Status opened = waitFor([&](auto done) { engine_->openPool(pool_, done); });
    ASSERT_TRUE(opened.ok()) << opened.error().describe();
    client_ = LoopbackClient::create({"local"}, network_.get()).value();
    open_ = client_->openContainer(pool_, container_, mapOf(*engine_)).value();
  }
  void stop() {
    open_.reset();
    client_.reset();
    if (engine_) {
      EXPECT_TRUE(engine_->stop().ok());
    }
    engine_.reset();
  }
  Status resize(uint64_t dataBytes) {
    return waitFor([&](auto done) { engine_->resizePool(pool_, dataBytes, done); });
  }
  std::shared_ptr<client::Object> object(uint64_t number) {
    return client::Object::open(open_, ObjectId::make({number, 0}, ObjectType::kMultiHashed, 1, 1))
        .value();
  }
  std::string valueOf(uint64_t number) { return std::string(kMebibyte / 2, char('a' + number)); }
  bool put(uint64_t number) {
    const std::string value = valueOf(number);
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const Bytes data[] = {bytesOf(value)};
    return client_
        ->run(client::update(*object(number),
                             {.dkey = bytesOf("k"), .akeys = {&akey, 1}, .data = data}))
        .ok();
  }
  bool holds(uint64_t number) {
    std::string found(kMebibyte / 2, '-');
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = found.size()};
    const MutableBytes buffers[] = {bytesOf(found.data(), found.size())};
    client::AkeyResult result;
    const auto fetched = client_->run(client::fetch(*object(number), {.dkey = bytesOf("k"),
                                                                      .akeys = {&akey, 1},
                                                                      .buffers = buffers,
                                                                      .results = {&result, 1}}));
    return fetched.ok() && found == valueOf(number);
  }

  // A share of `from` with values in it, and its files before and after a resize to `to`.
  void makeShares(uint64_t from, uint64_t to) {
    fs::create_directories(live_);
    start();
    const engine::PoolSizes sizes{.arenaBytes = 32 * kMebibyte, .dataBytes = from};
    ASSERT_TRUE(waitFor([&](auto done) { engine_->createPool(pool_, sizes, done); }).ok());
    ASSERT_TRUE(
        waitFor([&](auto done) { engine_->createContainer(pool_, container_, done); }).ok());
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
  }

  const Uuid pool_ = Uuid::fromRandom(1, 9);
  const Uuid container_ = Uuid::fromRandom(2, 9);
  ScratchDirectory directory_{"/dev/shm"};
  const fs::path live_ = directory_.path() / "live";
  const fs::path before_ = directory_.path() / "before";
  const fs::path after_ = directory_.path() / "after";
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<LoopbackClient> client_;
  std::shared_ptr<client::Container> open_;
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
