#include "engine/folder_pool_store.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>

#include "bio/file_error.h"
#include "bio/machine_start.h"
#include "engine/text_file.h"
#include "vos/pmem_arena.h"

namespace daos::engine {

namespace fs = std::filesystem;

using bio::fileError;

namespace {

constexpr const char* kPmemFile = "arena";
constexpr uint64_t kMebibyte = 1 << 20;
// Buffers for what is on its way to and from devices.
constexpr uint64_t kBufferBytes = 32 * kMebibyte;

vos::PoolIdentity identityOf(Uuid pool, uint32_t target) {
  return {.pool = pool, .targetIndex = target};
}

bio::StoreIdentity ownerOf(Uuid pool, uint32_t target) { return {pool, target}; }

vos::PoolMedia mediaOf(bio::StoreDevices* devices, bio::DmaPool* buffers) {
  if (!devices || !devices->data()) return nullptr;
  return {*devices->data(), *buffers};
}

vos::LogStoreSizes logSizesOf(PoolSizes sizes) {
  return {.arenaBytes = sizes.arenaBytes, .dataBytes = alignUp(sizes.dataBytes, kMebibyte)};
}

}  // namespace

// --- the store

Result<std::unique_ptr<FolderPoolStore>> FolderPoolStore::create(
    Reactor& reactor, Random& random, DataDirectory& directory, const EngineOptions& options,
    uint32_t target, EngineDevices* devices) {
  std::unique_ptr<FolderPoolStore> store(
      new FolderPoolStore(random, directory, options, target));
  DAOS_CHECK(store->start(reactor, devices));
  return store;
}

Status FolderPoolStore::start(Reactor& reactor, EngineDevices* devices) {
  directory_.sweep(target_);
  auto ring = bio::IoRing::create(reactor, options_.log);
  if (ring.ok()) {
    ring_ = std::move(ring).value();
    DAOS_TRY(buffers_, bio::DmaPool::create(kBufferBytes));
  } else if (options_.arenaKind == ArenaKind::kLog || devices) {
    return std::move(ring).error();
  }
  files_ = std::make_unique<FileShares>(ring_.get(), directory_, options_);
  if (!devices) return {};
  regions_ =
      std::make_unique<TargetRegions>(*ring_, *buffers_, *devices, target_, options_.log);
  volumes_ =
      std::make_unique<VolumeShares>(*regions_, directory_, random_, target_, options_.log);
  bool isOpen = false;
  reactor.spawn([](FolderPoolStore& self, bool& done) -> Task<void> {
    co_await self.regions_->openAll();
    co_await self.volumes_->sweep();
    done = true;
  }(*this, isOpen));
  reactor.runUntil([&] { return isOpen; });
  return {};
}

ShareFolder FolderPoolStore::placeOf(const Uuid& pool) const {
  const fs::path place = directory_.targetPath(pool, target_);
  return {place, place, pool};
}

Result<ShareFolder> FolderPoolStore::find(const Uuid& pool) const {
  ShareFolder share = placeOf(pool);
  if (fs::exists(share.place)) return share;
  return Error(ErrorCode::kNonexist,
               "no pool " + pool.toString() + " in " + options_.dataDirectory);
}

Result<ShareStorage*> FolderPoolStore::storageOf(const ShareFolder& share) const {
  DAOS_TRY(const auto mark, readShareMark(share.folder));
  if (!mark) return files_.get();
  if (volumes_) return volumes_.get();
  return Error(ErrorCode::kNosys, share.place.string() +
                                      " lies on devices of the engine, and the configuration "
                                      "names none");
}

ShareStorage& FolderPoolStore::storageOfNew() const {
  if (volumes_) return *volumes_;
  return *files_;
}

uint64_t FolderPoolStore::bytesOnDisk(ArenaKind kind, PoolSizes sizes) {
  const auto logSizes = logSizesOf(sizes);
  const bio::RoleSizes roles = kind == ArenaKind::kLog
                                   ? vos::LogStore::roleSizes(logSizes)
                                   : bio::RoleSizes{.dataBytes = logSizes.dataBytes};
  uint64_t bytes = kind == ArenaKind::kLog ? 0 : alignUp(sizes.arenaBytes, kMebibyte);
  const size_t first = kind == ArenaKind::kLog ? 0 : 1;
  const size_t end = logSizes.dataBytes > 0 ? 2 : 1;
  for (size_t device = first; device < end; ++device) {
    bytes += bio::StoreDevices::deviceSizeBytes(roles, end, device);
  }
  return bytes;
}

// --- one share

FolderPoolStore::Stored FolderPoolStore::createPmem(ShareFolder share, PoolSizes sizes,
                                                    const ShareFolder* replaced) {
  std::unique_ptr<bio::StoreDevices> devices;
  if (sizes.dataBytes > 0) {
    const bio::RoleSizes roles{.dataBytes = alignUp(sizes.dataBytes, kMebibyte)};
    DAOS_CO_TRY(auto media, co_await storageOfNew().make(share, roles, replaced));
    DAOS_CO_TRY(devices,
                co_await bio::StoreDevices::format(std::move(media), *buffers_,
                                                   ownerOf(share.pool, target_), roles, random_));
  }
  DAOS_CO_TRY(auto arena, vos::PmemArena::create((share.folder / kPmemFile).string(),
                                                 alignUp(sizes.arenaBytes, kMebibyte)));
  DAOS_CO_TRY(auto vos, vos::Pool::create(std::move(arena), mediaOf(devices.get(), buffers_.get()),
                                          identityOf(share.pool, target_), {}));
  co_return storedInPmem(std::move(devices), std::move(vos));
}

FolderPoolStore::Stored FolderPoolStore::openPmem(ShareFolder share, ShareStorage& storage) {
  std::unique_ptr<bio::StoreDevices> devices;
  if (storage.hasData(share)) {
    DAOS_CO_TRY(auto media, storage.open(share));
    DAOS_CO_TRY(devices,
                co_await bio::StoreDevices::open(std::move(media), *buffers_,
                                                 ownerOf(share.pool, target_), options_.log));
  }
  DAOS_CO_TRY(auto arena, vos::PmemArena::open((share.folder / kPmemFile).string()));
  DAOS_CO_TRY(auto vos, vos::Pool::open(std::move(arena), mediaOf(devices.get(), buffers_.get()),
                                        identityOf(share.pool, target_), {}));
  co_return storedInPmem(std::move(devices), std::move(vos));
}

vos::LogStoreContext FolderPoolStore::logContext() {
  return {.pool = *buffers_,
          .random = random_,
          .log = options_.log,
          .arena = {.thresholds = options_.logThresholds,
                    .startMark = bio::machineStartMark(),
                    .pageMaker = &pageMaker_},
          .vos = {.absorbBelow = options_.absorbBelow}};
}

FolderPoolStore::Stored FolderPoolStore::createLog(ShareFolder share, PoolSizes sizes,
                                                   const ShareFolder* replaced) {
  const vos::LogStoreSizes wanted = logSizesOf(sizes);
  DAOS_CO_TRY(auto media, co_await storageOfNew().make(share, vos::LogStore::roleSizes(wanted),
                                                       replaced));
  DAOS_CO_TRY(auto store, co_await vos::LogStore::create(std::move(media), logContext(),
                                                         identityOf(share.pool, target_), wanted));
  co_return storedInLog(std::move(store));
}

FolderPoolStore::Stored FolderPoolStore::createAt(ShareFolder share, PoolSizes sizes,
                                                  const ShareFolder* replaced) {
  if (options_.arenaKind == ArenaKind::kPmem) {
    co_return co_await createPmem(std::move(share), sizes, replaced);
  }
  co_return co_await createLog(std::move(share), sizes, replaced);
}

FolderPoolStore::Stored FolderPoolStore::createFresh(ShareFolder share, PoolSizes sizes,
                                                     const ShareFolder* replaced) {
  std::error_code failure;
  fs::remove_all(share.folder, failure);
  fs::create_directories(share.folder, failure);
  if (failure) co_return fileError(share.folder, "can't be made", failure.value());
  auto created = co_await createAt(share, sizes, replaced);
  if (!created.ok()) {
    const auto storage = storageOf(share);
    [[maybe_unused]] const Status unwanted = co_await (storage.ok() ? **storage : *files_)
                                                 .remove(share);
  }
  co_return created;
}

FolderPoolStore::Stored FolderPoolStore::create(Uuid pool, PoolSizes sizes) {
  ShareFolder share = placeOf(pool);
  if (fs::exists(share.place)) {
    co_return Error(ErrorCode::kExist, share.place.string() + " exists already");
  }
  share.folder = directory_.creatingPath(pool, target_);
  std::error_code failure;
  auto created = co_await createFresh(share, sizes, nullptr);
  if (!created.ok()) {
    fs::remove(share.place.parent_path(), failure);
    co_return std::move(created).error();
  }
  fs::rename(share.folder, share.place, failure);
  if (failure) co_return fileError(share.place, "can't be named", failure.value());
  DAOS_CO_CHECK(syncDirectory(share.place.parent_path()));
  DAOS_CO_CHECK(syncDirectory(share.place.parent_path().parent_path()));
  co_return created;
}

FolderPoolStore::Stored FolderPoolStore::open(Uuid pool) {
  DAOS_CO_TRY(ShareFolder share, find(pool));
  DAOS_CO_TRY(ShareStorage* const storage, storageOf(share));
  for (const FaultyDevice& device : storage->faultyDevices(share)) {
    co_return Error(ErrorCode::kIo, device.why);
  }
  if (fs::exists(share.place / kPmemFile)) co_return co_await openPmem(share, *storage);
  DAOS_CO_TRY(auto media, storage->open(share));
  DAOS_CO_TRY(auto store, co_await vos::LogStore::open(std::move(media), logContext(),
                                                       identityOf(pool, target_)));
  co_return storedInLog(std::move(store));
}

Status FolderPoolStore::checkRoom(const ShareFolder& replaced, PoolSizes sizes) const {
  if (volumes_) return {};
  // The old share goes when the new one is whole: until then there are both.
  const uint64_t wanted = bytesOnDisk(options_.arenaKind, sizes);
  const uint64_t free = directory_.freeBytes();
  if (wanted <= free) return {};
  return Error(ErrorCode::kNospace,
               "an empty share in the place of " + replaced.place.string() + " takes " +
                   std::to_string(wanted >> 20) + " MiB beside it until it is made; " +
                   std::to_string(free >> 20) + " MiB are free in " + options_.dataDirectory);
}

// Made beside its place and exchanged with what is there in one step.
FolderPoolStore::Stored FolderPoolStore::replace(Uuid pool, PoolSizes sizes) {
  DAOS_CO_TRY(const ShareFolder old, find(pool));
  DAOS_CO_CHECK(checkRoom(old, sizes));
  DAOS_CO_TRY(ShareStorage* const before, storageOf(old));
  const ShareFolder fresh{directory_.creatingPath(pool, target_), old.place, pool};
  DAOS_CO_TRY(auto created, co_await createFresh(fresh, sizes, &old));
  const bool isNamed =
      renameat2(AT_FDCWD, fresh.folder.c_str(), AT_FDCWD, old.place.c_str(), RENAME_EXCHANGE) == 0;
  if (!isNamed) {
    const int number = errno;
    [[maybe_unused]] const Status unwanted = co_await created->close();
    created.reset();
    [[maybe_unused]] const Status removed = co_await storageOfNew().remove(fresh);
    co_return fileError(old.place, "can't be named", number);
  }
  DAOS_CO_CHECK(syncDirectory(old.place.parent_path()));
  // What was there lies beside it now.
  const Status removed = co_await before->remove(fresh);
  if (!removed.ok()) DAOS_LOG_WARNING(options_.log, removed.error().describe());
  co_return created;
}

Task<Status> FolderPoolStore::destroy(Uuid pool) {
  DAOS_CO_TRY(ShareFolder share, find(pool));
  const auto storage = storageOf(share);
  share.folder = directory_.destroyingPath(pool, target_);
  std::error_code failure;
  fs::remove_all(share.folder, failure);
  fs::rename(share.place, share.folder, failure);
  if (failure) co_return fileError(share.place, "can't be renamed", failure.value());
  DAOS_CO_CHECK(syncDirectory(share.place.parent_path()));
  co_return co_await (storage.ok() ? **storage : *files_).remove(share);
}

// --- devices that are given up

Status FolderPoolStore::markFaulty(Uuid pool, const std::string& path, const std::string& why) {
  return FileShares::markFaulty(placeOf(pool), path, why);
}

std::vector<FaultyDevice> FolderPoolStore::faultyDevices() {
  std::vector<FaultyDevice> all;
  const auto pools = list();
  if (!pools.ok()) return all;
  for (const Uuid& pool : *pools) {
    const ShareFolder share = placeOf(pool);
    const auto storage = storageOf(share);
    if (!storage.ok()) continue;
    for (FaultyDevice& device : (*storage)->faultyDevices(share)) all.push_back(std::move(device));
  }
  return all;
}

std::optional<Error> FolderPoolStore::failure() const {
  return regions_ ? regions_->failure() : std::nullopt;
}

void FolderPoolStore::onFailed(std::function<void(const Error&)> callback) {
  if (regions_) regions_->onFailed(std::move(callback));
}

void FolderPoolStore::failDevice(uint32_t device, const Error& error) {
  if (regions_) regions_->fail(device, error);
}

void FolderPoolStore::stopDiscarding() {
  if (regions_) regions_->stopDiscarding();
}

Task<void> FolderPoolStore::releaseDevice(uint32_t device) {
  if (regions_) co_await regions_->close(device);
}

Task<Status> FolderPoolStore::takeDevice(uint32_t device) {
  if (!regions_) co_return Status{};
  DAOS_CO_CHECK(co_await regions_->open(device));
  co_await volumes_->sweep();
  co_return Status{};
}

}  // namespace daos::engine
