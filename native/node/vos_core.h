// A store of one target, on a thread of its own, and the containers open in it.
//
// The store lies in a directory as an engine of one target would lay it out.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include "base/hybrid_clock.h"
#include "engine/folder_pool_store.h"
#include "node/core.h"

namespace daos::node {

class VosCore : public Core {
 public:
  using Core::Core;

  // Core's thread, once. With sizes the store is created, otherwise it is there.
  Task<Status> open(std::string path, std::optional<engine::PoolSizes> sizes,
                    engine::ArenaKind arenaKind);
  vos::Pool& pool() { return stored_->vos(); }
  // `wanted`, or the time now when that is 0; later than all epochs made here before.
  Epoch epochOf(Epoch wanted);
  // Waits until there is room to log another operation; at the beginning of each.
  Task<Status> waitRoom();
  // Waits until what `ticket` stands for is durable.
  Task<Status> settle(vos::Ticket ticket);

  // Its space comes back bit by bit, after the container is gone.
  Task<Status> destroyContainer(const Uuid& uuid);
  // Counted: each openContainer is matched by a closeContainer, or by the end of the core.
  Result<vos::Container*> openContainer(const Uuid& uuid);
  void closeContainer(vos::Container* container);

 protected:
  Status close() override;

 private:
  Task<void> collect();

  SystemClock clock_;
  SystemRandom random_;
  engine::EngineOptions options_;
  std::unique_ptr<engine::DataDirectory> directory_;
  std::unique_ptr<engine::FolderPoolStore> store_;
  std::unique_ptr<engine::StoredPool> stored_;
  std::unordered_map<vos::Container*, size_t> openCounts_;
  bool isCollecting_ = false;
  HybridClock hybridClock_;
};

// A container that JavaScript has open.
class VosContainer : public Resource {
 public:
  VosContainer(std::shared_ptr<VosCore> core, vos::Container* container)
      : core_(std::move(core)), container_(container) {}
  VosCore& core() { return *core_; }
  vos::Container& container() { return *container_; }
  Reactor& reactor() { return core_->reactor(); }
  bool isOpen() const { return core_->isOpen(); }

 private:
  const std::shared_ptr<VosCore> core_;
  vos::Container* const container_;
};

}  // namespace daos::node
