// Goal: an engine that is told so writes the data area of a pool in advance, beside clients and
// without touching what they store; it says how far it has come, also after a restart, and then
// does nothing more.
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <chrono>
#include <future>
#include <thread>

#include "system/loopback.h"

namespace daos::system {
namespace {

constexpr uint64_t kDataBytes = 24 << 20;

bool isOnFileSystemThatReserves(const std::string& path) {
  struct statfs status;
  return statfs(path.c_str(), &status) == 0 &&
         (status.f_type == EXT4_SUPER_MAGIC || status.f_type == 0x58465342);
}

class EnginePrewriting : public testing::Test {
 protected:
  void start(engine::PrewriteOptions prewrite) {
    network_ = rpc::LocalNetwork::create();
    auto engine = engine::Engine::start({.dataDirectory = directory_.path(),
                                         .targetCount = 1,
                                         .transports = {"local"},
                                         .localNetwork = network_.get(),
                                         .prewrite = prewrite,
                                         .log = Log::toStandardError(LogLevel::kWarning)});
    ASSERT_TRUE(engine.ok()) << engine.error().describe();
    engine_ = std::move(engine).value();
  }
  engine::TargetShare share() {
    std::promise<engine::TargetShare> found;
    engine_->queryPool(pool_, [&](Result<std::vector<engine::TargetShare>> shares) {
      found.set_value(shares.value()[0]);
    });
    return found.get_future().get();
  }
  uint64_t writtenBytes() {
    std::promise<uint64_t> found;
    engine_->queryDevices([&](std::vector<engine::DeviceReport> all) {
      uint64_t sum = 0;
      for (const engine::DeviceReport& device : all) {
        if (device.path.ends_with("/data")) sum += device.operations[1].sizeBytes;
      }
      found.set_value(sum);
    });
    return found.get_future().get();
  }
  // As long as it may take anywhere.
  bool isDone() {
    for (int i = 0; i < 6000; ++i) {
      const engine::TargetShare now = share();
      if (now.dataPrewrittenBytes == now.dataTotalBytes) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  ScratchDirectory directory_;
  std::shared_ptr<rpc::LocalNetwork> network_;
  std::unique_ptr<engine::Engine> engine_;
  const Uuid pool_ = Uuid::fromRandom(3, 4);
  const Uuid container_ = Uuid::fromRandom(5, 6);
};

TEST_F(EnginePrewriting, AllOfTheAreaIsWrittenOnceBesideWhatClientsStore) {
  if (!isOnFileSystemThatReserves(directory_.path())) {
    GTEST_SKIP() << directory_.path() << " is on no file system that needs it";
  }
  ASSERT_NO_FATAL_FAILURE(start({.isEnabled = true, .delayNs = 0, .busyBytesPerSecond = 64 << 20}));
  ASSERT_TRUE(waitFor([&](auto done) {
                engine_->createPool(pool_, {.arenaBytes = 16 << 20, .dataBytes = kDataBytes}, done);
              }).ok());
  ASSERT_TRUE(waitFor([&](auto done) { engine_->createContainer(pool_, container_, done); }).ok());
  {
    auto client = LoopbackClient::create({"local"}, network_.get()).value();
    const auto open = client->openContainer(pool_, container_, mapOf(*engine_)).value();
    const auto object =
        client::Object::open(open, ObjectId::make({1, 0}, ObjectType::kMultiHashed, 1, 1)).value();
    constexpr int kCount = 100;
    const auto valueOf = [](int i) { return std::string(50'000, static_cast<char>('A' + i % 50)); };
    for (int i = 0; i < kCount; ++i) {
      const std::string key = std::to_string(i), value = valueOf(i);
      const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
      const Bytes data[] = {bytesOf(value)};
      ASSERT_TRUE(client
                      ->run(client::update(*object, {.dkey = bytesOf(key),
                                                     .akeys = {&akey, 1},
                                                     .data = data}))
                      .ok());
    }
    EXPECT_TRUE(isDone());
    for (int i = 0; i < kCount; ++i) {
      const std::string key = std::to_string(i);
      std::string value(50'000, '.');
      const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
      const MutableBytes buffers[] = {bytesOf(value.data(), value.size())};
      client::AkeyResult result;
      ASSERT_TRUE(client
                      ->run(client::fetch(*object, {.dkey = bytesOf(key),
                                                    .akeys = {&akey, 1},
                                                    .buffers = buffers,
                                                    .results = {&result, 1}}))
                      .ok());
      EXPECT_EQ(value, valueOf(i)) << i;
    }
  }
  ASSERT_TRUE(engine_->stop().ok());
  ASSERT_NO_FATAL_FAILURE(start({.isEnabled = true, .delayNs = 0}));
  ASSERT_TRUE(waitFor([&](auto done) { engine_->openPool(pool_, done); }).ok());
  EXPECT_TRUE(isDone());
  EXPECT_EQ(writtenBytes(), 0u);
  EXPECT_TRUE(engine_->stop().ok());
}

TEST(EnginePrewritePace, RequestsComeFirstAndEachRateIsKept) {
  const engine::PrewriteOptions options{.isEnabled = true,
                                        .idleBytesPerSecond = 100 << 20,
                                        .busyBytesPerSecond = 10 << 20};
  engine::PrewritePace pace;
  constexpr uint64_t kMs = 1'000'000;
  EXPECT_EQ(pace.ask(options, 0, 1000 * kMs), 0u);
  EXPECT_EQ(pace.ask(options, 0, 1000 * kMs), 10 * kMs);
  EXPECT_EQ(pace.ask(options, 0, 1010 * kMs), 0u);
  // A request: from now on at the other rate.
  EXPECT_EQ(pace.ask(options, 1, 1020 * kMs), 0u);
  EXPECT_EQ(pace.ask(options, 2, 1021 * kMs), engine::PrewritePace::kPauseNsMax);
  EXPECT_EQ(pace.ask(options, 2, 1120 * kMs), 0u);
  // None beside requests, when told so.
  engine::PrewritePace shy;
  EXPECT_GT(shy.ask({.isEnabled = true}, 7, 1000 * kMs), 0u);
  EXPECT_EQ(shy.ask({.isEnabled = true}, 7, 1000 * kMs + engine::PrewritePace::kQuietNs), 0u);
}

}  // namespace
}  // namespace daos::system
