// Whether anything at all is stored within a range of epochs, seen or not.
#pragma once

#include "vos/lookup.h"

namespace daos::vos {

// How many records may be looked at. What is left afterwards tells how many were.
struct VisitBudget {
  static constexpr uint64_t kUnlimited = ~uint64_t{0};
  uint64_t left = kUnlimited;
  bool take() {
    if (left == 0) return false;
    --left;
    return true;
  }
};

// kFound, kNone or kDamaged. When the budget doesn't reach it is kFound: there may be some.
Outcome hasVersions(const Arena& arena, uint64_t* versions, const EpochRange& range,
                    VisitBudget& budget);
Outcome keyHasVersions(const Arena& arena, KeyRecord& key, const EpochRange& range,
                       VisitBudget& budget);
Outcome objectHasVersions(const Arena& arena, ObjectRecord& object, const EpochRange& range,
                          VisitBudget& budget);

}  // namespace daos::vos
