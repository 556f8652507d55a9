#include "engine/device_report.h"

#include <algorithm>

namespace daos::engine {
namespace {

// Volumes of one share on one device.
struct Group {
  std::vector<const bio::Media*> media;
  bio::DeviceRoles roles;
};

DeviceOperationReport reportOn(const Group& group, size_t operation) {
  bio::OperationStatistics sum;
  for (const bio::Media* media : group.media) sum.add(media->statistics().operations[operation]);
  return {.count = sum.count,
          .sizeBytes = sum.sizeBytes,
          .errorCount = sum.errorCount,
          .p50Ns = sum.latency.percentileNs(500),
          .p99Ns = sum.latency.percentileNs(990),
          .p999Ns = sum.latency.percentileNs(999)};
}

DeviceReport reportOn(const Group& group, uint32_t target, const Uuid& pool) {
  const std::string& path = group.media.front()->device().name();
  DeviceReport report{.target = target,
                      .pool = pool,
                      .path = path,
                      .roles = group.roles,
                      .health = bio::readDeviceHealth(path)};
  for (const bio::Media* media : group.media) {
    report.sizeBytes += media->sizeBytes();
    report.durableWriteCount += media->statistics().durableWriteCount;
    report.inFlightCountMax =
        std::max(report.inFlightCountMax, media->statistics().inFlightCountMax);
    if (!media->isFailed() || report.isFaulty) continue;
    report.isFaulty = true;
    report.failure = media->failure()->describe();
  }
  for (size_t i = 0; i < report.operations.size(); ++i) report.operations[i] = reportOn(group, i);
  return report;
}

}  // namespace

std::vector<DeviceReport> reportsOn(const std::vector<StoredDevice>& devices, uint32_t target,
                                    const Uuid& pool) {
  std::vector<Group> groups;
  for (const StoredDevice& stored : devices) {
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& other) {
      return &other.media.front()->device() == &stored.media->device();
    });
    if (group == groups.end()) group = groups.insert(groups.end(), Group{});
    group->media.push_back(stored.media);
    group->roles = group->roles | stored.roles;
  }
  std::vector<DeviceReport> reports;
  for (const Group& group : groups) reports.push_back(reportOn(group, target, pool));
  return reports;
}

}  // namespace daos::engine
