// Whether an extent is still of use: questions that may take long, asked a bit at a time.
//
// An extent may lie under any number of others. The state says how far a question has come; asked
// again with it, in a later turn, the question goes on there. Writes in between do not matter: they
// come after all pins.
#pragma once

#include <optional>
#include <span>

#include "vos/collect.h"
#include "vos/extent_tree.h"

namespace daos::vos {

enum class Answer : uint8_t { kNo, kYes, kLater };  // kLater: the turn is over before the answer

struct JudgementState {
  bool isUnderWay = false;
  // Which version it is about: another one begins anew.
  ExtentKey extent{};
  Stamp stamp;
  size_t pinsLeft = 0;
  uint64_t index = 0;            // of the range, what is before has been looked at
  uint64_t classesDone = 0;      // as a mask
  std::optional<ExtentKey> next;  // within the class at work
};

// The epochs that count, ascending, and what punches hide from a read at each.
struct Pins {
  std::span<const Epoch> epochs;
  std::span<const Stamp> hidden;
};

// Whether a read at one of the pins sees any of the extent.
Result<Answer> isExtentSeen(ContainerState& container, KeyRecord& akey, const ExtentRecord& extent,
                            const Pins& pins, JudgementState& state, CollectBudget& budget);
// Whether older data lies under the hole.
Result<Answer> hidesOlder(const Arena& arena, KeyRecord& akey, const ExtentRecord& hole,
                          JudgementState& state, CollectBudget& budget);

}  // namespace daos::vos
