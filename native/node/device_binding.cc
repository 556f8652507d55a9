#include "node/device_binding.h"

#include "node/engine_resource.h"

namespace daos::node {

namespace {

void put(AnswerWriter& answer, const bio::DeviceHealth& health) {
  answer.u32(health.isAvailable);
  answer.text(health.why);
  for (const uint32_t number :
       {health.criticalWarning, health.temperatureKelvin, health.sparePercent,
        health.spareThresholdPercent, health.usedPercent}) {
    answer.u32(number);
  }
  for (const uint64_t number :
       {health.powerOnHours, health.unsafeShutdownCount, health.mediaErrorCount}) {
    answer.u64(number);
  }
}

void put(AnswerWriter& answer, const engine::DeviceReport& device) {
  answer.u32(device.target);
  answer.text(device.pool.toString());
  answer.text(device.path);
  answer.u32(device.roles.bits());
  answer.u64(device.sizeBytes);
  answer.u32(device.isFaulty);
  answer.text(device.failure);
  answer.u64(device.durableWriteCount);
  answer.u32(static_cast<uint32_t>(device.operations.size()));
  for (size_t i = 0; i < device.operations.size(); ++i) {
    const engine::DeviceOperationReport& operation = device.operations[i];
    answer.text(bio::operationName(static_cast<bio::MediaOperation>(i)));
    for (const uint64_t number : {operation.count, operation.sizeBytes, operation.errorCount,
                                  operation.p50Ns, operation.p99Ns, operation.p999Ns}) {
      answer.u64(number);
    }
  }
  put(answer, device.health);
}

// C++: void Engine::queryDevices(std::function<void(std::vector<DeviceReport>)>)
// TS:  engineQueryDevices(): u32 count, (u32 target, text pool, text path, u32 roles,
//      u64 sizeBytes, u32 isFaulty, text failure, u64 durableWriteCount, u32 count, (text name, u64
//      count, u64 sizeBytes, u64 errorCount, u64 p50Ns, u64 p99Ns, u64 p999Ns)…, u32
//      isHealthAvailable, text why, u32 criticalWarning, u32 temperatureKelvin, u32 sparePercent,
//      u32 spareThresholdPercent, u32 usedPercent, u64 powerOnHours, u64 unsafeShutdownCount,
//      u64 mediaErrorCount)…
void queryDevices(engine::Engine& engine, Request& request) {
  engine.queryDevices([&request](const std::vector<engine::DeviceReport>& devices) {
    request.answer = std::make_unique<AnswerWriter>();
    request.answer->u32(static_cast<uint32_t>(devices.size()));
    for (const engine::DeviceReport& device : devices) put(*request.answer, device);
    request.finish(Status());
  });
}

// C++: void Engine::setDeviceFaulty(std::string path, std::string why, Done)
// TS:  engineSetDeviceFaulty(path: text, why: text): void
void setDeviceFaulty(engine::Engine& engine, Request& request) {
  std::string path = request.reader.text();
  std::string why = request.reader.text();
  if (Status status = request.reader.status(); !status.ok()) {
    return request.finish(std::move(status));
  }
  engine.setDeviceFaulty(std::move(path), std::move(why), finishing(request));
}

// C++: void Engine::replaceDevice(std::string path, DeviceReplacement replacement, Done)
// TS:  engineReplaceDevice(path: text, pool: uuid, arenaBytes: u64, dataBytes: u64,
//      acceptsDataLoss: u8, u32 count, containers: uuid…): void
void replaceDevice(engine::Engine& engine, Request& request) {
  std::string path = request.reader.text();
  engine::DeviceReplacement replacement;
  replacement.pool = request.reader.uuid();
  replacement.sizes.arenaBytes = request.reader.u64();
  replacement.sizes.dataBytes = request.reader.u64();
  replacement.acceptsDataLoss = request.reader.boolean();
  const uint32_t count = request.reader.u32();
  for (uint32_t i = 0; i < count && request.reader.remaining() > 0; ++i) {
    replacement.containers.push_back(request.reader.uuid());
  }
  if (Status status = request.reader.status(); !status.ok()) {
    return request.finish(std::move(status));
  }
  engine.replaceDevice(std::move(path), std::move(replacement), finishing(request));
}

void put(AnswerWriter& answer, const engine::EngineDevice& device) {
  answer.text(device.path);
  answer.text(device.uuid.toString());
  answer.u32(device.index);
  answer.u32(device.roles.bits());
  answer.u64(device.sizeBytes);
  answer.u32(static_cast<uint32_t>(device.targets.size()));
  for (const uint32_t target : device.targets) answer.u32(target);
  answer.u64(device.bytesPerTarget);
  answer.u32(static_cast<uint32_t>(device.state));
  answer.text(device.why);
  answer.u64(device.discardedBytes);
  answer.u64(device.discardErrorCount);
}

// C++: std::vector<EngineDevice> Engine::listDevices()
// TS:  engineListDevices(): u32 count, (text path, text uuid, u32 index, u32 roles, u64 sizeBytes,
//      u32 count, u32 target…, u64 bytesPerTarget, u32 state, text why, u64 discardedBytes,
//      u64 discardErrorCount)…
void listDevices(engine::Engine& engine, Request& request) {
  const auto devices = engine.listDevices();
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u32(static_cast<uint32_t>(devices.size()));
  for (const engine::EngineDevice& device : devices) put(*request.answer, device);
  request.finish(Status());
}

// C++: void Engine::renewDevice(std::string path, bool isForced, Done)
// TS:  engineRenewDevice(path: text, isForced: u8): void
void renewDevice(engine::Engine& engine, Request& request) {
  std::string path = request.reader.text();
  const bool isForced = request.reader.boolean();
  if (Status status = request.reader.status(); !status.ok()) {
    return request.finish(std::move(status));
  }
  engine.renewDevice(std::move(path), isForced, finishing(request));
}

constexpr Function kFunctions[] = {
    {"engineQueryDevices", entry<onEngine<queryDevices>>},
    {"engineSetDeviceFaulty", entry<onEngine<setDeviceFaulty>>},
    {"engineReplaceDevice", entry<onEngine<replaceDevice>>},
    {"engineListDevices", entry<onEngine<listDevices>>},
    {"engineRenewDevice", entry<onEngine<renewDevice>>},
};

}  // namespace

Functions deviceFunctions() { return kFunctions; }

}  // namespace daos::node
