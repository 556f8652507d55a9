// Conditions of a write or read: what must exist, or must not, at the operation's epoch.
#pragma once

#include "vos/lookup.h"
#include "vos/state.h"

namespace daos::vos {

// An outcome as a status: kFound and kNone are fine.
Status asStatus(Outcome outcome);
inline bool isFailure(Outcome outcome) {
  return outcome == Outcome::kBlocked || outcome == Outcome::kDamaged;
}

// What a condition wants of the thing it is about.
enum class Wanted : uint8_t { kAny, kPresent, kAbsent };
// DER_NONEXIST or DER_EXIST, naming `what`, unless `exists` is what is wanted.
Status judge(Wanted wanted, Outcome exists, const char* what);

// `object` and `dkey` may be null: there is none.
struct ConditionTarget {
  const Arena& arena;
  ObjectRecord* object;
  KeyRecord* dkey;
  KeyType akeyType;
};
// What is hidden from the akeys of the target's dkey.
Outcome hiddenFrom(const ConditionTarget& target, Lookup& lookup, Stamp* hidden);
Status judgeObject(const ConditionTarget& target, Lookup& lookup, Wanted wanted);
Status judgeDkey(const ConditionTarget& target, Lookup& lookup, Wanted wanted);
Status judgeAkey(const ConditionTarget& target, Lookup& lookup, Bytes akey, Wanted wanted);

// Of the conditions of an update or fetch that apply to descriptors[i].
Wanted akeyWanted(Conditions call, const IoDescriptor& descriptor);
Wanted dkeyWanted(Conditions call);
// All of an update or fetch.
Status judgeAll(const ConditionTarget& target, Lookup& lookup, Conditions conditions,
                std::span<const IoDescriptor> descriptors);

}  // namespace daos::vos
