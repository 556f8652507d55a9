#include "protocol/io.h"

#include "base/generated/limits.h"

namespace daos::protocol {

void encode(WireWriter& writer, const IoCall& call) {
  IoHead head = call.head;
  head.akeyCount = static_cast<uint32_t>(call.akeys.size());
  head.dkeySize = static_cast<uint32_t>(call.dkey.size());
  writer.put(head);
  writer.putPadded(call.dkey);
  for (size_t i = 0; i < call.akeys.size(); ++i) {
    const IoDescriptor& akey = call.akeys[i];
    const AkeyChecksums checksums = call.checksums.empty() ? AkeyChecksums{} : call.checksums[i];
    writer.put(AkeyHead{.type = static_cast<uint8_t>(akey.type),
                        .checksumType = checksums.type,
                        .akeySize = static_cast<uint32_t>(akey.akey.size()),
                        .extentCount = static_cast<uint32_t>(akey.extents.size()),
                        .conditions = akey.conditions,
                        .recordSize = akey.recordSize,
                        .checksumChunkSize = checksums.chunkSize,
                        .checksumSize = static_cast<uint32_t>(checksums.values.size())});
    writer.putPadded(akey.akey);
    writer.putAll(akey.extents);
    writer.putPadded(checksums.values);
  }
  if (!call.operation.isNone()) writer.put(call.operation);
}

static Error malformed(const char* what) {
  return Error(ErrorCode::kProto, std::string("malformed object request: ") + what);
}

Status DecodedIo::decodeAkey(WireReader& reader, KeyType keyType) {
  const auto head = reader.get<AkeyHead>();
  const Bytes akey = reader.getPadded(head.akeySize);
  const auto extents = reader.getAll<Extent>(head.extentCount);
  const Bytes values = reader.getPadded(head.checksumSize);
  if (!reader.ok()) return malformed("an akey is cut short");
  extentCount_ += extents.size();
  if (extentCount_ > kExtentCountMax) {
    return Error(ErrorCode::kOverflow,
                 "more than " + std::to_string(kExtentCountMax) + " extents in one call");
  }
  akeys_.push_back({.akey = akey,
                    .type = static_cast<ValueType>(head.type),
                    .recordSize = head.recordSize,
                    .extents = extents,
                    .conditions = head.conditions});
  checksums_.push_back(
      {.type = head.checksumType, .chunkSize = head.checksumChunkSize, .values = values});
  return validate(akeys_.back(), keyType);
}

Status DecodedIo::decode(Bytes body) {
  akeys_.clear();
  checksums_.clear();
  extentCount_ = 0;
  WireReader reader(body);
  head_ = reader.get<IoHead>();
  dkey_ = reader.getPadded(head_.dkeySize);
  if (!reader.ok()) return malformed("its head is cut short");
  if (head_.flags & ~kIoFlagMask) return malformed("it has unknown flags");
  if (head_.akeyCount == 0) return invalid("an update or fetch names no akey");
  if (head_.akeyCount > kAkeyCountMax) {
    return Error(ErrorCode::kOverflow, std::to_string(head_.akeyCount) +
                                           " akeys are over the limit of " +
                                           std::to_string(kAkeyCountMax));
  }
  DAOS_CHECK(head_.oid.validate());
  DAOS_CHECK(validateKey(dkey_, head_.oid.dkeyType(), "dkey"));
  const KeyType akeyType = head_.oid.akeyType();
  for (uint32_t i = 0; i < head_.akeyCount; ++i) DAOS_CHECK(decodeAkey(reader, akeyType));
  operation_ = reader.atEnd() ? OperationId{} : reader.get<OperationId>();
  if (!reader.atEnd()) return malformed("bytes are left over");
  return {};
}

}  // namespace daos::protocol
