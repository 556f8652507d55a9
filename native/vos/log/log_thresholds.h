// How full the log of a LogArena may get, in percent of its size.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace daos::vos {

struct LogThresholds {
  uint32_t checkpointAtPercent = 25;  // a checkpoint starts
  uint32_t slowAtPercent = 50;        // writers are slowed down, more and more
  uint32_t stopAtPercent = 75;        // writers wait

  // DER_INVAL: they don't come one after the other, or leave no room.
  Status check() const {
    if (0 < checkpointAtPercent && checkpointAtPercent < slowAtPercent &&
        slowAtPercent < stopAtPercent && stopAtPercent < 100) {
      return {};
    }
    return invalid("a log of which " + std::to_string(checkpointAtPercent) +
                   " % start a checkpoint, " + std::to_string(slowAtPercent) +
                   " % slow writers down and " + std::to_string(stopAtPercent) +
                   " % stop them: they have to rise, between 1 and 99");
  }
};

}  // namespace daos::vos
