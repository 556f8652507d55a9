#include "vos/ops/extent_list.h"

#include <algorithm>

namespace daos::vos {

uint64_t extentsEnd(const Arena& arena, const ExtentClasses& classes) {
  uint64_t end = 0;
  uint64_t* root = classes.roots;
  for (uint64_t mask = classes.mask; mask != 0; mask &= mask - 1, ++root) {
    const uint64_t longest = longestOf(static_cast<unsigned>(std::countr_zero(mask)));
    TreePath path;
    seekLast(arena, root, path);
    // An extent that starts earlier may end later, but by less than the longest of its class.
    for (bool more = path.slot() != nullptr; more; more = previousItem(arena, path)) {
      const ExtentKey* key = extentKeyAt(arena, path.item());
      if (!key || key->count > kExtentEndMax || key->index > kExtentEndMax - key->count) break;
      if (longest < end && key->index < end - longest) break;
      end = std::max(end, key->index + key->count);
    }
  }
  return end;
}

ReversePieces::ReversePieces(const Arena& arena, const ExtentClasses& classes, uint64_t end,
                             Lookup& lookup, Stamp hidden)
    : arena_(arena), classes_(classes), lookup_(lookup), hidden_(hidden),
      end_(std::min(end, extentsEnd(arena, classes))) {
  begin_ = end_;
  uint64_t* root = classes_.roots;
  for (uint64_t mask = classes_.mask; mask != 0; mask &= mask - 1, ++root) {
    window_ = std::max(window_, uint64_t{4} << std::min(std::countr_zero(mask), 60));
    TreePath path;
    seekFirst(arena, root, path);
    const ExtentKey* key = path.slot() ? extentKeyAt(arena, path.item()) : nullptr;
    if (key) begin_ = std::min(begin_, key->index);
  }
}

Outcome ReversePieces::sweep(uint64_t from) {
  pieces_.clear();
  sweep_.start(arena_, classes_, {from, end_ - from}, lookup_, hidden_);
  ExtentPiece piece;
  Outcome outcome;
  while ((outcome = sweep_.next(&piece)) == Outcome::kFound) {
    if (piece.isData()) pieces_.push_back(piece);
  }
  return outcome == Outcome::kNone ? Outcome::kFound : outcome;
}

// Fills pieces_ from a window below end_, larger each time that one is empty.
Outcome ReversePieces::fill() {
  while (end_ > begin_) {
    const uint64_t from = end_ - begin_ > window_ ? end_ - window_ : begin_;
    if (const Outcome outcome = sweep(from); outcome != Outcome::kFound) return outcome;
    // A piece that the window cuts is taken whole: from where its extent begins.
    if (!pieces_.empty() && pieces_[0].index == from && pieces_[0].record->index < from) {
      const uint64_t start = pieces_[0].record->index;
      if (const Outcome outcome = sweep(start); outcome != Outcome::kFound) return outcome;
      const auto isCut = [start](const ExtentPiece& piece) {
        return piece.index == start && piece.record->index < start;
      };
      std::erase_if(pieces_, isCut);
    }
    if (!pieces_.empty()) return Outcome::kFound;
    end_ = from;
    window_ = window_ < (uint64_t{1} << 62) ? window_ * 2 : window_;
  }
  return Outcome::kNone;
}

Outcome ReversePieces::next(ExtentPiece* piece) {
  if (pieces_.empty()) {
    if (const Outcome outcome = fill(); outcome != Outcome::kFound) return outcome;
  }
  *piece = pieces_.back();
  pieces_.pop_back();
  end_ = piece->index;
  return Outcome::kFound;
}

}  // namespace daos::vos
