// The dkeys of an object or the akeys of a dkey, ordered as the object's type says.
//
// hashed:  by a 64-bit hash, then by bytes.     lexical: by bytes, a shorter key before its
// continuations. uint64:  by value.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "vos/dkey_cache.h"
#include "vos/records.h"
#include "vos/tree.h"

namespace daos::vos {

// Part of the format: never changes.
inline uint64_t hashKey(Bytes key) {
  constexpr uint64_t kFirst = 0x9fb21c651e98df25ull;
  constexpr uint64_t kSecond = 0xd1342543de82ef95ull;
  const auto fold = [](uint64_t a, uint64_t b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  uint64_t hash = key.size() * kSecond ^ kFirst;
  const std::byte* at = key.data();
  size_t left = key.size();
  for (; left >= 8; left -= 8, at += 8) {
    hash = fold(hash ^ loadAs<uint64_t>(at), kFirst) + kSecond;
  }
  uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, at, left);  // an empty key may have no address
  hash = fold(hash ^ tail, kSecond);
  return fold(hash ^ hash >> 32, kFirst);
}

struct SearchKey {
  uint64_t prefix;
  Bytes bytes;

  SearchKey(KeyType type, Bytes key) : prefix(prefixFor(type, key)), bytes(key) {}
  SearchKey(uint64_t keyPrefix, Bytes key) : prefix(keyPrefix), bytes(key) {}
  static uint64_t prefixFor(KeyType type, Bytes key) {
    switch (type) {
      case KeyType::kHashed: return hashKey(key);
      case KeyType::kUint64: return key.size() == 8 ? loadAs<uint64_t>(key.data()) : 0;
      case KeyType::kLexical: break;
    }
    uint64_t first = 0;
    if (!key.empty()) std::memcpy(&first, key.data(), std::min<size_t>(key.size(), 8));
    return __builtin_bswap64(first);
  }
};

inline int compareBytes(Bytes left, Bytes right) {
  const int order = std::memcmp(left.data(), right.data(), std::min(left.size(), right.size()));
  if (order != 0) return order;
  return left.size() == right.size() ? 0 : left.size() < right.size() ? -1 : 1;
}

// The record of an item; null when it can't be one.
inline KeyRecord* keyRecordAt(const Arena& arena, uint64_t item) {
  const Offset offset = itemOffset(item);
  auto* record = arena.find<KeyRecord>(offset);
  return record && arena.holds(offset, sizeof(KeyRecord) + record->keySize()) ? record : nullptr;
}
inline Bytes keyOf(const KeyRecord& record) { return {record.key(), record.keySize()}; }

// The upper bits of a key's item say where what lies beneath the key was put when the key was made:
// 6 bits of distance in windows of 64 KiB, then the cache line within the window. It is fetched
// into the cache together with the key's record, which would otherwise come first. Only a hint: it
// stays when what was there goes.
struct NearbyHint {
  static constexpr unsigned kShift = 48, kWindowShift = 16, kLineShift = 6, kLineBits = 10;
  static constexpr int64_t kWindowMiddle = 32;

  // 0 without `there`, or when it is too far away.
  static uint64_t make(Offset record, Offset there) {
    const int64_t window = windowOf(there) - windowOf(record) + kWindowMiddle;
    if (there == 0 || window <= 0 || window >= 2 * kWindowMiddle) return 0;
    const uint64_t line = (there & ((uint64_t{1} << kWindowShift) - 1)) >> kLineShift;
    return (static_cast<uint64_t>(window) << kLineBits | line) << kShift;
  }
  // What it names; 0 where there is none. Not checked: may be read by nothing but a prefetch.
  static Offset lineOf(uint64_t item) {
    const uint64_t hint = item >> kShift;
    if (hint == 0) return 0;
    const int64_t window =
        windowOf(itemOffset(item)) + static_cast<int64_t>(hint >> kLineBits) - kWindowMiddle;
    const uint64_t line = hint & ((uint64_t{1} << kLineBits) - 1);
    return static_cast<uint64_t>(window) << kWindowShift | line << kLineShift;
  }

