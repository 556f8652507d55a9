// Where in the arena the operations of clients stand: which CommittedRecord each slot has.
//
// Thread:    owned by one target, as the container it is of.
// Invariant: a hint that is always right: it names only records of transactions that were
//            committed, and who frees a record forgets its slot first. What is not here may still
//            stand in the tree.
// Memory:    grows with the slots in use to kCountMax entries; from then on the newest take the
//            place of others. A slot that is known costs no allocation.
#pragma once

#include <cstdint>
#include <vector>

#include "model/io.h"
#include "vos/heap.h"

namespace daos::vos {

class OperationSlots {
 public:
  // The record of the operation's slot; 0: not known here.
  Offset find(const OperationId& operation) const {
    if (entries_.empty()) return 0;
    const size_t first = placeOf(operation);
    for (size_t i = 0; i < kWayCount; ++i) {
      const Entry& entry = entries_[(first + i) & mask()];
      if (entry.isOf(operation)) return entry.record;
    }
    return 0;
  }
  void remember(const OperationId& operation, Offset record) {
    if (entries_.empty()) entries_.resize(kCountMin);
    while (!put(operation, record)) {
      if (entries_.size() == kCountMax) {
        entries_[placeOf(operation)] = {operation.client, operation.slot(), record};
        return;
      }
      grow();
    }
  }
  void forget(const OperationId& operation) {
    if (entries_.empty()) return;
    const size_t first = placeOf(operation);
    for (size_t i = 0; i < kWayCount; ++i) {
      Entry& entry = entries_[(first + i) & mask()];
      if (entry.isOf(operation)) entry = {};
    }
  }

  static constexpr size_t kCountMax = 16384;

 private:
  struct Entry {
    uint64_t client = 0;
    uint64_t slot = 0;
    Offset record = 0;  // 0: free
    bool isOf(const OperationId& operation) const {
      return record != 0 && client == operation.client && slot == operation.slot();
    }
  };
  static constexpr size_t kCountMin = 64;
  static constexpr size_t kWayCount = 4;

  size_t mask() const { return entries_.size() - 1; }
  // Clients choose their number: a bad choice makes them slow, nothing else.
  size_t placeOf(const OperationId& operation) const {
    uint64_t mixed = (operation.client ^ operation.slot() << 20) * 0x9e3779b97f4a7c15;
    mixed ^= mixed >> 32;
    return mixed & mask();
  }
  bool put(const OperationId& operation, Offset record) {
    const size_t first = placeOf(operation);
    Entry* place = nullptr;
    for (size_t i = 0; i < kWayCount; ++i) {
      Entry& entry = entries_[(first + i) & mask()];
      if (entry.isOf(operation)) {
        place = &entry;
        break;
      }
      if (entry.record == 0 && !place) place = &entry;
    }
    if (!place) return false;
    *place = {operation.client, operation.slot(), record};
    return true;
  }
  // What finds no place in the larger table is looked up in the tree again.
  void grow() {
    std::vector<Entry> before(entries_.size() * 2);
    before.swap(entries_);
    for (const Entry& entry : before) {
      if (entry.record == 0) continue;
      put({entry.client, entry.slot << OperationId::kSequenceBits}, entry.record);
    }
  }

  std::vector<Entry> entries_;
};

}  // namespace daos::vos
