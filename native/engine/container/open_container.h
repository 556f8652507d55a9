// Pools and containers that are open on a target, and the handles that sessions hold on them.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "engine/container/pool_key.h"
#include "engine/container/quota.h"
#include "engine/metrics.h"
#include "engine/pool_properties.h"
#include "engine/pool_store.h"
#include "rpc/rpc.h"

namespace daos::engine {

class Aggregation;
struct OpenContainer;

// A pool's map as clients get it.
struct PublishedMap {
  uint32_t version = 0;
  std::vector<std::byte> encoded;  // protocol/pool_map.h
};

// The end of a pool's data area is cleared, so that it can be cut.
struct Evacuating {
  uint64_t dataBytes = 0;  // the size wanted
  uint64_t askedNs = 0;    // when somebody last asked how far it is
  bool isCanceled = false;
  bool hasEnded = false;
  std::optional<Error> failure;
};

struct OpenPool {
  OpenPool();
  ~OpenPool();

  Uuid uuid;
  std::unique_ptr<StoredPool> stored;
  std::unordered_map<Uuid, std::shared_ptr<OpenContainer>> containers;
  std::unique_ptr<Aggregation> aggregation;
  bool isCollecting = false;
  bool isPopulating = false;
  Reactor::TimerId prewriteTimer = 0;  // until it begins
  bool isPrewriting = false;
  bool isSettling = false;
  std::shared_ptr<Evacuating> evacuating;  // null: nobody wants the end of the data area clear
  bool isEvacuating = false;
  bool isClosed = false;
  std::shared_ptr<const PoolKey> key;  // null: it has none
  PoolProperties properties;
  std::shared_ptr<const PublishedMap> map;  // null: this target knows none
  PoolMetrics metrics;
  // The target has stopped: what every request is answered with.
  std::optional<Error> failure;

  vos::Pool& vos() { return stored->vos(); }
};

// A container as requests use it. `vos` is null once it has been destroyed or its pool closed.
struct OpenContainer {
  std::shared_ptr<OpenPool> pool;
  Uuid uuid;
  vos::Container* vos = nullptr;
  size_t userCount = 0;  // requests that are between two awaits with it
  bool isRollingBack = false;  // nobody opens it meanwhile
  bool isRolledBack = false;   // another entry has taken the place of this one
  QuotaState quota;

  // Held by a request over its awaits: the container is not closed meanwhile.
  class Use {
   public:
    explicit Use(OpenContainer& container) : container_(container), vos_(container.vos) {
      ++container_.userCount;
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { --container_.userCount; }
    // That of before any await: one that closes has none in its entry any more, while it waits for
    // this to end.
    vos::Container& vos() const { return *vos_; }

   private:
    OpenContainer& container_;
    vos::Container* const vos_;
  };
};

// What one client session has opened. A handle is 48 random bits over the index of its entry.
struct SessionHandles {
  struct Entry {
    uint64_t handle = 0;
    std::shared_ptr<OpenContainer> container;  // null: closed
    bool isReadOnly = false;
    CapabilityOrigin origin;  // of what let it in
    std::shared_ptr<const PoolKey> key;  // that did not revoke it
  };
  std::vector<Entry> entries;

  static SessionHandles& of(rpc::Session& session);
  // Null for a handle that this session does not have.
  Entry* find(uint64_t handle);
};

inline constexpr size_t kSessionHandleCountMax = 65536;

// The error that the target stopped with, if it has. DER_NO_HDL when the session has no such handle
// or the container is gone; DER_EVICTED when the pool has a new key since, or the container or
// the machine was evicted, or the container was taken back to a snapshot; DER_NO_PERM when
// `isWrite` and the handle is read-only, or not, and it may be written alone; DER_STALE, with the
// pool's map, when the request goes by an older one.
Result<OpenContainer*> findHandle(rpc::Request& request, uint64_t handle, bool isWrite);

class Target;
// Registers container.open and container.close.
void registerContainerService(Target& target, rpc::Endpoint& endpoint);

}  // namespace daos::engine
