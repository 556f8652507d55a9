// Where a prefix stands in a tree node, without a branch that could be guessed wrong: keys are
// hashed, so a search by halves would guess every second step.
#pragma once

#include <nmmintrin.h>

#include <bit>

#include "vos/tree_node.h"

namespace daos::vos {

// A bit for each position of a full-sized node: whether its prefix is below `prefix`.
inline unsigned positionsBelow15(const TreeNode& node, uint64_t prefix) {
  // Instructions compare signed numbers only.
  const __m128i sign = _mm_set1_epi64x(INT64_MIN);
  const __m128i wanted = _mm_xor_si128(_mm_set1_epi64x(static_cast<int64_t>(prefix)), sign);
  const auto* pairs = reinterpret_cast<const __m128i*>(node.prefixes());
  const auto isBelow = [&](unsigned pair) {
    return _mm_cmpgt_epi64(wanted, _mm_xor_si128(_mm_load_si128(pairs + pair), sign));
  };
  const auto four = [&](unsigned pair) {
    return _mm_packs_epi32(isBelow(pair), isBelow(pair + 1));
  };
  // A byte for each slot. The sixteenth is what follows the prefixes: no position names it.
  const __m128i slots = _mm_packs_epi16(_mm_packs_epi16(four(0), four(2)),
                                        _mm_packs_epi16(four(4), four(6)));
  const auto order = static_cast<int64_t>(node.permutation >> 4);
  const __m128i even = _mm_cvtsi64_si128(order & 0x0f0f0f0f0f0f0f0f);
  const __m128i odd = _mm_cvtsi64_si128(order >> 4 & 0x0f0f0f0f0f0f0f0f);
  const __m128i positions = _mm_shuffle_epi8(slots, _mm_unpacklo_epi8(even, odd));
  return static_cast<unsigned>(_mm_movemask_epi8(positions));
}

inline unsigned positionsBelow(const TreeNode& node, uint64_t prefix) {
  const unsigned count = node.count();
  if (node.capacity == kSlotCountMax) return positionsBelow15(node, prefix) & ((1u << count) - 1);
  unsigned below = 0;
  for (unsigned i = 0; i < count; ++i) below |= unsigned{node.prefixAt(i) < prefix} << i;
  return below;
}

// How many entries have a prefix below `prefix`: the first position where it may stand.
inline unsigned countBelow(const TreeNode& node, uint64_t prefix) {
  return static_cast<unsigned>(std::popcount(positionsBelow(node, prefix)));
}
// The same, of the entries behind the first.
inline unsigned countBelowBehindFirst(const TreeNode& node, uint64_t prefix) {
  return static_cast<unsigned>(std::popcount(positionsBelow(node, prefix) >> 1));
}
// The end of the entries from `position` on that have exactly this prefix.
inline unsigned endOfEqual(const TreeNode& node, unsigned position, uint64_t prefix) {
  while (position < node.count() && node.prefixAt(position) == prefix) ++position;
  return position;
}

}  // namespace daos::vos
