#include "vos/proof/pattern.h"

#include <algorithm>

namespace daos::vos::proof {

namespace {

uint64_t patternWord(uint64_t value, uint64_t index) {
  if (value == 0) return 0;
  const uint64_t mixed = (value ^ (index * 0x9e3779b97f4a7c15ull)) * 0xd6e8feb86659fd93ull;
  return mixed ^ (mixed >> 32);
}

// Calls visit(word bytes, size) for the pieces of [offset, offset + size) that lie within a word
// each.
template <typename Visit>
void forEachWord(uint64_t value, uint64_t offset, size_t size, Visit&& visit) {
  for (size_t done = 0; done < size;) {
    const uint64_t word = patternWord(value, (offset + done) / 8);
    const size_t skip = (offset + done) % 8;
    const size_t count = std::min<size_t>(8 - skip, size - done);
    if (!visit(done, bytesOf(&word, sizeof word).subspan(skip, count))) return;
    done += count;
  }
}

}  // namespace

void fillPattern(uint64_t value, uint64_t offset, MutableBytes to) {
  forEachWord(value, offset, to.size(), [&](size_t at, Bytes piece) {
    std::memcpy(to.data() + at, piece.data(), piece.size());
    return true;
  });
}

size_t patternMismatch(uint64_t value, uint64_t offset, Bytes bytes) {
  size_t done = 0;
  // Whole words where both are aligned alike: nearly all there is to compare.
  for (uint64_t word = offset / 8; offset % 8 == 0 && done + 8 <= bytes.size(); done += 8, ++word) {
    if (loadAs<uint64_t>(bytes.data() + done) != patternWord(value, word)) break;
  }
  size_t mismatch = bytes.size();
  forEachWord(value, offset + done, bytes.size() - done, [&](size_t at, Bytes piece) {
    if (std::memcmp(bytes.data() + done + at, piece.data(), piece.size()) == 0) return true;
    size_t first = 0;
    while (bytes[done + at + first] == piece[first]) ++first;
    mismatch = done + at + first;
    return false;
  });
  return mismatch;
}

}  // namespace daos::vos::proof
