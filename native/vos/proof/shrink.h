// Makes a failing history small: fewer operations, fewer parts, smaller numbers, failing still.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "vos/proof/operation.h"

namespace daos::vos::proof {

using StillFails = std::function<bool(std::span<const Operation>)>;

// Asks `stillFails` at most `trialMax` times (delta debugging: Zeller and Hildebrandt, "Simplifying
// and Isolating Failure-Inducing Input", 2002; then each remaining operation is made simpler).
std::vector<Operation> shrinkHistory(std::vector<Operation> history, const StillFails& stillFails,
                                     size_t trialMax);

}  // namespace daos::vos::proof
