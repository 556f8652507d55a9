// The node of every tree in the arena: sorted by a 64-bit prefix, changed by one 8-byte store.
//
// A node has 3, 7 or 15 slots of (prefix, word). `permutation` says in which order the used slots
// stand: four bits of count, then a slot number for each position; positions from count on name the
// free slots. To insert is to fill a free slot and to store the permutation, so that a transaction
// remembers 8 bytes, not a node.
//
// Words: in a leaf an item, whose meaning is the tree's; in an inner node a child (see below).
// Invariant: numbers of all positions below capacity are a permutation of the slots.
// Format:    docs/format/vos_tree.md, version 1.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vos/arena.h"

namespace daos::vos {

inline constexpr uint8_t kTreeNodeKind = 0x54;
inline constexpr unsigned kSlotCountMax = 15;
inline constexpr unsigned kTreeDepthMax = 24;

// Slots in order, the first in the low bits: 0, 1, 2 …; count 0.
inline constexpr uint64_t kPermutationEmpty = 0xedcba98765432100ull << 0;

struct TreeNode {
  uint64_t permutation;
  uint8_t kind;      // kTreeNodeKind
  uint8_t capacity;  // 3, 7 or 15
  uint8_t level;     // 0: leaf
  uint8_t zero[5];
  // uint64_t prefixes[capacity], words[capacity]

  static constexpr size_t sizeFor(unsigned capacity) { return 16 + size_t{capacity} * 16; }

  unsigned count() const { return static_cast<unsigned>(permutation & 15); }
  // The slot at `position`; within the node whatever the permutation holds.
  unsigned slotAt(unsigned position) const {
    const auto slot = static_cast<unsigned>(permutation >> 4 >> (4 * position & 63) & 15);
    return slot < capacity ? slot : 0;
  }
  uint64_t* prefixes() { return reinterpret_cast<uint64_t*>(this + 1); }
  const uint64_t* prefixes() const { return reinterpret_cast<const uint64_t*>(this + 1); }
  uint64_t* words() { return prefixes() + capacity; }
  const uint64_t* words() const { return prefixes() + capacity; }
  uint64_t prefixAt(unsigned position) const { return prefixes()[slotAt(position)]; }
  uint64_t& wordAt(unsigned position) { return words()[slotAt(position)]; }
  uint64_t wordAt(unsigned position) const { return words()[slotAt(position)]; }
  bool isFull() const { return count() >= capacity; }
};
static_assert(sizeof(TreeNode) == 16);
static_assert(TreeNode::sizeFor(3) == 64 && TreeNode::sizeFor(15) == 256);

// The node at `offset`, or null when there can't be one: offsets come from a disk. What a larger
// node would have behind the last block is within Heap::kReadableBehind.
inline TreeNode* treeNodeAt(const Arena& arena, Offset offset) {
  if (!arena.holds(offset, TreeNode::sizeFor(3)) || offset % 16 != 0) return nullptr;
  auto* node = arena.at<TreeNode>(offset);
  constexpr unsigned kCapacities = 1u << 3 | 1u << 7 | 1u << 15;
  const bool isSound = node->kind == kTreeNodeKind && node->capacity <= kSlotCountMax &&
                       (kCapacities >> node->capacity & 1) != 0 && node->count() <= node->capacity;
  return isSound ? node : nullptr;
}

// The same of a node that is not a root, at the level it must be at: all of these have the full
// size.
inline TreeNode* childNodeAt(const Arena& arena, Offset offset, unsigned level) {
  if (!arena.holds(offset, TreeNode::sizeFor(kSlotCountMax)) || offset % 16 != 0) return nullptr;
  auto* node = arena.at<TreeNode>(offset);
  static_assert(offsetof(TreeNode, kind) == 8 && offsetof(TreeNode, level) == 10);
  // Kind, capacity and level at once.
  const auto head = loadAs<uint32_t>(arena.at<std::byte>(offset + offsetof(TreeNode, kind)));
  return (head & 0xffffff) == (kTreeNodeKind | kSlotCountMax << 8 | level << 16) ? node : nullptr;
}

// A fresh node without entries; null when there is no space.
TreeNode* makeTreeNode(Arena& arena, unsigned capacity, unsigned level);

// Into a node with a free slot, at `position` of the order.
void insertEntry(Arena& arena, TreeNode& node, unsigned position, uint64_t prefix, uint64_t word);
void removeEntry(Arena& arena, TreeNode& node, unsigned position);
// Appends entries [from, count) of `node` to the fresh node `to`.
void copyEntries(const TreeNode& node, unsigned from, TreeNode& to);
// Drops entries [count, …).
void truncateEntries(Arena& arena, TreeNode& node, unsigned count);

}  // namespace daos::vos
