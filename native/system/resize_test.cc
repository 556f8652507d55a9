// Goal: the data area of a pool grows and shrinks beneath open containers, keeps what it holds, and
// is never cut into it.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "system/loopback.h"

namespace daos::system {
namespace {

constexpr uint64_t kMebibyte = 1 << 20;

class Resize : public testing::TestWithParam<engine::ArenaKind> {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_TRUE(waitFor([&](auto done) {
                  engine_->createPool(
                      pool_, {.arenaBytes = 32 * kMebibyte, .dataBytes = 4 * kMebibyte}, done);
                }).ok());
    ASSERT_TRUE(
        waitFor([&](auto done) { engine_->createContainer(pool_, container_, done); }).ok());
    open();
  }
  void TearDown() override {
    open_.reset();
    client_.reset();
    EXPECT_TRUE(engine_->stop().ok());
  }
  void start() {
    auto engine = engine::Engine::start({.dataDirectory = directory_.path(),
                                         .transports = {"local"},
                                         .localNetwork = network_.get(),
                                         .arenaKind = GetParam()});
    ASSERT_TRUE(engine.ok()) << engine.error().describe();
    engine_ = std::move(*engine);
  }
  void open() {
    client_ = LoopbackClient::create({"local"}, network_.get()).value();
    open_ = client_->openContainer(pool_, container_, mapOf(*engine_)).value();
  }
  std::string valueOf(uint64_t number) { return std::string(kMebibyte / 2, char('a' + number)); }
  std::shared_ptr<client::Object> object(uint64_t number) {
    return client::Object::open(open_, ObjectId::make({number, 0}, ObjectType::kMultiHashed, 1, 1))
        .value();
  }
  Status put(uint64_t number) {
    const auto target = object(number);
    const std::string value = valueOf(number);
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const Bytes data[] = {bytesOf(value)};
    auto done = client_->run(
        client::update(*target, {.dkey = bytesOf("k"), .akeys = {&akey, 1}, .data = data}));
    return done.ok() ? Status{} : Status(std::move(done).error());
  }
  bool holds(uint64_t number) {
    const auto target = object(number);
    std::string found(kMebibyte / 2, '-');
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = found.size()};
    const MutableBytes buffers[] = {bytesOf(found.data(), found.size())};
    client::AkeyResult result;
    const auto fetched = client_->run(client::fetch(*target, {.dkey = bytesOf("k"),
                                                              .akeys = {&akey, 1},
                                                              .buffers = buffers,
                                                              .results = {&result, 1}}));
    return fetched.ok() && found == valueOf(number);
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

  const Uuid pool_ = Uuid::fromRandom(1, 9);
  const Uuid container_ = Uuid::fromRandom(2, 9);
  ScratchDirectory directory_{"/dev/shm"};
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<LoopbackClient> client_;
  std::shared_ptr<client::Container> open_;
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
  EXPECT_NE(refused.error().message().find("data lies in the first"), std::string::npos)
      << refused.error().message();
  ASSERT_TRUE(resize(6 * kMebibyte).ok());
  EXPECT_LT(dataFileBytes(), 8 * kMebibyte);
  for (uint64_t i = 0; i < count + 2; ++i) EXPECT_TRUE(holds(i)) << i;

  open_.reset();
  client_.reset();
  ASSERT_TRUE(engine_->stop().ok());
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(waitFor([&](auto done) { engine_->openPool(pool_, done); }).ok());
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
  const std::string value(64, 'v');
  const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
  const Bytes data[] = {bytesOf(value)};
  const auto target = object(1);
  for (; !isOver || count < 100; ++count) {
    const std::string dkey = "k" + std::to_string(count);
    const auto done = client_->run(
        client::update(*target, {.dkey = bytesOf(dkey), .akeys = {&akey, 1}, .data = data}));
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
