// What a reader sees of a range of an array: an ordered run of pieces, each of one extent or of
// none.
//
// Goes through the extent trees once, in order of index, with the extents that reach over the
// current place in a heap by stamp: n extents in the range cost n log n, whatever their overlaps.
//
// Reusable: keeps its capacity, so that a sweep over few extents allocates nothing.
#pragma once

#include <array>
#include <vector>

#include "model/io.h"
#include "vos/extent_tree.h"
#include "vos/lookup.h"

namespace daos::vos {

// A run of records [index, index + count). `record` is null where nothing was ever written.
struct ExtentPiece {
  uint64_t index = 0;
  uint64_t count = 0;
  ExtentRecord* record = nullptr;
  uint64_t end() const { return index + count; }
  bool isData() const {
    return record && DataWord::kind(record->version.data) != DataKind::kHole;
  }
};

class ExtentSweep {
 public:
  // Begins at `range`. Extents at or below `hidden` do not count.
  void start(const Arena& arena, const ExtentClasses& classes, Extent range, Lookup& lookup,
             Stamp hidden);
  // The next piece, in order, without gaps between pieces; kNone at the end of the range. kBlocked
  // when an uncommitted extent decides the piece and the view refuses that.
  Outcome next(ExtentPiece* piece);
  // Extents looked at since the sweep was made: what it costs.
  uint64_t visitedCount() const { return visitedCount_; }

 private:
  struct Source {
    TreePath path;
    Extent extent;  // of the item at the path
    bool isDone;
  };
  struct Active {
    Extent extent;
    ExtentRecord* record;
    bool isInDoubt;
    // Which of two writes a reader sees. Different extents of one stamp: the one that starts later.
    bool isBelow(const Active& other) const;
  };
  void openSource(unsigned extentClass, uint64_t* root);
  void readSource(Source& source);
  Source* firstSource();
  Outcome activate(Source& source);
  Outcome pullUpTo(uint64_t index);

  const Arena* arena_ = nullptr;
  Lookup* lookup_ = nullptr;
  Stamp hidden_;
  uint64_t at_ = 0;
  uint64_t end_ = 0;
  bool isDamaged_ = false;
  uint64_t visitedCount_ = 0;
  std::vector<Source> sources_;
  size_t sourceCount_ = 0;
  std::vector<Active> active_;
};

}  // namespace daos::vos
