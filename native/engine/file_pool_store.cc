#include "engine/file_pool_store.h"

#include <fcntl.h>

#include <cstdio>

#include "bio/file_media.h"
#include "bio/machine_start.h"
#include "engine/faulty_mark.h"
#include "vos/pmem_arena.h"

namespace daos::engine {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLogFile = "store";
constexpr const char* kPmemFile = "arena";
constexpr const char* kDataFile = "data";
constexpr uint64_t kMebibyte = 1 << 20;
// Buffers for what is on its way to and from devices.
constexpr uint64_t kBufferBytes = 32 * kMebibyte;

std::vector<StoredDevice> listOf(const bio::StoreDevices& devices) {
  std::vector<StoredDevice> all;
  for (size_t i = 0; i < devices.devices().size(); ++i) {
    all.push_back({devices.devices()[i].get(), devices.rolesOf(i)});
  }
  return all;
}

bio::DeviceRoles rolesOf(const std::string& file) {
  if (file == kLogFile) return {bio::MediaRole::kWal, bio::MediaRole::kMeta};
  if (file == kDataFile) return {bio::MediaRole::kData};
  return {};
}

// The arena in a libpmemobj file, bulk data on a device.
class PmemStoredPool final : public StoredPool {
 public:
  PmemStoredPool(std::unique_ptr<bio::StoreDevices> devices, std::unique_ptr<vos::Pool> pool)
      : devices_(std::move(devices)), pool_(std::move(pool)) {}
  vos::Pool& vos() override { return *pool_; }
  void onFailed(std::function<void(const Error&)> callback) override {
    if (!devices_) return;
    for (const auto& device : devices_->devices()) {
      device->onFailed(callback);
      if (device->isFailed()) callback(*device->failure());
    }
  }
  std::vector<StoredDevice> devices() override {
    if (!devices_) return {};
    return listOf(*devices_);
  }
  Task<Status> close() override {
    vos::Arena& arena = pool_->arena();
    co_return co_await arena.waitDurable(arena.lastTicket());
  }

