#include "vos/log/log_store.h"

#include <algorithm>

namespace daos::vos {

static constexpr uint64_t kMiB = 1 << 20;

static Result<LogArenaDevices> arenaDevicesOf(bio::StoreDevices& devices,
                                              const LogStoreContext& context) {
  if (!devices.wal() || !devices.meta()) {
    return Error(ErrorCode::kDfInval, "the devices hold no WAL or no META");
  }
  return LogArenaDevices{*devices.wal(), *devices.meta(), context.pool, context.log,
                         devices.data()};
}

static PoolMedia mediaOf(bio::StoreDevices& devices, const LogStoreContext& context) {
  if (!devices.data()) return nullptr;
  return {*devices.data(), context.pool};
}

// A device that failed can't be trusted with anything that it was given before: no role outlives
// it.
void LogStore::watchDevices() {
  for (const auto& device : devices_->devices()) {
    device->onFailed([this](const Error& error) { arena_->stop(error); });
  }
}

uint64_t LogStore::walBytesFor(uint64_t arenaBytes) {
  return std::clamp(alignUp(arenaBytes / 4, kMiB), 16 * kMiB, 256 * kMiB);
}

bio::RoleSizes LogStore::roleSizes(const LogStoreSizes& sizes) {
  const uint64_t arenaBytes = alignUp(sizes.arenaBytes, kMiB);
  return {.walBytes = sizes.walBytes ? sizes.walBytes : walBytesFor(arenaBytes),
          .metaBytes = alignUp(LogArena::metaSizeBytes(arenaBytes), kMiB),
          .dataBytes = sizes.dataBytes};
}

Task<Result<std::unique_ptr<LogStore>>> LogStore::create(Devices devices, LogStoreContext context,
                                                         PoolIdentity identity,
                                                         LogStoreSizes sizes) {
  const bio::StoreIdentity owner{identity.pool, identity.targetIndex};
  DAOS_CO_TRY(auto roles,
              co_await bio::StoreDevices::format(std::move(devices), context.pool, owner,
                                                 roleSizes(sizes), context.random));
  std::unique_ptr<LogStore> store(new LogStore(std::move(roles)));
  bio::StoreDevices& made = *store->devices_;
  DAOS_CO_TRY(const LogArenaDevices parts, arenaDevicesOf(made, context));
  DAOS_CO_TRY(auto arena,
              co_await LogArena::create(parts, alignUp(sizes.arenaBytes, kMiB), identity.pool,
                                        context.random.next(), context.arena));
  store->arena_ = arena.get();
  auto pool =
      Pool::create(std::move(arena), mediaOf(made, context), identity, context.vos);
  if (!pool.ok()) co_return std::move(pool).error();
  store->pool_ = std::move(pool).value();
  store->watchDevices();
  DAOS_CO_CHECK(co_await store->arena_->waitDurable(store->arena_->lastTicket()));
  co_return store;
}

Task<Result<std::unique_ptr<LogStore>>> LogStore::open(Devices devices, LogStoreContext context,
                                                       PoolIdentity identity) {
  const bio::StoreIdentity owner{identity.pool, identity.targetIndex};
  DAOS_CO_TRY(auto roles, co_await bio::StoreDevices::open(std::move(devices), context.pool, owner,
                                                           context.log));
  std::unique_ptr<LogStore> store(new LogStore(std::move(roles)));
  bio::StoreDevices& found = *store->devices_;
  DAOS_CO_TRY(const LogArenaDevices parts, arenaDevicesOf(found, context));
  DAOS_CO_TRY(auto arena, co_await LogArena::open(parts, identity.pool, context.arena));
  store->arena_ = arena.get();
  DAOS_CO_TRY(store->pool_,
              Pool::open(std::move(arena), mediaOf(found, context), identity, context.vos));
  store->watchDevices();
  co_return store;
}

}  // namespace daos::vos