 private:
  static int64_t windowOf(Offset offset) { return static_cast<int64_t>(offset >> kWindowShift); }
};

// The record, and what stands beneath it, most likely; without waiting for them.
inline void prefetchKey(const Arena& arena, uint64_t item) {
  __builtin_prefetch(arena.base() + itemOffset(item));
  // A small value and its version take two lines.
  const std::byte* nearby = arena.base() + NearbyHint::lineOf(item);
  __builtin_prefetch(nearby);
  __builtin_prefetch(nearby + 64);
}

template <KeyType kType>
struct KeyPolicy {
  using Key = SearchKey;
  static constexpr bool kHasTies = kType != KeyType::kUint64;
  static uint64_t prefix(const SearchKey& key) { return key.prefix; }
  static uint64_t prefixOf(const Arena& arena, uint64_t item) {
    const KeyRecord* record = keyRecordAt(arena, item);
    return record ? SearchKey::prefixFor(kType, keyOf(*record)) : 0;
  }
  static void prefetch(const Arena& arena, uint64_t item) { prefetchKey(arena, item); }
  static int compare(const Arena& arena, uint64_t item, const SearchKey& key) {
    if constexpr (!kHasTies) return 0;
    const KeyRecord* record = keyRecordAt(arena, item);
    return record ? compareBytes(keyOf(*record), key.bytes) : -1;
  }
  static size_t separatorSize(const Arena& arena, uint64_t item) {
    const KeyRecord* record = keyRecordAt(arena, item);
    return record ? record->keySize() : 0;
  }
  static void writeSeparator(const Arena& arena, uint64_t item, std::byte* to) {
    const KeyRecord* record = keyRecordAt(arena, item);
    if (record) std::memcpy(to, record->key(), record->keySize());
  }
  static int compareSeparator(const std::byte* from, size_t size, const SearchKey& key) {
    return compareBytes({from, size}, key.bytes);
  }
};

// What DkeyCache calls a dkey of the tree at `root`.
inline uint64_t dkeyName(const Arena& arena, const uint64_t& root, uint64_t hash) {
  return DkeyCache::nameOf(arena.offsetOf(&root), hash);
}
inline uint64_t dkeyName(const Arena& arena, const uint64_t& root, const KeyRecord& dkey) {
  return dkeyName(arena, root, hashKey(keyOf(dkey)));
}

// For who goes from key to key: the records of a leaf are asked for when it is entered, and with
// them the leaf after it.
inline void prefetchKeysAhead(const Arena& arena, const TreePath& path) {
  if (path.depth == 0) return;
  const TreePath::Step& leaf = path.steps[path.depth - 1];
  if (leaf.position != 0) return;
  for (unsigned i = 1; i < leaf.node->count(); ++i) prefetchKey(arena, leaf.node->wordAt(i));
  if (path.depth == 1) return;
  const TreePath::Step& parent = path.steps[path.depth - 2];
  if (parent.position + 1 >= parent.node->count()) return;
  prefetchNode(arena, itemOffset(parent.node->wordAt(parent.position + 1)));
}

// The three orders behind one face.
struct KeyTree {
  static void seek(KeyType type, const Arena& arena, uint64_t* root, const SearchKey& key,
                   TreePath& path) {
    switch (type) {
      case KeyType::kHashed: return Tree<KeyPolicy<KeyType::kHashed>>::seek(arena, root, key, path);
      case KeyType::kLexical:
        return Tree<KeyPolicy<KeyType::kLexical>>::seek(arena, root, key, path);
      case KeyType::kUint64: return Tree<KeyPolicy<KeyType::kUint64>>::seek(arena, root, key, path);
    }
  }
  static bool insert(KeyType type, Arena& arena, TreePath& path, const SearchKey& key,
                     uint64_t item, int64_t* usedBytes) {
    switch (type) {
      case KeyType::kHashed:
        return Tree<KeyPolicy<KeyType::kHashed>>::insert(arena, path, key, item, usedBytes);
      case KeyType::kLexical:
        return Tree<KeyPolicy<KeyType::kLexical>>::insert(arena, path, key, item, usedBytes);
      case KeyType::kUint64:
        return Tree<KeyPolicy<KeyType::kUint64>>::insert(arena, path, key, item, usedBytes);
    }
    return false;
  }
};

}  // namespace daos::vos
