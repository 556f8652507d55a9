// Goal: a container takes no more of a target than its part of the quota; more of it lets updates
// go on that waited, and what is used up is refused at once, whatever gives space back running.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "system/loopback.h"

namespace daos::system {
namespace {

constexpr size_t kValueSize = 1000;

class Quota : public testing::Test {
 protected:
  void SetUp() override {
    auto engine = engine::Engine::start({.dataDirectory = directory_.path(),
                                         .targetCount = 1,
                                         .transports = {"local"},
                                         .localNetwork = network_.get()});
    ASSERT_TRUE(engine.ok()) << engine.error().describe();
    engine_ = std::move(*engine);
    ASSERT_TRUE(waitFor([&](auto done) {
                  engine_->createPool(pool_, {.arenaBytes = 32ull << 20}, std::move(done));
                }).ok());
    ASSERT_TRUE(
        waitFor([&](auto done) { engine_->createContainer(pool_, container_, done); }).ok());
    client_ = LoopbackClient::create({"local"}, network_.get()).value();
    open_ = client_->openContainer(pool_, container_, mapOf(*engine_)).value();
  }
  void TearDown() override {
    open_.reset();
    client_.reset();
    EXPECT_TRUE(engine_->stop().ok());
  }
  Status put(uint64_t number, const std::string& dkey = "k") {
    const auto object =
        client::Object::open(open_, ObjectId::make({number, 0}, ObjectType::kMultiHashed, 1, 1))
            .value();
    const std::string value(kValueSize, 'v');
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const Bytes data[] = {bytesOf(value)};
    auto done = client_->run(
        client::update(*object, {.dkey = bytesOf(dkey), .akeys = {&akey, 1}, .data = data}));
    return done.ok() ? Status{} : Status(std::move(done).error());
  }
  Status punch(uint64_t number) {
    const auto object =
        client::Object::open(open_, ObjectId::make({number, 0}, ObjectType::kMultiHashed, 1, 1))
            .value();
    auto done = client_->run(client::punch(*object, {}));
    return done.ok() ? Status{} : Status(std::move(done).error());
  }
  engine::QuotaUsage usage(bool isFrozen = false) {
    engine::QuotaUsage found;
    const Status status = waitFor([&](auto done) {
      engine_->containerUsage(pool_, container_, isFrozen, [&found, done](
                                    const Result<std::vector<engine::QuotaUsage>>& usages) {
        if (!usages.ok()) return done(usages.error());
        found = usages->at(0);
        done({});
      });
    });
    EXPECT_TRUE(status.ok());
    return found;
  }
  void give(engine::QuotaAmounts part, bool isUsedUp) {
    ASSERT_TRUE(waitFor([&](auto done) {
                  engine_->setContainerQuota(
                      pool_, container_,
                      {{.limit = part, .whole = {1 << 20, 10}, .isUsedUp = isUsedUp}}, done);
                }).ok());
  }

  const Uuid pool_ = Uuid::fromRandom(1, 9);
  const Uuid container_ = Uuid::fromRandom(2, 9);
  ScratchDirectory directory_{"/dev/shm"};
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<LoopbackClient> client_;
  std::shared_ptr<client::Container> open_;
};

TEST_F(Quota, WhatIsUsedUpIsRefusedAndPunchesAreNot) {
  ASSERT_TRUE(put(1).ok());
  const uint64_t used = usage().used.bytes;
  EXPECT_GE(used, kValueSize);
  give({.bytes = used + 3 * kValueSize}, true);
  int count = 0;
  Status status;
  while (count < 10 && (status = put(1, "k" + std::to_string(count))).ok()) ++count;
  EXPECT_GE(count, 1);
  EXPECT_LE(count, 3);
  ASSERT_EQ(status.code(), ErrorCode::kNospace);
  EXPECT_NE(status.error().message().find("quota of 1048576 bytes"), std::string::npos)
      << status.error().message();
  EXPECT_LE(usage().used.bytes, used + 4 * kValueSize);
  EXPECT_TRUE(punch(1).ok());
}

TEST_F(Quota, ObjectsAreCountedAndThoseThatAreThereGrow) {
  ASSERT_TRUE(put(1).ok());
  ASSERT_TRUE(put(2).ok());
  give({.objects = 2}, true);
  const Status refused = put(3);
  ASSERT_EQ(refused.code(), ErrorCode::kNospace);
  EXPECT_NE(refused.error().message().find("10 objects"), std::string::npos);
  EXPECT_TRUE(put(2, "another").ok());
  EXPECT_EQ(usage().used.objects, 2u);
}

TEST_F(Quota, AnUpdateWaitsUntilItsTargetHasGotMore) {
  ASSERT_TRUE(put(1).ok());
  usage(true);
  std::thread giver([&] {
    std::atomic<bool> isAsked{false};
    engine_->awaitQuotaRequests([&](const engine::QuotaRequests::Containers& wanted) {
      EXPECT_TRUE(wanted.contains({pool_, container_}));
      isAsked = true;
      isAsked.notify_all();
    });
    isAsked.wait(false);
    const engine::QuotaUsage found = usage(true);
    EXPECT_EQ(found.wanted.bytes, kValueSize);
    EXPECT_EQ(found.wanted.objects, 1u);
    give({}, false);
  });
  const Status done = put(2);
  giver.join();
  EXPECT_TRUE(done.ok()) << done.error().describe();
}

}  // namespace
}  // namespace daos::system
