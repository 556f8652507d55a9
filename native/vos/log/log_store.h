// A VOS pool on ordinary devices, opened or made in one call: labels, log, arena, pool.
//
//   auto ring = IoRing::create(reactor, log);
//   StoreDevices::Devices devices;
//   devices.push_back(openFileMedia(*ring, path));
//   auto store = co_await LogStore::open(std::move(devices), context, identity);
//   store->pool() …
//   co_await store->close();
//
// Thread: the reactor's.
// Life:   close() ends before destruction, unless the reactor's tasks were dropped.
#pragma once

#include <memory>

#include "bio/store_devices.h"
#include "vos/log/log_arena.h"
#include "vos/vos.h"

namespace daos::vos {

struct LogStoreSizes {
  uint64_t arenaBytes = 0;  // rounded up to MiB
  uint64_t walBytes = 0;    // 0: as walBytesFor(arenaBytes)
  uint64_t dataBytes = 0;   // 0: all data lives in the arena
};

// What a store uses; all outlive it.
struct LogStoreContext {
  bio::DmaPool& pool;
  Random& random;
  const Log& log;
  LogArenaOptions arena = {};
  PoolOptions vos = {};
};

class LogStore {
 public:
  using Devices = bio::StoreDevices::Devices;

  // A quarter of the arena, from 16 MiB to 256 MiB.
  static uint64_t walBytesFor(uint64_t arenaBytes);
  // What the devices' roles take; StoreDevices::deviceSizeBytes says how large a device must be.
  static bio::RoleSizes roleSizes(const LogStoreSizes& sizes);

  // DER_NOSPACE, DER_EXIST (a device belongs to a store).
  static Task<Result<std::unique_ptr<LogStore>>> create(Devices devices, LogStoreContext context,
                                                        PoolIdentity identity, LogStoreSizes sizes);
  // DER_DF_INVAL, DER_DF_INCOMPT, DER_MISMATCH, DER_CSUM.
  static Task<Result<std::unique_ptr<LogStore>>> open(Devices devices, LogStoreContext context,
                                                      PoolIdentity identity);

  Pool& pool() { return *pool_; }
  LogArena& arena() { return *arena_; }
  bio::StoreDevices& devices() { return *devices_; }
  // Called once, in the turn that a device or the arena fails, or now if one has: from then on
  // every write ends with that error. It must not destroy the store.
  void onFailed(std::function<void(const Error&)> callback) {
    if (!arena_->isUsable()) return callback(*arena_->failure());
    arena_->onFailed(std::move(callback));
  }
  // Checkpoints and ends all background work. The first fatal error, if there was one.
  Task<Status> close() { return arena_->close(); }

 private:
  explicit LogStore(std::unique_ptr<bio::StoreDevices> devices) : devices_(std::move(devices)) {}
  void watchDevices();

  std::unique_ptr<bio::StoreDevices> devices_;
  std::unique_ptr<Pool> pool_;
  LogArena* arena_ = nullptr;  // the pool's
};

}  // namespace daos::vos
