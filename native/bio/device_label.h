// The label at the start of a device. docs/format/device_label.md, version 1.
#pragma once

#include <cstdint>

#include "base/uuid.h"

namespace daos::bio {

inline constexpr uint64_t kLabelMagic = 0x31564544534f4144;  // "DAOSDEV1"
inline constexpr uint32_t kLabelVersion = 1;
inline constexpr size_t kLabelRoleCount = 3;
inline constexpr size_t kLabelDeviceCount = 3;

struct LabelRole {
  uint32_t role;  // 0: none
  uint32_t reserved;
  uint64_t offset;
  uint64_t sizeBytes;
};
static_assert(sizeof(LabelRole) == 24);

// In blocks 0 and 1, the same; zeros follow to the end of the block.
struct DeviceLabel {
  uint64_t magic;
  uint32_t version;
  uint32_t checksum;  // CRC32C of the block with zero here
  Uuid store;
  uint32_t targetIndex;
  uint32_t deviceIndex;
  uint32_t deviceCount;
  uint32_t reserved;
  Uuid devices[kLabelDeviceCount];  // all of the store's; this one is devices[deviceIndex]
  LabelRole roles[kLabelRoleCount];
};
static_assert(sizeof(DeviceLabel) == 168);

}  // namespace daos::bio
