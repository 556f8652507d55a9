// Ordered trees over the arena: B+trees of TreeNodes, generic over what their items are and how
// they compare.
//
// A root is one word in the arena: 0 (empty), an item with bit 0 set (just one, without a node), or
// the offset of a node. Items are words with bit 0 clear: an offset, with what the policy puts into
// the upper 16 bits. Items are ordered by a 64-bit prefix; where prefixes are equal the policy
// compares by looking at the item. A child's word in an inner node is its offset, or, with bit 1
// set, a separator block: {child, key}, needed only where the prefix alone does not separate two
// children.
//
// Invariant: the separator of entry i > 0 is <= every key under it and > every key before it; that
//            of entry 0 is never looked at.
// Damage: what does not look like a node ends a search with `damaged`; nothing is read outside of
//         the arena.
// Format: docs/format/vos_tree.md, version 1.
#pragma once

#include <array>
#include <cstring>

#include "base/result.h"
#include "vos/node_search.h"

namespace daos::vos {

inline constexpr uint64_t kItemOffsetMask = (uint64_t{1} << 48) - 16;
inline constexpr uint64_t kDirectItem = 1;
inline constexpr uint64_t kSeparatedChild = 2;

inline Offset itemOffset(uint64_t item) { return item & kItemOffsetMask; }

// The way from a root to a position between or on items.
struct TreePath {
  struct Step {
    TreeNode* node;
    unsigned position;
  };
  uint64_t* root = nullptr;
  unsigned depth = 0;          // nodes on the way; 0 for an empty tree or a direct item
  bool isFound = false;        // the position is an item with exactly the key sought
  bool isDamaged = false;
  unsigned directPosition = 0;  // direct item: 0 on it, 1 behind it
  Step steps[kTreeDepthMax];

  // The word at the position, or null behind the last item.
  uint64_t* slot() {
    if (depth > 0) {
      Step& leaf = steps[depth - 1];
      return leaf.position < leaf.node->count() ? &leaf.node->wordAt(leaf.position) : nullptr;
    }
    return root && (*root & kDirectItem) != 0 && directPosition == 0 ? root : nullptr;
  }
  uint64_t item() {
    const uint64_t* word = slot();
    return word ? *word & ~kDirectItem : 0;
  }
};

// What is the same for all policies: moving along, and taking entries out.

// To the next or previous item; false at the end (the path then is at no item). `path` is at an
// item, or behind the last one of a leaf.
bool nextItem(const Arena& arena, TreePath& path);
bool previousItem(const Arena& arena, TreePath& path);
// To the first or the last item.
void seekFirst(const Arena& arena, uint64_t* root, TreePath& path);
void seekLast(const Arena& arena, uint64_t* root, TreePath& path);
// Makes a path that stands behind the last item of a leaf stand on the next item, if there is one.
inline bool settle(const Arena& arena, TreePath& path) {
  if (path.isDamaged) return false;
  return path.slot() != nullptr || nextItem(arena, path);
}
// Takes the item at the position out and frees nodes that become empty; the path is void
// afterwards. `freedBytes` is increased by the blocks given back.
void removeItem(Arena& arena, TreePath& path, int64_t* usedBytes);
// The child at `position` of an inner node; 0 when damaged.
inline Offset childAt(const Arena& arena, const TreeNode& node, unsigned position) {
  const uint64_t word = node.wordAt(position);
  if ((word & kSeparatedChild) == 0) return itemOffset(word);
  const Offset* child = arena.find<Offset>(itemOffset(word));
  return child ? *child : 0;
}
// A separator for the parent: a prefix and, where `word` is tagged, the block with the key.
struct Separator {
  uint64_t prefix;
  uint64_t word;  // 0: the prefix is enough; else a separator block whose child is still to be set
};
// Puts the new right neighbour of the path's node at `level` into its parent; splits upwards as
// needed.
bool insertChild(Arena& arena, TreePath& path, unsigned level, Separator separator, TreeNode* right,
                 int64_t* usedBytes);
// Makes room for one more item in the path's leaf, that neither needs a split nor has a root above.
bool growLeaf(Arena& arena, TreePath& path, int64_t* usedBytes);

inline Error damagedTree() { return Error(ErrorCode::kDfInval, "a tree of the store is damaged"); }

// A node of full size, before it is looked at.
inline void prefetchNode(const Arena& arena, Offset offset) {
  const std::byte* line = arena.base() + (offset & kItemOffsetMask);
  __builtin_prefetch(line);
  __builtin_prefetch(line + 64);
  __builtin_prefetch(line + 128);
  __builtin_prefetch(line + 192);
}

// Policy: using Key; static uint64_t prefix(const Key&); static uint64_t prefixOf(const Arena&,
//         item);
// static int compare(const Arena&, item, const Key&), for equal prefixes: < 0 when the item comes
// before; static void prefetch(const Arena&, item), where something is to be had by it before the
// comparison; static constexpr bool kHasTies; and, where it has, for separator blocks:
// static size_t separatorSize(const Arena&, item); static void writeSeparator(const Arena&, item,
// std::byte*); static int compareSeparator(const std::byte*, size_t, const Key&).
template <typename Policy>
class Tree {
 public:
  using Key = typename Policy::Key;

