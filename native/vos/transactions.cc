#include "vos/transactions.h"

#include <algorithm>

#include "vos/collect.h"
#include "vos/extent_write.h"
#include "vos/lookup.h"
#include "vos/object_tree.h"
#include "vos/planted_fault.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {

TransactionTable* tableOf(const Arena& arena, Offset offset) {
  auto* table = arena.find<TransactionTable>(offset);
  if (!table) return nullptr;
  const bool fits = arena.holds(offset, sizeof *table + uint64_t{table->capacity} * sizeof(Offset));
  return fits ? table : nullptr;
}

// The word of transaction `number`; null when the table has no such place.
Offset* placeOf(const Arena& arena, const ContainerRecord& container, uint32_t number) {
  TransactionTable* table = tableOf(arena, container.transactions);
  return table && number != 0 && number <= table->capacity ? &table->records()[number - 1]
                                                           : nullptr;
}

TransactionRecord* transactionAt(const Arena& arena, Offset offset) {
  return arena.find<TransactionRecord>(offset);
}

TransactionRecord* transactionOf(const Arena& arena, const ContainerRecord& container,
                                 uint32_t number) {
  const Offset* place = placeOf(arena, container, number);
  return place ? transactionAt(arena, *place) : nullptr;
}

TransactionChunk* chunkAt(const Arena& arena, Offset offset) {
  auto* chunk = arena.find<TransactionChunk>(offset);
  return chunk && chunk->count <= TransactionChunk::kCountMax ? chunk : nullptr;
}

// Whether a list that is followed from link to link comes back to where it was: the place that is
// compared with moves on after 1, 2, 4 … links.
class CycleCheck {
 public:
  bool isBack(Offset link) {
    if (link == mark_) return true;
    if (--left_ == 0) {
      mark_ = link;
      left_ = length_ *= 2;
    }
    return false;
  }

 private:
  Offset mark_ = 0;
  uint64_t length_ = 1;
  uint64_t left_ = 1;
};

// Operations stand among committed transactions: a random client is as good as half a random id.
TransactionId committedIdOf(const OperationId& operation) {
  TransactionId id;
  storeAs(id.bytes.data(), operation);
  return id;
}

Error alreadyCommitted(const TransactionId& id) {
  return Error(ErrorCode::kAlready, "transaction " + id.toString() + " was committed before");
}

// Takes one aborted version out of what it belongs to.
Status removeTouched(WriteScope& scope, const Touched& touched) {
  Arena& arena = scope.arena();
  auto* version = arena.find<VersionRecord>(touched.version);
  if (!version) return damagedRecord("transaction");
  if (touched.kind == TouchedKind::kObjectPunch) {
    ObjectRecord* object = objectRecordAt(arena, touched.owner);
    return object ? removeVersion(scope, &object->punches, *version, 0)
                  : damagedRecord("transaction");
  }
  KeyRecord* owner = touched.owner % 16 == 0 ? keyRecordAt(arena, touched.owner) : nullptr;
  if (!owner) return damagedRecord("transaction");
  KeyRecord& key = *owner;
  uint64_t* root =
      touched.kind == TouchedKind::kKeyPunch ? punchesOf(arena, key) : childOf(arena, key);
  if (!root) return damagedRecord("transaction");
  switch (touched.kind) {
    case TouchedKind::kSingle: return removeVersion(scope, root, *version, 0);
    case TouchedKind::kExtent: {
      auto* extent = arena.find<ExtentRecord>(touched.version);
      if (!extent) return damagedRecord("transaction");
      DAOS_CHECK(removeExtent(scope, key, *extent));
      tidyClasses(scope, key);
      return {};
    }
    case TouchedKind::kKeyPunch:
      DAOS_CHECK(removeVersion(scope, root, *version, 0));
      tidyPunches(scope, key);
      return {};
    case TouchedKind::kObjectPunch: break;
  }
  return damagedRecord("transaction");
}

}  // namespace

