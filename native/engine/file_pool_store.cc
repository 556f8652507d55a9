#include "engine/file_pool_store.h"

#include "bio/file_media.h"
#include "vos/pmem_arena.h"

namespace daos::engine {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLogFile = "store";
constexpr const char* kPmemFile = "arena";
constexpr uint64_t kMebibyte = 1 << 20;
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

class LogStoredPool final : public StoredPool {
 public:
  explicit LogStoredPool(std::unique_ptr<vos::LogStore> store) : store_(std::move(store)) {}
  vos::Pool& vos() override { return store_->pool(); }
  Task<Status> close() override { co_return co_await store_->close(); }

 private:
  std::unique_ptr<vos::LogStore> store_;
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
  DAOS_TRY(auto arena, vos::PmemArena::create((place / kPmemFile).string(), arenaSizeOf(sizes)));
  DAOS_TRY(auto vos,
           vos::Pool::create(std::move(arena), nullptr, identityOf(pool, target_), kVosOptions));
  return std::unique_ptr<StoredPool>(new PmemStoredPool(std::move(vos)));
}

Result<std::unique_ptr<StoredPool>> FilePoolStore::openPmem(const fs::path& place, Uuid pool) {
  DAOS_TRY(auto arena, vos::PmemArena::open((place / kPmemFile).string()));
  DAOS_TRY(auto vos,
           vos::Pool::open(std::move(arena), nullptr, identityOf(pool, target_), kVosOptions));
  return std::unique_ptr<StoredPool>(new PmemStoredPool(std::move(vos)));
}

vos::LogStoreContext FilePoolStore::logContext() {
  return {.pool = *buffers_, .random = random_, .log = options_.log, .vos = kVosOptions};
}

Result<vos::LogStore::Devices> FilePoolStore::openDevices(const fs::path& place, Uuid pool) {
  // While it is made the share lies beside its place; messages name where it will be.
  const fs::path name = directory_.targetPath(pool, target_) / kLogFile;
  DAOS_TRY(auto media,
           bio::openFileMedia(*ring_, (place / kLogFile).string(), {.name = name.string()}));
  vos::LogStore::Devices devices;
  devices.push_back(std::move(media));
  return devices;
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::createLog(fs::path place, Uuid pool,
                                                                   PoolSizes sizes) {
  const vos::LogStoreSizes wanted{.arenaBytes = arenaSizeOf(sizes)};
  const bio::RoleSizes roles = vos::LogStore::roleSizes(wanted);
  // The log is written in full, so that its durable writes change no metadata of the file system.
  DAOS_CO_CHECK(bio::createMediaFile((place / kLogFile).string(),
                                     bio::StoreDevices::deviceSizeBytes(roles, 1, 0),
                                     {.writtenBytes = bio::kRolesOffset + roles.walBytes}));
  DAOS_CO_TRY(auto devices, openDevices(place, pool));
  DAOS_CO_TRY(auto store, co_await vos::LogStore::create(std::move(devices), logContext(),
                                                         identityOf(pool, target_), wanted));
  co_return std::unique_ptr<StoredPool>(new LogStoredPool(std::move(store)));
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::openLog(fs::path place, Uuid pool) {
  DAOS_CO_TRY(auto devices, openDevices(place, pool));
  DAOS_CO_TRY(auto store, co_await vos::LogStore::open(std::move(devices), logContext(),
                                                       identityOf(pool, target_)));
  co_return std::unique_ptr<StoredPool>(new LogStoredPool(std::move(store)));
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
  if (fs::exists(place / kPmemFile)) co_return openPmem(place, pool);
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
