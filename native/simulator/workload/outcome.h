// What an error says about the request that got it.
#pragma once

#include "base/result.h"

namespace daos::simulator {

// It says for certain that nothing was done.
bool isRefusal(ErrorCode code);
// A correct request never gets it, whatever faults strike.
bool isUnexpected(ErrorCode code);

}  // namespace daos::simulator
