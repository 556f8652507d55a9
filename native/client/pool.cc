#include "client/pool.h"

namespace daos::client {

Result<std::shared_ptr<Pool>> Pool::open(Context& context, Uuid uuid, placement::PoolMap map) {
  std::shared_ptr<Pool> pool(new Pool(context, uuid));
  DAOS_CHECK(pool->adopt(std::move(map)));
  return pool;
}

// The endpoint picks the first address that one of its transports can reach.
static std::string joinAddresses(const placement::PoolTarget& target) {
  std::string text;
  for (const placement::TargetAddress& address : target.addresses) {
    if (!text.empty()) text += ' ';
    text += address.address;
  }
  return text;
}

Status Pool::adopt(placement::PoolMap map) {
  if (map.targets.empty())
    return invalid("the map of pool " + uuid_.toString() + " has no targets");
  std::vector<rpc::Peer*> peers;
  for (const placement::PoolTarget& target : map.targets) {
    const std::string addresses = joinAddresses(target);
    if (addresses.empty()) {
      return invalid("target " + std::to_string(target.index) + " of rank " +
                     std::to_string(target.rank) + " has no address");
    }
    peers.push_back(&context_.endpoint().peer(addresses));
  }
  map_ = std::move(map);
  peers_ = std::move(peers);
  return {};
}

Status Pool::updateMap(placement::PoolMap map) {
  // The same version may bring new addresses: an engine that starts anew listens at others.
  if (map.version < map_.version) return {};
  return adopt(std::move(map));
}

}  // namespace daos::client
