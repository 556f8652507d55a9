// Goal: what a snapshot sees stays readable while an engine drops old versions, also over a
// restart; a container that is taken back holds that and nothing else.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "system/loopback.h"

namespace daos::system {
namespace {

constexpr int kKeyCount = 40;

class Snapshots : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(start(0));
    ASSERT_TRUE(waitFor([&](auto done) {
                  engine_->createPool(pool_, {.arenaBytes = 64ull << 20}, std::move(done));
                }).ok());
    ASSERT_TRUE(
        waitFor([&](auto done) { engine_->createContainer(pool_, container_, done); }).ok());
    ASSERT_NO_FATAL_FAILURE(open());
  }
  void TearDown() override { stop(); }

  void start(uint64_t historyNs) {
    auto engine = engine::Engine::start({.dataDirectory = directory_.path(),
                                         .targetCount = 2,
                                         .transports = {"local"},
                                         .localNetwork = network_.get(),
                                         .historyNs = historyNs,
                                         .log = Log::toStandardError(LogLevel::kWarning)});
    ASSERT_TRUE(engine.ok()) << engine.error().describe();
    engine_ = std::move(*engine);
  }
  void stop() {
    open_.reset();
    client_.reset();
    EXPECT_TRUE(engine_->stop().ok());
    engine_.reset();
  }
  void open() {
    open_.reset();
    client_ = LoopbackClient::create({"local"}, network_.get()).value();
    auto open = client_->openContainer(pool_, container_, mapOf(*engine_));
    ASSERT_TRUE(open.ok()) << open.error().describe();
    open_ = std::move(*open);
  }

  // Objects of one shard each, so that both targets have some.
  std::shared_ptr<client::Object> object(int number) {
    const uint64_t low = static_cast<uint64_t>(number) + 1;
    return client::Object::open(open_, ObjectId::make({low, 0}, ObjectType::kMultiHashed, 1, 1))
        .value();
  }
  Result<Epoch> put(int number, const std::string& value) {
    const auto target = object(number);
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const Bytes data[] = {bytesOf(value)};
    return client_->run(
        client::update(*target, {.dkey = bytesOf("k"), .akeys = {&akey, 1}, .data = data}));
  }
  void putAll(const std::string& value) {
    for (int i = 0; i < kKeyCount; ++i) {
      const auto done = put(i, value);
      ASSERT_TRUE(done.ok()) << done.error().describe();
    }
  }
  // "-" where nothing is.
  std::string get(int number, Epoch epoch = 0) {
    std::string found(64, '\0');
    const auto target = object(number);
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = found.size()};
    const MutableBytes buffers[] = {bytesOf(found.data(), found.size())};
    client::AkeyResult result;
    const auto fetched = client_->run(client::fetch(*target, {.dkey = bytesOf("k"),
                                                              .akeys = {&akey, 1},
                                                              .buffers = buffers,
                                                              .results = {&result, 1},
                                                              .epoch = epoch}));
    if (!fetched.ok()) return errorName(fetched.code()).data();
    return result.recordSize == 0 ? "-" : found.substr(0, result.recordSize);
  }
  void expectAll(const std::string& value, Epoch epoch = 0) {
    for (int i = 0; i < kKeyCount; ++i) ASSERT_EQ(get(i, epoch), value) << "object " << i;
  }

  Epoch newEpoch() {
    std::promise<Epoch> epoch;
    engine_->newEpoch([&](Result<Epoch> answer) { epoch.set_value(answer.value()); });
    return epoch.get_future().get();
  }
  Status pin(std::vector<Epoch> epochs) {
    return waitFor(
        [&](auto done) { engine_->setContainerSnapshots(pool_, container_, epochs, done); });
  }
  Status rollback(Epoch epoch) {
    return waitFor([&](auto done) { engine_->rollbackContainer(pool_, container_, epoch, done); });
  }

  ScratchDirectory directory_{"/dev/shm"};
  const std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  const Uuid pool_ = SystemRandom().uuid();
  const Uuid container_ = SystemRandom().uuid();
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<LoopbackClient> client_;
  std::shared_ptr<client::Container> open_;
};

