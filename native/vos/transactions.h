// The transactions of a container: what they have prepared, and which were committed.
//
// Life of a transaction:
//   1. A write that names an unknown id makes its record; every version it writes carries its
//      number.
//   2. commit: its versions lose the number, so that all see them; its id goes to the committed
//      ones. abort: its versions are removed.
//   3. Both begin by storing the phase, and end by freeing the record; a large transaction takes
//      several arena transactions in between. A crash there is finished at the next opening: nobody
//      sees a part.
#pragma once

#include <unordered_map>
#include <vector>

#include "vos/operation_slots.h"
#include "vos/records.h"
#include "vos/requests.h"
#include "vos/tree.h"

namespace daos::vos {

struct CollectBudget;
struct ContainerState;
class WriteScope;

struct CommittedPolicy {
  using Key = Uuid;
  static constexpr bool kHasTies = true;
  static uint64_t prefix(const Uuid& id) { return loadAs<uint64_t>(id.bytes.data()); }
  static uint64_t prefixOf(const Arena& arena, uint64_t item) {
    const auto* committed = arena.find<CommittedRecord>(itemOffset(item));
    return committed ? prefix(committed->id) : 0;
  }
  static uint64_t restOf(const Arena& arena, uint64_t item) {
    const auto* committed = arena.find<CommittedRecord>(itemOffset(item));
    return committed ? rest(committed->id) : 0;
  }
  static int order(uint64_t left, uint64_t right) {
    return left == right ? 0 : left < right ? -1 : 1;
  }
  static uint64_t rest(const Uuid& id) { return loadAs<uint64_t>(id.bytes.data() + 8); }
  static int compare(const Arena& arena, uint64_t item, const Uuid& id) {
    return order(restOf(arena, item), rest(id));
  }
  static size_t separatorSize(const Arena&, uint64_t) { return 8; }
  static void writeSeparator(const Arena& arena, uint64_t item, std::byte* to) {
    storeAs<uint64_t>(to, restOf(arena, item));
  }
  static int compareSeparator(const std::byte* from, size_t size, const Uuid& id) {
    return size < 8 ? 0 : order(loadAs<uint64_t>(from), rest(id));
  }
};
using CommittedTree = Tree<CommittedPolicy>;

class Transactions {
 public:
  // From the arena; ends what a crash interrupted. DER_DF_INVAL.
  Status load(ContainerState& container);

  // The number of transaction `id`, 0 when it has prepared nothing.
  uint32_t numberOf(const TransactionId& id) const;
  // Whose number it is; nil when nobody's.
  TransactionId idOf(const ContainerState& container, uint32_t number) const;
  // The number for a write of `id`, made if it is new. DER_ALREADY when it was committed.
  Result<uint32_t> enter(WriteScope& scope, const TransactionId& id, Epoch epoch);
  // `id` stands among the committed ones from this arena transaction on. DER_ALREADY.
  Status addCommitted(WriteScope& scope, const TransactionId& id, Epoch epoch);
  // The newest of its slot among the committed ones: takes the place of the one before.
  // DER_ALREADY; DER_CANCELED when a later one stands there.
  Status addOperation(WriteScope& scope, const OperationId& operation, Epoch epoch);
  // 0: it does not stand there.
  Epoch epochOf(ContainerState& container, const OperationId& operation);
  // What the write scope made has been undone.
  void forget(const TransactionId& id) { places_.erase(id); }

  // Adds a version that transaction `number` has written.
  Status touch(WriteScope& scope, uint32_t number, const Touched& touched);
  // The version has been replaced.
  void forgetTouched(WriteScope& scope, uint32_t number, Offset version);

  Status settle(ContainerState& container, const TransactionId& id, TransactionPhase phase);
  TransactionState stateOf(ContainerState& container, const TransactionId& id) const;
  std::vector<TransactionInfo> prepared(const Arena& arena) const;
  // Frees all records of a destroyed container; true when done.
  static Result<bool> collect(WriteScope& scope, CollectBudget& budget);
  Result<bool> forgetCommitted(ContainerState& container, Epoch upTo, uint32_t budget);

 private:
  struct Place {
    Offset record;
    uint32_t number;
  };
  // Carries a phase that has begun to its end, in as many arena transactions as it takes.
  Status finish(ContainerState& container, Offset record);
  Result<bool> settleSome(WriteScope& scope, TransactionRecord& record);
  Status release(WriteScope& scope, Offset record);
  // The operation that stands in the slot of `operation`; null for none. DER_DF_INVAL.
  Result<CommittedRecord*> lastOfSlot(ContainerState& container, const OperationId& operation);
  // A free place of the table, which grows; 0 without space.
  uint32_t takePlace(WriteScope& scope);

  std::unordered_map<TransactionId, Place> places_;  // of prepared transactions
  OperationSlots slots_;
  TransactionId forgetCursor_{};
};

}  // namespace daos::vos
