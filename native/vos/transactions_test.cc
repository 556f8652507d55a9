// Goal: writes of a transaction are seen by nobody else before commit, by all after it, and leave
// nothing behind after abort; what was read is not changed below the read.
#include "vos/vos_fixture.h"

namespace daos::vos {
namespace {

const ObjectId kOid = hashedObject(1);

class VosTransactionTest : public VosTest {
 protected:
  static TransactionId id(uint64_t number) { return Uuid::fromRandom(9, number); }

  ErrorCode putAs(TransactionId transaction, std::string_view dkey, Epoch epoch,
                  std::string_view value, Conditions conditions = 0, bool isAlone = false) {
    IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, value.size(), {}, 0};
    UpdateRequest request{kOid, bytesOf(dkey), {&descriptor, 1}, {}, {}};
    request.write = {epoch, 0, transaction, conditions, isAlone};
    const Bytes data = bytesOf(value);
    return container_->update(request, {&data, 1}).code();
  }
  ErrorCode punchAs(TransactionId transaction, std::string_view dkey, Epoch epoch) {
    PunchRequest request{kOid, bytesOf(dkey), {}, {}};
    request.write = {epoch, 0, transaction, 0, false};
    return container_->punch(request).code();
  }
  ErrorCode fetchAs(TransactionId reader, std::string_view dkey, Epoch epoch, InDoubt inDoubt,
                    bool isTracked = false) {
    IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 0, {}, 0};
    FetchRequest request{kOid, bytesOf(dkey), {&descriptor, 1}, {}, false};
    request.read = {epoch, reader, inDoubt, isTracked, 0};
    return container_->fetch(request, result_).code();
  }
  uint64_t sizeAs(TransactionId reader, std::string_view dkey, Epoch epoch) {
    EXPECT_EQ(fetchAs(reader, dkey, epoch, InDoubt::kSkip), ErrorCode::kOk);
    return result_.values()[0].size;
  }
  ErrorCode commit(TransactionId transaction) {
    return container_->commit({&transaction, 1}).code();
  }
  ErrorCode abort(TransactionId transaction) { return container_->abort({&transaction, 1}).code(); }
};

TEST_F(VosTransactionTest, APreparedWriteIsSeenByItsTransactionAlone) {
  ASSERT_EQ(put(kOid, "d", "a", 10, "old"), ErrorCode::kOk);
  ASSERT_EQ(putAs(id(1), "d", 20, "newer"), ErrorCode::kOk);
  EXPECT_EQ(sizeAs({}, "d", 30), 3u);
  EXPECT_EQ(sizeAs(id(2), "d", 30), 3u);
  EXPECT_EQ(sizeAs(id(1), "d", 30), 5u);
  EXPECT_EQ(fetchAs({}, "d", 30, InDoubt::kRefuse), ErrorCode::kTxBusy);
  EXPECT_EQ(result_.blocker(), id(1));
  EXPECT_EQ(fetchAs({}, "d", 15, InDoubt::kRefuse), ErrorCode::kOk);
  ASSERT_EQ(commit(id(1)), ErrorCode::kOk);
  EXPECT_EQ(get(kOid, "d", "a", 30), "newer");
  EXPECT_EQ(get(kOid, "d", "a", 15), "old");
}

