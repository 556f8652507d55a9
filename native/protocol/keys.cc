#include "protocol/keys.h"

#include "base/generated/limits.h"

namespace daos::protocol {

static Error malformed(const char* what) {
  return Error(ErrorCode::kProto, std::string("malformed ") + what + " request");
}

void encode(WireWriter& writer, const PunchCall& call) {
  PunchHead head = call.head;
  head.dkeySize = static_cast<uint32_t>(call.dkey.size());
  head.akeyCount = static_cast<uint32_t>(call.akeys.size());
  writer.put(head);
  writer.putPadded(call.dkey);
  for (Bytes akey : call.akeys) {
    writer.put(static_cast<uint64_t>(akey.size()));
    writer.putPadded(akey);
  }
  if (!call.operation.isNone()) writer.put(call.operation);
}

static Status checkPunchLevel(const PunchCall& call) {
  switch (call.head.level) {
    case PunchLevel::kObject:
      return {};
    case PunchLevel::kDkey:
      return validateKey(call.dkey, call.head.oid.dkeyType(), "dkey");
    case PunchLevel::kAkeys:
      if (call.akeys.empty()) return invalid("a punch of akeys names no akey");
      for (Bytes akey : call.akeys) DAOS_CHECK(validateKey(akey, call.head.oid.akeyType(), "akey"));
      return validateKey(call.dkey, call.head.oid.dkeyType(), "dkey");
  }
  return malformed("punch");
}

Result<PunchCall> decodePunch(Bytes body) {
  WireReader reader(body);
  PunchCall call{.head = reader.get<PunchHead>()};
  call.dkey = reader.getPadded(call.head.dkeySize);
  if (call.head.akeyCount > kAkeyCountMax) return malformed("punch");
  for (uint32_t i = 0; i < call.head.akeyCount; ++i) {
    call.akeys.push_back(reader.getPadded(reader.get<uint64_t>()));
  }
  if (!reader.atEnd()) call.operation = reader.get<OperationId>();
  if (!reader.atEnd()) return malformed("punch");
  DAOS_CHECK(call.head.oid.validate());
  DAOS_CHECK(checkPunchLevel(call));
  return call;
}

void encode(WireWriter& writer, const EnumerateCall& call) {
  EnumerateHead head = call.head;
  head.dkeySize = static_cast<uint32_t>(call.dkey.size());
  head.akeySize = static_cast<uint32_t>(call.akey.size());
  writer.put(head);
  writer.putPadded(call.dkey);
  writer.putPadded(call.akey);
  if (!call.changed.isNone()) writer.put(call.changed);
}

Result<EnumerateCall> decodeEnumerate(Bytes body) {
  WireReader reader(body);
  EnumerateCall call{.head = reader.get<EnumerateHead>()};
  call.dkey = reader.getPadded(call.head.dkeySize);
  call.akey = reader.getPadded(call.head.akeySize);
  if (!reader.atEnd()) {
    call.changed = reader.get<ChangedEpochs>();
    if (call.changed.isNone()) return malformed("enumeration");
  }
  if (!reader.atEnd()) return malformed("enumeration");
  const EnumerateHead& head = call.head;
  if (head.level > EnumerateLevel::kExtents) return malformed("enumeration");
  if (head.countMax == 0 || head.sizeMax == 0) return invalid("an enumeration asks for no entries");
  if (head.sizeMax > kEnumerateSizeMax) {
    return Error(ErrorCode::kOverflow, "an enumeration of " + std::to_string(head.sizeMax) +
                                           " bytes is over the limit of " +
                                           std::to_string(kEnumerateSizeMax));
  }
  if (head.level != EnumerateLevel::kObjects) DAOS_CHECK(head.oid.validate());
  if (head.level >= EnumerateLevel::kAkeys) {
    DAOS_CHECK(validateKey(call.dkey, head.oid.dkeyType(), "dkey"));
  }
  if (head.level == EnumerateLevel::kExtents) {
    if (!call.changed.isNone()) return invalid("extents tell themselves when they were written");
    DAOS_CHECK(validateKey(call.akey, head.oid.akeyType(), "akey"));
  }
  return call;
}

void encode(WireWriter& writer, const QueryCall& call) {
  QueryHead head = call.head;
  head.dkeySize = static_cast<uint32_t>(call.dkey.size());
  head.akeySize = static_cast<uint32_t>(call.akey.size());
  writer.put(head);
  writer.putPadded(call.dkey);
  writer.putPadded(call.akey);
}

Result<QueryCall> decodeQuery(Bytes body) {
  WireReader reader(body);
  QueryCall call{.head = reader.get<QueryHead>()};
  call.dkey = reader.getPadded(call.head.dkeySize);
  call.akey = reader.getPadded(call.head.akeySize);
  if (!reader.atEnd()) return malformed("query");
  DAOS_CHECK(call.head.oid.validate());
  return call;
}

}  // namespace daos::protocol
