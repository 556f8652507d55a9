#include "protocol/pool_map.h"

#include <string>

namespace daos::protocol {

namespace {

// A map of so many targets, and texts of such a length, are nobody's.
constexpr uint32_t kTargetCountMax = 1 << 20;
constexpr uint32_t kTextSizeMax = 4096;

struct MapHead {
  uint32_t version;
  uint32_t targetCount;
};
static_assert(sizeof(MapHead) == 8);

struct TargetHead {
  uint32_t rank;
  uint32_t index;
  uint32_t isUp;
  uint32_t addressCount;
};
static_assert(sizeof(TargetHead) == 16);

struct AddressHead {
  uint32_t transportSize;
  uint32_t addressSize;
};
static_assert(sizeof(AddressHead) == 8);

}  // namespace

void putTarget(WireWriter& writer, const placement::PoolTarget& target) {
  writer.put(TargetHead{target.rank, target.index, target.isUp ? 1u : 0u,
                        static_cast<uint32_t>(target.addresses.size())});
  for (const placement::TargetAddress& address : target.addresses) {
    writer.put(AddressHead{static_cast<uint32_t>(address.transport.size()),
                           static_cast<uint32_t>(address.address.size())});
    writer.putPadded(bytesOf(address.transport));
    writer.putPadded(bytesOf(address.address));
  }
}

bool getTarget(WireReader& reader, placement::PoolTarget* target) {
  const auto head = reader.get<TargetHead>();
  *target = {head.rank, head.index, head.isUp != 0, {}};
  for (uint32_t i = 0; i < head.addressCount && reader.ok(); ++i) {
    const auto sizes = reader.get<AddressHead>();
    if (sizes.transportSize > kTextSizeMax || sizes.addressSize > kTextSizeMax) return false;
    const Bytes transport = reader.getPadded(sizes.transportSize);
    const Bytes address = reader.getPadded(sizes.addressSize);
    target->addresses.push_back({std::string(textOf(transport)), std::string(textOf(address))});
  }
  return reader.ok();
}

std::vector<std::byte> encodePoolMap(const placement::PoolMap& map) {
  std::vector<std::byte> bytes;
  WireWriter writer(bytes);
  writer.put(MapHead{map.version, static_cast<uint32_t>(map.targets.size())});
  for (const placement::PoolTarget& target : map.targets) putTarget(writer, target);
  return bytes;
}

Result<placement::PoolMap> decodePoolMap(Bytes bytes) {
  WireReader reader(bytes);
  const auto head = reader.get<MapHead>();
  placement::PoolMap map{.version = head.version, .targets = {}};
  bool isSound = reader.ok() && head.targetCount <= kTargetCountMax;
  for (uint32_t i = 0; isSound && i < head.targetCount; ++i) {
    placement::PoolTarget target;
    isSound = getTarget(reader, &target);
    map.targets.push_back(std::move(target));
  }
  if (!isSound || !reader.atEnd()) return Error(ErrorCode::kProto, "malformed pool map");
  return map;
}

}  // namespace daos::protocol