TEST_F(VosTransactionTest, AnOperationOfAClientIsKnownUntilItsSlotIsUsedAgain) {
  constexpr uint64_t kSlot = uint64_t{3} << OperationId::kSequenceBits;
  const auto run = [&](uint64_t client, uint64_t number, Epoch epoch) {
    IoDescriptor descriptor{bytesOf("a"), ValueType::kSingle, 1, {}, 0};
    UpdateRequest request{kOid, bytesOf("d"), {&descriptor, 1}, {}, {}};
    request.write.epoch = epoch;
    request.write.operation = {client, number};
    const Bytes data = bytesOf("x");
    return container_->update(request, {&data, 1}).code();
  };
  EXPECT_EQ(run(7, kSlot + 1, 10), ErrorCode::kOk);
  EXPECT_EQ(run(7, kSlot + 1, 20), ErrorCode::kAlready);
  reopen();
  EXPECT_EQ(run(7, kSlot + 1, 30), ErrorCode::kAlready);
  EXPECT_EQ(container_->operationEpoch({7, kSlot + 1}), 10u);
  EXPECT_EQ(run(8, kSlot + 1, 31), ErrorCode::kOk) << "another client";
  EXPECT_EQ(run(7, 2 * kSlot + 1, 32), ErrorCode::kOk) << "another slot";
  const uint64_t before = container_->usage().arenaBytes;
  EXPECT_EQ(run(7, kSlot + 2, 32), ErrorCode::kOk);
  EXPECT_EQ(run(7, kSlot + 3, 32), ErrorCode::kOk);
  EXPECT_EQ(container_->usage().arenaBytes, before) << "a slot takes the room of one operation";
  EXPECT_EQ(run(7, kSlot + 1, 40), ErrorCode::kCanceled) << "long left behind";
  EXPECT_EQ(container_->operationEpoch({7, kSlot + 1}), 0u);
  EXPECT_EQ(container_->operationEpoch({7, kSlot + 3}), 32u);
  EXPECT_EQ(container_->operationEpoch({7, 2 * kSlot + 1}), 32u);
  EXPECT_EQ(container_->operationEpoch({8, kSlot + 1}), 31u);
  while (container_->forgetCommittedStep(40, 100).value()) continue;
  EXPECT_EQ(container_->operationEpoch({7, kSlot + 3}), 0u);
}

TEST_F(VosTransactionTest, AnAbortLeavesTheStoreAsItWas) {
  ASSERT_EQ(put(kOid, "d", "a", 10, "old"), ErrorCode::kOk);
  const uint64_t before = container_->usage().arenaBytes;
  ASSERT_EQ(putAs(id(1), "d", 20, "newer"), ErrorCode::kOk);
  ASSERT_EQ(punchAs(id(1), "d", 15), ErrorCode::kOk);
  ASSERT_EQ(abort(id(1)), ErrorCode::kOk);
  EXPECT_EQ(get(kOid, "d", "a"), "old");
  EXPECT_EQ(container_->usage().arenaBytes, before);
  EXPECT_EQ(abort(id(1)), ErrorCode::kOk);
  EXPECT_EQ(commit(id(1)), ErrorCode::kNonexist);
}

TEST_F(VosTransactionTest, WhatIsInDoubtIsStillSoAfterReopening) {
  ASSERT_EQ(putAs(id(1), "d1", 20, "one"), ErrorCode::kOk);
  ASSERT_EQ(putAs(id(2), "d2", 21, "two"), ErrorCode::kOk);
  ASSERT_EQ(putAs(id(2), "d3", 19, "three"), ErrorCode::kOk);
  ASSERT_EQ(putAs(id(3), "d4", 22, "four"), ErrorCode::kOk);
  ASSERT_EQ(commit(id(3)), ErrorCode::kOk);
  reopen();
  const auto prepared = container_->preparedTransactions();
  ASSERT_EQ(prepared.size(), 2u);
  for (const TransactionInfo& info : prepared) EXPECT_EQ(info.epoch, info.id == id(1) ? 20u : 19u);
  EXPECT_EQ(container_->transactionState(id(3)), TransactionState::kCommitted);
  EXPECT_EQ(container_->transactionState(id(2)), TransactionState::kPrepared);
  EXPECT_EQ(container_->transactionState(id(4)), TransactionState::kUnknown);
  EXPECT_EQ(commit(id(2)), ErrorCode::kOk);
  EXPECT_EQ(abort(id(1)), ErrorCode::kOk);
  EXPECT_EQ(get(kOid, "d1", "a"), "-");
  EXPECT_EQ(get(kOid, "d2", "a"), "two");
  EXPECT_EQ(get(kOid, "d3", "a"), "three");
}

