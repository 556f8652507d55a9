#include "vos/proof/store.h"

#include <unistd.h>

#include "vos/proof/memory_arena.h"

namespace daos::vos::proof {

namespace {

class MemorySource final : public ArenaSource {
 public:
  explicit MemorySource(uint64_t sizeBytes) : region_(sizeBytes) {}
  Result<std::unique_ptr<Arena>> create() override {
    DAOS_TRY(std::unique_ptr<Arena> arena, MemoryArena::create(region_));
    return arena;
  }
  Result<std::unique_ptr<Arena>> open() override {
    DAOS_TRY(std::unique_ptr<Arena> arena, MemoryArena::open(region_));
    return arena;
  }

 private:
  MemoryRegion region_;
};

class PmemSource final : public ArenaSource {
 public:
  PmemSource(std::string path, uint64_t sizeBytes, Flushing flushing)
      : path_(std::move(path)), sizeBytes_(sizeBytes), flushing_(flushing) {}
  ~PmemSource() override { unlink(path_.c_str()); }
  Result<std::unique_ptr<Arena>> create() override {
    unlink(path_.c_str());
    DAOS_TRY(std::unique_ptr<Arena> arena, PmemArena::create(path_, sizeBytes_, {flushing_}));
    return arena;
  }
  Result<std::unique_ptr<Arena>> open() override {
    DAOS_TRY(std::unique_ptr<Arena> arena, PmemArena::open(path_, {flushing_}));
    return arena;
  }

 private:
  const std::string path_;
  const uint64_t sizeBytes_;
  const Flushing flushing_;
};

}  // namespace

std::unique_ptr<ArenaSource> memorySource(uint64_t sizeBytes) {
  return std::make_unique<MemorySource>(sizeBytes);
}

std::unique_ptr<ArenaSource> pmemSource(std::string path, uint64_t sizeBytes, Flushing flushing) {
  return std::make_unique<PmemSource>(std::move(path), sizeBytes, flushing);
}

PoolIdentity testIdentity() { return {Uuid::fromRandom(1, 2), 3}; }
Uuid testContainer() { return Uuid::fromRandom(4, 5); }

Result<std::unique_ptr<Store>> Store::create(ArenaSource& source, const PoolOptions& options,
                                             DataDisk* disk) {
  std::unique_ptr<Store> store(new Store(source, options, disk));
  DAOS_TRY(auto arena, source.create());
  DAOS_TRY(store->pool_, Pool::create(std::move(arena), store->media(), testIdentity(), options));
  DAOS_TRY([[maybe_unused]] const Ticket ticket, store->pool_->createContainer(testContainer()));
  DAOS_TRY(store->container_, store->pool_->openContainer(testContainer()));
  return store;
}

Result<std::unique_ptr<Store>> Store::open(ArenaSource& source, const PoolOptions& options) {
  std::unique_ptr<Store> store(new Store(source, options, nullptr));
  DAOS_CHECK(store->attach());
  return store;
}

Store::~Store() { close(); }

Status Store::attach() {
  DAOS_TRY(auto arena, source_.open());
  DAOS_TRY(pool_, Pool::open(std::move(arena), media(), testIdentity(), options_));
  DAOS_TRY(container_, pool_->openContainer(testContainer()));
  return {};
}

void Store::close() {
  if (container_) pool_->closeContainer(container_);
  container_ = nullptr;
  pool_.reset();
}

Status Store::reopen() {
  close();
  return attach();
}

}  // namespace daos::vos::proof
