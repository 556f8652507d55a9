// Snapshots, aggregation and discard.
#include <algorithm>

#include "vos/ops/check_request.h"
#include "vos/reduction.h"

namespace daos::vos {

std::span<const Epoch> ContainerState::snapshots() const {
  auto* table = arena.find<SnapshotTable>(record().snapshots);
  if (!table || table->count > arena.size() / sizeof(Epoch) ||
      !arena.holds(record().snapshots, sizeof *table + table->count * sizeof(Epoch))) {
    return {};
  }
  return {table->epochs(), table->count};
}

bool ContainerState::hasSoundSnapshots() const {
  const std::span<const Epoch> epochs = snapshots();
  if (record().snapshots == 0) return true;
  return !epochs.empty() && std::is_sorted(epochs.begin(), epochs.end());
}

namespace {

// Replaces the table by one of `epochs`.
Result<Ticket> storeSnapshots(ContainerState& container, const std::vector<Epoch>& epochs) {
  WriteScope scope(container, 0, HeapUse::kReclaim);
  ContainerRecord& record = container.record();
  Offset block = 0;
  if (!epochs.empty()) {
    block = scope.allocate(sizeof(SnapshotTable) + epochs.size() * sizeof(Epoch));
    if (block == 0) return scope.noSpace();
    auto* table = container.arena.at<SnapshotTable>(block);
    table->count = epochs.size();
    std::copy(epochs.begin(), epochs.end(), table->epochs());
  }
  if (record.snapshots != 0) scope.free(record.snapshots);
  container.arena.modify(record.snapshots) = block;
  return scope.commit();
}

std::string epochText(Epoch epoch) { return "epoch " + std::to_string(epoch); }

}  // namespace

std::vector<Epoch> Container::snapshots() const {
  const auto pinned = state_.snapshots();
  return {pinned.begin(), pinned.end()};
}

Status Container::checkPin(Epoch epoch) const {
  if (epoch == 0 || epoch == kEpochMax) return invalid("epoch 0 and the last are no epochs to pin");
  if (epoch >= state_.record().aggregatedEpoch) return {};
  return Error(ErrorCode::kEpOld, epochText(epoch) + " is before the last aggregation, at " +
                                      std::to_string(state_.record().aggregatedEpoch));
}

Result<Ticket> Container::createSnapshot(Epoch epoch) {
  DAOS_CHECK(checkPin(epoch));
  std::vector<Epoch> epochs = snapshots();
  const auto place = std::lower_bound(epochs.begin(), epochs.end(), epoch);
  if (place != epochs.end() && *place == epoch) {
    return Error(ErrorCode::kExist, epochText(epoch) + " is pinned already");
  }
  epochs.insert(place, epoch);
  return storeSnapshots(state_, epochs);
}

Result<Ticket> Container::deleteSnapshot(Epoch epoch) {
  std::vector<Epoch> epochs = snapshots();
  const auto place = std::lower_bound(epochs.begin(), epochs.end(), epoch);
  if (place == epochs.end() || *place != epoch) {
    return Error(ErrorCode::kNonexist, epochText(epoch) + " is not pinned");
  }
  epochs.erase(place);
  return storeSnapshots(state_, epochs);
}

Result<Ticket> Container::setSnapshots(std::span<const Epoch> wanted) {
  std::vector<Epoch> epochs(wanted.begin(), wanted.end());
  std::sort(epochs.begin(), epochs.end());
  epochs.erase(std::unique(epochs.begin(), epochs.end()), epochs.end());
  const std::vector<Epoch> pinned = snapshots();
  if (epochs == pinned) return state_.arena.lastTicket();
  for (const Epoch epoch : epochs) {
    if (!std::binary_search(pinned.begin(), pinned.end(), epoch)) DAOS_CHECK(checkPin(epoch));
  }
  return storeSnapshots(state_, epochs);
}

Status Container::beginAggregation(Epoch upTo) {
  if (state_.reduction) return Error(ErrorCode::kBusy, "an aggregation or discard is under way");
  if (upTo == 0 || upTo == kEpochMax)
    return invalid("epoch 0 and the last are no epochs to aggregate to");
  if (upTo < state_.record().aggregatedEpoch) {
    return Error(ErrorCode::kEpOld, epochText(upTo) + " has been aggregated already");
  }
  if (upTo > state_.record().aggregatedEpoch) {
    WriteScope scope(state_, 0, HeapUse::kReclaim);
    state_.arena.modify(state_.record().aggregatedEpoch) = upTo;
    DAOS_CHECK(scope.commit());
  }
  state_.reduction = std::make_unique<Reduction>(Reduction::aggregation(state_, upTo));
  return {};
}

Status Container::beginDiscard(EpochRange range) {
  if (state_.reduction) return Error(ErrorCode::kBusy, "an aggregation or discard is under way");
  if (range.low > range.high) return invalid("a range of epochs ends before it begins");
  // Aggregation keeps what a snapshot sees apart from all that came later.
  const auto pinned = state_.snapshots();
  const Epoch aggregated = state_.record().aggregatedEpoch;
  const bool isBackToSnapshot = range.low != 0 && range.high >= aggregated &&
                                std::binary_search(pinned.begin(), pinned.end(), range.low - 1);
  if (range.low <= aggregated && !isBackToSnapshot) {
    return Error(ErrorCode::kEpOld, epochText(range.low) + " has been aggregated already");
  }
  state_.reduction = std::make_unique<Reduction>(Reduction::discard(range));
  return {};
}

Result<bool> Container::reduceStep(uint32_t budget) {
  if (!state_.reduction) return false;
  // Coming back to where the walk was costs a unit a level.
  constexpr uint32_t kBudgetMin = 16;
  auto more = state_.reduction->step(state_, std::max(budget, kBudgetMin));
  state_.reductionCounts = state_.reduction->counts();
  if (!more.ok() || !*more) state_.reduction.reset();
  return more;
}

bool Container::hasReductionWrite() const {
  return state_.reduction && state_.reduction->pendingMigration();
}

// The data is kept by this, too: the walk may be given up meanwhile.
Task<Status> Container::writeReduction() {
  if (!hasReductionWrite()) co_return Status{};
  const std::shared_ptr<Migration> migration = state_.reduction->pendingMigration();
  co_return co_await migration->carryOut();
}

ReductionCounts Container::reductionCounts() const { return state_.reductionCounts; }

Epoch Container::aggregatedEpoch() const { return state_.record().aggregatedEpoch; }

bool Container::isReducing() const { return state_.reduction != nullptr; }

void Container::cancelReduction() { state_.reduction.reset(); }

}  // namespace daos::vos
