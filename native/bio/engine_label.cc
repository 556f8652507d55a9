#include "bio/engine_label.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "codec/checksum.h"

namespace daos::bio {
namespace {

constexpr size_t kChecksumOffset = offsetof(EngineLabel, checksum);

uint32_t checksumOf(Bytes block) {
  constexpr uint32_t kZero = 0;
  const uint32_t head = crc32c(block.first(kChecksumOffset));
  const uint32_t middle = crc32c(bytesOf(&kZero, sizeof(kZero)), head);
  return crc32c(block.subspan(kChecksumOffset + sizeof(kZero)), middle);
}

std::optional<EngineLabel> copyIn(Bytes block) {
  const auto label = loadAs<EngineLabel>(block.data());
  if (label.magic != kEngineLabelMagic || checksumOf(block) != label.checksum) return std::nullopt;
  return label;
}

Error unsound(const char* what) {
  return Error(ErrorCode::kDfInval, std::string("an engine's label that says ") + what);
}

Status checkCounts(const EngineLabel& label) {
  if (label.deviceCount == 0 || label.deviceCount > kEngineDeviceCountMax ||
      label.deviceIndex >= label.deviceCount) {
    return unsound("that it is a device that the engine does not have");
  }
  if (label.targetCount == 0 || label.targetCount > kEngineTargetCountMax) {
    return unsound("an impossible number of targets");
  }
  for (uint32_t t = label.targetCount; t < kEngineTargetCountMax; ++t) {
    if (label.isUsedBy(t)) return unsound("that a target uses it that there is not");
  }
  if (label.regionCount == 0 || label.users().size() != label.regionCount) {
    return unsound("another number of regions than of targets");
  }
  if (label.roles == 0 || DeviceRoles(label.roles).bits() != label.roles) {
    return unsound("roles that there are not");
  }
  return {};
}

Status checkRegions(const EngineLabel& label) {
  const uint64_t space =
      label.deviceBytes > kRegionsOffset ? label.deviceBytes - kRegionsOffset : 0;
  if (label.regionBytes == 0 || label.regionBytes % kRegionsOffset ||
      label.regionBytes > kRegionBytesMax || label.regionBytes > space / label.regionCount) {
    return unsound("that regions lie outside of the device");
  }
  return {};
}

}  // namespace

std::vector<uint32_t> EngineLabel::users() const {
  std::vector<uint32_t> all;
  for (uint32_t t = 0; t < kEngineTargetCountMax; ++t) {
    if (isUsedBy(t)) all.push_back(t);
  }
  return all;
}

uint64_t EngineLabel::regionOffset(uint32_t target) const {
  DAOS_ASSERT(isUsedBy(target));
  uint64_t before = 0;
  for (uint32_t t = 0; t < target; ++t) before += isUsedBy(t);
  return kRegionsOffset + before * regionBytes;
}

Result<EngineLabel> decodeEngineLabel(Bytes blocks) {
  DAOS_ASSERT(blocks.size() == kEngineLabelBytes);
  auto label = copyIn(blocks.first(kMediaBlockSize));
  if (!label) label = copyIn(blocks.subspan(kMediaBlockSize));
  if (!label) return Error(ErrorCode::kDfInval, "carries no engine's label");
  if (label->version != kEngineLabelVersion) {
    return Error(ErrorCode::kDfIncompt, "an engine's label of version " +
                                            std::to_string(label->version) + "; this is version " +
                                            std::to_string(kEngineLabelVersion));
  }
  DAOS_CHECK(checkCounts(*label));
  DAOS_CHECK(checkRegions(*label));
  return *label;
}

void encodeEngineLabel(EngineLabel label, MutableBytes block) {
  DAOS_ASSERT(block.size() == kMediaBlockSize);
  label.magic = kEngineLabelMagic;
  label.version = kEngineLabelVersion;
  label.checksum = 0;
  std::fill(block.begin(), block.end(), std::byte{0});
  storeAs(block.data(), label);
  storeAs(block.data() + kChecksumOffset, checksumOf(block));
}

Task<Result<EngineLabel>> readEngineLabel(Media& device, DmaPool& pool) {
  if (device.sizeBytes() < kEngineLabelBytes) {
    co_return Error(ErrorCode::kDfInval, device.name() + ": too small for a label");
  }
  DAOS_CO_TRY(const DmaBuffer buffer, pool.allocate(kEngineLabelBytes));
  DAOS_CO_CHECK(co_await device.read(0, buffer.bytes()));
  auto label = decodeEngineLabel(buffer.bytes());
  if (!label.ok()) co_return std::move(label).error().within(device.name());
  co_return label;
}

Task<Status> writeEngineLabel(Media& device, DmaPool& pool, const EngineLabel& label) {
  DAOS_CO_TRY(const DmaBuffer buffer, pool.allocate(kMediaBlockSize));
  encodeEngineLabel(label, buffer.bytes());
  DAOS_CO_CHECK(co_await device.writeDurable(0, buffer.bytes()));
  co_return co_await device.writeDurable(kMediaBlockSize, buffer.bytes());
}

}  // namespace daos::bio