TEST_F(Snapshots, AnEpochIsLaterThanWhatWasAcknowledgedAndEarlierThanWhatFollows) {
  const Epoch before = put(1, "before").value();
  const Epoch epoch = newEpoch();
  EXPECT_GT(epoch, before);
  ASSERT_TRUE(pin({epoch}).ok());
  for (int i = 0; i < kKeyCount; ++i) EXPECT_GT(put(i, "after").value(), epoch);
  EXPECT_EQ(get(1, epoch), "before");
  EXPECT_EQ(get(2, epoch), "-");
}

TEST_F(Snapshots, WhatIsPinnedOutlivesAggregationAndARestart) {
  ASSERT_NO_FATAL_FAILURE(putAll("first"));
  const Epoch epoch = newEpoch();
  ASSERT_TRUE(pin({epoch}).ok());
  ASSERT_TRUE(pin({epoch}).ok());
  const Epoch lost = put(0, "second").value();
  ASSERT_NO_FATAL_FAILURE(putAll("third"));
  stop();
  ASSERT_NO_FATAL_FAILURE(start(1'000'000));
  ASSERT_TRUE(waitFor([&](auto done) { engine_->openPool(pool_, done); }).ok());
  ASSERT_NO_FATAL_FAILURE(open());
  // Aggregation is done where an epoch between is readable no more.
  const auto isGone = [&] { return get(0, lost) == "DER_EP_OLD"; };
  for (int i = 0; i < 600 && !isGone(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(isGone());
  ASSERT_NO_FATAL_FAILURE(expectAll("first", epoch));
  ASSERT_NO_FATAL_FAILURE(expectAll("third"));
  EXPECT_EQ(pin({epoch, lost}).code(), ErrorCode::kEpOld);
  ASSERT_TRUE(rollback(epoch).ok());
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(expectAll("first"));
  ASSERT_TRUE(pin({}).ok());
  EXPECT_EQ(get(0, epoch), "DER_EP_OLD");
}

TEST_F(Snapshots, AContainerGoesBackToASnapshotAndOn) {
  ASSERT_NO_FATAL_FAILURE(putAll("kept"));
  const Epoch epoch = newEpoch();
  EXPECT_EQ(rollback(epoch).code(), ErrorCode::kNonexist);
  ASSERT_TRUE(pin({epoch}).ok());
  ASSERT_NO_FATAL_FAILURE(putAll("dropped"));
  ASSERT_TRUE(put(kKeyCount, "new").ok());
  ASSERT_TRUE(client_
                  ->run(client::punch(*object(3), {}))
                  .ok());
  ASSERT_TRUE(rollback(epoch).ok());
  // The handle from before is gone, and says so.
  EXPECT_EQ(put(0, "late").code(), ErrorCode::kEvicted);
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(expectAll("kept"));
  EXPECT_EQ(get(kKeyCount), "-");
  ASSERT_TRUE(rollback(epoch).ok());
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(putAll("again"));
  ASSERT_NO_FATAL_FAILURE(expectAll("again"));
  ASSERT_NO_FATAL_FAILURE(expectAll("kept", epoch));
}

TEST_F(Snapshots, RequestsUnderWayDoNotHoldUpTheWayBack) {
  ASSERT_NO_FATAL_FAILURE(putAll("kept"));
  const Epoch epoch = newEpoch();
  ASSERT_TRUE(pin({epoch}).ok());
  std::promise<Status> back;
  for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(putAll(std::string(60, 'x')));
  engine_->rollbackContainer(pool_, container_, epoch,
                             [&](Status status) { back.set_value(std::move(status)); });
  // Each of these is dropped, or refused.
  int refused = 0;
  for (int i = 0; i < kKeyCount; ++i) refused += put(i, "beside").ok() ? 0 : 1;
  EXPECT_TRUE(back.get_future().get().ok());
  EXPECT_GT(refused, 0);
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(expectAll("kept"));
}

}  // namespace
}  // namespace daos::system
