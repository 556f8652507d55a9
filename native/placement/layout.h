// Where an object's shards are: pool map + object id → targets.
//
// Invariant: a pure function; every client and engine with the same map computes the same layout.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/object_id.h"

namespace daos::placement {

struct TargetAddress {
  std::string transport;  // "tcp", "shm", "verbs", "local"
  std::string address;    // as the transport prints it
  bool operator==(const TargetAddress&) const = default;
};

// One target of a pool, as the pool map lists it.
struct PoolTarget {
  uint32_t rank = 0;
  uint32_t index = 0;  // within the rank
  bool isUp = true;
  std::vector<TargetAddress> addresses;
};

struct PoolMap {
  uint32_t version = 0;
  std::vector<PoolTarget> targets;  // ordered by (rank, index), never reordered
};

// The redundancy numbers of object classes without redundancy (S1 … SX).
inline constexpr uint8_t kRedundancyNone = 1;
inline constexpr uint16_t kGroupCountMax = 0xffff;  // "X": as many groups as there are targets

struct Layout {
  // Position in PoolMap::targets of each redundancy group's target.
  std::vector<uint32_t> groups;
};

// DER_INVAL for an unknown class, DER_NOSYS for one whose redundancy this version does not have,
// DER_NONEXIST for a map without targets.
Result<Layout> computeLayout(const PoolMap& map, ObjectId oid);
// The group that holds `dkey`: all akeys under one dkey are on one target.
uint32_t groupOfDkey(const Layout& layout, Bytes dkey);
// Jump consistent hash (Lamping and Veach, 2014): bucket of `key` among `bucketCount` > 0.
uint32_t jumpHash(uint64_t key, uint32_t bucketCount);

}  // namespace daos::placement
