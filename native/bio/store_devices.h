// The one, two or three devices of a target's store: who they are, and which part of them has which
// role.
//
//   one device     WAL, META and DATA, or what there is of them
//   two devices    WAL and META | DATA, or without DATA: WAL | META
//   three devices  WAL | META | DATA
//
// Each device begins with a label, twice: the store, the device, its place among the others, and
// where its roles lie. A device of another store, in another's place, or one that was replaced
// behind our back is refused.
//
// Thread: the reactor's.
// Format: docs/format/device_label.md, version 1.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/log.h"
#include "base/uuid.h"
#include "bio/device_roles.h"
#include "bio/dma_buffer.h"
#include "bio/media.h"
#include "bio/media_slice.h"
#include "runtime/random.h"

namespace daos::bio {

inline constexpr size_t kDeviceCountMax = 3;
// Where the first role begins: room for the labels, and whole erase units of most flash.
inline constexpr uint64_t kRolesOffset = 1 << 20;

struct StoreIdentity {
  Uuid store;
  uint32_t targetIndex = 0;
  bool operator==(const StoreIdentity&) const = default;
};

struct RoleSizes {
  // 0: there is no such role; kRestOfDevice
  uint64_t walBytes = 0;
  uint64_t metaBytes = 0;
  uint64_t dataBytes = 0;
  static constexpr uint64_t kRestOfDevice = ~uint64_t{0};
};

struct FormatOptions {
  // Also devices that carry a label of another store.
  bool isForced = false;
};

class StoreDevices {
 public:
  using Devices = std::vector<std::unique_ptr<Media>>;

  // The bytes that device `index` of `deviceCount` needs for its label and roles of these sizes.
  static uint64_t deviceSizeBytes(const RoleSizes& sizes, size_t deviceCount, size_t index);

  // Writes labels. DER_NOSPACE: a device is too small, the message says what it takes. DER_EXIST: a
  // device belongs to a store.
  static Task<Result<std::unique_ptr<StoreDevices>>> format(Devices devices, DmaPool& pool,
                                                            StoreIdentity identity, RoleSizes sizes,
                                                            Random& random,
                                                            FormatOptions options = {});
  // Devices in the order of format. DER_DF_INVAL: no label; DER_MISMATCH: foreign, swapped or
  // replaced; DER_DF_INCOMPT.
  static Task<Result<std::unique_ptr<StoreDevices>>> open(Devices devices, DmaPool& pool,
                                                          StoreIdentity identity, const Log& log);

  // Writes another size of a role, the last one of its device, into the device's labels. The device
  // is of no open store, and holds it. DER_DF_INVAL, DER_NOSPACE.
  static Task<Status> resizeRole(Media& device, DmaPool& pool, MediaRole role, uint64_t sizeBytes);

  // Null: the store has no such role.
  Media* wal() { return roles_[0].get(); }
  Media* meta() { return roles_[1].get(); }
  Media* data() { return roles_[2].get(); }
  const Devices& devices() const { return devices_; }
  // Of device `index`.
  DeviceRoles rolesOf(size_t index) const { return rolesOf_[index]; }

 private:
  explicit StoreDevices(Devices devices) : devices_(std::move(devices)) {}
  void addRole(MediaRole role, size_t device, uint64_t offset, uint64_t sizeBytes);

  Devices devices_;
  std::array<std::unique_ptr<MediaSlice>, 3> roles_;
  std::array<DeviceRoles, kDeviceCountMax> rolesOf_;
};

}  // namespace daos::bio
