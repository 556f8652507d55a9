#include "engine/device_report.h"

namespace daos::engine {

DeviceReport reportOn(const StoredDevice& stored, uint32_t target, const Uuid& pool) {
  const bio::Media& device = *stored.media;
  const bio::MediaStatistics& statistics = device.statistics();
  DeviceReport report{.target = target,
                      .pool = pool,
                      .path = device.name(),
                      .roles = stored.roles,
                      .sizeBytes = device.sizeBytes(),
                      .isFaulty = device.isFailed(),
                      .durableWriteCount = statistics.durableWriteCount,
                      .inFlightCountMax = statistics.inFlightCountMax,
                      .health = bio::readDeviceHealth(device.name())};
  if (report.isFaulty) report.failure = device.failure()->describe();
  for (size_t i = 0; i < report.operations.size(); ++i) {
    const bio::OperationStatistics& from = statistics.operations[i];
    report.operations[i] = {.count = from.count,
                            .sizeBytes = from.sizeBytes,
                            .errorCount = from.errorCount,
                            .p50Ns = from.latency.percentileNs(500),
                            .p99Ns = from.latency.percentileNs(990),
                            .p999Ns = from.latency.percentileNs(999)};
  }
  return report;
}

}  // namespace daos::engine
