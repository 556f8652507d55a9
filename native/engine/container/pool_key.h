// The key of a pool, and what it proves: that the control plane let a client open a container.
//
// A pool without a key, as in tests and simulations, lets everyone in.
#pragma once

#include <array>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "protocol/capability.h"
#include "protocol/keys.h"

namespace daos::engine {

// Capabilities of one container, or of one machine, that are revoked while others stay.
struct Eviction {
  Uuid container;        // nil: of a machine
  uint64_t machine = 0;  // by a hash of its name
  uint32_t serial = 0;   // what was sealed under an earlier one is revoked
};

// What is kept of a capability while what it opened is open: what revokes it, and whether its
// bearer may read.
struct CapabilityOrigin {
  uint32_t keyVersion = 0;  // 0: the pool had no key
  uint32_t serial = 0;
  uint64_t machine = 0;
  bool mayRead = true;
};

struct PoolKey {
  uint32_t version = 0;  // > 0; rises with every new key
  std::array<uint8_t, 32> secret{};
  uint32_t serial = 0;  // of the latest eviction; rises with each
  std::vector<Eviction> evictions;

  bool isOlderThan(const PoolKey& other) const {
    return version != other.version ? version < other.version : serial < other.serial;
  }
  // Whether a capability of that origin, for `container`, has been revoked.
  bool isRevoked(const CapabilityOrigin& origin, const Uuid& container) const;
};

// What `sealed` says of itself when it lets its bearer open what `wanted` names. DER_NO_PERM:
// absent, forged, expired, of another container or of too few rights. DER_EVICTED: sealed with an
// earlier key, or before an eviction that is about it.
Result<CapabilityOrigin> checkCapability(const PoolKey& key, Bytes sealed,
                                         const protocol::ContainerOpenRequest& wanted,
                                         uint64_t wallMs);

}  // namespace daos::engine
