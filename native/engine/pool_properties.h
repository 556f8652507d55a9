// What the control plane wants of a pool, beyond its size.
#pragma once

#include <cstdint>

namespace daos::engine {

// When what no reader can see any more is dropped in the background.
enum class Reclaim : uint8_t {
  kTime,      // always, at its pace
  kLazy,      // while nobody uses the pool, or when a tier is nearly full
  kDisabled,  // never
};

struct PoolProperties {
  Reclaim reclaim = Reclaim::kTime;
  // Percent of each tier that updates leave free: what moves data, and all that gives space back,
  // has room. 0: none.
  uint32_t spareSpacePercent = 0;
};

}  // namespace daos::engine
