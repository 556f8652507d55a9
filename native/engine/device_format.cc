// The labels of an engine's devices: checked at a start, written when they are formatted.
//
// Formatting, in durable steps:
//
//   1. DIR/devices says what will be written, and that it is being written.
//   2. Each device: its beginning is cleared, then the tables of its regions, then its label.
//   3. DIR/devices says that it is ready.
//
// A kill before step 3 leaves devices that are not formatted; the next one that formats blank
// devices takes those that carry labels of this attempt for blank.
#include <algorithm>

#include "engine/device_workbench.h"

namespace daos::engine {

static std::string sizeText(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

bio::EngineLabel EngineDevices::labelOf(uint32_t device, const DevicesFile& file) const {
  bio::EngineLabel label{};
  label.engine = file.engine;
  label.rank = context_.rank;
  label.deviceIndex = device;
  label.deviceCount = static_cast<uint32_t>(file.devices.size());
  label.roles = file.devices[device].roles.bits();
  label.targetCount = context_.targetCount;
  label.deviceBytes = file.devices[device].deviceBytes;
  label.regionBytes = file.devices[device].regionBytes;
  for (const uint32_t target : layout_.usersOf(device)) label.setUsedBy(target);
  label.regionCount = static_cast<uint32_t>(layout_.usersOf(device).size());
  for (size_t i = 0; i < file.devices.size(); ++i) label.devices[i] = file.devices[i].uuid;
  return label;
}

// --- at a start

Status EngineDevices::checkLabels(Workbench& bench) {
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    const KnownDevice& known = file_.devices[i];
    if (known.isFaulty) devices_[i].failure = pathOf(i) + " was set faulty: " + known.why;
    if (!devices_[i].failure.empty()) continue;
    const Status checked = checkLabel(bench, i);
    if (!checked.ok()) devices_[i].failure = checked.error().message();
  }
  return {};
}

// A medium goes outside of the turn in which its last request ended.
Status EngineDevices::checkLabel(Workbench& bench, uint32_t device) {
  DAOS_TRY(const auto media, openMedia(device, *bench.ring));
  return bench.run(checkLabelOn(bench, *media, device));
}

// DER_MISMATCH with what lies there instead.
Task<Status> EngineDevices::checkLabelOn(Workbench& bench, bio::Media& media, uint32_t device) {
  const std::string& path = pathOf(device);
  DAOS_CO_TRY(const auto contents, co_await bio::readContents(media, *bench.buffers));
  const auto wrong = [&](const std::string& what) {
    return Error(ErrorCode::kMismatch, path + ": " + what);
  };
  const std::string own = "device " + std::to_string(device) + " of this engine";
  if (!contents.label) co_return wrong("holds " + contents.what + ", not the label of " + own);
  const bio::EngineLabel& label = *contents.label;
  const bio::EngineLabel wanted = labelOf(device, file_);
  if (label.engine != wanted.engine) co_return wrong("is " + contents.what + ", not " + own);
  if (label.deviceIndex != device) {
    co_return wrong("is device " + std::to_string(label.deviceIndex) +
                    " of this engine, given as device " + std::to_string(device) +
                    ": were they swapped?");
  }
  if (label.device() != wanted.device()) {
    co_return wrong("is an earlier " + own + ", which another one has replaced");
  }
  if (label.deviceBytes > media.sizeBytes()) {
    co_return wrong("has " + sizeText(media.sizeBytes()) + ", and had " +
                    sizeText(label.deviceBytes) + ": was it shortened?");
  }
  const bool isDividedAlike = label.regionBytes == wanted.regionBytes &&
                              label.users() == wanted.users() && label.roles == wanted.roles;
  if (!isDividedAlike) co_return wrong("is divided otherwise than this engine's directory says");
  const bool knowsOthers =
      std::equal(label.devices, label.devices + bio::kEngineDeviceCountMax, wanted.devices);
  if (knowsOthers) co_return Status{};
  co_return co_await bio::writeEngineLabel(media, *bench.buffers, wanted);
}

// --- formatting

Result<bio::DeviceContents> EngineDevices::contentsOf(Workbench& bench, uint32_t device) const {
  DAOS_TRY(const auto media, openMedia(device, *bench.ring));
  return bench.run(bio::readContents(*media, *bench.buffers));
}

// Says what lies on each of them, and whether that allows it.
Status EngineDevices::mayFormat(Workbench& bench) const {
  if (!failures().empty()) return Error(ErrorCode::kNonexist, failures());
  std::string all, used;
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    DAOS_TRY(const auto contents, contentsOf(bench, i));
    const bool isOurAttempt =
        file_.isFormatting && contents.label && contents.label->engine == file_.engine;
    const std::string text = pathOf(i) + " (" + contents.what + ")";
    all += (all.empty() ? "" : ", ") + text;
    if (!contents.isBlank && !isOurAttempt) used += (used.empty() ? "" : ", ") + text;
  }
  if (context_.options.format == DeviceFormat::kForce) return {};
  if (context_.options.format == DeviceFormat::kNever) {
    return Error(ErrorCode::kUninit, "the devices of rank " + std::to_string(context_.rank) +
                                         " are not formatted: " + all);
  }
  if (used.empty()) return {};
  return Error(ErrorCode::kExist, "not blank, and formatted only when that is forced: " + used);
}

