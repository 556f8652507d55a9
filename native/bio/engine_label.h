// The label at the start of a device that an engine keeps pools on: whose it is, which of the
// engine's devices, and how it is divided among targets.
//
//   0      label, twice (blocks 0 and 1)
//   1 MiB  a region for each target that uses the device (region.h), all of one size
//
// Format: docs/format/engine_label.md, version 1.
#pragma once

#include <string>
#include <vector>

#include "base/uuid.h"
#include "bio/device_roles.h"
#include "bio/dma_buffer.h"
#include "bio/media.h"
#include "runtime/task.h"

namespace daos::bio {

inline constexpr uint64_t kEngineLabelMagic = 0x31474e45534f4144;  // "DAOSENG1"
inline constexpr uint32_t kEngineLabelVersion = 1;
inline constexpr size_t kEngineDeviceCountMax = 64;
inline constexpr size_t kEngineTargetCountMax = 256;
inline constexpr uint64_t kRegionsOffset = 1 << 20;
inline constexpr uint64_t kRegionBytesMax = uint64_t{1} << 50;
inline constexpr uint64_t kEngineLabelBytes = 2 * kMediaBlockSize;

// In blocks 0 and 1, the same; zeros follow to the end of the block.
struct EngineLabel {
  uint64_t magic;
  uint32_t version;
  uint32_t checksum;  // CRC32C of the block with zero here
  Uuid engine;
  uint32_t rank;
  uint32_t deviceIndex;
  uint32_t deviceCount;
  uint32_t roles;        // DeviceRoles::bits
  uint32_t targetCount;  // of the engine
  uint32_t regionCount;  // how many of them use the device
  uint64_t deviceBytes;
  uint64_t regionBytes;
  uint8_t targets[kEngineTargetCountMax / 8];  // bit t % 8 of byte t / 8: target t uses it
  Uuid devices[kEngineDeviceCountMax];         // this one is devices[deviceIndex]

  Uuid device() const { return devices[deviceIndex]; }
  bool isUsedBy(uint32_t target) const { return targets[target / 8] >> (target % 8) & 1; }
  void setUsedBy(uint32_t target) { targets[target / 8] |= uint8_t(1u << (target % 8)); }
  // The targets that use it, in the order of their regions.
  std::vector<uint32_t> users() const;
  // Where the region of a target that uses it begins.
  uint64_t regionOffset(uint32_t target) const;
};
static_assert(sizeof(EngineLabel) == 1128);

// Of `blocks` (kEngineLabelBytes) the first copy that is whole, and sound. DER_DF_INVAL: there is
// none; DER_DF_INCOMPT: of another version.
Result<EngineLabel> decodeEngineLabel(Bytes blocks);
// One block, with its checksum.
void encodeEngineLabel(EngineLabel label, MutableBytes block);

Task<Result<EngineLabel>> readEngineLabel(Media& device, DmaPool& pool);
// Each copy durable before the next is touched: a torn write leaves one of them whole.
Task<Status> writeEngineLabel(Media& device, DmaPool& pool, const EngineLabel& label);

}  // namespace daos::bio
