#include "engine/file_pool_store.h"

#include <algorithm>

#include "bio/file_media.h"
#include "vos/log/log_arena.h"
#include "vos/pmem_arena.h"

namespace daos::engine {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMebibyte = 1 << 20;
// A log holds what is written between two checkpoints; larger only makes recovery longer.
constexpr uint64_t kLogSizeMin = 16 * kMebibyte;
constexpr uint64_t kLogSizeMax = 256 * kMebibyte;
// Buffers for what is on its way to the log and to checkpoints.
constexpr uint64_t kBufferBytes = 16 * kMebibyte;

// All data lies in the arena.
const vos::PoolOptions kVosOptions{.dataThreshold = vos::PoolOptions::kNeverToMedia};

// The whole share in one libpmemobj file.
class PmemStoredPool final : public StoredPool {
 public:
  explicit PmemStoredPool(std::unique_ptr<vos::Pool> pool) : pool_(std::move(pool)) {}
  vos::Pool& vos() override { return *pool_; }
  Task<Status> close() override {
    vos::Arena& arena = pool_->arena();
    co_return co_await arena.waitDurable(arena.lastTicket());
  }

 private:
  std::unique_ptr<vos::Pool> pool_;
};

// The arena in memory, its log and its checkpoints in files.
struct LogFiles {
  std::unique_ptr<bio::Media> wal;
  std::unique_ptr<bio::Media> meta;
};

class LogStoredPool final : public StoredPool {
 public:
  LogStoredPool(LogFiles files, vos::LogArena& arena, std::unique_ptr<vos::Pool> pool)
      : files_(std::move(files)), arena_(arena), pool_(std::move(pool)) {}
  vos::Pool& vos() override { return *pool_; }
  Task<Status> close() override { co_return co_await arena_.close(); }

 private:
  LogFiles files_;  // outlive the arena
  vos::LogArena& arena_;
  std::unique_ptr<vos::Pool> pool_;
};

Error fileError(const fs::path& path, const std::error_code& failure) {
  const ErrorCode code =
      failure == std::errc::no_space_on_device ? ErrorCode::kNospace : ErrorCode::kIo;
  return Error(code, path.string() + ": " + failure.message());
}

vos::PoolIdentity identityOf(Uuid pool, uint32_t target) {
  return {.pool = pool, .targetIndex = target};
}

uint64_t arenaSizeOf(PoolSizes sizes) {
  return alignUp(sizes.arenaBytes + sizes.dataBytes, kMebibyte);
}

uint64_t logSizeOf(PoolSizes sizes) {
  return std::clamp(alignUp(arenaSizeOf(sizes) / 8, kMebibyte), kLogSizeMin, kLogSizeMax);
}

Result<LogFiles> openFiles(bio::IoRing& ring, const fs::path& place) {
  LogFiles files;
  DAOS_TRY(files.wal, bio::openFileMedia(ring, (place / "wal").string()));
  DAOS_TRY(files.meta, bio::openFileMedia(ring, (place / "meta").string()));
  return files;
}

}  // namespace

Result<std::unique_ptr<FilePoolStore>> FilePoolStore::create(Reactor& reactor, Random& random,
                                                             DataDirectory& directory,
                                                             const EngineOptions& options,
                                                             uint32_t target) {
  std::unique_ptr<FilePoolStore> store(new FilePoolStore(random, directory, options, target));
  directory.sweep(target);
  if (options.arenaKind == ArenaKind::kLog) {
    DAOS_TRY(store->ring_, bio::IoRing::create(reactor, options.log));
    DAOS_TRY(store->buffers_, bio::DmaPool::create(kBufferBytes));
  }
  return store;
}

Result<std::unique_ptr<StoredPool>> FilePoolStore::createPmem(const fs::path& place, Uuid pool,
                                                              PoolSizes sizes) {
  DAOS_TRY(auto arena, vos::PmemArena::create((place / "arena").string(), arenaSizeOf(sizes)));
  DAOS_TRY(auto vos,
           vos::Pool::create(std::move(arena), nullptr, identityOf(pool, target_), kVosOptions));
  return std::unique_ptr<StoredPool>(new PmemStoredPool(std::move(vos)));
}

