// Goal:   an engine itself refuses to write by a handle that was opened read-only: a client that
//         doesn't look is no way round.
// Method: the requests of writes, sent past the client's own check.
#include <gtest/gtest.h>

#include "client/call_target.h"
#include "protocol/io.h"
#include "protocol/keys.h"
#include "system/system_fixture.h"

namespace daos::system {
namespace {

class HandleRights : public testing::Test, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(startEngine({.transports = {"local"}}));
    ASSERT_NO_FATAL_FAILURE(
        createStore({.arenaBytes = 32 * kMebibyte, .dataBytes = 32 * kMebibyte}));
    startClient();
  }

  void open(bool isReadOnly) {
    ASSERT_NO_FATAL_FAILURE(openContainer(mapOf(*engine_), {.isReadOnly = isReadOnly}));
  }

  ErrorCode send(protocol::Opcode opcode, std::vector<std::byte> body,
                 std::span<const Bytes> data = {}) {
    const uint64_t deadlineNs = client_->reactor().clock().nowNs() + 10'000'000'000;
    return client_
        ->run(client::callTarget(*open_, 0,
                                 {.opcode = opcode,
                                  .safety = client::RetrySafety::kIdempotent,
                                  .deadlineNs = deadlineNs,
                                  .body = &body,
                                  .data = data}))
        .code();
  }

  ErrorCode update() {
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = 5};
    const Bytes data[] = {bytesOf("value")};
    std::vector<std::byte> body;
    protocol::WireWriter writer(body);
    encode(writer, protocol::IoCall{.head = {.oid = object(1)->oid()},
                                    .dkey = bytesOf("k"),
                                    .akeys = {&akey, 1}});
    return send(protocol::Opcode::kObjectUpdate, std::move(body), data);
  }

  ErrorCode punch() {
    std::vector<std::byte> body;
    protocol::WireWriter writer(body);
    encode(writer, protocol::PunchCall{.head = {.level = protocol::PunchLevel::kDkey,
                                                .oid = object(1)->oid()},
                                       .dkey = bytesOf("k")});
    return send(protocol::Opcode::kObjectPunch, std::move(body));
  }
};

TEST_F(HandleRights, WhatWasOpenedReadOnlyIsNotWrittenByTheEnginesWord) {
  ASSERT_NO_FATAL_FAILURE(open(false));
  EXPECT_EQ(update(), ErrorCode::kOk);
  open_.reset();
  ASSERT_NO_FATAL_FAILURE(open(true));
  EXPECT_EQ(update(), ErrorCode::kNoPerm);
  EXPECT_EQ(punch(), ErrorCode::kNoPerm);
  EXPECT_EQ(*get(*object(1), "k", 5), "value");
}

}  // namespace
}  // namespace daos::system