  // The first item >= key; isFound when equal. Behind the last item of its leaf where that is the
  // place: settle().
  static void seek(const Arena& arena, uint64_t* root, const Key& key, TreePath& path) {
    path.root = root;
    path.depth = 0;
    path.isFound = path.isDamaged = false;
    const uint64_t word = *root;
    if (word == 0) return;
    const uint64_t prefix = Policy::prefix(key);
    if ((word & kDirectItem) != 0) return seekDirect(arena, word & ~kDirectItem, prefix, key, path);
    TreeNode* node = treeNodeAt(arena, word);
    if (node && node->level >= kTreeDepthMax) node = nullptr;
    unsigned level = node ? node->level : 0;
    while (node && level > 0) {
      const unsigned position = childPosition(arena, *node, prefix, key);
      path.steps[path.depth++] = {node, position};
      const Offset child = childAt(arena, *node, position);
      prefetchNode(arena, child);
      node = childNodeAt(arena, child, --level);
    }
    if (!node) {
      path.isDamaged = true;
      return;
    }
    seekLeaf(arena, *node, prefix, key, path);
  }
  // The last item <= key; false when there is none.
  static bool seekAtMost(const Arena& arena, uint64_t* root, const Key& key, TreePath& path) {
    seek(arena, root, key, path);
    if (path.isDamaged) return false;
    return path.isFound || previousItem(arena, path);
  }
  // Puts `item` before the position of `path`, which seek(key) gave with !isFound. False without
  // space, or when the arena notes damage: abort.
  static bool insert(Arena& arena, TreePath& path, const Key& key, uint64_t item,
                     int64_t* usedBytes) {
    if (*path.root == 0) {
      arena.modify(*path.root) = item | kDirectItem;
      return true;
    }
    if (path.depth == 0) return insertSecond(arena, path, key, item, usedBytes);
    TreePath::Step& leaf = path.steps[path.depth - 1];
    if (leaf.node->isFull()) {
      if (leaf.node->capacity < kSlotCountMax) {
        if (!growLeaf(arena, path, usedBytes)) return false;
      } else {
        return splitLeaf(arena, path, key, item, usedBytes);
      }
    }
    insertEntry(arena, *leaf.node, leaf.position, Policy::prefix(key), item);
    return true;
  }

