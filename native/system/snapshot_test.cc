// Goal: what a snapshot sees stays readable while an engine drops old versions, also over a
// restart; a container that is taken back holds that and nothing else.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

constexpr int kKeyCount = 40;

class Snapshots : public testing::Test, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(start(0));
    ASSERT_NO_FATAL_FAILURE(createStore({.arenaBytes = 64 * kMebibyte}));
    ASSERT_NO_FATAL_FAILURE(open());
  }

  void start(uint64_t historyNs) {
    startEngine({.targetCount = 2,
                 .transports = {"local"},
                 .historyNs = historyNs,
                 .log = Log::toStandardError(LogLevel::kWarning)});
  }
  void open() {
    open_.reset();
    startClient();
    openContainer();
  }

  // Objects of one shard each, so that both targets have some.
  std::shared_ptr<client::Object> object(int number) {
    return SystemFixture::object(static_cast<uint64_t>(number) + 1);
  }
  Result<Epoch> put(int number, const std::string& value) {
    return SystemFixture::put(*object(number), "k", value);
  }
  void putAll(const std::string& value) {
    for (int i = 0; i < kKeyCount; ++i) {
      const auto done = put(i, value);
      ASSERT_TRUE(done.ok()) << done.error().describe();
    }
  }
  // "-" where nothing is.
  std::string get(int number, Epoch epoch = 0) {
    const auto found = SystemFixture::get(*object(number), "k", 64, epoch);
    if (!found.ok()) return errorName(found.code()).data();
    return found->empty() ? "-" : *found;
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
  ASSERT_NO_FATAL_FAILURE(openPool());
  ASSERT_NO_FATAL_FAILURE(open());
  // Aggregation is done where an epoch between is readable no more.
  const auto isGone = [&] { return get(0, lost) == "DER_EP_OLD"; };
  for (int i = 0; i < 6000 && !isGone(); ++i) {
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
