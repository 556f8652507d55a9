#include "model/io.h"

#include <string>

#include "base/generated/limits.h"

namespace daos {

Status validateKey(Bytes key, KeyType keyType, const char* level) {
  if (key.empty()) return invalid(std::string(level) + " is empty; a key is 1 byte or more");
  if (keyType == KeyType::kUint64 && key.size() != 8) {
    return invalid(std::string(level) + " of an integer-keyed object is 8 bytes, not " +
                   std::to_string(key.size()));
  }
  if (key.size() > kKeySizeMax) {
    return Error(ErrorCode::kKey2big, std::string(level) + " of " + std::to_string(key.size()) +
                                          " bytes is over the limit of " +
                                          std::to_string(kKeySizeMax));
  }
  return {};
}

static Status validateExtents(const IoDescriptor& descriptor) {
  if (descriptor.extents.empty()) return invalid("an array descriptor names no extent");
  if (descriptor.extents.size() > kExtentCountMax) {
    return Error(ErrorCode::kOverflow, std::to_string(descriptor.extents.size()) +
                                           " extents are over the limit of " +
                                           std::to_string(kExtentCountMax));
  }
  uint64_t size = 0;
  for (const Extent& extent : descriptor.extents) {
    if (extent.count == 0) return invalid("an extent has no records");
    if (extent.index >= kExtentEndMax || extent.count > kExtentEndMax - extent.index) {
      return Error(ErrorCode::kOverflow, "extent [" + std::to_string(extent.index) + ", +" +
                                             std::to_string(extent.count) + ") ends over 2^63");
    }
    if (descriptor.recordSize == 0) continue;  // a punch or a size query carries no data
    if (extent.count > (kTransferSizeMax - size) / descriptor.recordSize) {
      return Error(ErrorCode::kOverflow,
                   "more than " + std::to_string(kTransferSizeMax) + " bytes in one call");
    }
    size += extent.count * descriptor.recordSize;
  }
  return {};
}

Status validate(const IoDescriptor& descriptor, KeyType keyType) {
  DAOS_CHECK(validateKey(descriptor.akey, keyType, "akey"));
  switch (descriptor.type) {
    case ValueType::kSingle:
      if (descriptor.recordSize > kSingleValueSizeMax) {
        return Error(ErrorCode::kRec2big,
                     "a single value of " + std::to_string(descriptor.recordSize) +
                         " bytes is over the limit of " + std::to_string(kSingleValueSizeMax));
      }
      return {};
    case ValueType::kArray:
      if (descriptor.recordSize > kRecordSizeMax) {
        return Error(ErrorCode::kRec2big, "records of " + std::to_string(descriptor.recordSize) +
                                              " bytes are over the limit of " +
                                              std::to_string(kRecordSizeMax));
      }
      return validateExtents(descriptor);
  }
  return invalid("unknown value type " + std::to_string(static_cast<int>(descriptor.type)));
}

}  // namespace daos
