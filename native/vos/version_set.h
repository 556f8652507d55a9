// The versions of one thing, ordered by stamp: of a single value, of one extent, of the punches of
// a key.
//
// Invariant: stamps are unique within a set.
#pragma once

#include "vos/records.h"
#include "vos/tree.h"

namespace daos::vos {

// The order of writes: epoch, then minor.
struct Stamp {
  Epoch epoch = 0;
  uint16_t minor = 0;
  auto operator<=>(const Stamp&) const = default;
};
inline constexpr Stamp kStampMax{kEpochMax, 0xffff};
inline Stamp stampOf(const VersionRecord& version) { return {version.epoch, version.minor}; }

struct VersionPolicy {
  using Key = Stamp;
  static constexpr bool kHasTies = true;
  static uint64_t prefix(const Stamp& stamp) { return stamp.epoch; }
  static uint64_t prefixOf(const Arena& arena, uint64_t item) {
    const auto* version = arena.find<VersionRecord>(itemOffset(item));
    return version ? version->epoch : 0;
  }
  static uint16_t minorOf(const Arena& arena, uint64_t item) {
    const auto* version = arena.find<VersionRecord>(itemOffset(item));
    return version ? version->minor : 0;
  }
  static int compare(const Arena& arena, uint64_t item, const Stamp& stamp) {
    return static_cast<int>(minorOf(arena, item)) - stamp.minor;
  }
  static size_t separatorSize(const Arena&, uint64_t) { return 8; }
  static void writeSeparator(const Arena& arena, uint64_t item, std::byte* to) {
    storeAs<uint64_t>(to, minorOf(arena, item));
  }
  static int compareSeparator(const std::byte* from, size_t size, const Stamp& stamp) {
    return size < 8 ? 0 : static_cast<int>(loadAs<uint16_t>(from)) - stamp.minor;
  }
};
using VersionTree = Tree<VersionPolicy>;

// The version at the path's position; null when damaged or at no item.
inline VersionRecord* versionAt(const Arena& arena, TreePath& path) {
  return arena.find<VersionRecord>(itemOffset(path.item()));
}

}  // namespace daos::vos
