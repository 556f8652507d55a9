#include "engine/engine_devices.h"

#include <algorithm>

#include "engine/device_workbench.h"

namespace daos::engine {

Result<std::unique_ptr<EngineDevices>> EngineDevices::open(EngineDevicesContext context,
                                                           Random& random) {
  DAOS_TRY(DeviceLayout layout, DeviceLayout::of(context.options.devices, context.targetCount));
  std::unique_ptr<EngineDevices> devices(
      new EngineDevices(std::move(context), std::move(layout)));
  DAOS_CHECK(devices->start(random));
  return devices;
}

Result<DeviceHold> EngineDevices::holdNow(uint32_t device) const {
  if (context_.access) return context_.access->hold(pathOf(device));
  return holdDevice(pathOf(device));
}

// One that is missing is faulty; one that somebody else uses, or that we may not open, is a
// mistake.
Status EngineDevices::holdOne(uint32_t device) {
  auto hold = holdNow(device);
  if (hold.ok()) {
    devices_[device].hold = std::move(hold).value();
    devices_[device].failure.clear();
    return {};
  }
  if (hold.code() == ErrorCode::kBusy || hold.code() == ErrorCode::kNoPerm ||
      hold.code() == ErrorCode::kInval) {
    return std::move(hold).error();
  }
  devices_[device].failure = hold.error().message();
  return {};
}

Status EngineDevices::hold() {
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    if (isSpdkPath(pathOf(i)) && !spdk_) {
      DAOS_TRY(spdk_, openSpdk(context_.options.spdk, context_.log));
    }
    DAOS_CHECK(holdOne(i));
  }
  return {};
}

Status EngineDevices::start(Random& random) {
  DAOS_TRY(const auto known, readDevicesFile(context_.directory));
  if (known && !known->isFormatting) DAOS_CHECK(checkConfiguration(*known));
  DAOS_CHECK(hold());
  DAOS_TRY(const auto bench, Workbench::create(context_.log));
  if (known) file_ = *known;
  if (known && !known->isFormatting) return startFormatted(*bench, random);
  DAOS_CHECK(mayFormat(*bench));
  return format(*bench, random);
}

static Error otherThan(const std::filesystem::path& directory, const std::string& what) {
  return Error(ErrorCode::kMismatch,
               what + "; what the engine was formatted with is in " +
                   (directory / "devices").string() +
                   ": go back to that, or remove the directory with all pools and format anew");
}

Status EngineDevices::checkConfiguration(const DevicesFile& file) const {
  const auto& wanted = context_.options.devices;
  if (file.devices.size() != wanted.size()) {
    return otherThan(context_.directory, "the configuration names " +
                                             std::to_string(wanted.size()) + " devices, not " +
                                             std::to_string(file.devices.size()));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (file.devices[i].roles == wanted[i].roles) continue;
    return otherThan(context_.directory, "the configuration gives " + wanted[i].path +
                                             " the roles " + wanted[i].roles.names() + ", not " +
                                             file.devices[i].roles.names());
  }
  return {};
}

Status EngineDevices::startFormatted(Workbench& bench, Random& random) {
  DAOS_CHECK(checkLabels(bench));
  const bool isAnyGivenUp = std::any_of(file_.devices.begin(), file_.devices.end(),
                                        [](const KnownDevice& device) { return device.isFaulty; });
  if (areAllFaulty() && !isAnyGivenUp) {
    if (context_.options.format == DeviceFormat::kForce) return format(bench, random);
    return Error(ErrorCode::kMismatch, "none of the engine's devices can be used: " + failures());
  }
  for (size_t i = 0; i < devices_.size(); ++i) {
    if (devices_[i].failure.empty()) continue;
    DAOS_LOG_ERROR(context_.log, "a device is faulty: " + devices_[i].failure);
  }
  DevicesFile now = file_;
  for (uint32_t i = 0; i < devices_.size(); ++i) now.devices[i].path = pathOf(i);
  if (now == file_) return {};
  file_ = now;
  return writeDevicesFile(context_.directory, file_);
}

bool EngineDevices::areAllFaulty() const {
  return std::all_of(devices_.begin(), devices_.end(),
                     [](const Device& device) { return !device.failure.empty(); });
}

