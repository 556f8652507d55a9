// Goal:   a request goes on for as long as it is only refused, and is never called refused where an
//         attempt before may have run.
// Method: a server that answers each attempt as the test says, opens containers whenever it is
//         asked to, and counts.
#include <gtest/gtest.h>

#include "protocol/generated/opcode.h"
#include "protocol/keys.h"
#include "system/system_fixture.h"

namespace daos::system {
namespace {

class Refusals : public testing::Test, public SystemFixture {
 protected:
  // Long enough for all attempts that a test counts, also on a busy machine.
  static constexpr uint64_t kLongNs = 60'000'000'000;
  static constexpr uint64_t kShortNs = 100'000'000;

  void SetUp() override {
    startClient();
    server_ = rpc::Endpoint::create(client_->reactor(), random_);
    server_->addTransport(network_->createTransport().value());
    server_->handleFast(static_cast<uint16_t>(protocol::Opcode::kContainerOpen),
                        [this](rpc::Request& request) {
                          const protocol::ContainerOpenReply reply{.handle = ++handle_};
                          request.reply(bytesOf(&reply, sizeof(reply)));
                          return true;
                        });
    server_->handleFast(static_cast<uint16_t>(protocol::Opcode::kObjectUpdate),
                        [this](rpc::Request& request) {
                          const size_t last = answers_.size() - 1;
                          request.fail(Error(answers_[std::min(attemptCount_++, last)], "so"));
                          return true;
                        });
    placement::PoolMap map{.version = 1};
    map.targets.push_back({.addresses = {{"local", server_->addresses()}}});
    ASSERT_NO_FATAL_FAILURE(openContainer(map));
  }
  void TearDown() override {
    open_.reset();
    server_->shutdown();
    while (!server_->isQuiet()) client_->reactor().runOnce();
  }
  // The last of `answers` again and again.
  Result<Epoch> putWith(std::vector<ErrorCode> answers, uint64_t timeoutNs) {
    answers_ = std::move(answers);
    attemptCount_ = 0;
    return put(*object(1), "k", "v", 0, timeoutNs);
  }
  void expectUnknown(std::vector<ErrorCode> answers) {
    const auto ended = putWith(std::move(answers), kShortNs);
    ASSERT_EQ(ended.code(), ErrorCode::kUnreach);
    EXPECT_NE(ended.error().message().find("isn't known whether"), std::string::npos)
        << ended.error().describe();
  }

  SystemRandom random_;
  std::unique_ptr<rpc::Endpoint> server_;
  std::vector<ErrorCode> answers_;
  size_t attemptCount_ = 0;
  uint64_t handle_ = 0;
};

TEST_F(Refusals, AHandleThatIsLostAgainAndAgainDoesNotEndARequest) {
  std::vector<ErrorCode> answers(10, ErrorCode::kNoHdl);
  answers.push_back(ErrorCode::kNospace);
  EXPECT_EQ(putWith(answers, kLongNs).code(), ErrorCode::kNospace);
  EXPECT_EQ(attemptCount_, answers.size());
  EXPECT_EQ(handle_, answers.size());
}

TEST_F(Refusals, WhatMayHaveRunIsNeverCalledRefused) {
  for (const ErrorCode refusal : {ErrorCode::kNoHdl, ErrorCode::kBusy, ErrorCode::kAgain}) {
    SCOPED_TRACE(errorName(refusal));
    ASSERT_NO_FATAL_FAILURE(expectUnknown({ErrorCode::kUnreach, refusal}));
    ASSERT_NO_FATAL_FAILURE(expectUnknown({refusal, ErrorCode::kInprogress, refusal}));
  }
}

TEST_F(Refusals, WhatHasOnlyBeenRefusedIsToldSo) {
  for (const ErrorCode refusal : {ErrorCode::kNoHdl, ErrorCode::kBusy, ErrorCode::kAgain})
    EXPECT_EQ(putWith({refusal}, kShortNs).code(), refusal);
}

// What the target itself says of a request that it knows is its outcome.
TEST_F(Refusals, AnAnswerAfterAnAttemptThatMayHaveRunIsTheOutcome) {
  EXPECT_EQ(putWith({ErrorCode::kUnreach, ErrorCode::kExist}, kLongNs).code(), ErrorCode::kExist);
}

}  // namespace
}  // namespace daos::system
