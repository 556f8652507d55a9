// Goal:   nothing acknowledged is lost, and nothing is invented, when an engine is killed or paused
// under load. Method: writers keep a value of each key in flight; the engine's process gets SIGKILL
// at a random moment and
//         is started again on the same files; each key must then read as the last acknowledged
//         value, or as the one that was in flight.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>

#include "system/engine_process.h"

namespace daos::system {
namespace {

constexpr size_t kWriterCount = 8;
// Then a new one: what a store has kept of all its past only makes each restart longer.
constexpr int kKillsPerStore = 20;

// What one writer knows of its key: the versions that may be found.
struct KeyState {
  uint64_t acknowledged = 0;
  uint64_t attempted = 0;
};

// A value that tells its version in every byte.
std::string valueOf(uint64_t version, size_t size) {
  std::string value(size, '\0');
  for (size_t i = 0; i + 8 <= size; i += 8) storeAs(value.data() + i, version);
  return value;
}

struct Setting {
  const char* transport;
  engine::ArenaKind arena;
  const char* directory;  // the log is tried on a real file system
  uint64_t arenaBytes;
  uint64_t dataBytes;  // values of every other key are large enough to go there
  int roundCount;
  uint64_t seed;
};

class KillTest : public testing::TestWithParam<Setting> {
 protected:
  void start(bool isNew) {
    options_.isNew = isNew;
    auto started = EngineProcess::start(options_);
    ASSERT_TRUE(started.ok()) << started.error().describe();
    engine_ = std::move(*started);
    // Long enough for a machine that is busy; what shall end sooner says so itself.
    client_ = LoopbackClient::create({GetParam().transport}, nullptr,
                                     {.timeoutNs = 60'000'000'000})
                  .value();
    auto container = client_->openContainer(options_.pool, options_.container, engine_->map());
    ASSERT_TRUE(container.ok()) << container.error().describe();
    object_ =
        client::Object::open(*container, ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 2))
            .value();
  }

  void startOnNewStore() {
    object_.reset();
    client_.reset();
    engine_.reset();
    std::filesystem::remove_all(options_.engine.dataDirectory);
    options_.pool = SystemRandom().uuid();
    for (KeyState& state : keys_) state = {};
    start(true);
  }

  static size_t sizeOf(uint64_t key) { return key % 2 ? 64 : 20000; }

  Task<void> write(uint64_t key, uint64_t endNs) {
    ++runningCount_;
    KeyState& state = keys_[key];
    while (client_->reactor().clock().nowNs() < endNs) {
      const std::string value = valueOf(++state.attempted, sizeOf(key));
      const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
      const Bytes data[] = {bytesOf(value)};
      const auto epoch = co_await client::update(
          *object_, {.dkey = bytesOf(&key, 8),
                     .akeys = {&akey, 1},
                     .data = data,
                     .timeoutNs = writeTimeoutNs_,
                     .cancellation = cancellation_ ? &*cancellation_ : nullptr});
      if (!epoch.ok()) break;
      state.acknowledged = state.attempted;
    }
    --runningCount_;
  }

  // Ends the engine after `us`; the writers, once its last acknowledgements have been read.
  Task<void> killAfter(uint64_t us) {
    Reactor& reactor = client_->reactor();
    co_await reactor.sleep(us * 1000);
    engine_->killNow();
    co_await reactor.sleep(2'000'000);
    cancellation_->request();
  }

  void writeUntilKilled(uint64_t us) {
    cancellation_.emplace();
    client_->reactor().spawn(killAfter(us));
    for (uint64_t key = 0; key < kWriterCount; ++key) {
      client_->reactor().spawn(write(key, UINT64_MAX));
    }
    client_->reactor().runUntil(
        [&] { return runningCount_ == 0 && cancellation_->isRequested(); });
  }

  void expectOneOfTheAllowedValues(uint64_t key) {
    const KeyState& state = keys_[key];
    std::string value(sizeOf(key), '\0');
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const MutableBytes buffers[] = {bytesOf(value.data(), value.size())};
    client::AkeyResult result;
    const auto epoch = client_->run(client::fetch(*object_, {.dkey = bytesOf(&key, 8),
                                                             .akeys = {&akey, 1},
                                                             .buffers = buffers,
                                                             .results = {&result, 1}}));
    ASSERT_TRUE(epoch.ok()) << epoch.error().describe();
    if (result.recordSize == 0) {
      EXPECT_EQ(state.acknowledged, 0u) << "key " << key << " is lost";
      return;
    }
    const uint64_t version = loadAs<uint64_t>(value.data());
    EXPECT_GE(version, state.acknowledged) << "key " << key;
    EXPECT_LE(version, state.attempted) << "key " << key;
    EXPECT_EQ(value, valueOf(version, sizeOf(key))) << "key " << key << " is torn";
    keys_[key].acknowledged = version;
  }

  ScratchDirectory directory_{GetParam().directory};
  EngineProcessOptions options_{.engine = {.dataDirectory = directory_.path(),
                                           .targetCount = 2,
                                           .transports = {GetParam().transport},
                                           .arenaKind = GetParam().arena,
                                           .log = Log::toStandardError(LogLevel::kError)},
                                .pool = SystemRandom().uuid(),
                                .container = SystemRandom().uuid(),
                                .sizes = {.arenaBytes = GetParam().arenaBytes,
                                          .dataBytes = GetParam().dataBytes}};
  std::unique_ptr<EngineProcess> engine_;
  std::unique_ptr<LoopbackClient> client_;
  std::shared_ptr<client::Object> object_;
  KeyState keys_[kWriterCount];
  std::optional<client::Cancellation> cancellation_;
  size_t runningCount_ = 0;
  uint64_t writeTimeoutNs_ = 0;  // 0: the client's
};

TEST_P(KillTest, WhatWasAcknowledgedIsThereAfterEachOfManyKills) {
  SeededRandom random(GetParam().seed);
  uint64_t acknowledged = 0;
  for (int round = 0; round < GetParam().roundCount; ++round) {
    if (round % kKillsPerStore == 0) startOnNewStore();
    if (HasFatalFailure()) return;
    writeUntilKilled(500 + random.below(20000));
    for (const KeyState& state : keys_) acknowledged += state.acknowledged;
    object_.reset();
    client_.reset();
    start(false);
    if (HasFatalFailure()) return;
    for (uint64_t key = 0; key < kWriterCount; ++key) expectOneOfTheAllowedValues(key);
  }
  EXPECT_GT(acknowledged, 0u);
}

TEST_P(KillTest, AnEngineThatIsPausedAnswersAfterwards) {
  start(true);
  std::thread pauser([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    engine_->signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    engine_->signal(SIGCONT);
  });
  const uint64_t endNs = client_->reactor().clock().nowNs() + 600'000'000;
  for (uint64_t key = 0; key < kWriterCount; ++key) client_->reactor().spawn(write(key, endNs));
  client_->reactor().runUntil([&] { return runningCount_ == 0; });
  pauser.join();
  for (uint64_t key = 0; key < kWriterCount; ++key) {
    EXPECT_EQ(keys_[key].acknowledged, keys_[key].attempted) << "key " << key;
    expectOneOfTheAllowedValues(key);
  }
}

TEST_P(KillTest, ACallToADeadEngineEndsByItsDeadline) {
  start(true);
  engine_->killNow();
  writeTimeoutNs_ = 300'000'000;
  const uint64_t startNs = client_->reactor().clock().nowNs();
  client_->reactor().spawn(write(0, UINT64_MAX));
  client_->reactor().runUntil([&] { return runningCount_ == 0; });
  EXPECT_LT(client_->reactor().clock().nowNs() - startNs, 10'000'000'000u);
}

constexpr auto kPmem = engine::ArenaKind::kPmem;
constexpr auto kLog = engine::ArenaKind::kLog;
INSTANTIATE_TEST_SUITE_P(Settings, KillTest,
                         testing::Values(Setting{"tcp", kPmem, "/dev/shm", 256 << 20, 256 << 20,
                                                 25, 1},
                                         Setting{"shm", kLog, "/tmp", 96 << 20, 0, 60, 2},
                                         // In parts, which run side by side.
                                         Setting{"shm", kLog, "/tmp", 64 << 20, 256 << 20, 70, 3},
                                         Setting{"shm", kLog, "/tmp", 64 << 20, 256 << 20, 70, 4},
                                         Setting{"shm", kLog, "/tmp", 64 << 20, 256 << 20, 60, 5}),
                         [](const auto& test) {
                           const bool isLog = test.param.arena == kLog;
                           return std::string(test.param.transport) + (isLog ? "Log" : "Pmem") +
                                  (test.param.dataBytes ? "WithData" : "") +
                                  std::to_string(test.param.seed);
                         });

}  // namespace
}  // namespace daos::system
