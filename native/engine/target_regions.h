// What a target has of the engine's devices: for each that it uses, its own medium and its region.
//
// A device that has failed, or that was faulty at the start, stays so here until it is renewed.
//
// Where the engine is to discard, what shares give up of a region is discarded in the background, a
// piece at a time. What is left of it at the end of the engine's run is not.
//
// Thread: the target's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "bio/region.h"
#include "engine/engine_devices.h"

namespace daos::engine {

class TargetRegions {
 public:
  struct Part {
    DevicePart known;
    std::unique_ptr<bio::VolumeDevice> device;  // null: not open
    std::unique_ptr<bio::Region> region;        // null: the device is faulty
    std::optional<Error> failure;
    bool isDiscarding = false;
  };

  // All are borrowed.
  TargetRegions(bio::IoRing& ring, bio::DmaPool& buffers, EngineDevices& devices, uint32_t target,
                const Log& log);

  // What can't be opened has a failure from then on.
  Task<void> openAll();
  // A device that was renewed; its earlier one is closed.
  Task<Status> open(uint32_t device);
  // No volume of it is open.
  Task<void> close(uint32_t device);
  // From outside: another target, or an administrator.
  void fail(uint32_t device, const Error& error);
  // No more of what is free is discarded than what is being discarded now.
  void stopDiscarding();
  // Called once for each device that fails from now on, in that turn.
  void onFailed(std::function<void(const Error&)> callback) { onFailed_ = std::move(callback); }

  // Of the first device that is faulty.
  std::optional<Error> failure() const;
  const std::vector<std::unique_ptr<Part>>& parts() const { return parts_; }
  Part& partOf(bio::MediaRole role);
  EngineDevices& devices() { return devices_; }

 private:
  Task<Status> openPart(Part& part);
  void watchFreed(Part& part);
  Task<void> discardFreed(Part& part);
  void failed(Part& part, const Error& error);

  bio::IoRing& ring_;
  bio::DmaPool& buffers_;
  EngineDevices& devices_;
  const uint32_t target_;
  const Log log_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::function<void(const Error&)> onFailed_;
};

}  // namespace daos::engine
