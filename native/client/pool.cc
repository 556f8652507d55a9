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

// As the map that we have says; none where it knows none.
std::vector<placement::TargetAddress> Pool::addressesOf(uint32_t rank, uint32_t index) const {
  for (const placement::PoolTarget& target : map_.targets) {
    if (target.rank == rank && target.index == index) return target.addresses;
  }
  return {};
}

Status Pool::adopt(placement::PoolMap map) {
  if (map.targets.empty())
    return invalid("the map of pool " + uuid_.toString() + " has no targets");
  std::vector<rpc::Peer*> peers;
  for (placement::PoolTarget& target : map.targets) {
    // Its engine is away, or just starting again, perhaps where it was.
    if (target.addresses.empty()) target.addresses = addressesOf(target.rank, target.index);
    peers.push_back(&context_.endpoint().peer(joinAddresses(target)));
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