 private:
  std::unique_ptr<bio::StoreDevices> devices_;  // null: all is in the arena
  std::unique_ptr<vos::Pool> pool_;
};

class LogStoredPool final : public StoredPool {
 public:
  explicit LogStoredPool(std::unique_ptr<vos::LogStore> store) : store_(std::move(store)) {}
  vos::Pool& vos() override { return store_->pool(); }
  void onFailed(std::function<void(const Error&)> callback) override {
    store_->onFailed(std::move(callback));
  }
  std::vector<StoredDevice> devices() override { return listOf(store_->devices()); }
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

bio::StoreIdentity ownerOf(Uuid pool, uint32_t target) { return {pool, target}; }

vos::PoolMedia mediaOf(bio::StoreDevices* devices, bio::DmaPool* buffers) {
  if (!devices || !devices->data()) return nullptr;
  return {*devices->data(), *buffers};
}

}  // namespace

Result<std::unique_ptr<FilePoolStore>> FilePoolStore::create(Reactor& reactor, Random& random,
                                                             DataDirectory& directory,
                                                             const EngineOptions& options,
                                                             uint32_t target) {
  std::unique_ptr<FilePoolStore> store(new FilePoolStore(random, directory, options, target));
  directory.sweep(target);
  auto ring = bio::IoRing::create(reactor, options.log);
  if (ring.ok()) {
    store->ring_ = std::move(ring).value();
    DAOS_TRY(store->buffers_, bio::DmaPool::create(kBufferBytes));
  } else if (options.arenaKind == ArenaKind::kLog) {
    return std::move(ring).error();
  }
  return store;
}

static vos::LogStoreSizes logSizesOf(PoolSizes sizes) {
  return {.arenaBytes = sizes.arenaBytes, .dataBytes = alignUp(sizes.dataBytes, kMebibyte)};
}

uint64_t FilePoolStore::bytesOnDisk(ArenaKind kind, PoolSizes sizes) {
  const auto logSizes = logSizesOf(sizes);
  const bio::RoleSizes roles = kind == ArenaKind::kLog
                                   ? vos::LogStore::roleSizes(logSizes)
                                   : bio::RoleSizes{.dataBytes = logSizes.dataBytes};
  uint64_t bytes = kind == ArenaKind::kLog ? 0 : alignUp(sizes.arenaBytes, kMebibyte);
  const size_t first = kind == ArenaKind::kLog ? 0 : 1;
  const size_t end = logSizes.dataBytes > 0 ? 2 : 1;
  for (size_t device = first; device < end; ++device) {
    bytes += bio::StoreDevices::deviceSizeBytes(roles, 2, device);
  }
  return bytes;
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::createPmem(fs::path place, Uuid pool,
                                                                    PoolSizes sizes) {
  std::unique_ptr<bio::StoreDevices> devices;
  if (sizes.dataBytes > 0) {
    const bio::RoleSizes roles{.dataBytes = alignUp(sizes.dataBytes, kMebibyte)};
    DAOS_CO_CHECK(bio::createMediaFile((place / kDataFile).string(),
                                       bio::StoreDevices::deviceSizeBytes(roles, 1, 0)));
    DAOS_CO_TRY(auto files, openDevices(place, pool));
    DAOS_CO_TRY(devices,
                co_await bio::StoreDevices::format(std::move(files), *buffers_,
                                                   ownerOf(pool, target_), roles, random_));
  }
  DAOS_CO_TRY(auto arena, vos::PmemArena::create((place / kPmemFile).string(),
                                                 alignUp(sizes.arenaBytes, kMebibyte)));
  DAOS_CO_TRY(auto vos, vos::Pool::create(std::move(arena), mediaOf(devices.get(), buffers_.get()),
                                          identityOf(pool, target_), {}));
  co_return std::make_unique<PmemStoredPool>(std::move(devices), std::move(vos));
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::openPmem(fs::path place, Uuid pool) {
  std::unique_ptr<bio::StoreDevices> devices;
  if (fs::exists(place / kDataFile)) {
    DAOS_CO_TRY(auto files, openDevices(place, pool));
    DAOS_CO_TRY(devices, co_await bio::StoreDevices::open(std::move(files), *buffers_,
                                                          ownerOf(pool, target_), options_.log));
  }
  DAOS_CO_TRY(auto arena, vos::PmemArena::open((place / kPmemFile).string()));
  DAOS_CO_TRY(auto vos, vos::Pool::open(std::move(arena), mediaOf(devices.get(), buffers_.get()),
                                        identityOf(pool, target_), {}));
  co_return std::make_unique<PmemStoredPool>(std::move(devices), std::move(vos));
}

vos::LogStoreContext FilePoolStore::logContext() {
  return {.pool = *buffers_,
          .random = random_,
          .log = options_.log,
          .arena = {.startMark = bio::machineStartMark()}};
}

Result<vos::LogStore::Devices> FilePoolStore::openDevices(const fs::path& place, Uuid pool) {
  if (!ring_) {
    return Error(ErrorCode::kNosys, "the kernel offers no io_uring; a pool's bulk data needs it");
  }
  vos::LogStore::Devices devices;
  for (const char* file : {kLogFile, kDataFile}) {
    if (!fs::exists(place / file)) continue;
    // While it is made the share lies beside its place; messages name where it will be.
    const fs::path name = directory_.targetPath(pool, target_) / file;
    DAOS_TRY(auto media,
             bio::openFileMedia(*ring_, (place / file).string(),
                                {.media = {.errorCountMax = options_.deviceErrorCountMax},
                                 .name = name.string()}));
    devices.push_back(std::move(media));
  }
  return devices;
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::createLog(fs::path place, Uuid pool,
                                                                   PoolSizes sizes) {
  const vos::LogStoreSizes wanted = logSizesOf(sizes);
  const bio::RoleSizes roles = vos::LogStore::roleSizes(wanted);
  const size_t deviceCount = wanted.dataBytes > 0 ? 2 : 1;
  // The log is written in full, so that its durable writes change no metadata of the file system.
  DAOS_CO_CHECK(bio::createMediaFile((place / kLogFile).string(),
                                     bio::StoreDevices::deviceSizeBytes(roles, deviceCount, 0),
                                     {.writtenBytes = bio::kRolesOffset + roles.walBytes}));
  if (deviceCount > 1) {
    DAOS_CO_CHECK(bio::createMediaFile((place / kDataFile).string(),
                                       bio::StoreDevices::deviceSizeBytes(roles, deviceCount, 1)));
  }
  DAOS_CO_TRY(auto devices, openDevices(place, pool));
  DAOS_CO_TRY(auto store, co_await vos::LogStore::create(std::move(devices), logContext(),
                                                         identityOf(pool, target_), wanted));
  co_return std::make_unique<LogStoredPool>(std::move(store));
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::openLog(fs::path place, Uuid pool) {
  DAOS_CO_TRY(auto devices, openDevices(place, pool));
  DAOS_CO_TRY(auto store, co_await vos::LogStore::open(std::move(devices), logContext(),
                                                       identityOf(pool, target_)));
  co_return std::make_unique<LogStoredPool>(std::move(store));
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::createAt(fs::path place, Uuid pool,
                                                                  PoolSizes sizes) {
  if (options_.arenaKind == ArenaKind::kPmem) co_return co_await createPmem(place, pool, sizes);
  co_return co_await createLog(place, pool, sizes);
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::createFresh(fs::path fresh, Uuid pool,
                                                                     PoolSizes sizes) {
  std::error_code failure;
  fs::remove_all(fresh, failure);
  fs::create_directories(fresh, failure);
  if (failure) co_return fileError(fresh, failure);
  auto created = co_await createAt(fresh, pool, sizes);
  if (!created.ok()) fs::remove_all(fresh, failure);
  co_return created;
}

// Made beside its place and renamed into it: a share is whole or absent.
Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::create(Uuid pool, PoolSizes sizes) {
  const fs::path place = directory_.targetPath(pool, target_);
  if (fs::exists(place)) {
    co_return Error(ErrorCode::kExist, place.string() + " exists already");
  }
  const fs::path fresh = directory_.creatingPath(pool, target_);
  std::error_code failure;
  auto created = co_await createFresh(fresh, pool, sizes);
  if (!created.ok()) {
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
  if (const auto mark = readFaultyMark(place)) {
    co_return Error(ErrorCode::kIo,
                    (place / mark->file).string() + " was set faulty: " + mark->why);
  }
  // The kind is the store's own, whatever the configuration says now.
  if (fs::exists(place / kPmemFile)) co_return co_await openPmem(place, pool);
  co_return co_await openLog(place, pool);
}

Status FilePoolStore::markFaulty(Uuid pool, const std::string& path, const std::string& why) {
  const fs::path device(path);
  const fs::path place = directory_.targetPath(pool, target_);
  const std::string file = device.filename().string();
  const bool isKnown = file == kLogFile || file == kPmemFile || file == kDataFile;
  if (device.parent_path() != place || !isKnown || !fs::exists(place)) {
    return Error(ErrorCode::kNonexist, path + ": no device of pool " + pool.toString());
  }
  return writeFaultyMark(place, {file, why});
}

std::vector<FaultyDevice> FilePoolStore::faultyDevices() {
  std::vector<FaultyDevice> all;
  const auto pools = list();
  if (!pools.ok()) return all;
  for (const Uuid& pool : *pools) {
    const fs::path place = directory_.targetPath(pool, target_);
    const auto mark = readFaultyMark(place);
    if (!mark) continue;
    std::error_code failure;
    const uint64_t sizeBytes = fs::file_size(place / mark->file, failure);
    all.push_back({pool, (place / mark->file).string(), rolesOf(mark->file),
                   failure ? 0 : sizeBytes, mark->why});
  }
  return all;
}

// Made beside its place and exchanged with what is there in one step.
Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::replace(Uuid pool, PoolSizes sizes) {
  const fs::path place = directory_.targetPath(pool, target_);
  if (!fs::exists(place)) {
    co_return Error(ErrorCode::kNonexist,
                    "no pool " + pool.toString() + " in " + options_.dataDirectory);
  }
  // The old share goes when the new one is whole: until then there are both.
  const uint64_t wanted = bytesOnDisk(options_.arenaKind, sizes);
  const uint64_t free = directory_.freeBytes();
  if (wanted > free) {
    co_return Error(ErrorCode::kNospace, "an empty share in the place of " + place.string() +
                                             " takes " + std::to_string(wanted >> 20) +
                                             " MiB beside it until it is made; " +
                                             std::to_string(free >> 20) + " MiB are free in " +
                                             options_.dataDirectory);
  }
  const fs::path fresh = directory_.creatingPath(pool, target_);
  DAOS_CO_TRY(auto created, co_await createFresh(fresh, pool, sizes));
  std::error_code failure;
  if (renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) != 0) {
    failure = std::error_code(errno, std::generic_category());
    [[maybe_unused]] const Status unwanted = co_await created->close();
    created.reset();
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    co_return fileError(place, failure);
  }
  fs::remove_all(fresh, failure);
  co_return created;
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
