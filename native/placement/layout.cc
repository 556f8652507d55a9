#include "placement/layout.h"

#include "model/object_class.h"

namespace daos::placement {

// The finaliser of splitmix64 (Steele, Lea and Flood, 2014).
static uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15ull;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
  return value ^ (value >> 31);
}

static uint64_t hashBytes(Bytes bytes) {
  uint64_t hash = mix(bytes.size());
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) hash = mix(hash ^ loadAs<uint64_t>(bytes.data() + at));
  uint64_t tail = 0;
  std::memcpy(&tail, bytes.data() + at, bytes.size() - at);
  return mix(hash ^ tail);
}

uint32_t jumpHash(uint64_t key, uint32_t bucketCount) {
  int64_t bucket = -1;
  int64_t next = 0;
  while (next < bucketCount) {
    bucket = next;
    key = key * 2862933555777941757ull + 1;
    next = static_cast<int64_t>(
        static_cast<double>(bucket + 1) *
        (static_cast<double>(1ll << 31) / static_cast<double>((key >> 33) + 1)));
  }
  return static_cast<uint32_t>(bucket);
}

static Status checkClass(const PoolMap& map, ObjectId oid) {
  DAOS_CHECK(oid.validate());
  if (map.targets.empty()) return Error(ErrorCode::kNonexist, "the pool map has no targets");
  if (oid.redundancy() == 0 || oid.groupCount() == 0) {
    return invalid("object " + oid.toString() + " has no object class; generate its id with one");
  }
  if (oid.redundancy() != kRedundancyNone) {
    const ObjectClass* found = findObjectClass(oid.redundancy(), oid.groupCount());
    const std::string name =
        found ? std::string(found->name) : "with redundancy " + std::to_string(oid.redundancy());
    return Error(ErrorCode::kNosys, "object " + oid.toString() + " is of class " + name +
                                        "; only S1 to SX are served");
  }
  return {};
}

// Groups take targets in turn from a start that the object's id decides, so that a wide object
// has each target once and narrow ones spread evenly.
Result<Layout> computeLayout(const PoolMap& map, ObjectId oid) {
  DAOS_CHECK(checkClass(map, oid));
  const auto targetCount = static_cast<uint32_t>(map.targets.size());
  const uint32_t wanted = oid.groupCount() == kGroupCountMax ? targetCount : oid.groupCount();
  if (wanted > targetCount) {
    return invalid("object " + oid.toString() + " wants " + std::to_string(wanted) +
                   " targets; the pool has " + std::to_string(targetCount));
  }
  const uint32_t start = jumpHash(mix(oid.low ^ mix(oid.high)), targetCount);
  Layout layout;
  layout.groups.reserve(wanted);
  for (uint32_t group = 0; group < wanted; ++group) {
    layout.groups.push_back((start + group) % targetCount);
  }
  return layout;
}

uint32_t groupOfDkey(const Layout& layout, Bytes dkey) {
  if (layout.groups.size() == 1) return 0;
  return static_cast<uint32_t>(hashBytes(dkey) % layout.groups.size());
}

}  // namespace daos::placement
