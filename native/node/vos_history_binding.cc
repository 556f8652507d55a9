#include "node/vos_history_binding.h"

#include "node/vos_core.h"

namespace daos::node {

namespace {

// C++: Epoch VosCore::epochOf(0)
// TS:  vosNow(): epoch
Status now(VosContainer& container, Request& request) {
  request.number = container.core().epochOf(0);
  return {};
}

// C++: Result<Ticket> Container::commit(std::span<const TransactionId>)
// TS:  vosCommit(transaction: uuid): void
Task<Status> commit(VosContainer& container, Request& request) {
  const vos::TransactionId id = request.reader.uuid();
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_CHECK(co_await container.core().waitRoom());
  DAOS_CO_TRY(const vos::Ticket ticket, container.container().commit({&id, 1}));
  co_return co_await container.core().settle(ticket);
}

// C++: Result<Ticket> Container::abort(std::span<const TransactionId>)
// TS:  vosAbort(transaction: uuid): void
Task<Status> abort(VosContainer& container, Request& request) {
  const vos::TransactionId id = request.reader.uuid();
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_CHECK(co_await container.core().waitRoom());
  DAOS_CO_TRY(const vos::Ticket ticket, container.container().abort({&id, 1}));
  co_return co_await container.core().settle(ticket);
}

// C++: std::vector<TransactionInfo> Container::preparedTransactions()
// TS:  vosTransactions(): u32 count, (text id, u64 epoch)…
Status transactions(VosContainer& container, Request& request) {
  const auto infos = container.container().preparedTransactions();
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u32(static_cast<uint32_t>(infos.size()));
  for (const vos::TransactionInfo& info : infos) {
    request.answer->text(info.id.toString());
    request.answer->u64(info.epoch);
  }
  return {};
}

// C++: Result<Ticket> Container::createSnapshot(Epoch)
// TS:  vosCreateSnapshot(epoch: u64, 0: now): epoch
Task<Status> createSnapshot(VosContainer& container, Request& request) {
  const Epoch epoch = container.core().epochOf(request.reader.u64());
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_CHECK(co_await container.core().waitRoom());
  DAOS_CO_TRY(const vos::Ticket ticket, container.container().createSnapshot(epoch));
  request.number = epoch;
  co_return co_await container.core().settle(ticket);
}

// C++: Result<Ticket> Container::deleteSnapshot(Epoch)
// TS:  vosDeleteSnapshot(epoch: u64): void
Task<Status> deleteSnapshot(VosContainer& container, Request& request) {
  const Epoch epoch = request.reader.u64();
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_CHECK(co_await container.core().waitRoom());
  DAOS_CO_TRY(const vos::Ticket ticket, container.container().deleteSnapshot(epoch));
  co_return co_await container.core().settle(ticket);
}

// C++: std::vector<Epoch> Container::snapshots()
// TS:  vosListSnapshots(): u32 count, u64 epoch…
Status listSnapshots(VosContainer& container, Request& request) {
  const std::vector<Epoch> epochs = container.container().snapshots();
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u32(static_cast<uint32_t>(epochs.size()));
  for (const Epoch epoch : epochs) request.answer->u64(epoch);
  return {};
}

// C++: Result<bool> Container::reduceStep(uint32_t budget)
// TS:  part of vosAggregate and vosDiscard: u64 droppedCount, u64 mergedCount, u64 damagedCount,
//      u64 migratedCount
// Carries what was begun to its end, in steps that requests come between.
Task<Status> reduce(VosContainer& container, Request& request) {
  static constexpr uint32_t kBudget = 64;
  VosCore& core = container.core();
  for (bool hasMore = true; hasMore;) {
    DAOS_CO_CHECK(co_await core.waitRoom());
    DAOS_CO_CHECK(co_await container.container().writeReduction());
    DAOS_CO_TRY(hasMore, container.container().reduceStep(kBudget));
    if (hasMore) co_await core.reactor().yield();
  }
  const vos::ReductionCounts counts = container.container().reductionCounts();
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u64(counts.droppedCount);
  request.answer->u64(counts.mergedCount);
  request.answer->u64(counts.damagedCount);
  request.answer->u64(counts.migratedCount);
  co_return co_await core.settle(core.pool().arena().lastTicket());
}

// C++: Status Container::beginAggregation(Epoch), Result<bool> Container::reduceStep(uint32_t)
// TS:  vosAggregate(upTo: u64, 0: now): u64 droppedCount, u64 mergedCount, u64 damagedCount,
//      u64 migratedCount
Task<Status> aggregate(VosContainer& container, Request& request) {
  const Epoch upTo = container.core().epochOf(request.reader.u64());
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_CHECK(container.container().beginAggregation(upTo));
  co_return co_await reduce(container, request);
}

// C++: Status Container::beginDiscard(EpochRange), Result<bool> Container::reduceStep(uint32_t)
// TS:  vosDiscard(low: u64, high: u64): u64 droppedCount, u64 mergedCount, u64 damagedCount,
//      u64 migratedCount
Task<Status> discard(VosContainer& container, Request& request) {
  vos::EpochRange range;
  range.low = request.reader.u64();
  range.high = request.reader.u64();
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_CHECK(container.container().beginDiscard(range));
  co_return co_await reduce(container, request);
}

template <auto function>
void onContainer(Call& call) {
  runOn<VosContainer>(call, HandleType::kVosContainer, function);
}

constexpr Function kFunctions[] = {
    {"vosNow", entry<onContainer<now>>},
    {"vosCommit", entry<onContainer<commit>>},
    {"vosAbort", entry<onContainer<abort>>},
    {"vosTransactions", entry<onContainer<transactions>>},
    {"vosCreateSnapshot", entry<onContainer<createSnapshot>>},
    {"vosDeleteSnapshot", entry<onContainer<deleteSnapshot>>},
    {"vosListSnapshots", entry<onContainer<listSnapshots>>},
    {"vosAggregate", entry<onContainer<aggregate>>},
    {"vosDiscard", entry<onContainer<discard>>},
};

}  // namespace

Functions vosHistoryFunctions() { return kFunctions; }

}  // namespace daos::node
