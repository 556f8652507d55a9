// The extents of an array akey.
//
// Extents are kept by class of length: class c holds extents of [2^c, 2^(c+1)) records, in a tree
// ordered by index and count. A range is looked up in each class that occurs, from one longest
// extent before its beginning: without any bounds kept in inner nodes, so that adding an extent
// changes one leaf. Writes of exactly the same extent share one place in the tree, as a set of
// versions: overwriting does not make lookups longer.
#pragma once

#include <bit>

#include "vos/records.h"
#include "vos/tree.h"

namespace daos::vos {

// Bit of an item: an ExtentSetRecord, not an ExtentRecord.
inline constexpr uint64_t kExtentSetItem = 4;

inline unsigned extentClassOf(uint64_t count) {
  return static_cast<unsigned>(std::bit_width(count)) - 1;
}
// The longest extent of a class.
inline uint64_t longestOf(unsigned extentClass) {
  return extentClass >= 63 ? ~uint64_t{0} : (uint64_t{2} << extentClass) - 1;
}

struct ExtentKey {
  uint64_t index;
  uint64_t count;
};

// Index and count stand at the same place in both records.
inline const ExtentKey* extentKeyAt(const Arena& arena, uint64_t item) {
  static_assert(offsetof(ExtentRecord, index) == offsetof(ExtentSetRecord, index));
  const auto* record = arena.find<ExtentRecord>(itemOffset(item));
  return record ? reinterpret_cast<const ExtentKey*>(&record->index) : nullptr;
}

// The root of an item's versions: its set's, or `*only`, which becomes one. Null when damaged.
inline uint64_t* extentVersionsAt(const Arena& arena, uint64_t item, uint64_t* only) {
  *only = itemOffset(item) | kDirectItem;
  if ((item & kExtentSetItem) == 0) return only;
  auto* set = arena.find<ExtentSetRecord>(itemOffset(item));
  return set ? &set->versions : nullptr;
}

// The extent that a version found at `key` is of; null when it is of none, or of another one.
inline ExtentRecord* extentOf(const Arena& arena, VersionRecord* version, const ExtentKey& key) {
  auto* record = arena.find<ExtentRecord>(arena.offsetOf(version));
  return record && record->index == key.index && record->count == key.count ? record : nullptr;
}

struct ExtentPolicy {
  using Key = ExtentKey;
  static constexpr bool kHasTies = true;
  static uint64_t prefix(const ExtentKey& key) { return key.index; }
  static uint64_t prefixOf(const Arena& arena, uint64_t item) {
    const ExtentKey* key = extentKeyAt(arena, item);
    return key ? key->index : 0;
  }
  static int order(uint64_t left, uint64_t right) {
    return left == right ? 0 : left < right ? -1 : 1;
  }
  static int compare(const Arena& arena, uint64_t item, const ExtentKey& key) {
    const ExtentKey* there = extentKeyAt(arena, item);
    return there ? order(there->count, key.count) : -1;
  }
  static size_t separatorSize(const Arena&, uint64_t) { return 8; }
  static void writeSeparator(const Arena& arena, uint64_t item, std::byte* to) {
    const ExtentKey* key = extentKeyAt(arena, item);
    storeAs<uint64_t>(to, key ? key->count : 0);
  }
  static int compareSeparator(const std::byte* from, size_t size, const ExtentKey& key) {
    return size < 8 ? 0 : order(loadAs<uint64_t>(from), key.count);
  }
};
using ExtentTree = Tree<ExtentPolicy>;

}  // namespace daos::vos
