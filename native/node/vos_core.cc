#include "node/vos_core.h"

namespace daos::node {

// A store has one pool; its identity is its place.
static const Uuid kStorePool = Uuid::fromRandom(0x766f73, 0);

Task<Status> VosCore::open(std::string path, std::optional<engine::PoolSizes> sizes,
                           engine::ArenaKind arenaKind) {
  options_.dataDirectory = path;
  options_.arenaKind = arenaKind;
  DAOS_CO_TRY(directory_, engine::DataDirectory::open(path, options_.rank, options_.targetCount));
  DAOS_CO_TRY(store_,
              engine::FolderPoolStore::create(reactor(), random_, *directory_, options_, 0));
  if (sizes) {
    DAOS_CO_TRY(stored_, co_await store_->create(kStorePool, *sizes));
  } else {
    DAOS_CO_TRY(stored_, co_await store_->open(kStorePool));
  }
  (void)hybridClock_.observe(pool().epochMax(), clock_.wallNs()).ok();
  if (pool().hasGarbage()) reactor().spawn(collect());
  co_return Status();
}

Status VosCore::close() {
  for (auto [container, count] : openCounts_) {
    for (; count > 0; --count) pool().closeContainer(container);
  }
  openCounts_.clear();
  Status status;
  if (stored_) {
    bool isClosed = false;
    auto run = [](engine::StoredPool& stored, Status& result, bool& isDone) -> Task<void> {
      result = co_await stored.close();
      isDone = true;
    };
    reactor().spawn(run(*stored_, status, isClosed));
    reactor().runUntil([&] { return isClosed; });
  }
  stored_.reset();
  store_.reset();
  directory_.reset();
  return status;
}

// In small steps, so that requests in between wait for one step at most.
Task<void> VosCore::collect() {
  static constexpr uint32_t kBudget = 128;
  if (isCollecting_) co_return;
  isCollecting_ = true;
  for (bool hasMore = true; hasMore && isOpenOnThread();) {
    vos::Arena& arena = pool().arena();
    while (!arena.hasLogRoom()) {
      if (!(co_await arena.waitLogRoom()).ok()) break;
    }
    auto step = pool().collectStep(kBudget);
    hasMore = step.ok() && *step;
    co_await reactor().yield();
  }
  isCollecting_ = false;
}

Task<Status> VosCore::destroyContainer(const Uuid& uuid) {
  DAOS_CO_TRY(const vos::Ticket ticket, pool().destroyContainer(uuid));
  reactor().spawn(collect());
  co_return co_await settle(ticket);
}

Epoch VosCore::epochOf(Epoch wanted) {
  if (wanted == 0) return hybridClock_.next(clock_.wallNs());
  // An epoch of the caller's own choosing may lie anywhere; one that is near moves the clock on.
  (void)hybridClock_.observe(wanted, clock_.wallNs()).ok();
  return wanted;
}

Task<Status> VosCore::waitRoom() {
  vos::Arena& arena = pool().arena();
  while (!arena.hasLogRoom()) DAOS_CO_CHECK(co_await arena.waitLogRoom());
  co_return Status();
}

Task<Status> VosCore::settle(vos::Ticket ticket) {
  if (pool().isDurable(ticket)) co_return Status();
  co_return co_await pool().arena().waitDurable(ticket);
}

Result<vos::Container*> VosCore::openContainer(const Uuid& uuid) {
  DAOS_TRY(vos::Container * container, pool().openContainer(uuid));
  ++openCounts_[container];
  return container;
}

void VosCore::closeContainer(vos::Container* container) {
  const auto found = openCounts_.find(container);
  if (found == openCounts_.end()) return;
  if (--found->second == 0) openCounts_.erase(found);
  pool().closeContainer(container);
}

}  // namespace daos::node
