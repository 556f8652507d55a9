#include "model/object_id.h"

namespace daos {

namespace {

// Type bits outside the table count as hashed; validate() refuses such an id.
const ObjectTypeInfo& infoOf(uint8_t typeBits) {
  return kObjectTypeInfos[typeBits <= kObjectTypeMax ? typeBits : 0];
}

}  // namespace

KeyType ObjectId::dkeyType() const { return infoOf(typeBits()).dkey; }

KeyType ObjectId::akeyType() const { return infoOf(typeBits()).akey; }

std::string ObjectId::toString() const { return std::to_string(high) + "." + std::to_string(low); }

Status ObjectId::validate() const {
  if (typeBits() <= kObjectTypeMax) return {};
  return invalid("object " + toString() + " has unknown type " + std::to_string(typeBits()));
}

}  // namespace daos
