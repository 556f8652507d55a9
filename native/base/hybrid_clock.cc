#include "base/hybrid_clock.h"

#include <string>

namespace daos {

Status HybridClock::observe(Epoch epoch, uint64_t wallNs) {
  if (epoch <= last_) return {};
  const Epoch physical = fromWall(wallNs);
  if (epoch > physical && epoch - physical > kEpochSkewMaxNs) {
    return Error(ErrorCode::kOverflow, "epoch " + std::to_string(epoch) + " is " +
                                           std::to_string((epoch - physical) / 1000000000) +
                                           " s in the future; check the clocks of both hosts");
  }
  last_ = epoch;
  return {};
}

}  // namespace daos
