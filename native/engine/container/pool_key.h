// The key of a pool, and what it proves: that the control plane let a client open a container.
//
// A pool without a key, as in tests and simulations, lets everyone in.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/keys.h"

namespace daos::engine {

struct PoolKey {
  uint32_t version = 0;  // > 0; rises with every new key
  std::array<uint8_t, 32> secret{};
};

// Whether `sealed` lets its bearer open what `wanted` names. DER_NO_PERM: absent, forged, expired,
// of another container or of too few rights. DER_EVICTED: sealed with an earlier key.
Status checkCapability(const PoolKey& key, Bytes sealed,
                       const protocol::ContainerOpenRequest& wanted, uint64_t wallMs);

}  // namespace daos::engine
