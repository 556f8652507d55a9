// Making one extent out of neighbours: the part of aggregation that rewrites data.
#pragma once

#include <functional>
#include <vector>

#include "vos/reduction.h"

namespace daos::vos {

// Whether an older version of data lies under the hole.
bool hidesOlder(const Arena& arena, KeyRecord& akey, const ExtentRecord& hole);

class ExtentMerge {
 public:
  // Merged extents are at most this large, and pieces of half of it are left as they are.
  static constexpr uint64_t kMergedSizeMax = 64 * 1024;
  // Bytes rewritten per unit of budget.
  static constexpr uint64_t kBytesPerStep = 512;
  using IsNeeded = std::function<Result<bool>(ExtentRecord&)>;

  // Touches what is visible at `epochs.high` and was written after `epochs.low`, the snapshot
  // before.
  ExtentMerge(WriteScope& scope, KeyRecord& akey, EpochRange epochs, Stamp hidden,
              ReductionCounts& counts)
      : scope_(scope),
        arena_(scope.arena()),
        akey_(akey),
        epochs_(epochs),
        hidden_(hidden),
        counts_(counts) {}

  // From record *index on; moves *index along. True at the end of the array. `isNeeded` says
  // whether an extent still shows anywhere.
  Result<bool> run(uint64_t* index, CollectBudget& budget, const IsNeeded& isNeeded);

 private:
  struct Run {
    std::vector<ExtentPiece> pieces;
    uint64_t size = 0;
    uint64_t end() const { return pieces.back().end(); }
  };
  Result<bool> gather(uint64_t from, Run* run, uint64_t* next);
  bool isCandidate(const ExtentPiece& piece) const;
  bool fits(const Run& run, const ExtentPiece& piece) const;
  bool isWorthIt(const Run& run) const;
  Status rewrite(const Run& run, const IsNeeded& isNeeded);
  // The bytes of the run and the form of their checksums; false when a checksum does not match.
  Result<bool> copyOut(const Run& run, std::vector<std::byte>* bytes, Checksums* form);

  WriteScope& scope_;
  Arena& arena_;
  KeyRecord& akey_;
  const EpochRange epochs_;
  const Stamp hidden_;
  ReductionCounts& counts_;
};

}  // namespace daos::vos
