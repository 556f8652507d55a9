// What lets a client open a container: made by the control plane, sealed with the pool's key, and
// checked by each target that the container is opened on.
//
// Format: docs/format/object_protocol.md, version 2.
#pragma once

#include <array>

#include "base/uuid.h"

namespace daos::protocol {

inline constexpr uint32_t kRightRead = 1;
inline constexpr uint32_t kRightWrite = 2;

struct Capability {
  Uuid pool;
  Uuid container;
  uint32_t rights = 0;
  uint32_t keyVersion = 0;  // of the pool's key; another key revokes the capability
  uint64_t expiresMs = 0;   // since 1970; opens nothing from then on
  uint64_t machine = 0;     // that it was given to, by a hash of its name; 0: not known
  uint32_t serial = 0;      // of the latest eviction that the pool knew; later ones may revoke it
  uint32_t reserved = 0;
};
static_assert(sizeof(Capability) == 64);

struct SealedCapability {
  Capability capability;
  std::array<uint8_t, 32> seal{};  // HMAC with SHA-256 of the capability
};
static_assert(sizeof(SealedCapability) == 96);

}  // namespace daos::protocol