Status Transactions::load(ContainerState& container) {
  Arena& arena = container.arena;
  const Offset tableOffset = container.record().transactions;
  if (tableOffset == 0) return {};
  TransactionTable* table = tableOf(arena, tableOffset);
  if (!table) return damagedRecord("transaction table");
  std::vector<Offset> interrupted;
  for (uint32_t i = 0; i < table->capacity; ++i) {
    const Offset offset = table->records()[i];
    if (offset == 0) continue;
    const TransactionRecord* record = transactionAt(arena, offset);
    if (!record || record->number != i + 1 || places_.contains(record->id)) {
      return damagedRecord("transaction");
    }
    places_[record->id] = {offset, record->number};
    if (record->phase != TransactionPhase::kPrepared) interrupted.push_back(offset);
  }
  for (const Offset offset : interrupted) DAOS_CHECK(finish(container, offset));
  return {};
}

uint32_t Transactions::numberOf(const TransactionId& id) const {
  const auto found = places_.find(id);
  return found == places_.end() ? 0 : found->second.number;
}

TransactionId Transactions::idOf(const ContainerState& container, uint32_t number) const {
  const TransactionRecord* record = transactionOf(container.arena, container.record(), number);
  return record ? record->id : TransactionId{};
}

uint32_t Transactions::takePlace(WriteScope& scope) {
  constexpr uint32_t kCapacityMin = 14;
  Arena& arena = scope.arena();
  ContainerRecord& container = scope.container().record();
  TransactionTable* table = tableOf(arena, container.transactions);
  if (!table || table->count == table->capacity) {
    const uint32_t capacity = table ? table->capacity * 2 : kCapacityMin;
    const Offset block = scope.allocate(sizeof(TransactionTable) + capacity * sizeof(Offset));
    if (block == 0) return 0;
    auto* larger = arena.at<TransactionTable>(block);
    *larger = {capacity, table ? table->count : 0};
    std::fill_n(larger->records(), capacity, 0);
    if (table) {
      std::copy_n(table->records(), table->capacity, larger->records());
      scope.free(container.transactions);
    }
    arena.modify(container.transactions) = block;
    table = larger;
  }
  const Offset* end = table->records() + table->capacity;
  const Offset* place = std::find<const Offset*, Offset>(table->records(), end, 0);
  if (place == end) {
    arena.noteDamage();
    return 0;
  }
  return static_cast<uint32_t>(place - table->records()) + 1;
}

Result<uint32_t> Transactions::enter(WriteScope& scope, const TransactionId& id, Epoch epoch) {
  if (const auto found = places_.find(id); found != places_.end()) {
    TransactionRecord* record = transactionAt(scope.arena(), found->second.record);
    if (!record) return damagedRecord("transaction");
    if (epoch < record->epoch) scope.arena().modify(record->epoch) = epoch;
    return found->second.number;
  }
  if (stateOf(scope.container(), id) == TransactionState::kCommitted) return alreadyCommitted(id);
  Arena& arena = scope.arena();
  const uint32_t number = takePlace(scope);
  const Offset block = number == 0 ? 0 : scope.allocate(sizeof(TransactionRecord));
  if (block == 0) return scope.noSpace();
  *arena.at<TransactionRecord>(block) = {id, epoch, number, TransactionPhase::kPrepared, 0};
  const ContainerRecord& container = scope.container().record();
  Offset* place = placeOf(arena, container, number);
  if (!place) return damagedRecord("transaction table");
  arena.modify(*place) = block;
  arena.modify(tableOf(arena, container.transactions)->count) += 1;
  places_[id] = {block, number};
  scope.noteNewTransaction(id);
  return number;
}

