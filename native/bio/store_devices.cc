#include "bio/store_devices.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "bio/device_label.h"
#include "codec/checksum.h"

namespace daos::bio {
namespace {

const char* const kRoleNames[] = {"WAL", "META", "DATA"};

size_t deviceOf(MediaRole role, const RoleSizes& sizes, size_t deviceCount) {
  if (deviceCount == 1) return 0;
  if (deviceCount == 2 && sizes.dataBytes > 0) return role == MediaRole::kData ? 1 : 0;
  return static_cast<size_t>(role) - 1;
}

uint64_t sizeOf(MediaRole role, const RoleSizes& sizes) {
  if (role == MediaRole::kWal) return sizes.walBytes;
  return role == MediaRole::kMeta ? sizes.metaBytes : sizes.dataBytes;
}

uint32_t checksumOf(Bytes block) {
  std::vector<std::byte> copy(block.begin(), block.end());
  storeAs(copy.data() + offsetof(DeviceLabel, checksum), uint32_t{0});
  return crc32c(copy);
}

std::optional<DeviceLabel> labelIn(Bytes block) {
  const auto label = loadAs<DeviceLabel>(block.data());
  if (label.magic != kLabelMagic || checksumOf(block) != label.checksum) return std::nullopt;
  return label;
}

// Of the two copies the first that is whole.
Task<Result<std::optional<DeviceLabel>>> readLabel(Media& device, DmaPool& pool, const Log* log) {
  DAOS_CO_TRY(const DmaBuffer buffer, pool.allocate(2 * kMediaBlockSize));
  DAOS_CO_CHECK(co_await device.read(0, buffer.bytes()));
  const Bytes bytes = buffer.bytes();
  const auto first = labelIn(bytes.first(kMediaBlockSize));
  const auto second = labelIn(bytes.subspan(kMediaBlockSize));
  if (log && first.has_value() != second.has_value()) {
    DAOS_LOG_WARNING(*log, device.name() + ": one of the two labels is damaged");
  }
  co_return first ? first : second;
}

Task<Status> writeLabel(Media& device, DmaPool& pool, const DeviceLabel& label) {
  DAOS_CO_TRY(const DmaBuffer buffer, pool.allocate(2 * kMediaBlockSize));
  std::memset(buffer.data(), 0, buffer.size());
  storeAs(buffer.data(), label);
  const uint32_t checksum = checksumOf({buffer.data(), kMediaBlockSize});
  storeAs(buffer.data() + offsetof(DeviceLabel, checksum), checksum);
  std::memcpy(buffer.data() + kMediaBlockSize, buffer.data(), kMediaBlockSize);
  co_return co_await device.writeDurable(0, buffer.bytes());
}

// Lays the roles of device `index` out one after the other.
Status layOut(DeviceLabel& label, const Media& device, const RoleSizes& sizes, size_t deviceCount) {
  uint64_t offset = kRolesOffset;
  size_t count = 0;
  for (const MediaRole role : kMediaRoles) {
    uint64_t size = sizeOf(role, sizes);
    if (deviceOf(role, sizes, deviceCount) != label.deviceIndex || size == 0) continue;
    if (size == RoleSizes::kRestOfDevice) {
      size = device.sizeBytes() > offset ? alignDown(device.sizeBytes() - offset, kRolesOffset) : 0;
    }
    if (size == 0 || size % kMediaBlockSize || offset + size > device.sizeBytes()) {
      return Error(ErrorCode::kNospace, device.name() + ": " + std::to_string(device.sizeBytes()) +
                                            " bytes; " + kRoleNames[static_cast<size_t>(role) - 1] +
                                            " needs to lie from " + std::to_string(offset) +
                                            " to " + std::to_string(offset + size));
    }
    label.roles[count++] = {static_cast<uint32_t>(role), 0, offset, size};
    offset += size;
  }
  return {};
}

Error mismatch(const Media& device, const std::string& what) {
  return Error(ErrorCode::kMismatch, device.name() + ": " + what);
}

// Whether `label` is what device `index` of this store must carry.
Status judge(const Media& device, const DeviceLabel& label, const StoreIdentity& identity,
             size_t index, size_t deviceCount) {
  if (label.version != kLabelVersion) {
    return Error(ErrorCode::kDfIncompt, device.name() + ": a label of version " +
                                            std::to_string(label.version) + "; this is version " +
                                            std::to_string(kLabelVersion));
  }
  if (label.store != identity.store || label.targetIndex != identity.targetIndex) {
    return mismatch(device, "belongs to store " + label.store.toString() + ", target " +
                                std::to_string(label.targetIndex) + "; not to " +
                                identity.store.toString() + ", target " +
                                std::to_string(identity.targetIndex));
  }
  if (label.deviceCount != deviceCount) {
    return mismatch(device, "belongs to a store of " + std::to_string(label.deviceCount) +
                                " devices; " + std::to_string(deviceCount) + " are given");
  }
  if (label.deviceIndex != index) {
    return mismatch(device, "is device " + std::to_string(label.deviceIndex) +
                                " of its store, given as device " + std::to_string(index) +
                                ": were they swapped?");
  }
  return {};
}

}  // namespace

uint64_t StoreDevices::deviceSizeBytes(const RoleSizes& sizes, size_t deviceCount, size_t index) {
  uint64_t size = kRolesOffset;
  for (const MediaRole role : kMediaRoles) {
    if (deviceOf(role, sizes, deviceCount) == index) size += sizeOf(role, sizes);
  }
  return size;
}

void StoreDevices::addRole(MediaRole role, size_t device, uint64_t offset, uint64_t sizeBytes) {
  const size_t index = static_cast<size_t>(role) - 1;
  roles_[index] =
      std::make_unique<MediaSlice>(*devices_[device], kRoleNames[index], offset, sizeBytes);
  rolesOf_[device] = rolesOf_[device] | DeviceRoles{role};
}

Task<Result<std::unique_ptr<StoreDevices>>> StoreDevices::format(Devices devices, DmaPool& pool,
                                                                 StoreIdentity identity,
                                                                 RoleSizes sizes, Random& random,
                                                                 FormatOptions options) {
  const size_t count = devices.size();
  if (count == 0 || count > kDeviceCountMax) co_return invalid("a store has 1 to 3 devices");
  std::vector<DeviceLabel> labels(count);
  for (size_t i = 0; i < count; ++i) labels[0].devices[i] = random.uuid();
  for (size_t i = 0; i < count; ++i) {
    DeviceLabel& label = labels[i];
    std::copy_n(labels[0].devices, kLabelDeviceCount, label.devices);
    label.magic = kLabelMagic;
    label.version = kLabelVersion;
    label.store = identity.store;
    label.targetIndex = identity.targetIndex;
    label.deviceIndex = static_cast<uint32_t>(i);
    label.deviceCount = static_cast<uint32_t>(count);
    DAOS_CO_CHECK(layOut(label, *devices[i], sizes, count));
    DAOS_CO_TRY(const auto before, co_await readLabel(*devices[i], pool, nullptr));
    if (before && !options.isForced) {
      co_return Error(ErrorCode::kExist, devices[i]->name() + ": belongs to store " +
                                             before->store.toString() + " already");
    }
  }
  std::unique_ptr<StoreDevices> store(new StoreDevices(std::move(devices)));
  for (size_t i = 0; i < count; ++i) {
    DAOS_CO_CHECK(co_await writeLabel(*store->devices_[i], pool, labels[i]));
    for (const LabelRole& role : labels[i].roles) {
      if (role.role) store->addRole(MediaRole{role.role}, i, role.offset, role.sizeBytes);
    }
  }
  co_return store;
}

Task<Status> StoreDevices::resizeRole(Media& device, DmaPool& pool, MediaRole role,
                                      uint64_t sizeBytes) {
  DAOS_CO_TRY(const auto found, co_await readLabel(device, pool, nullptr));
  if (!found) co_return Error(ErrorCode::kDfInval, device.name() + ": carries no label");
  DeviceLabel label = *found;
  LabelRole* last = nullptr;
  for (LabelRole& one : label.roles) {
    if (one.role != 0) last = &one;
  }
  if (!last || last->role != static_cast<uint32_t>(role)) {
    co_return Error(ErrorCode::kDfInval, device.name() + ": the role does not lie at its end");
  }
  if (last->offset > device.sizeBytes() || sizeBytes > device.sizeBytes() - last->offset) {
    co_return Error(ErrorCode::kNospace,
                    device.name() + ": " + std::to_string(device.sizeBytes()) + " bytes, too few");
  }
  last->sizeBytes = sizeBytes;
  label.checksum = 0;
  co_return co_await writeLabel(device, pool, label);
}

Task<Result<std::unique_ptr<StoreDevices>>> StoreDevices::open(Devices devices, DmaPool& pool,
                                                               StoreIdentity identity,
                                                               const Log& log) {
  const size_t count = devices.size();
  if (count == 0 || count > kDeviceCountMax) co_return invalid("a store has 1 to 3 devices");
  std::unique_ptr<StoreDevices> store(new StoreDevices(std::move(devices)));
  std::optional<DeviceLabel> first;
  for (size_t i = 0; i < count; ++i) {
    const Media& device = *store->devices_[i];
    DAOS_CO_TRY(const auto label, co_await readLabel(*store->devices_[i], pool, &log));
    if (!label) co_return Error(ErrorCode::kDfInval, device.name() + ": carries no label");
    DAOS_CO_CHECK(judge(device, *label, identity, i, count));
    if (!first) first = label;
    if (!std::equal(label->devices, label->devices + kLabelDeviceCount, first->devices)) {
      co_return mismatch(device, "does not know the other devices: one of them was replaced");
    }
    for (const LabelRole& role : label->roles) {
      if (role.role == 0) continue;
      const bool isSound = role.role <= kLabelRoleCount && role.offset % kMediaBlockSize == 0 &&
                           role.sizeBytes % kMediaBlockSize == 0 &&
                           role.offset <= device.sizeBytes() &&
                           role.sizeBytes <= device.sizeBytes() - role.offset;
      if (!isSound) {
        co_return Error(ErrorCode::kDfInval,
                        device.name() + ": a role lies outside of the device; was it shortened?");
      }
      store->addRole(MediaRole{role.role}, i, role.offset, role.sizeBytes);
    }
  }
  co_return store;
}

}  // namespace daos::bio
