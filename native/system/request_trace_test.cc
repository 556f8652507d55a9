// Goal: what a client traces comes back as the stages of its target, and bytes that tell of a trace
// are never taken for a part of the request; nothing is noted of what nobody traces.
#include "engine/request_trace.h"

#include <gtest/gtest.h>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

using engine::Operation;
using engine::RequestSpan;
using engine::Stage;

class RequestTrace : public testing::Test, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(startEngine({.transports = {"local"}}));
    ASSERT_NO_FATAL_FAILURE(
        createStore({.arenaBytes = 32 * kMebibyte, .dataBytes = 64 * kMebibyte}));
    startClient();
    ASSERT_NO_FATAL_FAILURE(openContainer());
    object_ = object(1);
    for (size_t i = 0; i < trace_.trace.size(); ++i) trace_.trace[i] = std::byte(i + 1);
    for (size_t i = 0; i < trace_.span.size(); ++i) trace_.span[i] = std::byte(0xa0 + i);
  }
  Status put(const std::string& value, const TraceContext* trace) {
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const Bytes data[] = {bytesOf(value)};
    auto done = client_->run(client::update(
        *object_,
        {.dkey = bytesOf("k"), .akeys = {&akey, 1}, .data = data, .trace = trace}));
    return done.ok() ? Status{} : Status(std::move(done).error());
  }
  Result<Epoch> get(std::string& value, const TraceContext* trace) {
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const MutableBytes buffers[] = {{reinterpret_cast<std::byte*>(value.data()), value.size()}};
    client::AkeyResult result;
    return client_->run(client::fetch(*object_, {.dkey = bytesOf("k"),
                                                 .akeys = {&akey, 1},
                                                 .buffers = buffers,
                                                 .results = {&result, 1},
                                                 .trace = trace}));
  }
  // The span of the only request that was traced since the last call. It is there: targets add it
  // in the turn that answers the request.
  RequestSpan span() {
    const auto taken = std::make_shared<engine::RequestSpans::Taken>();
    engine_->awaitRequestSpans([taken](engine::RequestSpans::Taken got) { *taken = got; });
    EXPECT_EQ(taken->droppedCount, 0u);
    EXPECT_EQ(taken->spans.size(), 1u);
    return taken->spans.empty() ? RequestSpan{} : taken->spans[0];
  }
  static std::vector<Stage> stagesOf(const RequestSpan& span) {
    std::vector<Stage> stages;
    for (size_t i = 0; i < span.stageCount; ++i) stages.push_back(span.stages[i].stage);
    return stages;
  }

  TraceContext trace_;
  std::shared_ptr<client::Object> object_;
};

TEST_F(RequestTrace, ASmallUpdateTellsWhenItWasStoredAndWhenDurable) {
  ASSERT_TRUE(put("hello", nullptr).ok());
  ASSERT_TRUE(put("world", &trace_).ok());
  const RequestSpan found = span();
  EXPECT_EQ(found.parent.trace, trace_.trace);
  EXPECT_EQ(found.parent.span, trace_.span);
  EXPECT_EQ(found.operation, Operation::kUpdate);
  EXPECT_EQ(found.code, ErrorCode::kOk);
  const std::vector<Stage> wanted = {Stage::kAdmit, Stage::kVos, Stage::kDurable};
  EXPECT_EQ(stagesOf(found), wanted);
  for (size_t i = 1; i < found.stageCount; ++i) {
    EXPECT_GE(found.stages[i].beganNs, found.stages[i - 1].beganNs);
  }
  EXPECT_GE(found.tookNs, found.stages[2].beganNs);
  std::string value(5, ' ');
  ASSERT_TRUE(get(value, nullptr).ok());
  EXPECT_EQ(value, "world");
}

TEST_F(RequestTrace, ALargeUpdateAndItsFetchTellOfTheTransferAndTheMedia) {
  const std::string large(1 << 20, 'x');
  ASSERT_TRUE(put(large, &trace_).ok());
  const std::vector<Stage> stored = {Stage::kAdmit, Stage::kReserve, Stage::kPull,
                                     Stage::kMedia, Stage::kVos,     Stage::kDurable};
  EXPECT_EQ(stagesOf(span()), stored);
  std::string value(large.size(), ' ');
  ASSERT_TRUE(get(value, &trace_).ok());
  EXPECT_EQ(value, large);
  const std::vector<Stage> read = {Stage::kAdmit, Stage::kVos, Stage::kMedia, Stage::kDurable,
                                   Stage::kAnswer};
  EXPECT_EQ(stagesOf(span()), read);
}

TEST_F(RequestTrace, EveryOperationIsTracedAlsoOneThatFails) {
  ASSERT_TRUE(put("hello", nullptr).ok());
  client::EnumerationAnchor anchor;
  ASSERT_TRUE(client_->run(client::enumerate(*object_, {.trace = &trace_}, anchor)).ok());
  EXPECT_EQ(span().operation, Operation::kEnumerate);
  const ObjectId integers = ObjectId::make({2, 0}, ObjectType::kMultiUint64, 1, 1);
  const auto numbered = client::Object::open(open_, integers).value();
  const auto none = client_->run(client::query(
      *numbered, {.flags = protocol::kQueryMax | protocol::kQueryDkey, .trace = &trace_}));
  ASSERT_FALSE(none.ok());
  const RequestSpan query = span();
  EXPECT_EQ(query.operation, Operation::kQuery);
  EXPECT_EQ(query.code, none.code());
  ASSERT_TRUE(client_->run(client::punch(*object_, {.trace = &trace_})).ok());
  EXPECT_EQ(span().operation, Operation::kPunch);
}

TEST(RequestSpans, WhatNobodyTakesIsCountedAndForgotten) {
  engine::RequestSpans spans;
  for (size_t i = 0; i < engine::RequestSpans::kCountMax + 3; ++i) spans.add({});
  engine::RequestSpans::Taken taken;
  const auto take = [&](engine::RequestSpans::Taken got) { taken = std::move(got); };
  spans.await(take);
  EXPECT_EQ(taken.spans.size(), engine::RequestSpans::kCountMax);
  EXPECT_EQ(taken.droppedCount, 3u);
  bool isDone = false;
  spans.await([&](engine::RequestSpans::Taken got) {
    taken = std::move(got);
    isDone = true;
  });
  EXPECT_FALSE(isDone);
  spans.add({.target = 7});
  ASSERT_TRUE(isDone);
  EXPECT_EQ(taken.spans.at(0).target, 7u);
  EXPECT_EQ(taken.droppedCount, 0u);
  spans.close();
  spans.await(take);
  EXPECT_TRUE(taken.spans.empty());
}

}  // namespace
}  // namespace daos::system
