// Making one extent out of neighbours: the part of aggregation that rewrites data.
#pragma once

#include <vector>

#include "vos/record_data.h"
#include "vos/reduction.h"

namespace daos::vos {

class ExtentMerge {
 public:
  // Merged extents are at most this large, and pieces of half of it are left as they are.
  static constexpr uint64_t kMergedSizeMax = 64 * 1024;
  // Bytes rewritten per unit of budget.
  static constexpr uint64_t kBytesPerStep = 512;
  // Of one extent on Media, read to verify a part of it.
  static constexpr uint64_t kReadSizeMax = 128 * 1024;
  // Extents that become one at a time.
  static constexpr size_t kPieceCountMax = 32;

  // Of the whole walk.
  struct Progress {
    ReductionCounts& counts;
    MigrationState& migration;
  };

  // Touches what is visible at `epochs.high` and was written after `epochs.low`, the snapshot
  // before.
  ExtentMerge(WriteScope& scope, KeyRecord& akey, EpochRange epochs, Stamp hidden,
              Progress progress)
      : scope_(scope),
        arena_(scope.arena()),
        akey_(akey),
        epochs_(epochs),
        hidden_(hidden),
        counts_(progress.counts),
        migration_(progress.migration) {}

  // From record *index on; moves *index along. True at the end of the array; false when the budget
  // is used up, or something is to be brought to Media first.
  Result<bool> run(uint64_t* index, CollectBudget& budget);
  // Whether extents of which a part was merged may be seen nowhere any more.
  bool hasLeftovers() const { return hasLeftovers_; }

 private:
  struct Run {
    std::vector<ExtentPiece> pieces;
    uint64_t size = 0;
    bool hasMedia = false;
    uint64_t end() const { return pieces.back().end(); }
  };
  // What becomes of a run.
  struct Plan {
    Extent extent;
    Stamp stamp{};
    std::vector<ExtentRecord*> sources;
    std::vector<DataPart> parts;
    bool covers(const ExtentRecord& source) const {
      return source.index >= extent.index && source.index + source.count <= extent.end();
    }
  };
  Result<bool> gather(uint64_t from, Run* run, uint64_t* next, CollectBudget& budget);
  void trim(Run* run, uint64_t* next) const;
  // False when the run is to be left as it is.
  Result<bool> plan(const Run& run, Plan* plan);
  uint64_t sizeOf(const ExtentPiece& piece) const { return piece.count * akey_.recordSize; }
  bool isOnMedia(const ExtentPiece& piece) const {
    return DataWord::kind(piece.record->version.data) == DataKind::kMedia;
  }
  bool isRest(const ExtentPiece& piece) const { return piece.count * 2 <= piece.record->count; }
  bool mayUseMedia() const;
  Result<DataPart> partOf(const ExtentPiece& piece) const;
  Result<bool> isCandidate(const ExtentPiece& piece) const;
  bool fits(const Run& run, const ExtentPiece& piece) const;
  bool isWorthIt(const Run& run) const;
  // Whether it may become an extent on Media, or one in the arena.
  bool isForMedia(const Run& run) const;
  bool hasRoom(const Run& run) const;
  enum class Rewritten : uint8_t {
    kDone,   // or left as it is
    kWaits,  // to be brought to Media
    kAgain,  // what Media has refused is to be looked at anew
  };
  Result<Rewritten> rewrite(const Run& run);
  Result<Rewritten> takeIntoUse(const Plan& plan, Migration& migration);
  Status rewriteInArena(const Run& run, const Plan& plan);
  Status replace(const Plan& plan, const NewData& data);

  WriteScope& scope_;
  Arena& arena_;
  KeyRecord& akey_;
  const EpochRange epochs_;
  const Stamp hidden_;
  ReductionCounts& counts_;
  MigrationState& migration_;
  bool hasLeftovers_ = false;
};

}  // namespace daos::vos