Status Transactions::addCommitted(WriteScope& scope, const TransactionId& id, Epoch epoch) {
  Arena& arena = scope.arena();
  TreePath path;
  CommittedTree::seek(arena, &scope.container().record().committed, id, path);
  if (path.isDamaged) return damagedTree();
  if (path.isFound) return alreadyCommitted(id);
  const Offset block = scope.allocate(sizeof(CommittedRecord));
  if (block == 0) return scope.noSpace();
  *arena.at<CommittedRecord>(block) = {id, epoch};
  if (!CommittedTree::insert(arena, path, id, block, scope.usedBytes())) return scope.noSpace();
  return {};
}

Result<CommittedRecord*> Transactions::lastOfSlot(ContainerState& container,
                                                  const OperationId& operation) {
  Arena& arena = container.arena;
  if (const Offset known = slots_.find(operation); known != 0) {
    return arena.at<CommittedRecord>(known);
  }
  const uint64_t first = operation.slot() << OperationId::kSequenceBits;
  TreePath path;
  const TransactionId least = committedIdOf({operation.client, first});
  CommittedTree::seek(arena, &container.record().committed, least, path);
  const bool isThere = daos::vos::settle(arena, path);
  if (path.isDamaged) return damagedTree();
  if (!isThere) return nullptr;
  const Offset offset = itemOffset(path.item());
  auto* record = arena.find<CommittedRecord>(offset);
  if (!record) return damagedTree();
  const auto found = loadAs<OperationId>(record->id.bytes.data());
  if (found.client != operation.client || found.slot() != operation.slot()) return nullptr;
  slots_.remember(operation, offset);
  return record;
}

Status Transactions::addOperation(WriteScope& scope, const OperationId& operation, Epoch epoch) {
  DAOS_TRY(CommittedRecord* const last, lastOfSlot(scope.container(), operation));
  const TransactionId id = committedIdOf(operation);
  // Its slot is noted when it is asked for the next time: this transaction may yet be undone.
  if (!last) return addCommitted(scope, id, epoch);
  const uint64_t known = loadAs<OperationId>(last->id.bytes.data()).number;
  if (known == operation.number) return alreadyCommitted(id);
  if (known > operation.number)
    return Error(ErrorCode::kCanceled, "its client has gone on to another operation");
  // Nothing stands between the two, so the order stays.
  scope.replaceAtCommit(*last, {id, epoch});
  return {};
}

Epoch Transactions::epochOf(ContainerState& container, const OperationId& operation) {
  const auto last = lastOfSlot(container, operation);
  return last.ok() && *last && (*last)->id == committedIdOf(operation) ? (*last)->epoch : 0;
}

Status Transactions::touch(WriteScope& scope, uint32_t number, const Touched& touched) {
  Arena& arena = scope.arena();
  TransactionRecord* record = transactionOf(arena, scope.container().record(), number);
  if (!record) return damagedRecord("transaction table");
  if (record->chunks != 0) {
    TransactionChunk* chunk = chunkAt(arena, record->chunks);
    if (!chunk) return damagedRecord("transaction");
    if (chunk->count < TransactionChunk::kCountMax) {
      arena.fill(&chunk->touched[chunk->count], sizeof(Touched));
      chunk->touched[chunk->count] = touched;
      arena.modify(chunk->count) += 1;
      return {};
    }
  }
  const Offset block = scope.allocate(sizeof(TransactionChunk));
  if (block == 0) return scope.noSpace();
  auto* chunk = arena.at<TransactionChunk>(block);
  *chunk = {record->chunks, 1, {touched}};
  arena.modify(record->chunks) = block;
  return {};
}

