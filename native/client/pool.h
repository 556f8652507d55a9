// An open pool: its map, and the peers that its targets are.
#pragma once

#include <memory>
#include <vector>

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
  // Takes a map over unless it is older than ours. Layouts and peers follow at the next operation.
  // Of a target that has no address in it ours is kept.
  Status updateMap(placement::PoolMap map);

 private:
  Pool(Context& context, Uuid uuid) : context_(context), uuid_(uuid) {}
  Status adopt(placement::PoolMap map);
  std::vector<placement::TargetAddress> addressesOf(uint32_t rank, uint32_t index) const;

  Context& context_;
  const Uuid uuid_;
  placement::PoolMap map_;
  std::vector<rpc::Peer*> peers_;
};

}  // namespace daos::client
