// The devices that an engine is given for its pools, and what it says of them.
//
//   path    a block device; a file of fixed size, used as if it were one; or spdk:NAME, a block
//           device of SPDK
//   roles   of its volumes. A role may be on several devices: target t uses the (t mod n)-th of n.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "bio/device_roles.h"
#include "bio/spdk/spdk_environment.h"

namespace daos::engine {

struct DeviceOption {
  std::string path;
  bio::DeviceRoles roles;
};

// What Engine::start does with devices on which nothing of the engine's lies yet.
enum class DeviceFormat : uint8_t {
  kNever,  // DER_UNINIT
  kBlank,  // formats them where all are blank; DER_EXIST names what is not
  kForce,  // formats them, whatever lies there
};

struct DeviceOptions {
  std::vector<DeviceOption> devices;  // none: pools lie in files of the data directory
  DeviceFormat format = DeviceFormat::kNever;
  // What shares give up is discarded there, and all that is free once a device is formatted.
  bool isDiscarding = true;
  bio::SpdkOptions spdk;  // for paths spdk:NAME
};

enum class DeviceState : uint8_t {
  kNormal,
  kFaulty,  // the targets that use it serve nothing
  kNew,     // in place of a faulty one; shares of pools on it are still to be replaced
};

struct EngineDevice {
  std::string path;
  Uuid uuid;
  uint32_t index = 0;
  bio::DeviceRoles roles;
  uint64_t sizeBytes = 0;  // 0: it can't be opened
  std::vector<uint32_t> targets;
  uint64_t bytesPerTarget = 0;  // for volumes
  DeviceState state = DeviceState::kNormal;
  std::string why;  // it is faulty
  // Since the engine was started.
  uint64_t discardedBytes = 0;
  uint64_t discardErrorCount = 0;
};

}  // namespace daos::engine
