// What an Anchor holds: the name of the last entry that was taken.
//
// Bytes from a peer: every reader checks them. DER_INVAL when an anchor is none of this
// enumeration.
#pragma once

#include "vos/key_tree.h"
#include "vos/requests.h"
#include "vos/version_set.h"

namespace daos::vos {

template <typename T>
void storeAnchor(Anchor& anchor, const T& value) {
  static_assert(sizeof(T) <= Anchor::kSizeMax);
  anchor.size = sizeof(T);
  std::memcpy(anchor.bytes.data(), &value, sizeof(T));
}
template <typename T>
Status loadAnchor(const Anchor& anchor, T* value) {
  if (anchor.size != sizeof(T)) return invalid("the anchor belongs to another enumeration");
  std::memcpy(value, anchor.bytes.data(), sizeof(T));
  return {};
}

struct VersionAnchor {
  uint64_t index;
  uint64_t count;
  Epoch epoch;
  uint64_t minor;
};

// A key, or the beginning of a long one with its size and hash.
struct KeyAnchor {
  static constexpr size_t kBytesMax = 88;
  uint64_t prefix;
  uint64_t hash;
  uint64_t keySize;
  std::byte bytes[kBytesMax];
};
static_assert(sizeof(KeyAnchor) == Anchor::kSizeMax);

void storeKeyAnchor(Anchor& anchor, KeyType type, Bytes key);
// Puts `path` on the first key after the anchor, or at the first where it is at its beginning.
Status seekAfter(const Arena& arena, uint64_t* root, KeyType type, const Anchor& anchor,
                 TreePath& path);

}  // namespace daos::vos