TEST_F(VosTransactionTest, ATransactionThatWasCommittedIsKnownUntilItIsForgotten) {
  EXPECT_EQ(putAs(id(1), "d", 10, "once", kDkeyInsert, true), ErrorCode::kOk);
  EXPECT_EQ(putAs(id(1), "d", 10, "once", kDkeyInsert, true), ErrorCode::kAlready);
  EXPECT_EQ(putAs(id(1), "d", 12, "more"), ErrorCode::kAlready);
  EXPECT_EQ(commit(id(1)), ErrorCode::kOk);
  EXPECT_EQ(abort(id(1)), ErrorCode::kAlready);
  reopen();
  EXPECT_EQ(putAs(id(1), "d", 10, "once", kDkeyInsert, true), ErrorCode::kAlready);
  // One that is refused leaves no trace of its id.
  EXPECT_EQ(putAs(id(2), "d", 11, "x", kDkeyInsert, true), ErrorCode::kExist);
  EXPECT_EQ(putAs(id(2), "d", 11, "x", 0, true), ErrorCode::kOk);
  while (*container_->forgetCommittedStep(10, 1)) continue;
  EXPECT_EQ(container_->transactionState(id(1)), TransactionState::kUnknown);
  EXPECT_EQ(container_->transactionState(id(2)), TransactionState::kCommitted);
  EXPECT_EQ(putAs(id(3), "d", 13, "x"), ErrorCode::kOk);
  EXPECT_EQ(putAs(id(3), "d", 14, "x", 0, true), ErrorCode::kInval);
}

TEST_F(VosTransactionTest, ALargeTransactionIsSettledAsOne) {
  const std::string value(100, 'v');
  for (int i = 0; i < 6000; ++i) {
    ASSERT_EQ(putAs(id(1), "d" + std::to_string(i), 10, value), ErrorCode::kOk);
    ASSERT_EQ(putAs(id(2), "d" + std::to_string(i), 11, value), ErrorCode::kOk);
  }
  ASSERT_EQ(commit(id(1)), ErrorCode::kOk);
  ASSERT_EQ(abort(id(2)), ErrorCode::kOk);
  reopen();
  EXPECT_TRUE(container_->preparedTransactions().empty());
  EXPECT_EQ(list({Level::kDkey, kOid, {}, {}, {}}).size(), 6000u);
  EXPECT_EQ(list({Level::kSingle, kOid, bytesOf("d5"), bytesOf("a"), {}, Versions::kAll}),
            std::vector<std::string>{"100@10"});
}

TEST_F(VosTransactionTest, AWriteBelowALaterReadIsRefused) {
  ASSERT_EQ(put(kOid, "d", "a", 10, "old"), ErrorCode::kOk);
  ASSERT_EQ(fetchAs(id(1), "d", 50, InDoubt::kRefuse, true), ErrorCode::kOk);
  EXPECT_EQ(putAs(id(2), "d", 40, "x"), ErrorCode::kTxRestart);
  EXPECT_EQ(put(kOid, "d", "a", 50, "x"), ErrorCode::kTxRestart);
  EXPECT_EQ(punchAs(id(2), "d", 40), ErrorCode::kTxRestart);
  // The reader itself may write at the epoch of its read; others later, or elsewhere.
  EXPECT_EQ(putAs(id(1), "d", 50, "mine"), ErrorCode::kOk);
  EXPECT_EQ(put(kOid, "e", "a", 40, "x"), ErrorCode::kOk);
  EXPECT_EQ(put(kOid, "d", "a", 51, "x"), ErrorCode::kOk);
}

TEST_F(VosTransactionTest, TheSameStampBelongsToOneTransaction) {
  ASSERT_EQ(putAs(id(1), "d", 20, "x"), ErrorCode::kOk);
  EXPECT_EQ(putAs(id(2), "d", 20, "y"), ErrorCode::kTxBusy);
  EXPECT_EQ(put(kOid, "d", "a", 20, "y"), ErrorCode::kTxBusy);
  EXPECT_EQ(putAs(id(1), "d", 20, "again"), ErrorCode::kOk);
  ASSERT_EQ(commit(id(1)), ErrorCode::kOk);
  EXPECT_EQ(putAs(id(2), "d", 20, "y"), ErrorCode::kTxRestart);
  EXPECT_EQ(get(kOid, "d", "a"), "again");
}

}  // namespace
}  // namespace daos::vos
