#include "engine/object/spare_space.h"

#include <string>

namespace daos::engine {

static Status checkTier(uint64_t usedBytes, uint64_t totalBytes, uint64_t moreBytes,
                        uint32_t sparePercent, const char* tier) {
  const uint64_t usable = totalBytes - totalBytes / 100 * sparePercent;
  if (usedBytes <= usable && moreBytes <= usable - usedBytes) return {};
  return Error(ErrorCode::kNospace, "of the " + std::to_string(totalBytes) + " bytes for " + tier +
                                        " the pool keeps " + std::to_string(sparePercent) +
                                        " % back, and " + std::to_string(usedBytes) +
                                        " are used");
}

Status checkSpareSpace(OpenContainer& container, const vos::UpdateRequest& update,
                       uint64_t sizeBytes) {
  const uint32_t percent = container.pool->properties.spareSpacePercent;
  if (percent == 0) return {};
  const vos::PoolSpace space = container.pool->vos().space();
  const bool isBulk = container.vos->isBulk(update);
  DAOS_CHECK(checkTier(space.arena.usedBytes, space.arena.totalBytes, isBulk ? 0 : sizeBytes,
                       percent, "metadata and small values"));
  if (!isBulk) return {};
  return checkTier(space.mediaUsedBytes, space.mediaTotalBytes, sizeBytes, percent, "data");
}

}  // namespace daos::engine
