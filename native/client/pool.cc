#include "client/pool.h"

#include <algorithm>

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
  DAOS_CHECK(adopt(std::move(map)));
  endOverruledCalls();
  return {};
}

std::string Pool::nameOf(uint32_t target) const {
  if (target >= map_.targets.size()) return "target number " + std::to_string(target);
  const placement::PoolTarget& known = map_.targets[target];
  return "target " + std::to_string(known.index) + " of rank " + std::to_string(known.rank);
}

Status Pool::checkIsUp(uint32_t target) const {
  if (target < map_.targets.size() && map_.targets[target].isUp) return {};
  return Error(ErrorCode::kBadTarget, nameOf(target) + " doesn't serve pool " + uuid_.toString() +
                                          ": it is excluded (pool map version " +
                                          std::to_string(map_.version) + ")");
}

static bool haveCommonAddress(std::string_view some, std::string_view others) {
  for (size_t at = 0; at < some.size();) {
    const size_t stop = std::min(some.find(' ', at), some.size());
    const std::string_view address = some.substr(at, stop - at);
    if (!address.empty() && (' ' + std::string(others) + ' ')
                                    .find(' ' + std::string(address) + ' ') != std::string::npos) {
      return true;
    }
    at = stop + 1;
  }
  return false;
}

// Where a target only gets an address more, what it is working at goes on.
bool Pool::isOverruled(const CallScope& scope) const {
  if (scope.target_ >= map_.targets.size() || !map_.targets[scope.target_].isUp) return true;
  const rpc::Peer& peer = *peers_[scope.target_];
  if (&peer == &scope.peer_) return false;
  return !scope.peer_.isConnected() ||
         !haveCommonAddress(scope.peer_.addresses(), peer.addresses());
}

void Pool::endOverruledCalls() {
  // A call may end on the spot, and whoever waited for it may start others, or end them.
  IntrusiveList<CallScope, CallTag> overruled;
  for (CallScope* scope = calls_.front(); scope;) {
    CallScope* const next = calls_.after(scope);
    if (isOverruled(*scope)) {
      static_cast<IntrusiveLink<CallTag>*>(scope)->unlink();
      overruled.pushBack(*scope);
    }
    scope = next;
  }
  while (CallScope* scope = overruled.popFront()) {
    scope->isOverruled_ = true;
    scope->call_.cancel();
  }
}

}  // namespace daos::client
