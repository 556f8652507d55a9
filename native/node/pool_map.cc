#include "node/pool_map.h"

namespace daos::node {

placement::PoolMap readPoolMap(CommandReader& reader) {
  placement::PoolMap map{.version = reader.u32()};
  const uint32_t targetCount = reader.u32();
  for (uint32_t i = 0; i < targetCount && reader.remaining() > 0; ++i) {
    placement::PoolTarget target{
        .rank = reader.u32(), .index = reader.u32(), .isUp = reader.boolean()};
    const uint32_t addressCount = reader.u32();
    for (uint32_t j = 0; j < addressCount && reader.remaining() > 0; ++j) {
      std::string transport = reader.text();
      target.addresses.push_back({std::move(transport), reader.text()});
    }
    map.targets.push_back(std::move(target));
  }
  return map;
}

}  // namespace daos::node
