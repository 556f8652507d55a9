// An open pool: its map, and the peers that its targets are.
//
// What a map says of a target holds at once, also for calls that are under way by an older one.
#pragma once

#include <memory>
#include <vector>

#include "base/intrusive_list.h"
#include "base/uuid.h"
#include "client/context.h"
#include "placement/layout.h"

namespace daos::client {

class Pool {
 public:
  // DER_INVAL for a map without targets. One without address is away: operations on it wait for a
  // map that has one, and end with DER_UNREACH or DER_TIMEDOUT.
  static Result<std::shared_ptr<Pool>> open(Context& context, Uuid uuid, placement::PoolMap map);

  Context& context() const { return context_; }
  const Uuid& uuid() const { return uuid_; }
  const placement::PoolMap& map() const { return map_; }
  // The peer of the target at this position of the map.
  rpc::Peer& peer(uint32_t target) const { return *peers_[target]; }
  // DER_BAD_TARGET where the map says that the target doesn't serve the pool.
  Status checkIsUp(uint32_t target) const;
  // "target 1 of rank 0".
  std::string nameOf(uint32_t target) const;
  // Takes a map over unless it is older than ours. Layouts and peers follow at the next operation.
  // Of a target that has no address in it ours is kept. Ends the calls whose target is excluded, or
  // elsewhere than where they wait.
  Status updateMap(placement::PoolMap map);

  class CallScope;

 private:
  struct CallTag;
  Pool(Context& context, Uuid uuid) : context_(context), uuid_(uuid) {}
  Status adopt(placement::PoolMap map);
  std::vector<placement::TargetAddress> addressesOf(uint32_t rank, uint32_t index) const;
  bool isOverruled(const CallScope& scope) const;
  void endOverruledCalls();

  Context& context_;
  const Uuid uuid_;
  placement::PoolMap map_;
  std::vector<rpc::Peer*> peers_;
  IntrusiveList<CallScope, CallTag> calls_;
};

// While it lives, `call` to the target at this position is one of the pool's: it ends with
// DER_CANCELED, and isOverruled() holds, when a newer map says that waiting for it is of no use.
class Pool::CallScope : private IntrusiveLink<CallTag> {
 public:
  CallScope(Pool& pool, uint32_t target, rpc::Call& call)
      : target_(target), peer_(pool.peer(target)), call_(call) {
    pool.calls_.pushBack(*this);
  }
  bool isOverruled() const { return isOverruled_; }

 private:
  friend class Pool;
  friend class IntrusiveList<CallScope, CallTag>;
  const uint32_t target_;
  rpc::Peer& peer_;
  rpc::Call& call_;
  bool isOverruled_ = false;
};

}  // namespace daos::client