Result<std::unique_ptr<StoredPool>> FilePoolStore::openPmem(const fs::path& place, Uuid pool) {
  DAOS_TRY(auto arena, vos::PmemArena::open((place / "arena").string()));
  DAOS_TRY(auto vos,
           vos::Pool::open(std::move(arena), nullptr, identityOf(pool, target_), kVosOptions));
  return std::unique_ptr<StoredPool>(new PmemStoredPool(std::move(vos)));
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::createLog(fs::path place, Uuid pool,
                                                                   PoolSizes sizes) {
  // The log is written in full, so that its durable writes change no metadata of the file system.
  DAOS_CO_CHECK(
      bio::createMediaFile((place / "wal").string(), logSizeOf(sizes), {.isWritten = true}));
  const uint64_t metaSize = vos::LogArena::metaSizeBytes(arenaSizeOf(sizes));
  DAOS_CO_CHECK(bio::createMediaFile((place / "meta").string(), metaSize));
  DAOS_CO_TRY(LogFiles files, openFiles(*ring_, place));
  const vos::LogArenaDevices devices{*files.wal, *files.meta, *buffers_, options_.log};
  DAOS_CO_TRY(auto arena,
              co_await vos::LogArena::create(devices, arenaSizeOf(sizes), pool, random_.next()));
  vos::LogArena& log = *arena;
  DAOS_CO_TRY(auto vos,
              vos::Pool::create(std::move(arena), nullptr, identityOf(pool, target_), kVosOptions));
  DAOS_CO_CHECK(co_await log.waitDurable(log.lastTicket()));
  co_return std::unique_ptr<StoredPool>(new LogStoredPool(std::move(files), log, std::move(vos)));
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::openLog(fs::path place, Uuid pool) {
  DAOS_CO_TRY(LogFiles files, openFiles(*ring_, place));
  const vos::LogArenaDevices devices{*files.wal, *files.meta, *buffers_, options_.log};
  DAOS_CO_TRY(auto arena, co_await vos::LogArena::open(devices, pool));
  vos::LogArena& log = *arena;
  const vos::RecoveryReport& report = log.recovery();
  DAOS_LOG_INFO(options_.log,
                place.string() + ": recovered " + std::to_string(report.pageBytes >> 20) +
                    " MiB of checkpoint and " + std::to_string(report.logBytes >> 20) +
                    " MiB of log in " +
                    std::to_string((report.loadNs + report.replayNs) / 1000000) + " ms");
  DAOS_CO_TRY(auto vos,
              vos::Pool::open(std::move(arena), nullptr, identityOf(pool, target_), kVosOptions));
  co_return std::unique_ptr<StoredPool>(new LogStoredPool(std::move(files), log, std::move(vos)));
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::createAt(fs::path place, Uuid pool,
                                                                  PoolSizes sizes) {
  if (options_.arenaKind == ArenaKind::kPmem) co_return createPmem(place, pool, sizes);
  co_return co_await createLog(place, pool, sizes);
}

// Made beside its place and renamed into it: a share is whole or absent.
Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::create(Uuid pool, PoolSizes sizes) {
  const fs::path place = directory_.targetPath(pool, target_);
  if (fs::exists(place)) {
    co_return Error(ErrorCode::kExist, place.string() + " exists already");
  }
  const fs::path fresh = directory_.creatingPath(pool, target_);
  std::error_code failure;
  fs::remove_all(fresh, failure);
  fs::create_directories(fresh, failure);
  if (failure) co_return fileError(fresh, failure);
  auto created = co_await createAt(fresh, pool, sizes);
  if (!created.ok()) {
    fs::remove_all(fresh, failure);
    fs::remove(place.parent_path(), failure);
    co_return std::move(created).error();
  }
  fs::rename(fresh, place, failure);
  if (failure) co_return fileError(place, failure);
  co_return created;
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::open(Uuid pool) {
  const fs::path place = directory_.targetPath(pool, target_);
  if (!fs::exists(place)) {
    co_return Error(ErrorCode::kNonexist,
                    "no pool " + pool.toString() + " in " + options_.dataDirectory);
  }
  // The kind is the store's own, whatever the configuration says now.
  if (fs::exists(place / "arena")) co_return openPmem(place, pool);
  if (!ring_) {
    co_return Error(ErrorCode::kMismatch,
                    place.string() + " is a log store; the configuration says pmem");
  }
  co_return co_await openLog(place, pool);
}

// Renamed first, so that a kill in between leaves no half of a share that looks whole.
Task<Status> FilePoolStore::destroy(Uuid pool) {
  const fs::path place = directory_.targetPath(pool, target_);
  if (!fs::exists(place)) {
    co_return Error(ErrorCode::kNonexist,
                    "no pool " + pool.toString() + " in " + options_.dataDirectory);
  }
  const fs::path doomed = directory_.destroyingPath(pool, target_);
  std::error_code failure;
  fs::remove_all(doomed, failure);
  fs::rename(place, doomed, failure);
  if (failure) co_return fileError(place, failure);
  fs::remove_all(doomed, failure);
  if (failure) co_return fileError(doomed, failure);
  co_return Status{};
}

}  // namespace daos::engine
