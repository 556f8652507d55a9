// The devices that an engine was given: whether they are its own, what of them each target uses,
// and which of them are faulty.
//
// Life:   open() holds them, compares their labels with DIR/devices, and formats them where that is
//         allowed. Targets open the regions that are theirs; this has none open.
// Thread: any. Nothing here is on the path of an I/O.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "bio/device_contents.h"
#include "bio/region.h"
#include "engine/device_layout.h"
#include "engine/devices_file.h"
#include "engine/open_device.h"
#include "runtime/random.h"

namespace daos::engine {

struct EngineDevicesContext {
  std::filesystem::path directory;  // of the engine, which holds its lock
  uint32_t rank = 0;
  uint32_t targetCount = 0;
  uint64_t errorCountMax = 8;
  DeviceOptions options;
  Log log;
  DeviceAccess* access = nullptr;  // borrowed; null: the machine's devices
};

// One device, as a target uses it.
struct DevicePart {
  uint32_t device = 0;
  std::string path;
  bio::DeviceRoles roles;  // the target's own
  bio::RegionPlace place;
  std::string failure;  // it is faulty: why
  bool isFresh = false;  // formatted since the engine was started
};

class EngineDevices {
 public:
  using Failed = std::function<void(uint32_t device, const Error& error)>;

  // Blocks. As Engine::start.
  static Result<std::unique_ptr<EngineDevices>> open(EngineDevicesContext context, Random& random);

  std::vector<EngineDevice> list() const;
  // DER_NONEXIST.
  Result<uint32_t> find(const std::string& path) const;
  bool isFaulty(uint32_t device) const;
  bool isDiscarding() const { return context_.options.isDiscarding; }
  std::vector<uint32_t> usersOf(uint32_t device) const { return layout_.usersOf(device); }
  std::vector<DevicePart> partsOf(uint32_t target) const;
  // On the calling thread's ring.
  Result<std::unique_ptr<bio::Media>> openMedia(uint32_t device, bio::IoRing& ring) const;

  // Durable when it returns; blocks.
  Status setFaulty(uint32_t device, const std::string& why);
  // A target found out by itself. Others are told, once; a restart finds the device anew.
  void noteFailure(uint32_t device, const Error& error);
  void onFailed(Failed callback);
  // The region of one target can't be read: that target alone does without the device.
  void noteDamaged(uint32_t device, uint32_t target, const Error& error);
  // How many shares of a target have lost volumes with an earlier device in this one's place.
  void noteLost(uint32_t device, uint32_t target, size_t count);
  // True: these errors are the first.
  bool noteDiscards(uint32_t device, uint64_t sizeBytes, uint64_t errorCount);

  // What lies at the device's path now takes its place. No target has the old one open. Blocks.
  // As Engine::renewDevice.
  Status renew(uint32_t device, bool isForced, Random& random);

 private:
  struct Device {
    DeviceHold hold;
    bool isFresh = false;
    uint64_t discardedBytes = 0;
    uint64_t discardErrorCount = 0;
    std::string failure;  // empty: it is sound
    std::map<uint32_t, size_t> lost;          // by target
    std::map<uint32_t, std::string> damaged;  // the same
    std::string why() const {
      return failure.empty() && !damaged.empty() ? damaged.begin()->second : failure;
    }
  };
  struct Workbench;
  EngineDevices(EngineDevicesContext context, DeviceLayout layout)
      : context_(std::move(context)), layout_(std::move(layout)),
        devices_(layout_.deviceCount()) {}

  const std::string& pathOf(uint32_t device) const {
    return context_.options.devices[device].path;
  }
  Status start(Random& random);
  Status hold();
  Status holdOne(uint32_t device);
  Result<DeviceHold> holdNow(uint32_t device) const;
  Status checkConfiguration(const DevicesFile& file) const;
  Status startFormatted(Workbench& bench, Random& random);
  Status checkLabels(Workbench& bench);
  Status checkLabel(Workbench& bench, uint32_t device);
  Task<Status> checkLabelOn(Workbench& bench, bio::Media& media, uint32_t device);
  Status mayFormat(Workbench& bench) const;
  Result<bio::DeviceContents> contentsOf(Workbench& bench, uint32_t device) const;
  Status format(Workbench& bench, Random& random);
  Result<KnownDevice> plan(Workbench& bench, uint32_t device, Random& random) const;
  Status formatOne(Workbench& bench, uint32_t device, const DevicesFile& file);
  Task<Status> write(Workbench& bench, bio::Media& media, bio::EngineLabel label);
  bio::EngineLabel labelOf(uint32_t device, const DevicesFile& file) const;
  Status renewNow(Workbench& bench, uint32_t device, bool isForced, Random& random);
  Status mayRenew(Workbench& bench, uint32_t device, bool isForced) const;
  bool areAllFaulty() const;
  std::string failures() const;

  const EngineDevicesContext context_;
  const DeviceLayout layout_;
  std::unique_ptr<bio::SpdkEnvironment> spdk_;
  mutable std::mutex mutex_;  // of all below
  DevicesFile file_;
  std::vector<Device> devices_;
  Failed onFailed_;
};

}  // namespace daos::engine
