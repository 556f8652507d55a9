// Freeing what nothing refers to any more, a bounded number of records at a time.
//
// A tree is taken apart from its first leaf on, so that after any number of steps it is a smaller
// whole tree: a crash or a pause in between leaves nothing half done.
#pragma once

#include "vos/state.h"

namespace daos::vos {

// Steps left in this turn: one for each record freed.
struct CollectBudget {
  uint32_t left;
  const Arena& arena;
  // False when the turn is over, or the transaction should be.
  bool take() {
    if (left == 0 || !arena.hasUndoRoom()) return false;
    --left;
    return true;
  }
  // What turned out to cost more than it was taken for.
  void charge(uint64_t steps) { left -= static_cast<uint32_t>(steps < left ? steps : left); }
};

// Each frees what is beneath *root, or the record, as far as the budget goes: true when it is all
// gone.
Result<bool> collectVersions(WriteScope& scope, uint64_t* root, uint64_t recordSize,
                             CollectBudget& budget);
// All beneath a key, its punches included; the key itself stays.
Result<bool> emptyKey(WriteScope& scope, KeyRecord& key, CollectBudget& budget);
Result<bool> collectObjects(WriteScope& scope, uint64_t* root, CollectBudget& budget);

}  // namespace daos::vos