Result<KnownDevice> EngineDevices::plan(Workbench& bench, uint32_t device, Random& random) const {
  DAOS_TRY(const auto media, openMedia(device, *bench.ring));
  KnownDevice known{.uuid = random.uuid(),
                    .roles = context_.options.devices[device].roles,
                    .deviceBytes = media->sizeBytes(),
                    .regionBytes = layout_.regionBytes(device, media->sizeBytes()),
                    .path = pathOf(device)};
  if (known.regionBytes > 0) return known;
  return Error(ErrorCode::kNospace, pathOf(device) + ": " + std::to_string(media->sizeBytes()) +
                                        " bytes are too few for " +
                                        std::to_string(layout_.usersOf(device).size()) +
                                        " targets");
}

Status EngineDevices::format(Workbench& bench, Random& random) {
  DevicesFile file{.engine = random.uuid(), .isFormatting = true};
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    if (!devices_[i].hold.isHeld) return Error(ErrorCode::kNonexist, devices_[i].failure);
    DAOS_TRY(KnownDevice known, plan(bench, i, random));
    file.devices.push_back(std::move(known));
  }
  DAOS_CHECK(writeDevicesFile(context_.directory, file));
  for (uint32_t i = 0; i < devices_.size(); ++i) DAOS_CHECK(formatOne(bench, i, file));
  file.isFormatting = false;
  DAOS_CHECK(writeDevicesFile(context_.directory, file));
  for (Device& device : devices_) {
    device.failure.clear();
    device.isFresh = true;
  }
  file_ = std::move(file);
  DAOS_LOG_INFO(context_.log, "the devices of rank " + std::to_string(context_.rank) +
                                  " are formatted for engine " + file_.engine.toString());
  return {};
}

Status EngineDevices::formatOne(Workbench& bench, uint32_t device, const DevicesFile& file) {
  DAOS_TRY(const auto media, openMedia(device, *bench.ring));
  return bench.run(write(bench, *media, labelOf(device, file)));
}

// Its last MiB may hold a copy of a partition table.
Task<Status> EngineDevices::write(Workbench& bench, bio::Media& media, bio::EngineLabel label) {
  DAOS_CO_TRY(const auto zeros, bench.buffers->allocate(bio::kGranuleBytes));
  std::fill(zeros.bytes().begin(), zeros.bytes().end(), std::byte{0});
  const uint64_t last = alignDown(media.sizeBytes() - bio::kGranuleBytes, bio::kMediaBlockSize);
  for (const uint64_t offset : {uint64_t{0}, last}) {
    DAOS_CO_CHECK(co_await media.writeDurable(offset, zeros.bytes()));
  }
  for (const uint32_t target : label.users()) {
    const bio::RegionPlace place{{label.device(), target, label.regionBytes},
                                 label.regionOffset(target)};
    DAOS_CO_CHECK(co_await bio::Region::format(media, *bench.buffers, place));
  }
  co_return co_await bio::writeEngineLabel(media, *bench.buffers, label);
}

// --- another device in the place of a faulty one

Status EngineDevices::mayRenew(Workbench& bench, uint32_t device, bool isForced) const {
  DAOS_TRY(const auto contents, contentsOf(bench, device));
  const bool isOwn = contents.label && contents.label->engine == file_.engine &&
                     contents.label->deviceIndex == device;
  if (contents.isBlank || isOwn || isForced) return {};
  return Error(ErrorCode::kExist, pathOf(device) + " holds " + contents.what +
                                      "; it is formatted only when that is forced");
}

// The new label first, then the directory: a kill in between leaves a device that is faulty, since
// the directory names another, and can be renewed again.
Status EngineDevices::renewNow(Workbench& bench, uint32_t device, bool isForced, Random& random) {
  DAOS_CHECK(mayRenew(bench, device, isForced));
  DAOS_TRY(const KnownDevice fresh, plan(bench, device, random));
  DevicesFile now;
  {
    const std::lock_guard lock(mutex_);
    now = file_;
  }
  const uint64_t before = now.devices[device].regionBytes;
  if (fresh.regionBytes < before) {
    return Error(ErrorCode::kNospace, pathOf(device) + " has " + sizeText(fresh.deviceBytes) +
                                          ", fewer than what it replaces, of " +
                                          sizeText(now.devices[device].deviceBytes));
  }
  now.devices[device] = fresh;
  DAOS_CHECK(formatOne(bench, device, now));
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < file_.devices.size(); ++i) {
    if (i != device) now.devices[i] = file_.devices[i];
  }
  DAOS_CHECK(writeDevicesFile(context_.directory, now));
  file_ = std::move(now);
  devices_[device].failure.clear();
  devices_[device].damaged.clear();
  devices_[device].isFresh = true;
  return {};
}

Status EngineDevices::renew(uint32_t device, bool isForced, Random& random) {
  if (!isFaulty(device)) {
    return Error(ErrorCode::kBusy, pathOf(device) + " is not faulty; set it faulty first");
  }
  devices_[device].hold = {};
  auto hold = holdNow(device);
  if (!hold.ok()) return std::move(hold).error();
  devices_[device].hold = std::move(hold).value();
  DAOS_TRY(const auto bench, Workbench::create(context_.log));
  DAOS_CHECK(renewNow(*bench, device, isForced, random));
  // The labels of the others name it too; the next start mends those that can't be written now.
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    if (i == device || isFaulty(i)) continue;
    const Status mended = checkLabel(*bench, i);
    if (mended.ok()) continue;
    DAOS_LOG_WARNING(context_.log, "the label of a device: " + mended.error().describe());
  }
  return {};
}

}  // namespace daos::engine
