#include "client/global_handle.h"

#include <string_view>

#include "codec/checksum.h"
#include "protocol/pool_map.h"

namespace daos::client {

namespace {

constexpr uint32_t kMagic = 0x64686c67;  // "glhd"
constexpr uint32_t kVersion = 1;
// A map of so many targets is nobody's.
constexpr uint32_t kTargetCountMax = 1 << 20;

struct Header {
  uint32_t magic;
  uint32_t version;
  uint32_t crc;  // CRC32C of all that follows the header
  uint32_t bodySize;
};

struct Names {
  Uuid pool;
  Uuid container;
  uint32_t checksumChunkSize;
  uint8_t checksumType;
  uint8_t isReadOnly;
  uint16_t zero;
  uint32_t capabilitySize;
  uint32_t mapVersion;
  uint32_t targetCount;
  uint32_t zeroToo;
};
static_assert(sizeof(Names) == 56);

struct Parsed {
  Names names;
  placement::PoolMap map;
  std::vector<std::byte> capability;
};

Result<Parsed> parse(Bytes global) {
  protocol::WireReader headerReader(global);
  const auto header = headerReader.get<Header>();
  const Bytes body = headerReader.rest();
  if (!headerReader.ok() || header.magic != kMagic) return invalid("this is no global handle");
  if (header.version != kVersion) {
    return Error(ErrorCode::kProto, "a global handle of version " + std::to_string(header.version) +
                                        ", this program reads " + std::to_string(kVersion));
  }
  if (header.bodySize != body.size() || header.crc != crc32c(body)) {
    return invalid("this global handle is cut off or damaged");
  }
  protocol::WireReader reader(body);
  Parsed parsed{.names = reader.get<Names>(), .map = {}, .capability = {}};
  const Bytes capability = reader.getPadded(parsed.names.capabilitySize);
  parsed.capability.assign(capability.begin(), capability.end());
  parsed.map.version = parsed.names.mapVersion;
  const uint32_t count = parsed.names.targetCount;
  if (count > kTargetCountMax) return invalid("a global handle with too many targets");
  for (uint32_t i = 0; i < count; ++i) {
    placement::PoolTarget target;
    if (!protocol::getTarget(reader, &target)) {
      return invalid("a global handle that contradicts itself");
    }
    parsed.map.targets.push_back(std::move(target));
  }
  if (!reader.atEnd()) return invalid("a global handle that contradicts itself");
  return parsed;
}

}  // namespace

std::vector<std::byte> toGlobal(const Container& container) {
  const placement::PoolMap& map = container.pool().map();
  const ContainerOptions& options = container.options();
  std::vector<std::byte> global;
  protocol::WireWriter writer(global);
  writer.put(Header{kMagic, kVersion, 0, 0});
  writer.put(Names{.pool = container.pool().uuid(),
                   .container = container.uuid(),
                   .checksumChunkSize = options.checksums.chunkSize,
                   .checksumType = static_cast<uint8_t>(options.checksums.type),
                   .isReadOnly = options.isReadOnly,
                   .zero = 0,
                   .capabilitySize = static_cast<uint32_t>(options.capability.size()),
                   .mapVersion = map.version,
                   .targetCount = static_cast<uint32_t>(map.targets.size()),
                   .zeroToo = 0});
  writer.putPadded(options.capability);
  for (const placement::PoolTarget& target : map.targets) {
    protocol::putTarget(writer, target);
  }
  const Bytes body = Bytes(global).subspan(sizeof(Header));
  writer.patch(0, Header{kMagic, kVersion, crc32c(body), static_cast<uint32_t>(body.size())});
  return global;
}

Task<Result<std::shared_ptr<Container>>> fromGlobal(Context& context, Bytes global) {
  DAOS_CO_TRY(Parsed parsed, parse(global));
  DAOS_CO_TRY(const ChecksumType type, checksumTypeFrom(parsed.names.checksumType));
  DAOS_CO_TRY(auto pool, Pool::open(context, parsed.names.pool, std::move(parsed.map)));
  ContainerOptions options{.isReadOnly = parsed.names.isReadOnly != 0,
                           .checksums = {type, parsed.names.checksumChunkSize},
                           .capability = std::move(parsed.capability)};
  co_return co_await Container::open(std::move(pool), parsed.names.container, std::move(options));
}

}  // namespace daos::client
