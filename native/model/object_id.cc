#include "model/object_id.h"

namespace daos {

KeyType ObjectId::dkeyType() const {
  switch (type()) {
    case ObjectType::kDkeyUint64:
    case ObjectType::kMultiUint64:
    case ObjectType::kKvUint64:
    case ObjectType::kArray:
    case ObjectType::kArrayAttributes:
    case ObjectType::kArrayByte:
      return KeyType::kUint64;
    case ObjectType::kDkeyLexical:
    case ObjectType::kMultiLexical:
    case ObjectType::kKvLexical:
      return KeyType::kLexical;
    default:
      return KeyType::kHashed;
  }
}

KeyType ObjectId::akeyType() const {
  switch (type()) {
    case ObjectType::kAkeyUint64:
    case ObjectType::kMultiUint64:
      return KeyType::kUint64;
    case ObjectType::kAkeyLexical:
    case ObjectType::kMultiLexical:
      return KeyType::kLexical;
    default:
      return KeyType::kHashed;
  }
}

std::string ObjectId::toString() const { return std::to_string(high) + "." + std::to_string(low); }

Status ObjectId::validate() const {
  if (typeBits() <= kObjectTypeMax) return {};
  return invalid("object " + toString() + " has unknown type " + std::to_string(typeBits()));
}

}  // namespace daos
