#include "node/engine_binding.h"

#include "node/blocking.h"
#include "node/engine_options.h"
#include "node/engine_resource.h"
#include "node/pool_map.h"

namespace daos::node {

namespace {

// C++: static Result<std::unique_ptr<Engine>> Engine::start(EngineOptions)
// TS:  engineStart(rank: u32, dataDirectory: text, targetCount: u32, u32 count, transports: text…,
//      tcpAddress: text, tcpPort: u32, spinNs: u64, u32 count, cores: u32…, arenaKind: u8,
//      historyNs: u64, isPrewriting: u8, idleBytesPerSecond: u64, busyBytesPerSecond: u64,
//      checkpointAtPercent: u32, slowAtPercent: u32, stopAtPercent: u32,
//      u32 count, (text path, u32 roles)…, format: u8, u32 count, pciAllowed: text…,
//      hasHugePages: u8, memoryBytes: u64, configuration: text, logLevel: u8, network: u64): Handle
void engineStart(Call& call) {
  auto* request = new ResourceRequest(call, HandleType::kEngine);
  engine::EngineOptions options = readEngineOptions(request->reader);
  const HandleTable::Handle network = request->reader.u64();
  auto resource = std::make_shared<EngineResource>();
  resource->network =
      call.environment.handles().find<NetworkResource>(HandleType::kNetwork, network);
  if (resource->network) options.localNetwork = resource->network->network.get();
  Status status = request->reader.status();
  if (network != 0 && !resource->network)
    status = Error(ErrorCode::kNoHdl, "the network is closed");
  runBlocking(request,
              [request, resource, options = std::move(options),
               status = std::move(status)]() mutable -> Status {
                DAOS_CHECK(std::move(status));
                DAOS_TRY(resource->engine, engine::Engine::start(std::move(options)));
                request->resource = std::move(resource);
                return {};
              });
}

// C++: Status Engine::stop()
// TS:  engineStop(): void
void engineStop(Call& call) {
  auto resource = call.resource<EngineResource>(HandleType::kEngine);
  if (!resource) return;
  call.environment.handles().remove(HandleType::kEngine, call.handle);
  runBlocking(new KeepingOperation(call, resource), [engine = resource.get()]() -> Status {
    Status status = engine->engine->stop();
    engine->stop();
    return status;
  });
}

// C++: void Engine::createPool(Uuid pool, PoolSizes sizes, Done)
// TS:  engineCreatePool(pool: uuid, arenaBytes: u64, dataBytes: u64): void
void createPool(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  const uint64_t arenaBytes = request.reader.u64();
  const uint64_t dataBytes = request.reader.u64();
  engine.createPool(pool, {.arenaBytes = arenaBytes, .dataBytes = dataBytes}, finishing(request));
}

// C++: void Engine::openPool(Uuid pool, Done)
// TS:  engineOpenPool(pool: uuid): void
void openPool(engine::Engine& engine, Request& request) {
  engine.openPool(request.reader.uuid(), finishing(request));
}

// C++: void Engine::setPoolKey(Uuid pool, PoolKey key, Done)
// TS:  engineSetPoolKey(pool: uuid, version: u32, secret: bytes, serial: u32, count: u32,
//      per eviction container: uuid, machine: u64, serial: u32): void
void setPoolKey(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  engine::PoolKey key{.version = request.reader.u32()};
  const Bytes secret = request.reader.bytes();
  key.serial = request.reader.u32();
  const uint32_t count = request.reader.u32();
  for (uint32_t i = 0; i < count && request.reader.status().ok(); ++i) {
    engine::Eviction& eviction = key.evictions.emplace_back();
    eviction.container = request.reader.uuid();
    eviction.machine = request.reader.u64();
    eviction.serial = request.reader.u32();
  }
  if (Status status = request.reader.status(); !status.ok()) {
    return request.finish(std::move(status));
  }
  if (key.version == 0 || secret.size() != key.secret.size()) {
    return request.finish(
        Status(invalid("the key of a pool has 32 bytes and a version from 1 on")));
  }
  std::memcpy(key.secret.data(), secret.data(), secret.size());
  engine.setPoolKey(pool, std::move(key), finishing(request));
}

// C++: void Engine::setPoolProperties(Uuid pool, PoolProperties properties, Done)
// TS:  engineSetPoolProperties(pool: uuid, reclaim: u8, spareSpacePercent: u32): void
void setPoolProperties(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  const uint8_t reclaim = request.reader.u8();
  const uint32_t sparePercent = request.reader.u32();
  if (reclaim > static_cast<uint8_t>(engine::Reclaim::kDisabled)) {
    return request.finish(Status(invalid("there is no such way to reclaim space")));
  }
  engine.setPoolProperties(
      pool,
      {.reclaim = static_cast<engine::Reclaim>(reclaim), .spareSpacePercent = sparePercent},
      finishing(request));
}

// C++: void Engine::setPoolMap(Uuid pool, PoolMap map, Done)
// TS:  engineSetPoolMap(pool: uuid, map): void
void setPoolMap(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  placement::PoolMap map = readPoolMap(request.reader);
  if (Status status = request.reader.status(); !status.ok()) {
    return request.finish(std::move(status));
  }
  engine.setPoolMap(pool, std::move(map), finishing(request));
}

// C++: void Engine::resizePool(Uuid pool, uint64_t dataBytes, Done)
// TS:  engineResizePool(pool: uuid, dataBytes: u64): void
void resizePool(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  engine.resizePool(pool, request.reader.u64(), finishing(request));
}

// C++: void Engine::destroyPool(Uuid pool, Done)
// TS:  engineDestroyPool(pool: uuid): void
void destroyPool(engine::Engine& engine, Request& request) {
  engine.destroyPool(request.reader.uuid(), finishing(request));
}

// C++: void Engine::createContainer(Uuid pool, Uuid container, Done)
// TS:  engineCreateContainer(pool: uuid, container: uuid): void
void createContainer(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  engine.createContainer(pool, request.reader.uuid(), finishing(request));
}

// C++: void Engine::destroyContainer(Uuid pool, Uuid container, Done)
// TS:  engineDestroyContainer(pool: uuid, container: uuid): void
void destroyContainer(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  engine.destroyContainer(pool, request.reader.uuid(), finishing(request));
}

// C++: void Engine::newEpoch(std::function<void(Result<Epoch>)>)
// TS:  engineNewEpoch(): u64
void newEpoch(engine::Engine& engine, Request& request) {
  engine.newEpoch([&request](Result<Epoch> epoch) { request.finish(std::move(epoch)); });
}

// C++: void Engine::setContainerSnapshots(Uuid pool, Uuid container, std::vector<Epoch>, Done)
// TS:  engineSetContainerSnapshots(pool: uuid, container: uuid, u32 count, u64 epochs…): void
void setContainerSnapshots(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  const Uuid container = request.reader.uuid();
  std::vector<Epoch> epochs;
  const uint32_t count = request.reader.u32();
  for (uint32_t i = 0; i < count && request.reader.remaining() > 0; ++i) {
    epochs.push_back(request.reader.u64());
  }
  if (Status status = request.reader.status(); !status.ok()) {
    return request.finish(std::move(status));
  }
  engine.setContainerSnapshots(pool, container, std::move(epochs), finishing(request));
}

// C++: void Engine::rollbackContainer(Uuid pool, Uuid container, Epoch epoch, Done)
// TS:  engineRollbackContainer(pool: uuid, container: uuid, epoch: u64): void
void rollbackContainer(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  const Uuid container = request.reader.uuid();
  engine.rollbackContainer(pool, container, request.reader.u64(), finishing(request));
}

engine::QuotaAmounts readAmounts(CommandReader& reader) {
  const uint64_t bytes = reader.u64();
  return {.bytes = bytes, .objects = reader.u64()};
}

// C++: void Engine::setContainerQuota(Uuid pool, Uuid container, std::vector<QuotaPart>, Done)
// TS:  engineSetContainerQuota(pool: uuid, container: uuid, bytes: u64, objects: u64, isUsedUp:
//      u32, u32 count, (u64 bytes, u64 objects)…): void
void setContainerQuota(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  const Uuid container = request.reader.uuid();
  const engine::QuotaAmounts whole = readAmounts(request.reader);
  const bool isUsedUp = request.reader.u32() != 0;
  std::vector<engine::QuotaPart> parts;
  const uint32_t count = request.reader.u32();
  for (uint32_t i = 0; i < count && request.reader.remaining() > 0; ++i) {
    parts.push_back({readAmounts(request.reader), whole, isUsedUp});
  }
  if (Status status = request.reader.status(); !status.ok()) {
    return request.finish(std::move(status));
  }
  engine.setContainerQuota(pool, container, std::move(parts), finishing(request));
}

// C++: void Engine::containerUsage(Uuid, Uuid, bool isFrozen, std::function<…>)
// TS:  engineContainerUsage(pool: uuid, container: uuid, isFrozen: u32): u32 count, (u64 bytes,
//      u64 objects, u64 wantedBytes, u64 wantedObjects)…
void containerUsage(engine::Engine& engine, Request& request) {
  const Uuid pool = request.reader.uuid();
  const Uuid container = request.reader.uuid();
  const bool isFrozen = request.reader.u32() != 0;
  engine.containerUsage(
      pool, container, isFrozen,
      [&request](const Result<std::vector<engine::QuotaUsage>>& usages) {
        if (!usages.ok()) return request.finish(Status(usages.error()));
        request.answer = std::make_unique<AnswerWriter>();
        request.answer->u32(static_cast<uint32_t>(usages->size()));
        for (const engine::QuotaUsage& usage : *usages) {
          for (const uint64_t number : {usage.used.bytes, usage.used.objects, usage.wanted.bytes,
                                        usage.wanted.objects}) {
            request.answer->u64(number);
          }
        }
        request.finish(Status());
      });
}

// C++: void Engine::awaitQuotaRequests(QuotaRequests::Done)
// TS:  engineAwaitQuotaRequests(): u32 count, (text pool, text container)…
void awaitQuotaRequests(engine::Engine& engine, Request& request) {
  engine.awaitQuotaRequests([&request](const engine::QuotaRequests::Containers& wanted) {
    request.answer = std::make_unique<AnswerWriter>();
    request.answer->u32(static_cast<uint32_t>(wanted.size()));
    for (const auto& [pool, container] : wanted) {
      request.answer->text(pool.toString());
      request.answer->text(container.toString());
    }
    request.finish(Status());
  });
}

void putSpan(AnswerWriter& answer, const engine::RequestSpan& span) {
  answer.bytes(bytesOf(span.parent.trace.data(), span.parent.trace.size()));
  answer.bytes(bytesOf(span.parent.span.data(), span.parent.span.size()));
  answer.u32(span.target);
  answer.text(engine::kOperationNames[static_cast<size_t>(span.operation)]);
  answer.text(span.code == ErrorCode::kOk ? "" : errorName(span.code));
  answer.u64(span.beganWallNs);
  answer.u64(span.tookNs);
  answer.u32(static_cast<uint32_t>(span.stageCount));
  for (size_t i = 0; i < span.stageCount; ++i) {
    answer.text(engine::kStageNames[static_cast<size_t>(span.stages[i].stage)]);
    answer.u64(span.stages[i].beganNs);
  }
}

// C++: void Engine::awaitRequestSpans(RequestSpans::Done)
// TS:  engineAwaitRequestSpans(): u64 dropped, u32 count, (bytes trace, bytes span, u32 target,
//      text operation, text error, u64 beganWallNs, u64 tookNs, u32 count, (text stage,
//      u64 beganNs)…)…
void awaitRequestSpans(engine::Engine& engine, Request& request) {
  engine.awaitRequestSpans([&request](const engine::RequestSpans::Taken& taken) {
    request.answer = std::make_unique<AnswerWriter>();
    request.answer->u64(taken.droppedCount);
    request.answer->u32(static_cast<uint32_t>(taken.spans.size()));
    for (const engine::RequestSpan& span : taken.spans) putSpan(*request.answer, span);
    request.finish(Status());
  });
}

void finishWith(const Result<std::vector<engine::TargetShare>>& shares, Request& request) {
  if (!shares.ok()) return request.finish(Status(shares.error()));
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u32(static_cast<uint32_t>(shares->size()));
  for (const engine::TargetShare& share : *shares) {
    request.answer->u32(share.target);
    request.answer->u64(share.arenaUsedBytes);
    request.answer->u64(share.arenaTotalBytes);
    request.answer->u64(share.dataUsedBytes);
    request.answer->u64(share.dataTotalBytes);
    request.answer->u64(share.dataPrewrittenBytes);
    request.answer->u64(share.containerCount);
    request.answer->text(share.failure);
  }
  request.finish(Status());
}

// C++: void Engine::queryPool(Uuid pool, std::function<void(Result<std::vector<TargetShare>>)>)
// TS:  engineQueryPool(pool: uuid): u32 count, (u32 target, u64 arenaUsedBytes, u64
//      arenaTotalBytes, u64 dataUsedBytes, u64 dataTotalBytes, u64 dataPrewrittenBytes,
//      u64 containerCount, text failure)…
void queryPool(engine::Engine& engine, Request& request) {
  engine.queryPool(request.reader.uuid(),
                   [&request](const Result<std::vector<engine::TargetShare>>& shares) {
                     finishWith(shares, request);
                   });
}

void finishWith(const Result<std::vector<engine::TargetMetrics>>& targets, Request& request) {
  if (!targets.ok()) return request.finish(Status(targets.error()));
  request.answer = std::make_unique<AnswerWriter>();
  AnswerWriter& answer = *request.answer;
  answer.u32(static_cast<uint32_t>(targets->size()));
  for (const engine::TargetMetrics& target : *targets) {
    answer.u32(target.target);
    answer.u32(static_cast<uint32_t>(target.pool.operations.size()));
    for (size_t i = 0; i < target.pool.operations.size(); ++i) {
      const engine::OperationMetrics& operation = target.pool.operations[i];
      answer.text(engine::kOperationNames[i]);
      for (const uint64_t number : {operation.count, operation.failedCount, operation.bytes,
                                    operation.latencySumNs}) {
        answer.u64(number);
      }
      answer.u32(static_cast<uint32_t>(operation.latency.size()));
      for (const uint64_t count : operation.latency) answer.u64(count);
    }
  }
  request.finish(Status());
}

// C++: void Engine::poolMetrics(Uuid pool, std::function<void(Result<std::vector<TargetMetrics>>)>)
// TS:  enginePoolMetrics(pool: uuid): u32 targetCount, (u32 target, u32 operationCount, (text name,
//      u64 count, u64 failedCount, u64 bytes, u64 latencySumNs, u32 bucketCount, u64…)…)…
void poolMetrics(engine::Engine& engine, Request& request) {
  engine.poolMetrics(request.reader.uuid(),
                     [&request](const Result<std::vector<engine::TargetMetrics>>& targets) {
                       finishWith(targets, request);
                     });
}

// C++: Result<std::vector<Uuid>> Engine::listPools()
// TS:  engineListPools(): u32 count, text…
void listPools(engine::Engine& engine, Request& request) {
  auto pools = engine.listPools();
  if (!pools.ok()) return request.finish(Status(std::move(pools).error()));
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u32(static_cast<uint32_t>(pools->size()));
  for (const Uuid& pool : *pools) request.answer->text(pool.toString());
  request.finish(Status());
}

// C++: std::vector<std::vector<TargetAddress>> Engine::addresses()
// TS:  engineAddresses(): u32 targetCount, (u32 count, (text transport, text address)…)…
void addresses(engine::Engine& engine, Request& request) {
  const auto targets = engine.addresses();
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u32(static_cast<uint32_t>(targets.size()));
  for (const auto& target : targets) {
    request.answer->u32(static_cast<uint32_t>(target.size()));
    for (const placement::TargetAddress& address : target) {
      request.answer->text(address.transport);
      request.answer->text(address.address);
    }
  }
  request.finish(Status());
}

constexpr Function kFunctions[] = {
    {"engineStart", entry<engineStart>},
    {"engineStop", entry<engineStop>},
    {"engineAddresses", entry<onEngine<addresses>>},
    {"engineCreatePool", entry<onEngine<createPool>>},
    {"engineOpenPool", entry<onEngine<openPool>>},
    {"engineSetPoolKey", entry<onEngine<setPoolKey>>},
    {"engineSetPoolProperties", entry<onEngine<setPoolProperties>>},
    {"engineSetPoolMap", entry<onEngine<setPoolMap>>},
    {"engineResizePool", entry<onEngine<resizePool>>},
    {"engineDestroyPool", entry<onEngine<destroyPool>>},
    {"engineCreateContainer", entry<onEngine<createContainer>>},
    {"engineDestroyContainer", entry<onEngine<destroyContainer>>},
    {"engineNewEpoch", entry<onEngine<newEpoch>>},
    {"engineSetContainerSnapshots", entry<onEngine<setContainerSnapshots>>},
    {"engineRollbackContainer", entry<onEngine<rollbackContainer>>},
    {"engineSetContainerQuota", entry<onEngine<setContainerQuota>>},
    {"engineContainerUsage", entry<onEngine<containerUsage>>},
    {"engineAwaitQuotaRequests", entry<onEngine<awaitQuotaRequests>>},
    {"engineAwaitRequestSpans", entry<onEngine<awaitRequestSpans>>},
    {"engineQueryPool", entry<onEngine<queryPool>>},
    {"enginePoolMetrics", entry<onEngine<poolMetrics>>},
    {"engineListPools", entry<onEngine<listPools>>},
};

}  // namespace

Functions engineFunctions() { return kFunctions; }

}  // namespace daos::node
