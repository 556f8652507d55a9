#include "engine/container/snapshots.h"

#include <algorithm>

namespace daos::engine {

Task<Status> setContainerSnapshots(Target& target, Uuid pool, Uuid container,
                                   std::vector<Epoch> epochs) {
  DAOS_CO_TRY(const auto open, target.findAnyContainer(pool, container));
  OpenContainer::Use use(*open);
  vos::Pool& store = open->pool->vos();
  vos::Arena& arena = store.arena();
  if (!epochs.empty()) {
    const Epoch latest = *std::max_element(epochs.begin(), epochs.end());
    target.resumeClock(latest);
    DAOS_CO_CHECK(co_await target.settle(store, latest));
  }
  while (open->vos && !arena.hasLogRoom()) DAOS_CO_CHECK(co_await arena.waitLogRoom());
  if (!open->vos) co_return Error(ErrorCode::kCanceled, "the container is being closed");
  DAOS_CO_TRY(const vos::Ticket ticket, open->vos->setSnapshots(epochs));
  co_return co_await arena.waitDurable(ticket);
}

namespace {

// A new entry takes the place of the one that handles refer to; returns when no request uses that
// any more.
Task<std::shared_ptr<OpenContainer>> takeFromSessions(Target& target,
                                                      std::shared_ptr<OpenContainer> old) {
  auto fresh = std::make_shared<OpenContainer>(old->pool, old->uuid, old->vos);
  fresh->isRollingBack = true;
  fresh->quota.part = old->quota.part;
  OpenContainer::Use use(*fresh);
  old->pool->containers[old->uuid] = fresh;
  old->isRolledBack = true;
  old->vos = nullptr;
  while (old->userCount > 0) co_await target.reactor().sleep(100'000);
  co_return fresh;
}

Status abortAfter(vos::Container& container, Epoch epoch) {
  std::vector<vos::TransactionId> ids;
  for (const vos::TransactionInfo& info : container.preparedTransactions()) {
    if (info.epoch > epoch) ids.push_back(info.id);
  }
  DAOS_TRY([[maybe_unused]] const vos::Ticket ticket, container.abort(ids));
  return {};
}

// In small steps, so that requests for other containers go on.
Task<Status> discardAfter(Target& target, OpenContainer& container, Epoch epoch) {
  constexpr uint32_t kBudget = 128;
  vos::Container& vos = *container.vos;
  vos::Arena& arena = container.pool->vos().arena();
  vos.cancelReduction();
  DAOS_CO_CHECK(abortAfter(vos, epoch));
  DAOS_CO_CHECK(vos.beginDiscard({epoch + 1, kEpochMax}));
  bool isMore = true;
  while (isMore && container.vos) {
    if (!arena.hasLogRoom()) {
      DAOS_CO_CHECK(co_await arena.waitLogRoom());
      continue;
    }
    DAOS_CO_TRY(isMore, vos.reduceStep(kBudget));
    co_await target.reactor().yield();
  }
  if (isMore) co_return Error(ErrorCode::kCanceled, "the container is being closed");
  co_return co_await arena.waitDurable(arena.lastTicket());
}

}  // namespace

Task<Status> rollbackContainer(Target& target, Uuid pool, Uuid container, Epoch epoch) {
  DAOS_CO_TRY(auto old, target.findAnyContainer(pool, container));
  if (!old->vos) co_return Error(ErrorCode::kCanceled, "the container is being closed");
  const std::vector<Epoch> pinned = old->vos->snapshots();
  if (!std::binary_search(pinned.begin(), pinned.end(), epoch)) {
    co_return Error(ErrorCode::kNonexist, "container " + container.toString() +
                                              " has no snapshot at epoch " + std::to_string(epoch));
  }
  const auto fresh = co_await takeFromSessions(target, std::move(old));
  if (!fresh->vos) co_return Error(ErrorCode::kCanceled, "the container is being closed");
  OpenContainer::Use use(*fresh);
  Status status = co_await discardAfter(target, *fresh, epoch);
  if (fresh->vos) fresh->vos->cancelReduction();
  fresh->isRollingBack = !status.ok();
  co_return status;
}

}  // namespace daos::engine
