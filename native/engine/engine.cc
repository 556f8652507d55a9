#include "engine/engine.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "base/generated/limits.h"
#include "engine/container/snapshots.h"
#include "engine/folder_pool_store.h"
#include "engine/threaded_engine.h"
#include "protocol/pool_map.h"

namespace daos::engine {
namespace {

// A frame's body, without the message of the error.
constexpr size_t kPublishedMapSizeMax = kFrameSizeMax - 4096;

Status check(const EngineOptions& options) {
  if (options.targetCount == 0 || options.targetCount > kTargetCountMax) {
    return invalid("an engine has 1 to " + std::to_string(kTargetCountMax) + " targets, not " +
                   std::to_string(options.targetCount));
  }
  for (int core : options.cores) {
    if (core < 0 || core >= sysconf(_SC_NPROCESSORS_CONF)) {
      return invalid("core " + std::to_string(core) + " does not exist on this machine");
    }
  }
  return options.logThresholds.check();
}

}  // namespace

Status firstError(std::vector<Status>& statuses) {
  for (size_t i = 0; i < statuses.size(); ++i) {
    if (!statuses[i].ok())
      return std::move(statuses[i]).error().within("target " + std::to_string(i));
  }
  return {};
}

Status ThreadedEngine::start() {
  DAOS_CHECK(check(options_));
  DAOS_TRY(directory_,
           DataDirectory::open(options_.dataDirectory, options_.rank, options_.targetCount));
  DAOS_CHECK(openDevices());
  for (uint32_t i = 0; i < options_.targetCount; ++i) {
    auto target = std::make_unique<TargetThread>(options_, i, *directory_, devices_.get(),
                                                 quotaRequests_, requestSpans_);
    Status status = target->start();
    if (!status.ok()) return std::move(status).error().within("target " + std::to_string(i));
    targets_.push_back(std::move(target));
  }
  watchDevices();
  return {};
}

std::vector<std::vector<placement::TargetAddress>> ThreadedEngine::addresses() const {
  std::vector<std::vector<placement::TargetAddress>> all;
  for (const auto& target : targets_) all.push_back(target->addresses());
  return all;
}

void ThreadedEngine::onAll(Work work, AllDone done) {
  struct Shared {
    std::mutex mutex;
    std::vector<Status> statuses;
    size_t pendingCount;
    Work work;
    AllDone done;
  };
  auto shared = std::make_shared<Shared>();
  shared->statuses.resize(targets_.size());
  shared->pendingCount = targets_.size();
  shared->work = std::move(work);
  shared->done = std::move(done);
  for (size_t i = 0; i < targets_.size(); ++i) {
    targets_[i]->post([shared, i](Target& target) -> Task<void> {
      Status status = co_await shared->work(target);
      {
        std::lock_guard lock(shared->mutex);
        shared->statuses[i] = std::move(status);
        if (--shared->pendingCount > 0) co_return;
      }
      shared->done(std::move(shared->statuses));
    });
  }
}

void ThreadedEngine::onAllOrFail(Work work, Done done) {
  onAll(std::move(work),
        [done = std::move(done)](std::vector<Status> statuses) { done(firstError(statuses)); });
}

void ThreadedEngine::onAllOrNone(Work work, Work undo, Done done) {
  onAll(std::move(work), [this, undo, done = std::move(done)](std::vector<Status> statuses) {
    auto hasWorked = std::make_shared<std::vector<bool>>();
    for (const Status& status : statuses) hasWorked->push_back(status.ok());
    auto error = std::make_shared<Status>(firstError(statuses));
    if (error->ok()) return done({});
    onAll(
        [undo, hasWorked](Target& target) -> Task<Status> {
          if ((*hasWorked)[target.options().index]) co_return co_await undo(target);
          co_return Status{};
        },
        [error, done](std::vector<Status>) { done(std::move(*error)); });
  });
}

void ThreadedEngine::createPool(Uuid pool, PoolSizes sizes, Done done) {
  const uint64_t wanted =
      FolderPoolStore::bytesOnDisk(options_.arenaKind, sizes) * targets_.size();
  const uint64_t free = directory_->freeBytes();
  if (wanted > free && !devices_) {
    return done(Error(ErrorCode::kNospace, "the pool wants " + std::to_string(wanted >> 20) +
                                               " MiB on rank " + std::to_string(options_.rank) +
                                               "; " + std::to_string(free >> 20) +
                                               " MiB are free in " + options_.dataDirectory));
  }
  onAllOrNone([pool, sizes](Target& target) { return target.createPool(pool, sizes); },
              [pool](Target& target) { return target.destroyPool(pool); }, std::move(done));
}

void ThreadedEngine::openPool(Uuid pool, Done done) {
  onAll([pool](Target& target) { return target.openPool(pool); },
        [this, pool, done = std::move(done)](std::vector<Status> statuses) {
          const bool isServed = std::any_of(statuses.begin(), statuses.end(),
                                            [](const Status& status) { return status.ok(); });
          if (!isServed) return done(firstError(statuses));
          for (const Status& status : statuses) {
            if (status.ok()) continue;
            DAOS_LOG_WARNING(options_.log, "pool " + pool.toString() + " is open without one of " +
                                               std::to_string(statuses.size()) +
                                               " targets: " + status.error().describe());
          }
          done({});
        });
}

void ThreadedEngine::setPoolKey(Uuid pool, PoolKey key, Done done) {
  onAllOrFail(
      [pool, shared = std::make_shared<const PoolKey>(std::move(key))](
          Target& target) -> Task<Status> {
        target.setPoolKey(pool, shared);
        co_return Status{};
      },
      std::move(done));
}

void ThreadedEngine::setPoolProperties(Uuid pool, PoolProperties properties, Done done) {
  if (properties.spareSpacePercent > 100) {
    return done(invalid("a pool can't keep back more than 100 % of its space"));
  }
  onAllOrFail(
      [pool, properties](Target& target) -> Task<Status> {
        target.setPoolProperties(pool, properties);
        co_return Status{};
      },
      std::move(done));
}

void ThreadedEngine::setPoolMap(Uuid pool, placement::PoolMap map, Done done) {
  auto published = std::make_shared<PublishedMap>();
  *published = {map.version, protocol::encodePoolMap(map)};
  if (published->encoded.size() > kPublishedMapSizeMax) {
    return done(Error(ErrorCode::kOverflow,
                      "the map of pool " + pool.toString() + " has " +
                          std::to_string(published->encoded.size()) +
                          " bytes, more than an answer takes"));
  }
  onAllOrFail(
      [pool, published](Target& target) -> Task<Status> {
        target.setPoolMap(pool, published);
        co_return Status{};
      },
      std::move(done));
}

void ThreadedEngine::resizePool(Uuid pool, uint64_t dataBytes, Done done) {
  onAllOrFail([=](Target& target) { return target.resizePool(pool, dataBytes); }, std::move(done));
}

void ThreadedEngine::destroyPool(Uuid pool, Done done) {
  const std::filesystem::path path = directory_->poolPath(pool);
  onAllOrFail([pool](Target& target) { return target.destroyPool(pool); },
              [path, done = std::move(done)](Status status) {
                // Empty once all targets have removed their shares.
                std::error_code ignored;
                std::filesystem::remove(path, ignored);
                done(std::move(status));
              });
}

void ThreadedEngine::createContainer(Uuid pool, Uuid container, Done done) {
  onAllOrNone([=](Target& target) { return target.createContainer(pool, container); },
              [=](Target& target) { return target.destroyContainer(pool, container); },
              std::move(done));
}

void ThreadedEngine::destroyContainer(Uuid pool, Uuid container, Done done) {
  onAllOrFail([=](Target& target) { return target.destroyContainer(pool, container); },
              std::move(done));
}

void ThreadedEngine::newEpoch(std::function<void(Result<Epoch>)> done) {
  auto epochs = std::make_shared<std::vector<Epoch>>(targets_.size());
  onAllOrFail(
      [epochs](Target& target) -> Task<Status> {
        (*epochs)[target.options().index] = target.nextEpoch();
        co_return Status{};
      },
      [epochs, done = std::move(done)](Status status) {
        if (!status.ok()) return done(std::move(status).error());
        done(*std::max_element(epochs->begin(), epochs->end()));
      });
}

void ThreadedEngine::setContainerSnapshots(Uuid pool, Uuid container, std::vector<Epoch> epochs,
                                           Done done) {
  onAllOrFail(
      [=, epochs = std::move(epochs)](Target& target) {
        return engine::setContainerSnapshots(target, pool, container, epochs);
      },
      std::move(done));
}

void ThreadedEngine::rollbackContainer(Uuid pool, Uuid container, Epoch epoch, Done done) {
  onAllOrFail(
      [=](Target& target) { return engine::rollbackContainer(target, pool, container, epoch); },
      std::move(done));
}

void ThreadedEngine::setContainerQuota(Uuid pool, Uuid container, std::vector<QuotaPart> parts,
                                       Done done) {
  if (parts.size() != targets_.size()) {
    return done(invalid("parts of a quota for " + std::to_string(parts.size()) + " targets; " +
                        std::to_string(targets_.size()) + " are here"));
  }
  onAllOrFail(
      [=, parts = std::move(parts)](Target& target) -> Task<Status> {
        target.setContainerQuota(pool, container, parts[target.options().index]);
        co_return Status{};
      },
      std::move(done));
}

void ThreadedEngine::containerUsage(Uuid pool, Uuid container, bool isFrozen,
                                    std::function<void(Result<std::vector<QuotaUsage>>)> done) {
  auto usages = std::make_shared<std::vector<QuotaUsage>>(targets_.size());
  onAllOrFail(
      [=](Target& target) -> Task<Status> {
        DAOS_CO_TRY((*usages)[target.options().index],
                    target.containerUsage(pool, container, isFrozen));
        co_return Status{};
      },
      [usages, done = std::move(done)](Status status) {
        if (!status.ok()) return done(std::move(status).error());
        done(std::move(*usages));
      });
}

void ThreadedEngine::queryPool(Uuid pool,
                               std::function<void(Result<std::vector<TargetShare>>)> done) {
  auto shares = std::make_shared<std::vector<TargetShare>>(targets_.size());
  onAll(
      [pool, shares](Target& target) -> Task<Status> {
        const uint32_t index = target.options().index;
        if (target.failure()) {
          (*shares)[index] = {.target = index, .failure = target.failure()->describe()};
          co_return *target.failure();
        }
        const auto share = target.queryPool(pool);
        if (!share.ok() && target.isUnserved(pool)) {
          (*shares)[index] = {.target = index, .failure = share.error().describe()};
        }
        if (!share.ok()) co_return share.error();
        (*shares)[index] = {.target = index,
                            .arenaUsedBytes = share->space.arena.usedBytes,
                            .arenaTotalBytes = share->space.arena.totalBytes,
                            .dataUsedBytes = share->space.mediaUsedBytes,
                            .dataTotalBytes = share->space.mediaTotalBytes,
                            .dataPrewrittenBytes = share->space.mediaPrewrittenBytes,
                            .containerCount = share->containerCount};
        co_return Status{};
      },
      [shares, done = std::move(done)](std::vector<Status> statuses) {
        // Those that don't serve it are told of beside the others; any other error is the answer.
        bool hasAnswer = false;
        for (size_t i = 0; i < statuses.size(); ++i) {
          if (statuses[i].ok()) hasAnswer = true;
          if (statuses[i].ok() || !(*shares)[i].failure.empty()) continue;
          return done(firstError(statuses).error());
        }
        if (!hasAnswer) return done(firstError(statuses).error());
        done(std::move(*shares));
      });
}

void ThreadedEngine::poolMetrics(Uuid pool,
                                 std::function<void(Result<std::vector<TargetMetrics>>)> done) {
  auto metrics = std::make_shared<std::vector<TargetMetrics>>(targets_.size());
  onAllOrFail(
      [pool, metrics](Target& target) -> Task<Status> {
        const uint32_t index = target.options().index;
        DAOS_CO_TRY(const PoolMetrics found, target.poolMetrics(pool));
        (*metrics)[index] = {.target = index, .pool = found};
        co_return Status{};
      },
      [metrics, done = std::move(done)](Status status) {
        if (status.ok()) {
          done(std::move(*metrics));
        } else {
          done(std::move(status).error());
        }
      });
}

Status ThreadedEngine::stop() {
  quotaRequests_.close();
  requestSpans_.close();
  if (devices_) devices_->onFailed({});
  renewal_.close();
  Status first;
  for (auto& target : targets_) {
    Status status = target->stop();
    if (!status.ok() && first.ok()) first = std::move(status);
  }
  targets_.clear();
  devices_.reset();
  directory_.reset();
  return first;
}

Result<std::unique_ptr<Engine>> Engine::start(EngineOptions options) {
  auto engine = std::make_unique<ThreadedEngine>(std::move(options));
  DAOS_CHECK(engine->start());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace daos::engine