std::string EngineDevices::failures() const {
  std::string all;
  for (const Device& device : devices_) {
    if (device.failure.empty()) continue;
    all += (all.empty() ? "" : "; ") + device.failure;
  }
  return all;
}

// --- what others ask

Result<uint32_t> EngineDevices::find(const std::string& path) const {
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    if (pathOf(i) == path) return i;
  }
  return Error(ErrorCode::kNonexist, "rank " + std::to_string(context_.rank) +
                                         " was given no device " + path);
}

bool EngineDevices::isFaulty(uint32_t device) const {
  const std::lock_guard lock(mutex_);
  return !devices_[device].failure.empty();
}

std::vector<EngineDevice> EngineDevices::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<EngineDevice> all;
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    const KnownDevice& known = file_.devices[i];
    const Device& device = devices_[i];
    const bool isFaulty = !device.why().empty();
    const bool isNew = std::any_of(device.lost.begin(), device.lost.end(),
                                   [](const auto& each) { return each.second > 0; });
    all.push_back({.path = pathOf(i),
                   .uuid = known.uuid,
                   .index = i,
                   .roles = known.roles,
                   .sizeBytes = known.deviceBytes,
                   .targets = layout_.usersOf(i),
                   .bytesPerTarget = known.regionBytes - bio::kGranuleBytes,
                   .state = isFaulty ? DeviceState::kFaulty
                            : isNew  ? DeviceState::kNew
                                     : DeviceState::kNormal,
                   .why = device.why(),
                   .discardedBytes = device.discardedBytes,
                   .discardErrorCount = device.discardErrorCount});
  }
  return all;
}

std::vector<DevicePart> EngineDevices::partsOf(uint32_t target) const {
  const std::lock_guard lock(mutex_);
  std::vector<DevicePart> parts;
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    const bio::DeviceRoles roles = layout_.rolesOf(target, i);
    if (roles.isEmpty()) continue;
    const bio::EngineLabel label = labelOf(i, file_);
    parts.push_back({.device = i,
                     .path = pathOf(i),
                     .roles = roles,
                     .place = {{label.device(), target, label.regionBytes},
                               label.regionOffset(target)},
                     .failure = devices_[i].failure,
                     .isFresh = devices_[i].isFresh});
  }
  return parts;
}

Result<std::unique_ptr<bio::Media>> EngineDevices::openMedia(uint32_t device,
                                                             bio::IoRing& ring) const {
  if (context_.access) return context_.access->open(pathOf(device), ring.reactor());
  return openDevice(pathOf(device), ring, spdk_.get(),
                    {.errorCountMax = context_.errorCountMax});
}

Status EngineDevices::setFaulty(uint32_t device, const std::string& why) {
  const std::lock_guard lock(mutex_);
  DevicesFile now = file_;
  now.devices[device].isFaulty = true;
  now.devices[device].why = why;
  DAOS_CHECK(writeDevicesFile(context_.directory, now));
  file_ = now;
  devices_[device].failure = pathOf(device) + " was set faulty: " + why;
  return {};
}

void EngineDevices::noteFailure(uint32_t device, const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!devices_[device].failure.empty()) return;
  devices_[device].failure = error.message();
  if (onFailed_) onFailed_(device, error);
}

void EngineDevices::onFailed(Failed callback) {
  const std::lock_guard lock(mutex_);
  onFailed_ = std::move(callback);
}

void EngineDevices::noteDamaged(uint32_t device, uint32_t target, const Error& error) {
  const std::lock_guard lock(mutex_);
  devices_[device].damaged[target] = error.message();
}

void EngineDevices::noteLost(uint32_t device, uint32_t target, size_t count) {
  const std::lock_guard lock(mutex_);
  devices_[device].lost[target] = count;
}

bool EngineDevices::noteDiscards(uint32_t device, uint64_t sizeBytes, uint64_t errorCount) {
  const std::lock_guard lock(mutex_);
  Device& known = devices_[device];
  const bool isFirst = known.discardErrorCount == 0 && errorCount > 0;
  known.discardedBytes += sizeBytes;
  known.discardErrorCount += errorCount;
  return isFirst;
}

}  // namespace daos::engine
