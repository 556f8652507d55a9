#include "vos/tree.h"

namespace daos::vos {

namespace {

// Down the leftmost or rightmost way from `offset` on.
void descend(const Arena& arena, Offset offset, bool toLast, TreePath& path) {
  while (true) {
    TreeNode* node = treeNodeAt(arena, offset);
    const bool isWrong =
        node && path.depth > 0 && node->level + 1 != path.steps[path.depth - 1].node->level;
    if (!node || isWrong || path.depth == kTreeDepthMax || node->count() == 0) {
      path.isDamaged = true;
      return;
    }
    const unsigned position = toLast ? node->count() - 1 : 0;
    path.steps[path.depth++] = {node, position};
    if (node->level == 0) return;
    offset = childAt(arena, *node, position);
  }
}

void seekEnd(const Arena& arena, uint64_t* root, bool toLast, TreePath& path) {
  path.root = root;
  path.depth = 0;
  path.isFound = path.isDamaged = false;
  path.directPosition = 0;
  if (*root == 0 || (*root & kDirectItem) != 0) return;
  descend(arena, *root, toLast, path);
}

void freeCounted(Arena& arena, Offset block, int64_t* usedBytes) {
  *usedBytes -= static_cast<int64_t>(arena.free(block));
}

void freeNode(Arena& arena, TreeNode* node, int64_t* usedBytes) {
  freeCounted(arena, arena.offsetOf(node), usedBytes);
}

void freeSeparator(Arena& arena, uint64_t word, int64_t* usedBytes) {
  if ((word & kSeparatedChild) != 0) freeCounted(arena, itemOffset(word), usedBytes);
}

// Replaces a root node that has one entry left by what that entry leads to.
void collapseRoot(Arena& arena, uint64_t* root, int64_t* usedBytes) {
  while (*root != 0 && (*root & kDirectItem) == 0) {
    TreeNode* node = treeNodeAt(arena, *root);
    if (!node || node->count() != 1) return;
    if (node->level == 0) {
      arena.modify(*root) = node->wordAt(0) | kDirectItem;
    } else {
      const Offset child = childAt(arena, *node, 0);
      freeSeparator(arena, node->wordAt(0), usedBytes);
      arena.modify(*root) = child;
    }
    freeNode(arena, node, usedBytes);
  }
}

// The separator under which the second half of an inner node moves to its parent.
bool liftSeparator(Arena& arena, TreeNode& right, Separator* separator) {
  separator->prefix = right.prefixAt(0);
  const uint64_t word = right.wordAt(0);
  separator->word = word & kSeparatedChild ? word : 0;
  const Offset child = childAt(arena, right, 0);
  right.wordAt(0) = child;
  return child != 0;
}

}  // namespace

bool nextItem(const Arena& arena, TreePath& path) {
  if (path.isDamaged) return false;
  if (path.depth == 0) {
    path.directPosition = 1;
    return false;
  }
  TreePath::Step& leaf = path.steps[path.depth - 1];
  if (leaf.position + 1 < leaf.node->count()) {
    ++leaf.position;
    return true;
  }
  unsigned level = path.depth - 1;
  while (level > 0 && path.steps[level - 1].position + 1 >= path.steps[level - 1].node->count())
    --level;
  if (level == 0) {
    leaf.position = leaf.node->count();
    return false;
  }
  TreePath::Step& parent = path.steps[level - 1];
  ++parent.position;
  path.depth = level;
  descend(arena, childAt(arena, *parent.node, parent.position), false, path);
  return !path.isDamaged;
}

bool previousItem(const Arena& arena, TreePath& path) {
  if (path.isDamaged) return false;
  if (path.depth == 0) {
    if (!path.root || (*path.root & kDirectItem) == 0 || path.directPosition == 0) return false;
    path.directPosition = 0;
    return true;
  }
  unsigned level = path.depth;
  while (level > 0 && path.steps[level - 1].position == 0) --level;
  if (level == 0) return false;
  TreePath::Step& step = path.steps[level - 1];
  --step.position;
  if (level == path.depth) return true;
  path.depth = level;
  descend(arena, childAt(arena, *step.node, step.position), true, path);
  return !path.isDamaged;
}

void seekFirst(const Arena& arena, uint64_t* root, TreePath& path) {
  seekEnd(arena, root, false, path);
}

void seekLast(const Arena& arena, uint64_t* root, TreePath& path) {
  seekEnd(arena, root, true, path);
}

void removeItem(Arena& arena, TreePath& path, int64_t* usedBytes) {
  if (path.depth == 0) {
    arena.modify(*path.root) = 0;
    return;
  }
  unsigned level = path.depth - 1;
  while (true) {
    TreePath::Step& step = path.steps[level];
    if (step.node->level > 0) freeSeparator(arena, step.node->wordAt(step.position), usedBytes);
    if (step.node->count() > 1) {
      removeEntry(arena, *step.node, step.position);
      break;
    }
    freeNode(arena, step.node, usedBytes);
    if (level == 0) {
      arena.modify(*path.root) = 0;
      return;
    }
    --level;
  }
  collapseRoot(arena, path.root, usedBytes);
}

bool growLeaf(Arena& arena, TreePath& path, int64_t* usedBytes) {
  if (path.depth != 1) {  // only a root is smaller than the rest
    arena.noteDamage();
    return false;
  }
  TreeNode*& node = path.steps[0].node;
  const unsigned capacity = node->capacity * 2u + 1;
  TreeNode* larger = makeTreeNode(arena, capacity, 0);
  if (!larger) return false;
  *usedBytes += static_cast<int64_t>(TreeNode::sizeFor(capacity));
  copyEntries(*node, 0, *larger);
  arena.modify(*path.root) = arena.offsetOf(larger);
  freeNode(arena, node, usedBytes);
  node = larger;
  return true;
}

bool insertChild(Arena& arena, TreePath& path, unsigned level, Separator separator, TreeNode* right,
                 int64_t* usedBytes) {
  uint64_t word = arena.offsetOf(right);
  if (separator.word != 0) {
    arena.modify(*arena.at<Offset>(itemOffset(separator.word))) = word;
    word = separator.word;
  }
  if (level == 0) {
    TreeNode* left = path.steps[0].node;
    if (left->level + 2u >= kTreeDepthMax) {
      arena.noteDamage();
      return false;
    }
    TreeNode* root = makeTreeNode(arena, kSlotCountMax, left->level + 1u);
    if (!root) return false;
    *usedBytes += static_cast<int64_t>(TreeNode::sizeFor(kSlotCountMax));
    root->prefixes()[0] = 0;
    root->words()[0] = arena.offsetOf(left);
    root->prefixes()[1] = separator.prefix;
    root->words()[1] = word;
    root->permutation = kPermutationEmpty | 2;
    arena.modify(*path.root) = arena.offsetOf(root);
    return true;
  }
  TreePath::Step& parent = path.steps[level - 1];
  const unsigned position = parent.position + 1;
  if (!parent.node->isFull()) {
    insertEntry(arena, *parent.node, position, separator.prefix, word);
    return true;
  }
  const unsigned count = parent.node->count();
  const unsigned kept = position == count ? count - 1 : (count + 1) / 2;
  TreeNode* sibling = makeTreeNode(arena, kSlotCountMax, parent.node->level);
  if (!sibling) return false;
  *usedBytes += static_cast<int64_t>(TreeNode::sizeFor(kSlotCountMax));
  copyEntries(*parent.node, kept, *sibling);
  truncateEntries(arena, *parent.node, kept);
  if (position > kept) {
    insertEntry(arena, *sibling, position - kept, separator.prefix, word);
  } else {
    insertEntry(arena, *parent.node, position, separator.prefix, word);
  }
  Separator lifted;
  if (!liftSeparator(arena, *sibling, &lifted)) {
    arena.noteDamage();
    return false;
  }
  return insertChild(arena, path, level - 1, lifted, sibling, usedBytes);
}

}  // namespace daos::vos
