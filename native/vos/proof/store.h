// The store that a history is carried out on: a pool with one container, which can be closed and
// opened again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "vos/pmem_arena.h"
#include "vos/proof/data_disk.h"
#include "vos/vos.h"

namespace daos::vos::proof {

// Where arenas come from: one medium that outlives the arenas on it.
class ArenaSource {
 public:
  virtual ~ArenaSource() = default;
  // A new arena, whatever was there.
  virtual Result<std::unique_ptr<Arena>> create() = 0;
  // The same arena again, after the one before is gone.
  virtual Result<std::unique_ptr<Arena>> open() = 0;
};

// In ordinary memory: the fastest. `sizeBytes` of address space, touched as it is used.
std::unique_ptr<ArenaSource> memorySource(uint64_t sizeBytes);
// A file of libpmemobj's, which is removed in the end.
std::unique_ptr<ArenaSource> pmemSource(std::string path, uint64_t sizeBytes,
                                        Flushing flushing = Flushing::kNone);

class Store {
 public:
  // `disk`: where bulk data goes; without one all data stays in the arena. Both are borrowed.
  static Result<std::unique_ptr<Store>> create(ArenaSource& source, const PoolOptions& options,
                                               DataDisk* disk = nullptr);
  // A pool that `create` made, perhaps in another process.
  static Result<std::unique_ptr<Store>> open(ArenaSource& source, const PoolOptions& options);
  ~Store();

  Status reopen();
  Pool& pool() { return *pool_; }
  Container& container() { return *container_; }
  DataDisk* disk() { return disk_; }

 private:
  Store(ArenaSource& source, const PoolOptions& options, DataDisk* disk)
      : source_(source), options_(options), disk_(disk) {}
  PoolMedia media() { return disk_ ? disk_->media() : PoolMedia(); }
  Status attach();
  void close();

  ArenaSource& source_;
  const PoolOptions options_;
  DataDisk* const disk_;
  std::unique_ptr<Pool> pool_;
  Container* container_ = nullptr;
};

// What pools of these tests are called.
PoolIdentity testIdentity();
Uuid testContainer();

}  // namespace daos::vos::proof
