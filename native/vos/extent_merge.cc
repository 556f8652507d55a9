#include "vos/extent_merge.h"

#include <algorithm>

#include "codec/checksum.h"
#include "vos/extent_write.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {

// Checks the chunks that a piece of an extent lies in. True when they match or there are none.
bool verifyPiece(const StoredData& data, uint64_t offset, uint64_t size) {
  const Checksums& sums = data.checksums;
  if (sums.type == 0) return true;
  const auto type = checksumTypeFrom(static_cast<uint8_t>(sums.type));
  if (!type.ok() || checksumSize(*type) != sums.checksumSize) return false;
  const uint64_t first = offset / sums.chunkSize;
  const uint64_t last = (offset + size - 1) / sums.chunkSize;
  for (uint64_t chunk = first; chunk <= last; ++chunk) {
    const uint64_t begin = chunk * sums.chunkSize;
    const uint64_t end = std::min<uint64_t>(begin + sums.chunkSize, data.size);
    const Status status =
        verifyChecksum(*type, bytesOf(data.memory + begin, end - begin),
                       sums.bytes.subspan(chunk * sums.checksumSize, sums.checksumSize));
    if (!status.ok()) return false;
  }
  return true;
}

}  // namespace

// Data in memory that only the newest pin sees, and not large already.
bool ExtentMerge::isCandidate(const ExtentPiece& piece) const {
  if (!piece.isData() || piece.record->version.transaction != 0 || akey_.recordSize == 0) {
    return false;
  }
  if (piece.record->version.epoch <= epochs_.low) return false;
  if (DataWord::kind(piece.record->version.data) == DataKind::kMedia) return false;
  return piece.count <= kMergedSizeMax / 2 / akey_.recordSize;
}

bool ExtentMerge::fits(const Run& run, const ExtentPiece& piece) const {
  return run.pieces.empty() ||
         (run.end() == piece.index && run.size + piece.count * akey_.recordSize <= kMergedSizeMax);
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
    if (isCandidate(piece) && fits(*run, piece)) {
      run->pieces.push_back(piece);
      run->size += piece.count * akey_.recordSize;
      if (run->pieces.size() == kPieceCountMax) return true;
      continue;
    }
    // A piece that does not fit may begin the next run.
    if (!run->pieces.empty()) *next = run->end();
    return true;
  }
  if (outcome == Outcome::kDamaged) return damagedTree();
  return !run->pieces.empty();
}

bool ExtentMerge::isForMedia(const Run& run) const {
  const PoolState& pool = scope_.container().pool;
  return pool.media && !migration_.isRefused && run.size >= pool.options.dataThreshold;
}

// For a second copy in the arena.
bool ExtentMerge::hasRoom(const Run& run) const {
  return arena_.space().freeBytes() > 2 * run.size + kChunkSize;
}

// Several pieces, a small rest of a large extent, or one that can leave the arena.
bool ExtentMerge::isWorthIt(const Run& run) const {
  if (run.pieces.size() > 1 || isForMedia(run)) return true;
  const ExtentPiece& only = run.pieces.front();
  return only.count * 2 <= only.record->count;
}

Result<bool> ExtentMerge::copyOut(const Run& run, std::vector<std::byte>* bytes, Checksums* form) {
  bytes->reserve(run.size);
  for (const ExtentPiece& piece : run.pieces) {
    StoredData data;
    if (!readExtent(arena_, *piece.record, akey_.recordSize, &data)) return damagedRecord("extent");
    const uint64_t offset = (piece.index - piece.record->index) * akey_.recordSize;
    const uint64_t size = piece.count * akey_.recordSize;
    if (!verifyPiece(data, offset, size)) {
      ++counts_.damagedCount;
      return false;
    }
    const bool isSameForm =
        data.checksums.type == form->type && data.checksums.chunkSize == form->chunkSize;
    if (&piece != &run.pieces.front() && !isSameForm) return false;
    *form = data.checksums;
    bytes->insert(bytes->end(), data.memory + offset, data.memory + offset + size);
  }
  return true;
}

