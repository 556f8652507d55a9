#include "vos/extent_merge.h"

#include <algorithm>

#include "codec/checksum.h"
#include "vos/extent_write.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {

// Calls visit(extent record) for all versions of all extents that overlap `range`, until it returns
// true.
template <typename Visit>
bool anyOverlapping(const Arena& arena, KeyRecord& akey, Extent range, Visit&& visit) {
  const ExtentClasses classes = ExtentClasses::of(arena, akey);
  uint64_t* root = classes.roots;
  for (uint64_t mask = classes.mask; mask != 0; mask &= mask - 1, ++root) {
    const uint64_t reach = longestOf(static_cast<unsigned>(std::countr_zero(mask))) - 1;
    TreePath path;
    ExtentTree::seek(arena, root, {range.index > reach ? range.index - reach : 0, 0}, path);
    for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
      const uint64_t item = path.item();
      const ExtentKey* key = extentKeyAt(arena, item);
      if (!key || key->index >= range.end()) break;
      if (key->index + key->count <= range.index) continue;
      uint64_t only = itemOffset(item) | kDirectItem;
      uint64_t* versions = (item & kExtentSetItem) != 0
                               ? &arena.at<ExtentSetRecord>(itemOffset(item))->versions
                               : &only;
      TreePath versionPath;
      seekFirst(arena, versions, versionPath);
      for (bool next = settle(arena, versionPath); next; next = nextItem(arena, versionPath)) {
        const VersionRecord* version = versionAt(arena, versionPath);
        if (!version) break;
        if (visit(*version)) return true;
      }
    }
  }
  return false;
}

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

bool hidesOlder(const Arena& arena, KeyRecord& akey, const ExtentRecord& hole) {
  return anyOverlapping(arena, akey, {hole.index, hole.count}, [&](const VersionRecord& other) {
    return DataWord::kind(other.data) != DataKind::kHole && stampOf(other) <= stampOf(hole.version);
  });
}

// Data in memory that only the newest pin sees, and not large already.
bool ExtentMerge::isCandidate(const ExtentPiece& piece) const {
  if (!piece.isData() || piece.record->version.transaction != 0) return false;
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
Result<bool> ExtentMerge::gather(uint64_t from, Run* run, uint64_t* next) {
  const View view{epochs_.high, 0, InDoubt::kSkip};
  Lookup lookup(view);
  ExtentSweep& sweep = scope_.container().sweep;
  sweep.start(arena_, ExtentClasses::of(arena_, akey_), {from, kExtentEndMax - from}, lookup,
              hidden_);
  ExtentPiece piece;
  Outcome outcome;
  constexpr size_t kPieceCountMax = 256;
  while ((outcome = sweep.next(&piece)) == Outcome::kFound) {
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

// Several pieces, or a small rest of a large extent.
bool ExtentMerge::isWorthIt(const Run& run) const {
  if (run.pieces.size() > 1) return true;
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

Status ExtentMerge::rewrite(const Run& run, const IsNeeded& isNeeded) {
  std::vector<std::byte> bytes;
  Checksums form;
  DAOS_TRY(const bool isReadable, copyOut(run, &bytes, &form));
  if (!isReadable) return {};
  std::vector<std::byte> sums;
  if (form.type != 0) {
    sums.resize(chunkCount(bytes.size(), form.chunkSize) * form.checksumSize);
    for (uint64_t i = 0; i * form.chunkSize < bytes.size(); ++i) {
      const uint64_t size = std::min<uint64_t>(form.chunkSize, bytes.size() - i * form.chunkSize);
      checksumOf(static_cast<ChecksumType>(form.type),
                 Bytes(bytes).subspan(i * form.chunkSize, size),
                 MutableBytes(sums).subspan(i * form.checksumSize, form.checksumSize));
    }
    form.bytes = sums;
  }
  Stamp newest{};
  std::vector<ExtentRecord*> sources;
  for (const ExtentPiece& piece : run.pieces) {
    newest = std::max(newest, stampOf(piece.record->version));
    if (std::find(sources.begin(), sources.end(), piece.record) == sources.end()) {
      sources.push_back(piece.record);
    }
  }
  const Extent merged{run.pieces.front().index, run.end() - run.pieces.front().index};
  const ExtentRecord* replaced = nullptr;
  for (const ExtentRecord* source : sources) {
    const bool isSame = source->index == merged.index && source->count == merged.count &&
                        stampOf(source->version) == newest;
    if (isSame) replaced = source;
  }
  NewData data;
  data.size = bytes.size();
  data.bytes = bytes;
  data.checksums = form;
  const Offset record = makeExtent(scope_, {newest, 0}, merged, data);
  if (record == 0) return scope_.noSpace();
  DAOS_CHECK(addExtent(scope_, akey_, record));
  for (ExtentRecord* source : sources) {
    // The same extent at the same stamp: the merged one has replaced it.
    if (source == replaced) {
      ++counts_.mergedCount;
      continue;
    }
    DAOS_TRY(const bool isSeen, isNeeded(*source));
    if (isSeen) continue;
    DAOS_CHECK(removeExtent(scope_, akey_, *source));
    ++counts_.mergedCount;
  }
  return {};
}

Result<bool> ExtentMerge::run(uint64_t* index, CollectBudget& budget, const IsNeeded& isNeeded) {
  while (*index < kExtentEndMax) {
    if (!budget.take()) return false;
    Run run;
    uint64_t next = kExtentEndMax;
    DAOS_TRY(const bool hasRun, gather(*index, &run, &next));
    if (!hasRun && next >= kExtentEndMax) return true;
    // Without room for a second copy things stay as they are.
    const bool hasRoom = arena_.space().freeBytes() > 2 * run.size + kChunkSize;
    if (!run.pieces.empty() && isWorthIt(run) && hasRoom) {
      const uint64_t cost = run.size / kBytesPerStep + run.pieces.size();
      budget.left -= static_cast<uint32_t>(std::min<uint64_t>(cost, budget.left));
      DAOS_CHECK(rewrite(run, isNeeded));
    }
    *index = next;
  }
  return true;
}

}  // namespace daos::vos
