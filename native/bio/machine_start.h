// Whether the machine has been running all the time since something was written.
//
// What a device took is lost by a power cut, never by the end of a process: on a machine that has
// not started anew since, all of it is there.
#pragma once

#include <cstdint>

namespace daos::bio {

// The same for as long as the machine runs, another one after its next start; 0 where the system
// does not say.
uint32_t machineStartMark();

}  // namespace daos::bio