// Checksums of the whole in the form of its parts.
static std::vector<std::byte> checksumsOf(Bytes bytes, const Checksums& form) {
  std::vector<std::byte> sums;
  if (form.type == 0) return sums;
  sums.resize(chunkCount(bytes.size(), form.chunkSize) * form.checksumSize);
  for (uint64_t i = 0; i * form.chunkSize < bytes.size(); ++i) {
    const uint64_t size = std::min<uint64_t>(form.chunkSize, bytes.size() - i * form.chunkSize);
    checksumOf(static_cast<ChecksumType>(form.type), bytes.subspan(i * form.chunkSize, size),
               MutableBytes(sums).subspan(i * form.checksumSize, form.checksumSize));
  }
  return sums;
}

// The merged extent is stamped a little later than its newest part: another extent of that stamp,
// which was beneath the part for where it starts or for its length, would be seen above the longer
// one that takes the part's place. Nothing that reaches here is stamped later than the part, for it
// would be seen instead.
bool ExtentMerge::plan(const Run& run, Plan* plan) {
  plan->extent = {run.pieces.front().index, run.end() - run.pieces.front().index};
  for (const ExtentPiece& piece : run.pieces) {
    plan->stamp = std::max(plan->stamp, stampOf(piece.record->version));
    auto& sources = plan->sources;
    if (std::find(sources.begin(), sources.end(), piece.record) == sources.end()) {
      sources.push_back(piece.record);
    }
  }
  if (plan->stamp.minor == 0xffff) return false;
  ++plan->stamp.minor;
  return true;
}

std::shared_ptr<Migration> ExtentMerge::takeWritten(const Plan& plan) {
  std::shared_ptr<Migration> pending = std::exchange(migration_.pending, nullptr);
  if (!pending) return nullptr;
  if (pending->isWritten && pending->extent == plan.extent && pending->stamp == plan.stamp) {
    return pending;
  }
  migration_.isRefused = true;
  return nullptr;
}

bool ExtentMerge::beginMigration(const Plan& plan, Bytes bytes, const Checksums& form) {
  auto piece = scope_.container().pool.media->reserve(bytes.size(), arena_.offsetOf(&akey_));
  if (!piece.ok()) {
    migration_.isRefused = true;
    return false;
  }
  std::memcpy(piece->bytes().data(), bytes.data(), bytes.size());
  auto migration = std::make_shared<Migration>();
  migration->extent = plan.extent;
  migration->stamp = plan.stamp;
  migration->form = form;
  migration->sums = checksumsOf(bytes, form);
  migration->piece = std::move(piece).value();
  migration_.pending = std::move(migration);
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

Result<bool> ExtentMerge::rewrite(const Run& run) {
  Plan plan;
  if (!this->plan(run, &plan)) return true;
  NewData data;
  data.size = run.size;
  if (const auto written = takeWritten(plan)) {
    data.mediaAddress = written->piece.address();
    data.checksums = written->form;
    data.checksums.bytes = written->sums;
    DAOS_CHECK(scope_.useMedia(written->piece));
    DAOS_CHECK(replace(plan, data));
    return true;
  }
  std::vector<std::byte> bytes;
  Checksums form;
  DAOS_TRY(const bool isReadable, copyOut(run, &bytes, &form));
  if (!isReadable) return true;
  if (isForMedia(run) && beginMigration(plan, bytes, form)) return false;
  if (!isWorthIt(run) || !hasRoom(run)) return true;
  const std::vector<std::byte> sums = checksumsOf(bytes, form);
  form.bytes = sums;
  data.bytes = bytes;
  data.checksums = form;
  DAOS_CHECK(replace(plan, data));
  return true;
}

Result<bool> ExtentMerge::run(uint64_t* index, CollectBudget& budget) {
  while (*index < kExtentEndMax) {
    if (!budget.take()) return false;
    Run run;
    uint64_t next = kExtentEndMax;
    DAOS_TRY(const bool hasRun, gather(*index, &run, &next, budget));
    if (!hasRun && next >= kExtentEndMax) return true;
    if (!run.pieces.empty() && isWorthIt(run)) {
      budget.charge(run.size / kBytesPerStep + run.pieces.size());
      DAOS_TRY(const bool isDone, rewrite(run));
      if (!isDone) return false;
    }
    *index = next;
  }
  return true;
}

}  // namespace daos::vos
