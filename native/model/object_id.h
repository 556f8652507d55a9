// The identity of an object: 128 bits, of which the top 32 of `high` carry type and class.
//
//   high: | type 8 | redundancy 8 | groups 16 | the user's 32 |      low: the user's 64
//
// The layout and the values are those of DAOS's public API.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "model/generated/object_types.h"

namespace daos {

struct ObjectId {
  uint64_t low = 0;
  uint64_t high = 0;

  auto operator<=>(const ObjectId&) const = default;

  // The type and class bits of `base` are replaced.
  static ObjectId make(ObjectId base, ObjectType type, uint8_t redundancy, uint16_t groupCount) {
    const uint64_t meta = static_cast<uint64_t>(type) << 56 |
                          static_cast<uint64_t>(redundancy) << 48 |
                          static_cast<uint64_t>(groupCount) << 32;
    return {base.low, meta | (base.high & 0xffffffffull)};
  }
  uint8_t typeBits() const { return static_cast<uint8_t>(high >> 56); }
  ObjectType type() const { return static_cast<ObjectType>(typeBits()); }
  uint8_t redundancy() const { return static_cast<uint8_t>(high >> 48); }
  uint16_t groupCount() const { return static_cast<uint16_t>(high >> 32); }
  KeyType dkeyType() const;
  KeyType akeyType() const;
  // "high.low" in decimal, as DAOS prints it.
  std::string toString() const;
  // DER_INVAL for type bits outside the table.
  Status validate() const;
};
static_assert(sizeof(ObjectId) == 16);

}  // namespace daos

template <>
struct std::hash<daos::ObjectId> {
  size_t operator()(const daos::ObjectId& oid) const noexcept {
    uint64_t x = oid.low ^ (oid.high * 0x9e3779b97f4a7c15ull);
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
    return x ^ (x >> 32);
  }
};
