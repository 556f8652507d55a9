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
  // DER_INVAL for a map without targets or a target without address.
  static Result<std::shared_ptr<Pool>> open(Context& context, Uuid uuid, placement::PoolMap map);

  Context& context() const { return context_; }
  const Uuid& uuid() const { return uuid_; }
  const placement::PoolMap& map() const { return map_; }
  // The peer of the target at this position of the map.
  rpc::Peer& peer(uint32_t target) const { return *peers_[target]; }
  // Takes a map over unless it is older than ours. Layouts and peers follow at the next operation.
  Status updateMap(placement::PoolMap map);

 private:
  Pool(Context& context, Uuid uuid) : context_(context), uuid_(uuid) {}
  Status adopt(placement::PoolMap map);

  Context& context_;
  const Uuid uuid_;
  placement::PoolMap map_;
  std::vector<rpc::Peer*> peers_;
};

}  // namespace daos::client
