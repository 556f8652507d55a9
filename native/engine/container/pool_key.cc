#include "engine/container/pool_key.h"

#include "codec/seal.h"
#include "protocol/capability.h"

namespace daos::engine {

static Error refused(const protocol::ContainerOpenRequest& wanted, const char* why) {
  return Error(ErrorCode::kNoPerm, "container " + wanted.container.toString() + ": " + why);
}

static Error evicted(const protocol::ContainerOpenRequest& wanted) {
  return Error(ErrorCode::kEvicted,
               "the capability for container " + wanted.container.toString() + " was revoked");
}

bool PoolKey::isRevoked(const CapabilityOrigin& origin, const Uuid& container) const {
  if (origin.keyVersion != version) return true;
  if (origin.serial >= serial) return false;
  for (const Eviction& eviction : evictions) {
    if (origin.serial >= eviction.serial) continue;
    const bool isOfMachine = eviction.container.isNil();
    if (isOfMachine ? eviction.machine == origin.machine : eviction.container == container) {
      return true;
    }
  }
  return false;
}

Result<CapabilityOrigin> checkCapability(const PoolKey& key, Bytes sealed,
                                         const protocol::ContainerOpenRequest& wanted,
                                         uint64_t wallMs) {
  if (sealed.empty()) return refused(wanted, "no capability was shown");
  if (sealed.size() != sizeof(protocol::SealedCapability)) {
    return refused(wanted, "what was shown is no capability");
  }
  const auto shown = loadAs<protocol::SealedCapability>(sealed.data());
  const protocol::Capability& capability = shown.capability;
  // Before the seal: an earlier key is gone, and its seals can't be checked any more. Nothing is
  // told by it but that there was one.
  if (capability.keyVersion < key.version) return evicted(wanted);
  const Bytes body = bytesOf(&capability, sizeof(capability));
  if (!isSealOf(shown.seal, bytesOf(key.secret.data(), key.secret.size()), body)) {
    return refused(wanted, "the capability's seal is wrong");
  }
  if (capability.pool != wanted.pool || capability.container != wanted.container) {
    return refused(wanted, "the capability is another container's");
  }
  if (wallMs >= capability.expiresMs) return refused(wanted, "the capability has expired");
  const bool isWrite = wanted.flags & protocol::kOpenReadWrite;
  const uint32_t needed = isWrite ? protocol::kRightWrite : protocol::kRightRead;
  if (!(capability.rights & needed)) {
    return refused(wanted, "the capability does not allow this");
  }
  const CapabilityOrigin origin{capability.keyVersion, capability.serial, capability.machine,
                                (capability.rights & protocol::kRightRead) != 0};
  if (key.isRevoked(origin, capability.container)) return evicted(wanted);
  return origin;
}

}  // namespace daos::engine
