// Aggregation and discard: walks through a container and drops versions, a bounded number of
// records at a time.
//
// Aggregation up to epoch H keeps what a read at H or at a snapshot below it can see, and nothing
// else of the epochs up to H. Of what only H sees, small extents that touch become one; single
// values and extents that are large enough leave the arena for Media. Punches go when nothing is
// left that they hide. Discard drops all versions and punches of a range of epochs,
// as if they had never been written.
//
// Life: begin; step() until it returns false, each one arena transaction; other operations may come
//       between steps.
// Invariant: no read at H, at a snapshot or later changes its answer by a step.
// Invariant: versions of uncommitted transactions are left alone, and what their outcome may
//            uncover is kept.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "vos/extent_judgement.h"
#include "vos/migration.h"

namespace daos::vos {

class Reduction {
 public:
  static Reduction aggregation(ContainerState& container, Epoch upTo);
  static Reduction discard(const EpochRange& range);

  // Looks at about `budget` records; false when the walk has come to its end. One that finds no
  // space to merge goes on without (ReductionCounts::lacksSpace).
  Result<bool> step(ContainerState& container, uint32_t budget);
  const ReductionCounts& counts() const { return counts_; }
  // What is to be brought to Media before the next step.
  const std::shared_ptr<Migration>& pendingMigration() const { return migration_.pending; }

 private:
  // Where the walk goes on, by name: the records may change between steps.
  struct Name {
    enum class Place : uint8_t { kFirst, kAt, kAfter, kEnd } place = Place::kFirst;
    std::vector<std::byte> bytes;
    // Whether `key` may be where a tree of keys goes on.
    bool isAtMost(KeyType type, Bytes key) const;
  };
  struct Cursor {
    ObjectId oid{};  // this one or the next that there is
    Name dkey;
    Name akey;
    Stamp punch{};   // punches before have been looked at
    // Merging leaves extents behind of which only a part was taken.
    enum class Phase : uint8_t { kVersions, kHoles, kMerge, kLeftovers } phase = Phase::kVersions;
    uint64_t classesDone = 0;  // mask of extent classes behind the walk
    std::optional<ExtentKey> extent;
    std::optional<Stamp> stamp;
    JudgementState judgement;
    uint64_t mergeIndex = 0;
    bool hasLeftovers = false;
    void leaveAkey();
  };
  // What punches hide at each pin; the same order as pins_.
  using Hidden = std::vector<Stamp>;
  struct Akey {
    KeyRecord& record;
    const Hidden& hidden;
  };
  class Turn;
  Result<bool> takeTurn(ContainerState& container, uint32_t budget);

  Reduction(EpochRange range, std::vector<Epoch> pins, bool isDiscard, bool mayMerge)
      : range_(range), pins_(std::move(pins)), isDiscard_(isDiscard), mayMerge_(mayMerge) {}

  EpochRange range_;
  std::vector<Epoch> pins_;  // snapshots below range_.high, and range_.high; ascending
  bool isDiscard_;
  bool mayMerge_;            // no transaction of the range is in doubt
  Cursor cursor_;
  ReductionCounts counts_;
  MigrationState migration_;
};

}  // namespace daos::vos
