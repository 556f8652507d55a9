#include "node/engine_options.h"

namespace daos::node {

static bio::SpdkOptions readSpdk(CommandReader& reader) {
  bio::SpdkOptions spdk;
  const uint32_t count = reader.u32();
  for (uint32_t i = 0; i < count && reader.remaining() > 0; ++i) {
    spdk.pciAllowed.push_back(reader.text());
  }
  spdk.hasHugePages = reader.boolean();
  if (const uint64_t memoryBytes = reader.u64(); memoryBytes > 0) spdk.memoryBytes = memoryBytes;
  spdk.configuration = reader.text();
  return spdk;
}

static engine::DeviceOptions readDevices(CommandReader& reader) {
  engine::DeviceOptions storage;
  const uint32_t count = reader.u32();
  for (uint32_t i = 0; i < count && reader.remaining() > 0; ++i) {
    std::string path = reader.text();
    storage.devices.push_back({std::move(path), bio::DeviceRoles(reader.u32())});
  }
  storage.format = static_cast<engine::DeviceFormat>(reader.u8());
  storage.spdk = readSpdk(reader);
  storage.isDiscarding = reader.boolean();
  return storage;
}

engine::EngineOptions readEngineOptions(CommandReader& reader) {
  engine::EngineOptions options;
  options.rank = reader.u32();
  options.dataDirectory = reader.text();
  options.targetCount = reader.u32();
  options.transports.clear();
  const uint32_t transportCount = reader.u32();
  for (uint32_t i = 0; i < transportCount && reader.remaining() > 0; ++i) {
    options.transports.push_back(reader.text());
  }
  options.tcpAddress = reader.text();
  options.tcpPort = static_cast<uint16_t>(reader.u32());
  options.spinNs = reader.u64();
  const uint32_t coreCount = reader.u32();
  for (uint32_t i = 0; i < coreCount && reader.remaining() > 0; ++i) {
    options.cores.push_back(static_cast<int>(reader.u32()));
  }
  options.arenaKind = static_cast<engine::ArenaKind>(reader.u8());
  options.historyNs = reader.u64();
  options.prewrite.isEnabled = reader.u8() != 0;
  options.prewrite.idleBytesPerSecond = reader.u64();
  options.prewrite.busyBytesPerSecond = reader.u64();
  options.logThresholds.checkpointAtPercent = reader.u32();
  options.logThresholds.slowAtPercent = reader.u32();
  options.logThresholds.stopAtPercent = reader.u32();
  options.absorbBelow = reader.u64();
  options.storage = readDevices(reader);
  options.log = Log::toStandardError(static_cast<LogLevel>(reader.u8()));
  return options;
}

}  // namespace daos::node