void Transactions::forgetTouched(WriteScope& scope, uint32_t number, Offset version) {
  Arena& arena = scope.arena();
  TransactionRecord* record = transactionOf(arena, scope.container().record(), number);
  if (!record) return arena.noteDamage();
  CycleCheck check;
  for (Offset at = record->chunks; at != 0; at = chunkAt(arena, at)->next) {
    TransactionChunk* chunk = chunkAt(arena, at);
    if (!chunk || check.isBack(at)) return arena.noteDamage();
    for (uint64_t i = 0; i < chunk->count; ++i) {
      if (chunk->touched[i].version != version) continue;
      // The place of the last one is free from here on, and touch() may fill it without a note for
      // the undoing, which needs what stands there.
      const Touched last = arena.modify(chunk->touched[chunk->count - 1]);
      arena.modify(chunk->touched[i]) = last;
      arena.modify(chunk->count) -= 1;
      return;
    }
  }
}

// As far as one arena transaction goes; true when all versions are settled.
Result<bool> Transactions::settleSome(WriteScope& scope, TransactionRecord& record) {
  Arena& arena = scope.arena();
  CycleCheck check;
  while (record.chunks != 0) {
    if (!arena.hasUndoRoom()) return false;
    TransactionChunk* chunk = chunkAt(arena, record.chunks);
    if (!chunk || check.isBack(record.chunks)) return damagedRecord("transaction");
    while (chunk->count != 0) {
      if (chunk->count > TransactionChunk::kCountMax) return damagedRecord("transaction");
      if (!arena.hasUndoRoom()) return false;
      const Touched touched = chunk->touched[chunk->count - 1];
      if (record.phase == TransactionPhase::kAborting) {
        DAOS_CHECK(removeTouched(scope, touched));
      } else {
        auto* version = arena.find<VersionRecord>(touched.version);
        if (!version) return damagedRecord("transaction");
        const bool isLost = chunk->count == 2 && isPlanted(PlantedFault::kCommitLosesRecord);
        if (!isLost) arena.modify(version->transaction) = 0;
      }
      arena.modify(chunk->count) -= 1;
    }
    const Offset block = record.chunks;
    arena.modify(record.chunks) = chunk->next;
    scope.free(block);
  }
  return true;
}

// Frees a settled transaction's record and place, and the table after the last.
Status Transactions::release(WriteScope& scope, Offset offset) {
  Arena& arena = scope.arena();
  ContainerRecord& container = scope.container().record();
  const TransactionRecord* record = transactionAt(arena, offset);
  Offset* place = record ? placeOf(arena, container, record->number) : nullptr;
  if (!place || *place != offset) return damagedRecord("transaction table");
  TransactionTable* table = tableOf(arena, container.transactions);
  arena.modify(*place) = 0;
  arena.modify(table->count) -= 1;
  scope.free(offset);
  if (table->count == 0) {
    scope.free(container.transactions);
    arena.modify(container.transactions) = 0;
  }
  return {};
}

Status Transactions::finish(ContainerState& container, Offset offset) {
  const TransactionId id = transactionAt(container.arena, offset)->id;
  while (true) {
    WriteScope scope(container, 0, HeapUse::kReclaim);
    DAOS_TRY(const bool isDone, settleSome(scope, *transactionAt(container.arena, offset)));
    if (isDone) DAOS_CHECK(release(scope, offset));
    DAOS_CHECK(scope.commit());
    if (!isDone) continue;
    places_.erase(id);
    return {};
  }
}

Status Transactions::settle(ContainerState& container, const TransactionId& id,
                            TransactionPhase phase) {
  const auto found = places_.find(id);
  const bool isCommit = phase == TransactionPhase::kCommitting;
  if (found == places_.end()) {
    const bool isCommitted = stateOf(container, id) == TransactionState::kCommitted;
    if (isCommit && !isCommitted) {
      return Error(ErrorCode::kNonexist,
                   "transaction " + id.toString() + " has prepared nothing here");
    }
    if (!isCommit && isCommitted) return alreadyCommitted(id);
    return {};
  }
  const Offset offset = found->second.record;
  WriteScope scope(container, 0, HeapUse::kReclaim);
  TransactionRecord& record = *transactionAt(container.arena, offset);
  container.arena.modify(record.phase) = phase;
  if (isCommit) DAOS_CHECK(addCommitted(scope, id, record.epoch));
  DAOS_TRY(const bool isDone, settleSome(scope, record));
  if (isDone) DAOS_CHECK(release(scope, offset));
  DAOS_CHECK(scope.commit());
  if (!isDone) return finish(container, offset);
  places_.erase(found);
  return {};
}

