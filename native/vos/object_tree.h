// The objects of a container, ordered by the low half of their id, then by the high one.
#pragma once

#include "vos/records.h"
#include "vos/tree.h"

namespace daos::vos {

inline ObjectRecord* objectRecordAt(const Arena& arena, uint64_t item) {
  auto* record = arena.find<ObjectRecord>(itemOffset(item));
  return record && record->kind == RecordKind::kObject ? record : nullptr;
}

struct ObjectPolicy {
  using Key = ObjectId;
  static constexpr bool kHasTies = true;
  static uint64_t prefix(const ObjectId& oid) { return oid.low; }
  static uint64_t prefixOf(const Arena& arena, uint64_t item) {
    const ObjectRecord* record = objectRecordAt(arena, item);
    return record ? record->oid.low : 0;
  }
  static uint64_t highOf(const Arena& arena, uint64_t item) {
    const ObjectRecord* record = objectRecordAt(arena, item);
    return record ? record->oid.high : 0;
  }
  static int order(uint64_t left, uint64_t right) {
    return left == right ? 0 : left < right ? -1 : 1;
  }
  static int compare(const Arena& arena, uint64_t item, const ObjectId& oid) {
    return order(highOf(arena, item), oid.high);
  }
  static size_t separatorSize(const Arena&, uint64_t) { return 8; }
  static void writeSeparator(const Arena& arena, uint64_t item, std::byte* to) {
    storeAs<uint64_t>(to, highOf(arena, item));
  }
  static int compareSeparator(const std::byte* from, size_t size, const ObjectId& oid) {
    return size < 8 ? 0 : order(loadAs<uint64_t>(from), oid.high);
  }
};
using ObjectTree = Tree<ObjectPolicy>;

}  // namespace daos::vos
