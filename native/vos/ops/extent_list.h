// The visible extents of an array in order, forwards or backwards.
#pragma once

#include <vector>

#include "vos/extent_sweep.h"

namespace daos::vos {

// Data pieces of an array from its end to its beginning, in batches.
class ReversePieces {
 public:
  // Pieces that end at or before `end`.
  ReversePieces(const Arena& arena, const ExtentClasses& classes, uint64_t end, Lookup& lookup,
                Stamp hidden);
  // The next piece downwards; kNone when there is none.
  Outcome next(ExtentPiece* piece);

 private:
  Outcome fill();
  Outcome sweep(uint64_t from);

  const Arena& arena_;
  const ExtentClasses classes_;
  Lookup& lookup_;
  const Stamp hidden_;
  uint64_t end_;          // everything from here on has been returned
  uint64_t begin_ = 0;    // no extent lies below
  uint64_t window_ = 1;
  ExtentSweep sweep_;
  std::vector<ExtentPiece> pieces_;  // of the current batch, upwards
};

// One past the last record of any extent of any version; 0 when there is none. Damage counts as
// none.
uint64_t extentsEnd(const Arena& arena, const ExtentClasses& classes);

}  // namespace daos::vos
