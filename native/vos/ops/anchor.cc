#include "vos/ops/anchor.h"

namespace daos::vos {

void storeKeyAnchor(Anchor& anchor, KeyType type, Bytes key) {
  KeyAnchor stored{};
  stored.prefix = SearchKey::prefixFor(type, key);
  stored.keySize = key.size();
  if (key.size() > KeyAnchor::kBytesMax) stored.hash = hashKey(key);
  std::memcpy(stored.bytes, key.data(), std::min(key.size(), KeyAnchor::kBytesMax));
  storeAnchor(anchor, stored);
}

namespace {

// Of a long key the anchor has only the beginning: looks for it among the keys that begin so.
// Without it (it was collected meanwhile) those keys are listed again.
void skipLongKey(const Arena& arena, const KeyAnchor& anchor, TreePath& path) {
  const Bytes beginning(anchor.bytes, KeyAnchor::kBytesMax);
  TreePath ahead = path;
  for (bool more = settle(arena, ahead); more; more = nextItem(arena, ahead)) {
    const KeyRecord* record = keyRecordAt(arena, ahead.item());
    if (!record || record->keySize() < beginning.size()) return;
    const Bytes key = keyOf(*record);
    if (compareBytes(key.first(beginning.size()), beginning) != 0) return;
    if (key.size() == anchor.keySize && hashKey(key) == anchor.hash) {
      nextItem(arena, ahead);
      path = ahead;
      return;
    }
  }
}

}  // namespace

Status seekAfter(const Arena& arena, uint64_t* root, KeyType type, const Anchor& anchor,
                 TreePath& path) {
  if (anchor.size == 0) {
    seekFirst(arena, root, path);
    return path.isDamaged ? Status(damagedTree()) : Status{};
  }
  KeyAnchor stored;
  DAOS_CHECK(loadAnchor(anchor, &stored));
  if (stored.keySize == 0) return invalid("the anchor belongs to another enumeration");
  const bool isLong = stored.keySize > KeyAnchor::kBytesMax;
  const Bytes bytes(stored.bytes, isLong ? KeyAnchor::kBytesMax : stored.keySize);
  KeyTree::seek(type, arena, root, SearchKey(stored.prefix, bytes), path);
  if (path.isDamaged) return damagedTree();
  if (isLong) {
    skipLongKey(arena, stored, path);
  } else if (path.isFound) {
    nextItem(arena, path);
  }
  return path.isDamaged ? Status(damagedTree()) : Status{};
}

}  // namespace daos::vos
