#include "simulator/system/disk_pool_store.h"

namespace daos::simulator {

namespace {

class DiskStoredPool final : public engine::StoredPool {
 public:
  DiskStoredPool(std::unique_ptr<vos::Pool> pool, vos::LogArena& arena)
      : pool_(std::move(pool)), arena_(arena) {}
  vos::Pool& vos() override { return *pool_; }
  Task<Status> close() override { return arena_.close(); }

 private:
  std::unique_ptr<vos::Pool> pool_;
  vos::LogArena& arena_;
};

}  // namespace

uint64_t DiskLayout::sizeBytes() const {
  return walBytes + alignUp(vos::LogArena::metaSizeBytes(arenaBytes), bio::kMediaBlockSize) +
         dataBytes;
}

DiskPoolStore::DiskPoolStore(bio::Media& media, Random& random, DiskLabel& label, DiskLayout layout,
                             uint32_t targetIndex, bio::DmaPool::Permission memory)
    : random_(random),
      label_(label),
      layout_(layout),
      targetIndex_(targetIndex),
      buffers_(bio::DmaPool::create(memory ? 4096 : 8 << 20, memory).value()) {
  const uint64_t metaBytes =
      alignUp(vos::LogArena::metaSizeBytes(layout.arenaBytes), bio::kMediaBlockSize);
  wal_ = std::make_unique<bio::MediaSlice>(media, "WAL", 0, layout.walBytes);
  meta_ = std::make_unique<bio::MediaSlice>(media, "META", layout.walBytes, metaBytes);
  data_ = std::make_unique<bio::MediaSlice>(media, "DATA", layout.walBytes + metaBytes,
                                            layout.dataBytes);
}

vos::PoolOptions DiskPoolStore::options() const {
  return {.dataThreshold = layout_.dataThreshold, .absorbBelow = 4 * layout_.dataThreshold};
}

Task<Result<std::unique_ptr<engine::StoredPool>>> DiskPoolStore::create(Uuid pool,
                                                                        engine::PoolSizes) {
  if (label_.pool)
    co_return Error(ErrorCode::kExist, "the disk holds pool " + label_.pool->toString());
  DAOS_CO_TRY(auto arena,
              co_await vos::LogArena::create(devices(), layout_.arenaBytes, pool, random_.next()));
  vos::LogArena& log = *arena;
  DAOS_CO_TRY(auto created,
              vos::Pool::create(std::move(arena), media(), identityOf(pool), options()));
  DAOS_CO_CHECK(co_await log.waitDurable(log.lastTicket()));
  label_.pool = pool;
  arena_ = &log;
  co_return std::make_unique<DiskStoredPool>(std::move(created), log);
}

Task<Result<std::unique_ptr<engine::StoredPool>>> DiskPoolStore::open(Uuid pool) {
  if (label_.pool != pool)
    co_return Error(ErrorCode::kNonexist, "no pool " + pool.toString() + " on the disk");
  DAOS_CO_TRY(auto arena, co_await vos::LogArena::open(devices(), pool));
  vos::LogArena& log = *arena;
  recovery_ = log.recovery();
  arena_ = &log;
  DAOS_CO_TRY(auto opened, vos::Pool::open(std::move(arena), media(), identityOf(pool), options()));
  co_return std::make_unique<DiskStoredPool>(std::move(opened), log);
}

Task<Status> DiskPoolStore::destroy(Uuid pool) {
  if (label_.pool != pool)
    co_return Error(ErrorCode::kNonexist, "no pool " + pool.toString() + " on the disk");
  label_.pool.reset();
  co_return Status{};
}

Result<std::vector<Uuid>> DiskPoolStore::list() {
  std::vector<Uuid> pools;
  if (label_.pool) pools.push_back(*label_.pool);
  return pools;
}

}  // namespace daos::simulator
