// Goal: a container takes no more of a target than its part of the quota; more of it lets updates
// go on that waited, and what is used up is refused at once, whatever gives space back running.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

constexpr size_t kValueSize = 1000;

class Quota : public testing::Test, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(startEngine({.targetCount = 1, .transports = {"local"}}));
    ASSERT_NO_FATAL_FAILURE(createStore({.arenaBytes = 32 * kMebibyte}));
    startClient();
    ASSERT_NO_FATAL_FAILURE(openContainer());
  }
  Status put(uint64_t number, const std::string& dkey = "k") {
    auto done = SystemFixture::put(*object(number), dkey, std::string(kValueSize, 'v'));
    return done.ok() ? Status{} : Status(std::move(done).error());
  }
  Status punch(uint64_t number) {
    auto done = client_->run(client::punch(*object(number), {}));
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
