// What one update or fetch addresses: akeys under a dkey, each with a single value or extents.
//
// All ranges here are borrowed from the caller for the length of the call (for a Task: until it
// ends).
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/hybrid_clock.h"
#include "base/result.h"
#include "model/object_id.h"

namespace daos {

// A range of records of an array akey. Bit 63 of `index` is reserved.
struct Extent {
  uint64_t index = 0;
  uint64_t count = 0;
  uint64_t end() const { return index + count; }
  bool operator==(const Extent&) const = default;
};
static_assert(sizeof(Extent) == 16);
inline constexpr uint64_t kExtentEndMax = uint64_t{1} << 63;

enum class ValueType : uint8_t { kSingle = 1, kArray = 2 };

// Conditions, judged at the operation's epoch; as bits of one word on the wire.
enum Condition : uint32_t {
  kDkeyInsert = 1u << 0,  // the dkey must not exist     else DER_EXIST
  kDkeyUpdate = 1u << 1,  // the dkey must exist         else DER_NONEXIST
  kDkeyFetch = 1u << 2,
  kDkeyPunch = 1u << 3,
  kAkeyInsert = 1u << 4,  // holds for each akey of the call
  kAkeyUpdate = 1u << 5,
  kAkeyFetch = 1u << 6,
  kAkeyPunch = 1u << 7,
  kObjectPunch = 1u << 8,
  kPerAkey = 1u << 9,  // each akey's own conditions instead of the call's
};
using Conditions = uint32_t;

// Which modification of which client: by it a repetition is known. A client has slots, each for one
// modification after another; `number` says which slot, and how often it has been used.
struct OperationId {
  uint64_t client = 0;  // random
  uint64_t number = 0;  // slot << kSequenceBits | sequence from 1 on; 0: no id

  static constexpr unsigned kSequenceBits = 48;
  bool isNone() const { return number == 0; }
  uint64_t slot() const { return number >> kSequenceBits; }
  bool operator==(const OperationId&) const = default;
};
static_assert(sizeof(OperationId) == 16);

// One akey of an update or fetch.
struct IoDescriptor {
  Bytes akey;
  ValueType type = ValueType::kSingle;
  // Update: size of the value (kSingle) or of a record (kArray); 0 punches (kArray: the extents).
  // Fetch: of an array the record size expected, or 0 for any; of a single value without meaning.
  uint64_t recordSize = 0;
  std::span<const Extent> extents;  // kArray only
  Conditions conditions = 0;        // used with kPerAkey
};

// Bytes of data that `descriptor` carries in an update.
inline uint64_t dataSize(const IoDescriptor& descriptor) {
  if (descriptor.type == ValueType::kSingle) return descriptor.recordSize;
  uint64_t count = 0;
  for (const Extent& extent : descriptor.extents) count += extent.count;
  return count * descriptor.recordSize;
}

// Everything about a descriptor that needs no store: key size, counts, overflow, limits. The
// message names the field. `keyType` is the object's akey type (uint64 keys are exactly 8 bytes).
Status validate(const IoDescriptor& descriptor, KeyType keyType);
// A dkey or akey on its own; `level` ("dkey" or "akey") is named in the message.
Status validateKey(Bytes key, KeyType keyType, const char* level);

}  // namespace daos
