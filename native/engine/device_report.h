// What an engine says of a device that one of its targets uses.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "bio/device_health.h"
#include "bio/device_roles.h"
#include "bio/media.h"
#include "engine/pool_store.h"

namespace daos::engine {

struct DeviceOperationReport {
  uint64_t count = 0;
  uint64_t sizeBytes = 0;
  uint64_t errorCount = 0;
  uint64_t p50Ns = 0;
  uint64_t p99Ns = 0;
  uint64_t p999Ns = 0;
};

// Counted since the pool was opened.
struct DeviceReport {
  uint32_t target = 0;
  Uuid pool;
  std::string path;
  bio::DeviceRoles roles;  // of the share, that lie there
  bool isLost = false;     // it works, but the share's volumes are gone with an earlier one
  uint64_t sizeBytes = 0;
  bool isFaulty = false;
  std::string failure;  // of a faulty one: its first fatal error
  uint64_t durableWriteCount = 0;
  uint64_t inFlightCountMax = 0;
  std::array<DeviceOperationReport, bio::kMediaOperationCount> operations;  // by MediaOperation
  bio::DeviceHealth health;
};

// One for each device: what a share has of several volumes on one is told together.
std::vector<DeviceReport> reportsOn(const std::vector<StoredDevice>& devices, uint32_t target,
                                    const Uuid& pool);

}  // namespace daos::engine
