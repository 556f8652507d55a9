#include "vos/extent_merge.h"

#include <algorithm>

#include "vos/extent_write.h"
#include "vos/planted_fault.h"
#include "vos/record_data.h"

namespace daos::vos {

bool ExtentMerge::mayUseMedia() const {
  return scope_.container().pool.media && !migration_.isRefused;
}

Result<DataPart> ExtentMerge::partOf(const ExtentPiece& piece) const {
  DataPart part;
  if (!readExtent(arena_, *piece.record, akey_.recordSize, &part.data)) {
    return damagedRecord("extent");
  }
  part.offset = (piece.index - piece.record->index) * akey_.recordSize;
  part.size = sizeOf(piece);
  return part;
}

// Data that only the newest pin sees, and not large already; large data only if it can leave the
// arena.
Result<bool> ExtentMerge::isCandidate(const ExtentPiece& piece) const {
  if (!piece.isData() || piece.record->version.transaction != 0 || akey_.recordSize == 0) {
    return false;
  }
  if (piece.record->version.epoch <= epochs_.low) return false;
  const bool isSmall = piece.count <= kMergedSizeMax / 2 / akey_.recordSize;
  if (!isOnMedia(piece)) {
    const bool isBulk = sizeOf(piece) >= scope_.container().pool.options.dataThreshold;
    return isSmall || (mayUseMedia() && isBulk && piece.count == piece.record->count);
  }
  if (!isSmall || !mayUseMedia()) return false;
  DAOS_TRY(const DataPart part, partOf(piece));
  return part.coverSize() <= kReadSizeMax;
}

bool ExtentMerge::fits(const Run& run, const ExtentPiece& piece) const {
  return run.pieces.empty() ||
         (run.end() == piece.index && run.size + sizeOf(piece) <= kMergedSizeMax);
}

// The next run of candidates from `from` on; *next is where to look for the one after. False at the
// end.
Result<bool> ExtentMerge::gather(uint64_t from, Run* run, uint64_t* next, CollectBudget& budget) {
  const View view{epochs_.high, 0, InDoubt::kSkip};
  Lookup lookup(view);
  ExtentSweep& sweep = scope_.container().sweep;
  sweep.start(arena_, ExtentClasses::of(arena_, akey_), {from, kExtentEndMax - from}, lookup,
              hidden_);
  ExtentPiece piece;
  Outcome outcome;
  uint64_t visited = sweep.visitedCount();
  while ((outcome = sweep.next(&piece)) == Outcome::kFound) {
    budget.charge(sweep.visitedCount() - std::exchange(visited, sweep.visitedCount()));
    *next = piece.end();
    DAOS_TRY(const bool isWanted, isCandidate(piece));
    if (isWanted && fits(*run, piece)) {
      run->pieces.push_back(piece);
      run->size += sizeOf(piece);
      if (run->pieces.size() == kPieceCountMax) break;
      continue;
    }
    // A piece that does not fit may begin the next run.
    if (!run->pieces.empty()) *next = run->end();
    break;
  }
  if (outcome == Outcome::kDamaged) return damagedTree();
  trim(run, next);
  return outcome == Outcome::kFound || !run->pieces.empty();
}

// What lies on Media is written again only to become at least twice as large: so a record is
// rewritten a few times in its life, however small the writes beside it are.
void ExtentMerge::trim(Run* run, uint64_t* next) const {
  auto& pieces = run->pieces;
  const auto isTooLarge = [&](const ExtentPiece& piece) {
    return isOnMedia(piece) && !isRest(piece) && sizeOf(piece) * 2 > run->size;
  };
  while (true) {
    const auto found = std::find_if(pieces.begin(), pieces.end(), isTooLarge);
    if (found == pieces.end()) break;
    if (found == pieces.begin()) {
      run->size -= sizeOf(*found);
      pieces.erase(found);
      continue;
    }
    *next = found->index;
    for (auto piece = found; piece != pieces.end(); ++piece) run->size -= sizeOf(*piece);
    pieces.erase(found, pieces.end());
  }
  run->hasMedia = std::any_of(pieces.begin(), pieces.end(),
                              [&](const ExtentPiece& piece) { return isOnMedia(piece); });
}

bool ExtentMerge::isForMedia(const Run& run) const {
  const uint64_t threshold = scope_.container().pool.options.dataThreshold;
  return mayUseMedia() && (run.hasMedia || run.size >= threshold);
}

// For a second copy in the arena.
bool ExtentMerge::hasRoom(const Run& run) const {
  return arena_.space().freeBytes() > 2 * run.size + kChunkSize;
}

// Several pieces, a small rest of a large extent, or one that can leave the arena.
bool ExtentMerge::isWorthIt(const Run& run) const {
  return run.pieces.size() > 1 || isRest(run.pieces.front()) ||
         (!run.hasMedia && isForMedia(run));
}

// The merged extent is stamped a little later than its newest part: another extent of that stamp,
// which was beneath the part for where it starts or for its length, would be seen above the longer
// one that takes the part's place. Nothing that reaches here is stamped later than the part, for it
// would be seen instead.
Result<bool> ExtentMerge::plan(const Run& run, Plan* plan) {
  plan->extent = {run.pieces.front().index, run.end() - run.pieces.front().index};
  for (const ExtentPiece& piece : run.pieces) {
    if (plan->parts.empty() || !isPlanted(PlantedFault::kMergeStampsFirst)) {
      plan->stamp = std::max(plan->stamp, stampOf(piece.record->version));
    }
    auto& sources = plan->sources;
    if (std::find(sources.begin(), sources.end(), piece.record) == sources.end()) {
      sources.push_back(piece.record);
    }
    DAOS_TRY(DataPart part, partOf(piece));
    plan->parts.push_back(std::move(part));
    const Checksums& first = plan->parts.front().data.checksums;
    if (!isSameForm(first, plan->parts.back().data.checksums)) return false;
  }
  if (plan->stamp.minor == 0xffff) return false;
  ++plan->stamp.minor;
  return true;
}

Status ExtentMerge::replace(const Plan& plan, const NewData& data) {
  const Offset record = makeExtent(scope_, {plan.stamp, 0}, plan.extent, data);
  if (record == 0) return scope_.noSpace();
  for (ExtentRecord* source : plan.sources) {
    ++counts_.mergedCount;
    if (!plan.covers(*source)) {
      hasLeftovers_ = true;
      continue;
    }
    // Only the newest pin sees it, and sees the merged one there instead.
    DAOS_CHECK(removeExtent(scope_, akey_, *source));
  }
  return addExtent(scope_, akey_, record);
}

Result<ExtentMerge::Rewritten> ExtentMerge::takeIntoUse(const Plan& plan, Migration& migration) {
  if (migration.state() == Migration::State::kDamaged) {
    ++counts_.damagedCount;
    return Rewritten::kDone;
  }
  DAOS_CHECK(scope_.useMedia(migration.piece()));
  DAOS_CHECK(replace(plan, migration.data()));
  counts_.migratedCount += plan.parts.size();
  return Rewritten::kDone;
}

Status ExtentMerge::rewriteInArena(const Run& run, const Plan& plan) {
  std::vector<std::byte> bytes;
  bytes.reserve(run.size);
  for (const DataPart& part : plan.parts) {
    const Bytes cover(part.data.memory + part.coverBegin(), part.coverSize());
    if (!isIntact(part, cover)) {
      ++counts_.damagedCount;
      return {};
    }
    const Bytes wanted = cover.subspan(part.offset - part.coverBegin(), part.size);
    bytes.insert(bytes.end(), wanted.begin(), wanted.end());
  }
  NewData data;
  data.size = run.size;
  data.bytes = bytes;
  data.checksums = plan.parts.front().data.checksums;
  const std::vector<std::byte> sums = checksumsOf(bytes, data.checksums);
  data.checksums.bytes = sums;
  return replace(plan, data);
}

Result<ExtentMerge::Rewritten> ExtentMerge::rewrite(const Run& run) {
  Plan plan;
  DAOS_TRY(const bool isPossible, this->plan(run, &plan));
  if (!isPossible) return Rewritten::kDone;
  const bool wasForMedia = isForMedia(run);
  const Migration::Target target{arena_.offsetOf(&akey_), plan.extent, plan.stamp};
  if (const auto made = migration_.take(target)) return takeIntoUse(plan, *made);
  if (isForMedia(run) && migration_.begin(scope_.container(), target, plan.parts)) {
    return Rewritten::kWaits;
  }
  if (wasForMedia) return Rewritten::kAgain;
  if (hasRoom(run)) DAOS_CHECK(rewriteInArena(run, plan));
  return Rewritten::kDone;
}

Result<bool> ExtentMerge::run(uint64_t* index, CollectBudget& budget) {
  while (*index < kExtentEndMax) {
    if (!budget.take()) return false;
    Run run;
    uint64_t next = kExtentEndMax;
    DAOS_TRY(const bool hasRun, gather(*index, &run, &next, budget));
    if (!hasRun && next >= kExtentEndMax) return true;
    if (!run.pieces.empty() && isWorthIt(run)) {
      budget.charge(run.pieces.size() + (isForMedia(run) ? 0 : run.size / kBytesPerStep));
      DAOS_TRY(const Rewritten rewritten, rewrite(run));
      if (rewritten == Rewritten::kWaits) return false;
      if (rewritten == Rewritten::kAgain) continue;
    }
    *index = next;
  }
  return true;
}

}  // namespace daos::vos
