#include "vos/tree_node.h"

#include <cstring>

namespace daos::vos {

TreeNode* makeTreeNode(Arena& arena, unsigned capacity, unsigned level) {
  const Offset block = arena.allocate(TreeNode::sizeFor(capacity));
  if (block == 0) return nullptr;
  auto* node = arena.at<TreeNode>(block);
  std::memset(static_cast<void*>(node), 0, TreeNode::sizeFor(capacity));
  node->permutation = kPermutationEmpty;
  node->kind = kTreeNodeKind;
  node->capacity = static_cast<uint8_t>(capacity);
  node->level = static_cast<uint8_t>(level);
  return node;
}

void insertEntry(Arena& arena, TreeNode& node, unsigned position, uint64_t prefix, uint64_t word) {
  const unsigned count = node.count();
  if (count >= node.capacity || position > count) return arena.noteDamage();
  const unsigned slot = node.slotAt(count);
  arena.fill(&node.prefixes()[slot], sizeof prefix);
  arena.fill(&node.words()[slot], sizeof word);
  node.prefixes()[slot] = prefix;
  node.words()[slot] = word;
  // Positions [position, count) move up by one; the number at `count` comes to `position`.
  const uint64_t order = node.permutation >> 4;
  const uint64_t below = order & ((uint64_t{1} << (4 * position)) - 1);
  const uint64_t upToCount = count == 15 ? ~uint64_t{0} : (uint64_t{1} << (4 * count)) - 1;
  const uint64_t moved = order & upToCount & ~((uint64_t{1} << (4 * position)) - 1);
  const uint64_t keptMask = count + 1 >= 15 ? 0 : ~((uint64_t{1} << (4 * (count + 1))) - 1);
  const uint64_t newOrder =
      below | uint64_t{slot} << (4 * position) | moved << 4 | (order & keptMask);
  arena.modify(node.permutation) = newOrder << 4 | (count + 1);
}

// insertEntry() fills a free slot without an undo record. A slot that becomes free is remembered
// first: until the transaction is committed its entry is one that an abort brings back.
void removeEntry(Arena& arena, TreeNode& node, unsigned position) {
  const unsigned count = node.count();
  if (position >= count) return arena.noteDamage();
  const uint64_t order = node.permutation >> 4;
  const uint64_t slot = order >> (4 * position) & 15;
  arena.prepare(node.prefixes()[slot]);
  arena.prepare(node.words()[slot]);
  const uint64_t below = order & ((uint64_t{1} << (4 * position)) - 1);
  // Positions (position, count) move down by one; the freed slot comes to count - 1.
  const uint64_t upToCount =
      count >= 15 ? (uint64_t{1} << 60) - 1 : (uint64_t{1} << (4 * count)) - 1;
  const uint64_t moved =
      (order & upToCount) >> (4 * (position + 1)) << (4 * (position + 1));
  const uint64_t kept = order & ~upToCount & ((uint64_t{1} << 60) - 1);
  const uint64_t newOrder = below | moved >> 4 | slot << (4 * (count - 1)) | kept;
  arena.modify(node.permutation) = newOrder << 4 | (count - 1);
}

void copyEntries(const TreeNode& node, unsigned from, TreeNode& to) {
  unsigned count = to.count();
  for (unsigned i = from; i < node.count(); ++i, ++count) {
    to.prefixes()[count] = node.prefixAt(i);
    to.words()[count] = node.wordAt(i);
  }
  to.permutation = kPermutationEmpty | count;
}

void truncateEntries(Arena& arena, TreeNode& node, unsigned count) {
  arena.prepare(node.prefixes(), size_t{node.capacity} * 16);  // as in removeEntry()
  arena.modify(node.permutation) = (node.permutation & ~uint64_t{15}) | count;
}

}  // namespace daos::vos
