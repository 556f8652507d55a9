// A target's share of pools on a simulated disk: log, metadata and data as slices of one device.
//
// The disk holds one pool. Which one, and that it was laid out whole, is what the node remembers
// (in life: files and their names).
#pragma once

#include <memory>
#include <optional>

#include "bio/dma_buffer.h"
#include "bio/media.h"
#include "bio/media_slice.h"
#include "engine/pool_store.h"
#include "simulator/disk.h"
#include "vos/log/log_arena.h"

namespace daos::simulator {

struct DiskLayout {
  uint64_t arenaBytes = 16 << 20;
  uint64_t walBytes = 2 << 20;
  uint64_t dataBytes = 16 << 20;
  uint64_t dataThreshold = vos::PoolOptions{}.dataThreshold;  // data from this size on is in DATA
  uint64_t sizeBytes() const;
};

// What survives a crash of its process.
struct DiskLabel {
  std::optional<Uuid> pool;
};

class DiskPoolStore final : public engine::PoolStore {
 public:
  // All borrowed; `media` and `random` are of the process. `memory`: see DmaPool; when it is given,
  // no memory for I/O is set aside.
  DiskPoolStore(bio::Media& media, Random& random, DiskLabel& label, DiskLayout layout,
                uint32_t targetIndex, bio::DmaPool::Permission memory = {});

  Task<Result<std::unique_ptr<engine::StoredPool>>> create(Uuid pool,
                                                           engine::PoolSizes sizes) override;
  Task<Result<std::unique_ptr<engine::StoredPool>>> open(Uuid pool) override;
  Task<Status> destroy(Uuid pool) override;
  Result<std::vector<Uuid>> list() override;

  // The open pool's arena has failed: every request to it does, too.
  bool hasFailed() const { return arena_ && !arena_->isUsable(); }
  // What redoing the log took, of the last open().
  const vos::RecoveryReport& recovery() const { return recovery_; }

 private:
  vos::LogArenaDevices devices() { return {*wal_, *meta_, *buffers_, log_}; }
  vos::PoolIdentity identityOf(Uuid pool) const {
    return {.pool = pool, .targetIndex = targetIndex_};
  }
  vos::PoolOptions options() const;
  vos::PoolMedia media() { return {*data_, *buffers_}; }

  Random& random_;
  DiskLabel& label_;
  const DiskLayout layout_;
  const uint32_t targetIndex_;
  Log log_;
  std::unique_ptr<bio::DmaPool> buffers_;
  std::unique_ptr<bio::MediaSlice> wal_;
  std::unique_ptr<bio::MediaSlice> meta_;
  std::unique_ptr<bio::MediaSlice> data_;
  vos::LogArena* arena_ = nullptr;  // of the open pool
  vos::RecoveryReport recovery_;
};

}  // namespace daos::simulator
