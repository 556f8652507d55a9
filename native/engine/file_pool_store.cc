#include "engine/file_pool_store.h"

#include <unistd.h>

#include "vos/pmem_arena.h"

namespace daos::engine {

namespace fs = std::filesystem;

namespace {

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

Error fileError(const fs::path& path, const std::error_code& failure) {
  const ErrorCode code =
      failure == std::errc::no_space_on_device ? ErrorCode::kNospace : ErrorCode::kIo;
  return Error(code, path.string() + ": " + failure.message());
}

vos::PoolIdentity identityOf(Uuid pool, uint32_t target) {
  return {.pool = pool, .targetIndex = target};
}

Result<std::unique_ptr<vos::Pool>> createPmem(const fs::path& directory, Uuid pool, uint32_t target,
                                              PoolSizes sizes) {
  DAOS_TRY(auto arena, vos::PmemArena::create((directory / "arena").string(),
                                              sizes.arenaBytes + sizes.dataBytes));
  return vos::Pool::create(std::move(arena), nullptr, identityOf(pool, target),
                           {.dataThreshold = vos::PoolOptions::kNeverToMedia});
}

}  // namespace

// Made beside its place and renamed into it: a share is whole or absent.
Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::create(Uuid pool, PoolSizes sizes) {
  const fs::path place = directory_.targetPath(pool, target_);
  if (fs::exists(place)) {
    co_return Error(ErrorCode::kExist, place.string() + " exists already");
  }
  const fs::path fresh = place.string() + ".creating";
  std::error_code failure;
  fs::remove_all(fresh, failure);
  fs::create_directories(fresh, failure);
  if (failure) co_return fileError(fresh, failure);
  auto created = createPmem(fresh, pool, target_, sizes);
  if (!created.ok()) {
    fs::remove_all(fresh, failure);
    fs::remove(place.parent_path(), failure);
    co_return std::move(created).error();
  }
  fs::rename(fresh, place, failure);
  if (failure) co_return fileError(place, failure);
  co_return std::make_unique<PmemStoredPool>(std::move(*created));
}

Task<Result<std::unique_ptr<StoredPool>>> FilePoolStore::open(Uuid pool) {
  const fs::path place = directory_.targetPath(pool, target_);
  if (!fs::exists(place)) {
    co_return Error(ErrorCode::kNonexist,
                    "no pool " + pool.toString() + " in " + options_.dataDirectory);
  }
  DAOS_CO_TRY(auto arena, vos::PmemArena::open((place / "arena").string()));
  DAOS_CO_TRY(auto opened, vos::Pool::open(std::move(arena), nullptr, identityOf(pool, target_),
                                           {.dataThreshold = vos::PoolOptions::kNeverToMedia}));
  co_return std::make_unique<PmemStoredPool>(std::move(opened));
}

// Renamed first, so that a kill in between leaves no half of a share that looks whole.
Task<Status> FilePoolStore::destroy(Uuid pool) {
  const fs::path place = directory_.targetPath(pool, target_);
  if (!fs::exists(place)) {
    co_return Error(ErrorCode::kNonexist,
                    "no pool " + pool.toString() + " in " + options_.dataDirectory);
  }
  const fs::path doomed = place.string() + ".destroying";
  std::error_code failure;
  fs::remove_all(doomed, failure);
  fs::rename(place, doomed, failure);
  if (failure) co_return fileError(place, failure);
  fs::remove_all(doomed, failure);
  if (failure) co_return fileError(doomed, failure);
  co_return Status{};
}

}  // namespace daos::engine