TransactionState Transactions::stateOf(ContainerState& container, const TransactionId& id) const {
  if (places_.contains(id)) return TransactionState::kPrepared;
  uint64_t* root = &container.record().committed;
  if (*root == 0) return TransactionState::kUnknown;
  TreePath path;
  CommittedTree::seek(container.arena, root, id, path);
  return path.isFound ? TransactionState::kCommitted : TransactionState::kUnknown;
}

Result<bool> Transactions::collect(WriteScope& scope, CollectBudget& budget) {
  Arena& arena = scope.arena();
  ContainerRecord& container = scope.container().record();
  TransactionTable* table = tableOf(arena, container.transactions);
  for (uint32_t i = 0; table && i < table->capacity; ++i) {
    const Offset offset = table->records()[i];
    TransactionRecord* record = offset == 0 ? nullptr : transactionAt(arena, offset);
    if (!record) continue;
    while (record->chunks != 0) {
      if (!budget.take()) return false;
      const Offset offsetOfChunk = record->chunks;
      const TransactionChunk* chunk = chunkAt(arena, offsetOfChunk);
      if (!chunk) return damagedRecord("transaction");
      arena.modify(record->chunks) = chunk->next;
      scope.free(offsetOfChunk);
    }
    scope.free(offset);
    arena.modify(table->records()[i]) = 0;
  }
  if (table) {
    scope.free(container.transactions);
    arena.modify(container.transactions) = 0;
  }
  while (container.committed != 0) {
    if (!budget.take()) return false;
    TreePath path;
    seekFirst(arena, &container.committed, path);
    if (path.isDamaged) return damagedTree();
    scope.free(itemOffset(path.item()));
    removeItem(arena, path, scope.usedBytes());
  }
  return true;
}

std::vector<TransactionInfo> Transactions::prepared(const Arena& arena) const {
  std::vector<TransactionInfo> infos;
  for (const auto& [id, place] : places_) {
    infos.push_back({id, transactionAt(arena, place.record)->epoch});
  }
  std::sort(infos.begin(), infos.end(),
            [](const TransactionInfo& a, const TransactionInfo& b) { return a.id < b.id; });
  return infos;
}

Result<bool> Transactions::forgetCommitted(ContainerState& container, Epoch upTo, uint32_t budget) {
  WriteScope scope(container, 0, HeapUse::kReclaim);
  Arena& arena = scope.arena();
  uint64_t* root = &container.record().committed;
  uint32_t looked = 0;
  while (looked < budget && arena.hasUndoRoom()) {
    TreePath path;
    CommittedTree::seek(arena, root, forgetCursor_, path);
    // Skips what is to stay; a removal ends the walk, for the path is void after it.
    bool more = daos::vos::settle(arena, path);
    if (more && path.isFound) more = nextItem(arena, path);
    for (; more && looked < budget; more = nextItem(arena, path)) {
      ++looked;
      const auto* committed = arena.find<CommittedRecord>(itemOffset(path.item()));
      if (!committed) return damagedRecord("committed transaction");
      forgetCursor_ = committed->id;
      if (committed->epoch > upTo) continue;
      slots_.forget(loadAs<OperationId>(committed->id.bytes.data()));
      scope.free(itemOffset(path.item()));
      removeItem(arena, path, scope.usedBytes());
      break;
    }
    if (path.isDamaged) return damagedTree();
    if (!more) {
      forgetCursor_ = {};
      DAOS_CHECK(scope.commit());
      return false;
    }
  }
  DAOS_CHECK(scope.commit());
  return true;
}

}  // namespace daos::vos
