#include "engine/object/update_checksums.h"

#include <algorithm>

#include "base/planted.h"
#include "codec/checksum.h"

namespace daos::engine {

Result<vos::Checksums> checkedGeometry(const IoDescriptor& akey,
                                       const protocol::AkeyChecksums& from) {
  DAOS_TRY(const ChecksumType type, checksumTypeFrom(from.type));
  if (type == ChecksumType::kNone) return vos::Checksums{};
  const bool isArray = akey.type == ValueType::kArray;
  if (from.chunkSize == 0 || akey.recordSize == 0 ||
      (isArray && from.chunkSize % akey.recordSize)) {
    return invalid("a checksum covers no whole number of records");
  }
  const auto chunksOf = [&](uint64_t size) { return (size + from.chunkSize - 1) / from.chunkSize; };
  uint64_t count = isArray ? 0 : chunksOf(akey.recordSize);
  for (const Extent& extent : akey.extents) count += chunksOf(extent.count * akey.recordSize);
  if (from.values.size() != count * checksumSize(type)) {
    return invalid("the data has " + std::to_string(count) + " chunks; its checksums don't");
  }
  return vos::Checksums{.type = from.type,
                        .checksumSize = static_cast<uint16_t>(checksumSize(type)),
                        .chunkSize = from.chunkSize,
                        .bytes = from.values};
}

namespace {

// The chunks of one value or extent; `values` loses the checksums that were compared.
Status verifyPart(const protocol::AkeyChecksums& from, Bytes part, Bytes& values) {
  DAOS_TRY(const ChecksumType type, checksumTypeFrom(from.type));
  const size_t size = checksumSize(type);
  while (!part.empty()) {
    const Bytes chunk = part.first(std::min<size_t>(from.chunkSize, part.size()));
    if (!verifyChecksum(type, chunk, values.first(size)).ok()) {
      return Error(ErrorCode::kCsum, "the data of an update was damaged on its way");
    }
    part = part.subspan(chunk.size());
    values = values.subspan(size);
  }
  return {};
}

// `take(size)`: the bytes of the next value or extent.
template <typename Take>
Status verifyParts(const protocol::DecodedIo& io, Take take) {
  if (!(io.head().flags & protocol::kVerify) || isPlanted(Planted::kStoreDamaged)) return {};
  for (size_t i = 0; i < io.akeys().size(); ++i) {
    const IoDescriptor& akey = io.akeys()[i];
    const protocol::AkeyChecksums& from = io.checksums()[i];
    if (akey.recordSize == 0) continue;
    Bytes values = from.values;
    const auto verifyNext = [&](uint64_t size) -> Status {
      const Bytes part = take(size);
      return from.type == 0 ? Status{} : verifyPart(from, part, values);
    };
    if (akey.type == ValueType::kSingle) DAOS_CHECK(verifyNext(akey.recordSize));
    for (const Extent& extent : akey.extents) {
      DAOS_CHECK(verifyNext(extent.count * akey.recordSize));
    }
  }
  return {};
}

}  // namespace

Status verifyInline(const protocol::DecodedIo& io, Bytes data) {
  return verifyParts(io, [&](uint64_t size) {
    const Bytes part = data.first(size);
    data = data.subspan(size);
    return part;
  });
}

Status verifyPulled(const protocol::DecodedIo& io, std::span<const MutableBytes> buffers) {
  return verifyParts(io, [&](uint64_t) {
    const Bytes part = buffers.front();
    buffers = buffers.subspan(1);
    return part;
  });
}

}  // namespace daos::engine