 private:
  static int compareItem(const Arena& arena, uint64_t itemPrefix, uint64_t item, uint64_t prefix,
                         const Key& key) {
    if (itemPrefix != prefix) return itemPrefix < prefix ? -1 : 1;
    return Policy::compare(arena, item, key);
  }
  static void seekDirect(const Arena& arena, uint64_t item, uint64_t prefix, const Key& key,
                         TreePath& path) {
    const int order = compareItem(arena, Policy::prefixOf(arena, item), item, prefix, key);
    path.isFound = order == 0;
    path.directPosition = order < 0 ? 1 : 0;
  }
  static void seekLeaf(const Arena& arena, TreeNode& node, uint64_t prefix, const Key& key,
                       TreePath& path) {
    unsigned low = countBelow(node, prefix);
    unsigned high = endOfEqual(node, low, prefix);
    while (low < high) {
      const unsigned middle = (low + high) / 2;
      const uint64_t item = node.wordAt(middle);
      if constexpr (requires { Policy::prefetch(arena, item); }) Policy::prefetch(arena, item);
      const int order = Policy::compare(arena, item, key);
      if (order == 0) {
        path.isFound = true;
        low = middle;
        break;
      }
      order < 0 ? low = middle + 1 : high = middle;
    }
    path.steps[path.depth++] = {&node, low};
  }
  // The last entry whose separator is <= key; entry 0 counts as -infinity.
  static unsigned childPosition(const Arena& arena, const TreeNode& node, uint64_t prefix,
                                const Key& key) {
    unsigned low = countBelowBehindFirst(node, prefix);
    if (low + 1 >= node.count() || node.prefixAt(low + 1) != prefix) return low;
    unsigned high = endOfEqual(node, low + 1, prefix) - 1;
    if constexpr (!Policy::kHasTies) return high;
    while (low < high) {
      const unsigned middle = (low + high + 1) / 2;
      isSeparatorAtMost(arena, node.wordAt(middle), key) ? low = middle : high = middle - 1;
    }
    return low;
  }
  static bool isSeparatorAtMost(const Arena& arena, uint64_t word, const Key& key) {
    if ((word & kSeparatedChild) == 0) return true;
    const Offset block = itemOffset(word);
    const auto* head = arena.find<std::array<uint64_t, 2>>(block);
    if (!head) return true;
    const uint64_t size = (*head)[1];
    if (!arena.holds(block + 16, size)) return true;
    return Policy::compareSeparator(arena.at<std::byte>(block) + 16, size, key) <= 0;
  }
  static bool insertSecond(Arena& arena, TreePath& path, const Key& key, uint64_t item,
                           int64_t* usedBytes) {
    TreeNode* leaf = makeTreeNode(arena, 3, 0);
    if (!leaf) return false;
    *usedBytes += static_cast<int64_t>(TreeNode::sizeFor(3));
    const uint64_t present = *path.root & ~kDirectItem;
    const uint64_t presentPrefix = Policy::prefixOf(arena, present);
    const unsigned mine = path.directPosition;
    leaf->prefixes()[1 - mine] = presentPrefix;
    leaf->words()[1 - mine] = present;
    leaf->prefixes()[mine] = Policy::prefix(key);
    leaf->words()[mine] = item;
    leaf->permutation = kPermutationEmpty | 2;
    arena.modify(*path.root) = arena.offsetOf(leaf);
    return true;
  }
  // What separates an item and everything after it from `before`.
  static bool makeSeparator(Arena& arena, uint64_t prefixBefore, uint64_t prefixAfter,
                            uint64_t itemAfter, Separator* separator, int64_t* usedBytes) {
    *separator = {prefixAfter, 0};
    if constexpr (Policy::kHasTies) {
      if (prefixBefore != prefixAfter) return true;
      const size_t size = Policy::separatorSize(arena, itemAfter);
      const Offset block = arena.allocate(16 + size);
      if (block == 0) return false;
      *usedBytes += static_cast<int64_t>(arena.blockSize(block));
      auto* bytes = arena.at<std::byte>(block);
      storeAs<uint64_t>(bytes, 0);
      storeAs<uint64_t>(bytes + 8, size);
      Policy::writeSeparator(arena, itemAfter, bytes + 16);
      separator->word = block | kSeparatedChild;
    }
    return true;
  }
  static bool isLast(const TreePath& path) {
    for (unsigned i = 0; i + 1 < path.depth; ++i) {
      if (path.steps[i].position + 1 < path.steps[i].node->count()) return false;
    }
    return true;
  }
  static bool splitLeaf(Arena& arena, TreePath& path, const Key& key, uint64_t item,
                        int64_t* usedBytes) {
    TreePath::Step& leaf = path.steps[path.depth - 1];
    const unsigned count = leaf.node->count();
    // Keys that come in order fill their nodes: the new one starts the next leaf.
    const bool isAppend = leaf.position == count && isLast(path);
    const unsigned kept = isAppend ? count : (count + 1) / 2;
    TreeNode* right = makeTreeNode(arena, kSlotCountMax, 0);
    if (!right) return false;
    *usedBytes += static_cast<int64_t>(TreeNode::sizeFor(kSlotCountMax));
    copyEntries(*leaf.node, kept, *right);
    const bool goesRight = leaf.position > kept || isAppend;
    if (goesRight) insertEntry(arena, *right, leaf.position - kept, Policy::prefix(key), item);
    const uint64_t lastBefore = leaf.node->prefixAt(kept - 1);
    Separator separator;
    const bool isMade =
        makeSeparator(arena, !goesRight && leaf.position == kept ? Policy::prefix(key) : lastBefore,
                      right->prefixAt(0), right->wordAt(0), &separator, usedBytes);
    if (!isMade) return false;
    if (!isAppend) truncateEntries(arena, *leaf.node, kept);
    if (!goesRight) insertEntry(arena, *leaf.node, leaf.position, Policy::prefix(key), item);
    return insertChild(arena, path, path.depth - 1, separator, right, usedBytes);
  }
};

}  // namespace daos::vos
