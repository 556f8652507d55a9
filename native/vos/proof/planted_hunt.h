// Whether random histories find the faults that are planted in the store (vos/planted_fault.h): the
// proof of the proof.
#pragma once

#include "vos/proof/store.h"

namespace daos::vos::proof {

// Plants each fault and hunts from `firstSeed` on, for as many operations as the table there allows
// it to hide. Prints a line for each, and at last how many were found; false when one was not, or
// when this build has none to plant.
bool findPlantedFaults(ArenaSource& source, uint64_t firstSeed);

}  // namespace daos::vos::proof
