#include "vos/proof/comparison.h"

#include <algorithm>

#include "vos/proof/checksums.h"
#include "vos/proof/pattern.h"
#include "vos/proof/query_expectation.h"

#define DAOS_DIFFER(...)                             \
  do {                                               \
    if (Difference daosDifference = (__VA_ARGS__)) { \
      return daosDifference;                         \
    }                                                \
  } while (false)

namespace daos::vos::proof {

namespace {

std::string numberDifference(const char* what, uint64_t expected, uint64_t got) {
  return std::string(what) + ": expected " + std::to_string(expected) + ", got " +
         std::to_string(got);
}

std::string textOfEntries(const std::vector<Listed>& entries, size_t around) {
  std::string text = "[";
  const size_t begin = around < 3 ? 0 : around - 3;
  if (begin != 0) text += "… ";
  for (size_t i = begin; i < entries.size() && i < around + 4; ++i)
    text += toText(entries[i]) + "; ";
  return text + (entries.size() > around + 4 ? "…]" : "]");
}

std::string nameOf(const ObjectId& oid, const std::string& dkey, const std::string& akey) {
  return "object " + std::to_string(oid.typeBits()) + ':' + std::to_string(oid.low) + " dkey " +
         keyText(dkey) + " akey " + keyText(akey);
}

Difference within(const std::string& where, Difference difference) {
  if (difference) difference->insert(0, where + ": ");
  return difference;
}

}  // namespace

// --- fetch

Difference Comparison::fetch(const Operation& operation) {
  const std::vector<IoDescriptor> descriptors = descriptorsOf(operation);
  FetchRequest request;
  request.oid = operation.oid;
  request.dkey = operation.dkeyBytes();
  request.descriptors = descriptors;
  request.read.epoch = operation.epoch;
  request.read.conditions = operation.conditions;
  request.read.transaction = transactionId(operation.transaction);
  request.read.inDoubt = operation.isRefusing ? InDoubt::kRefuse : InDoubt::kSkip;
  request.read.isTracked = operation.isTracked;
  request.sizesOnly = operation.isSizesOnly;
  const Status status = container_.fetch(request, result_);
  fetchCode_ = status.code();
  const Verdict verdict = model_.judge(operation);
  if (!verdict.permits(status.code())) {
    return "the fetch ends with " + (status.ok() ? "success" : status.error().describe()) +
           ", expected " + verdict.toText();
  }
  if (!status.ok()) return {};
  if (operation.isRefusing) DAOS_DIFFER(inDoubt(operation));
  if (result_.hasMedia() && readMedia_) {
    if (const Status read = readMedia_(result_); !read.ok()) {
      return "bulk data can't be read: " + read.error().describe();
    }
  }
  if (result_.values().size() != descriptors.size()) {
    return numberDifference("fetched values", descriptors.size(), result_.values().size());
  }
  for (size_t i = 0; i < descriptors.size(); ++i) {
    const AkeyPart& part = operation.akeys[i];
    DAOS_DIFFER(
        within("fetch of akey " + keyText(part.akey) + " at " + std::to_string(operation.epoch),
               fetchedValue(operation, part, result_.values()[i])));
  }
  result_.release();
  return {};
}

// A read that refuses what is in doubt has been answered: no transaction alone may change the
// answer.
Difference Comparison::inDoubt(const Operation& operation) {
  for (const auto& [id, epoch] : model_.prepared()) {
    for (const AkeyPart& part : operation.akeys) {
      const ModelAkey* stored = model_.akey(operation.oid, operation.dkey, part.akey);
      if (!stored || stored->isArray != part.isArray()) continue;
      const ModelView without(operation.epoch, operation.transaction);
      const ModelView with(operation.epoch, operation.transaction, id);
      const Hidden hidden = model_.hiddenAt(operation.oid, operation.dkey, part.akey, without);
      const Hidden other = model_.hiddenAt(operation.oid, operation.dkey, part.akey, with);
      bool isSame = visibleSingle(*stored, hidden, without) == visibleSingle(*stored, other, with);
      for (const Extent& extent : part.extents) {
        const auto left = visiblePieces(*stored, hidden, without, extent);
        const auto right = visiblePieces(*stored, other, with, extent);
        const auto same = [](const ModelPiece& a, const ModelPiece& b) {
          return a.extent == b.extent && (a.isData() ? a.write : nullptr) ==
                                             (b.isData() ? b.write : nullptr);
        };
        isSame = isSame && std::equal(left.begin(), left.end(), right.begin(), right.end(), same);
      }
      if (!isSame) return "the fetch is answered, though transaction " + std::to_string(id) +
                          " decides what is in akey " + keyText(part.akey);
    }
  }
  return {};
}

Difference Comparison::fetchedValue(const Operation& operation, const AkeyPart& part,
                                    const FetchedValue& value) {
  static const ModelAkey kNothing;
  const ModelAkey* akeyModel = model_.akey(operation.oid, operation.dkey, part.akey);
  if (!akeyModel) akeyModel = &kNothing;
  const ModelView view(operation.epoch, operation.transaction);
  const Hidden hidden = model_.hiddenAt(operation.oid, operation.dkey, part.akey, view);
  if (!part.isArray()) {
    return fetchedSingle(visibleSingle(*akeyModel, hidden, view), value, operation.isSizesOnly);
  }
  std::vector<ModelPiece> pieces;
  for (const Extent& extent : part.extents) {
    const auto more = visiblePieces(*akeyModel, hidden, view, extent);
    pieces.insert(pieces.end(), more.begin(), more.end());
  }
  return fetchedArray(part, pieces, value, operation.isSizesOnly);
}

Difference Comparison::fetchedSingle(const ModelWrite* expected, const FetchedValue& value,
                                     bool isSizesOnly) {
  const uint64_t size = expected ? expected->recordSize : 0;
  if (value.recordSize != size)
    return numberDifference("size of the value", size, value.recordSize);
  if (isSizesOnly) return {};
  if (value.size != size) return numberDifference("size of the segments", size, value.size);
  uint64_t done = 0;
  for (const Segment& segment : result_.segments(value)) {
    if (!expected || segment.kind == SegmentKind::kHole) return "a hole in a single value";
    if (segment.epoch != expected->stamp.epoch) {
      return numberDifference("epoch", expected->stamp.epoch, segment.epoch);
    }
    if (segment.kind == SegmentKind::kMemory) {
      const Bytes bytes = {segment.memory, segment.size};
      if (const size_t at = patternMismatch(expected->value, done, bytes); at != segment.size) {
        return numberDifference("other bytes than those of the value", expected->value, done + at);
      }
    }
    DAOS_DIFFER(compareGivenChecksums(segment, *expected, done));
    done += segment.size;
  }
  return done == size ? Difference{} : numberDifference("bytes in the segments", size, done);
}

Difference Comparison::fetchedArray(const AkeyPart& part, const std::vector<ModelPiece>& pieces,
                                    const FetchedValue& value, bool isSizesOnly) {
  uint64_t recordSize = 0;
  uint64_t count = 0;
  for (const ModelPiece& piece : pieces) {
    if (piece.isData()) recordSize = piece.write->recordSize;
    count += piece.extent.count;
  }
  if (value.recordSize != recordSize)
    return numberDifference("record size", recordSize, value.recordSize);
  const uint64_t unit = recordSize != 0 ? recordSize : part.recordSize;
  if (value.size != count * unit) return numberDifference("size", count * unit, value.size);
  if (isSizesOnly || unit == 0) return {};
  auto piece = pieces.begin();
  uint64_t pieceDone = 0;
  for (const Segment& next : result_.segments(value)) {
    for (uint64_t done = 0; done < next.size;) {
      if (piece == pieces.end()) return "more bytes in the segments than were asked for";
      const uint64_t size = std::min(next.size - done, piece->extent.count * unit - pieceDone);
      Segment cut = next;
      if (cut.kind == SegmentKind::kMemory) cut.memory += done;
      DAOS_DIFFER(segment(cut, *piece, pieceDone, size, recordSize != 0));
      DAOS_DIFFER(checksums(next, done, *piece, pieceDone));
      done += size;
      pieceDone += size;
      if (pieceDone != piece->extent.count * unit) continue;
      ++piece;
      pieceDone = 0;
    }
  }
  return piece == pieces.end() ? Difference{}
                               : Difference("fewer bytes in the segments than were asked for");
}

// Of a segment whose byte `done` is the piece's byte `offset`. What was merged may have others, but
// for wrong ones: of those nothing is made.
Difference Comparison::checksums(const Segment& segment, uint64_t done, const ModelPiece& piece,
                                 uint64_t offset) {
  if (!piece.isData()) return {};
  const ModelWrite& write = *piece.write;
  const std::string where = "records from " + std::to_string(piece.extent.index);
  if (write.stamp.epoch <= model_.aggregatedEpoch() && !write.checksums.isWrong) {
    return within(where, done == 0 ? compareMergedChecksums(segment, write)
                                   : compareChecksumForm(segment, write));
  }
  const uint64_t at = (piece.extent.index - write.extent.index) * write.recordSize + offset;
  if (at < done) return where + ": data with wrong checksums has become part of another extent";
  return within(where, compareGivenChecksums(segment, write, at - done));
}

// The first `size` bytes of `segment` against the piece from its byte `offset` on.
Difference Comparison::segment(const Segment& segment, const ModelPiece& piece, uint64_t offset,
                               uint64_t size, bool isRecordSizeKnown) {
  const std::string where = "records from " + std::to_string(piece.extent.index);
  if ((segment.kind == SegmentKind::kHole) == piece.isData()) {
    return where + (piece.isData() ? ": a hole instead of data" : ": data instead of a hole");
  }
  const Epoch epoch = piece.write ? piece.write->stamp.epoch : 0;
  // Of what was aggregated the epoch is that of the newest part that was merged; holes may be gone.
  const bool isMerged = epoch != 0 && epoch <= model_.aggregatedEpoch();
  const bool isSameEpoch =
      segment.epoch == epoch ||
      (isMerged && (piece.isData() ? segment.epoch >= epoch && model_.mergedEpoch(segment.epoch) ==
                                                                   model_.mergedEpoch(epoch)
                                   : segment.epoch <= epoch));
  if (isRecordSizeKnown && !isSameEpoch) {
    return numberDifference((where + ": epoch").c_str(), epoch, segment.epoch);
  }
  if (segment.kind != SegmentKind::kMemory) return {};
  const ModelWrite& write = *piece.write;
  const uint64_t from =
      write.offset + (piece.extent.index - write.extent.index) * write.recordSize + offset;
  const size_t at = patternMismatch(write.value, from, {segment.memory, size});
  if (at == size) return {};
  return where + ": other bytes than those of value " + std::to_string(write.value) + " at byte " +
         std::to_string(offset + at);
}

// --- query

namespace {
std::string textOfKey(const std::vector<std::byte>& key) { return std::string(textOf(Bytes(key))); }
}  // namespace

Difference Comparison::query(const Operation& operation) {
  QueryRequest request;
  request.oid = operation.oid;
  request.what = operation.what;
  request.dkey = operation.dkeyBytes();
  request.akey = operation.akeyBytes();
  request.read.epoch = operation.epoch;
  request.read.transaction = transactionId(operation.transaction);
  request.read.inDoubt = InDoubt::kSkip;
  const Result<QueryResult> got = container_.query(request);
  const auto expected = expectedAnswer(model_, operation);
  const ErrorCode code = !model_.isReadable(operation.epoch) ? ErrorCode::kEpOld
                         : hasNoOrder(operation)             ? ErrorCode::kInval
                         : expected                          ? ErrorCode::kOk
                                                             : ErrorCode::kNonexist;
  if (got.code() != code) {
    return "the query ends with " + (got.ok() ? "success" : got.error().describe()) +
           ", expected " + Verdict{{code}}.toText();
  }
  if (!got.ok()) return {};
  if (textOfKey(got->dkey) != expected->dkey) {
    return "the query finds dkey " + keyText(textOfKey(got->dkey)) + ", expected " +
           keyText(expected->dkey);
  }
  if (textOfKey(got->akey) != expected->akey) {
    return "the query finds akey " + keyText(textOfKey(got->akey)) + ", expected " +
           keyText(expected->akey);
  }
  if (operation.what != QueryWhat::kMaxExtent && operation.what != QueryWhat::kMinExtent) return {};
  if (got->recordSize != expected->recordSize) {
    return numberDifference("record size", expected->recordSize, got->recordSize);
  }
  const uint64_t bound = isMaximum(operation.what) ? got->extent.end() : got->extent.index;
  if (bound == expected->bound && got->extent.count != 0) return {};
  return numberDifference("end of the extent found", expected->bound, bound);
}

// --- lists and everything

Difference Comparison::list(const Listing& wanted, uint32_t pageSize) {
  const bool isRead = wanted.versions == Versions::kVisible && wanted.level != Level::kPunch;
  const bool isRefused = isRead && !model_.isReadable(wanted.epochs.high);
  const std::optional<Listing> rest = comparable(model_, wanted);
  if (!rest) return {};
  const Listing& listing = *rest;
  Result<std::vector<Listed>> got = listAll(container_, listing, pageSize);
  if (isRefused && got.code() == ErrorCode::kEpOld) return {};
  if (!got.ok()) return "the enumeration ends with " + got.error().describe();
  if (isRefused) return "an enumeration of what was aggregated is not refused";
  normalise(model_, listing, *got);
  const std::vector<Listed> expected = expectedEntries(model_, listing);
  if (*got == expected) return {};
  const auto [left, right] =
      std::mismatch(expected.begin(), expected.end(), got->begin(), got->end());
  const auto at = static_cast<size_t>(left - expected.begin());
  return "the enumeration differs at entry " + std::to_string(at) + ": expected " +
         textOfEntries(expected, at) + ", got " + textOfEntries(*got, at);
}

Difference Comparison::akey(const ObjectId& oid, const std::string& dkey, const std::string& akey,
                            ModelView view) {
  Operation read;
  read.verb = Verb::kFetch;
  read.oid = oid;
  read.dkey = dkey;
  read.epoch = view.epoch;
  read.transaction = view.reader;
  AkeyPart& part = read.akeys.emplace_back();
  part.akey = akey;
  const ModelAkey* found = model_.akey(oid, dkey, akey);
  if (found && found->isArray) {
    const Hidden hidden = model_.hiddenAt(oid, dkey, akey, view);
    for (const ModelPiece& piece : visiblePieces(*found, hidden, view, kWholeArray)) {
      // Of a long hole its beginning is enough: its size in bytes may be beyond any number.
      const bool isLong = !piece.isData() && piece.extent.count > 1000;
      part.extents.push_back(isLong ? Extent{piece.extent.index, 1000} : piece.extent);
    }
  }
  return fetch(read);
}

Difference Comparison::touched(const Operation& operation) {
  for (const AkeyPart& part : operation.akeys) {
    for (const Epoch epoch : {operation.epoch, kEpochMax}) {
      if (epoch == 0) continue;
      const std::string where = "after it, " + nameOf(operation.oid, operation.dkey, part.akey);
      DAOS_DIFFER(within(where, akey(operation.oid, operation.dkey, part.akey, epoch)));
      if (operation.transaction == 0) continue;
      DAOS_DIFFER(within(where + " for its transaction",
                         akey(operation.oid, operation.dkey, part.akey,
                              {epoch, operation.transaction})));
    }
  }
  return {};
}

Difference Comparison::versions(const ObjectId& oid, const std::string& dkey,
                                const std::string& akey, uint32_t pageSize) {
  Listing listing;
  listing.oid = oid;
  listing.dkey = dkey;
  listing.akey = akey;
  listing.versions = Versions::kAll;
  listing.level = Level::kPunch;
  DAOS_DIFFER(within("punches", list(listing, pageSize)));
  if (akey.empty()) return {};
  for (const Level level : {Level::kExtent, Level::kSingle}) {
    listing.level = level;
    DAOS_DIFFER(within("versions", list(listing, pageSize)));
  }
  return {};
}

// Also what is hidden at every epoch, by what is above it.
Difference Comparison::names(Level level, const ObjectId& oid, const std::string& dkey,
                             uint32_t pageSize) {
  Listing listing;
  listing.oid = oid;
  listing.dkey = dkey;
  listing.versions = Versions::kAll;
  listing.level = level;
  return within("names of all versions", list(listing, pageSize));
}

Difference Comparison::object(const ObjectId& oid, Epoch epoch, uint32_t pageSize) {
  const std::string name = nameOf(oid, "", "");
  Listing listing;
  listing.oid = oid;
  listing.epochs.high = epoch;
  listing.level = Level::kDkey;
  DAOS_DIFFER(within(name + " dkeys", list(listing, pageSize)));
  DAOS_DIFFER(within(name + " dkeys", names(Level::kDkey, oid, "", pageSize)));
  DAOS_DIFFER(within(name, versions(oid, "", "", pageSize)));
  for (const auto& [dkeyName, dkey] : model_.object(oid)->dkeys) {
    listing.dkey = dkeyName;
    listing.akey.clear();
    listing.level = Level::kAkey;
    DAOS_DIFFER(within(nameOf(oid, dkeyName, "") + " akeys", list(listing, pageSize)));
    DAOS_DIFFER(within(nameOf(oid, dkeyName, "") + " akeys",
                       names(Level::kAkey, oid, dkeyName, pageSize)));
    DAOS_DIFFER(within(nameOf(oid, dkeyName, ""), versions(oid, dkeyName, "", pageSize)));
    for (const auto& [akeyName, found] : dkey.akeys) {
      const std::string akeyText = nameOf(oid, dkeyName, akeyName);
      listing.akey = akeyName;
      listing.level = found.isArray ? Level::kExtent : Level::kSingle;
      DAOS_DIFFER(within(akeyText, list(listing, pageSize)));
      DAOS_DIFFER(within(akeyText, versions(oid, dkeyName, akeyName, pageSize)));
      DAOS_DIFFER(within(akeyText, akey(oid, dkeyName, akeyName, epoch)));
    }
  }
  return {};
}

Difference Comparison::transactionsAndPins() {
  if (container_.aggregatedEpoch() != model_.aggregatedEpoch()) {
    return numberDifference("aggregated up to", model_.aggregatedEpoch(),
                            container_.aggregatedEpoch());
  }
  std::map<TransactionId, Epoch> prepared;
  for (const auto& [id, epoch] : model_.prepared()) prepared[transactionId(id)] = epoch;
  const std::vector<TransactionInfo> got = container_.preparedTransactions();
  if (got.size() != prepared.size()) {
    return numberDifference("prepared transactions", prepared.size(), got.size());
  }
  for (const TransactionInfo& info : got) {
    const auto expected = prepared.find(info.id);
    if (expected == prepared.end() || expected->second != info.epoch) {
      return "transaction " + info.id.toString() + " is prepared that is not, or at another epoch";
    }
  }
  for (uint32_t id = 1; id <= model_.transactionMax(); ++id) {
    if (model_.prepared().contains(id)) continue;
    const bool isCommitted =
        container_.transactionState(transactionId(id)) == TransactionState::kCommitted;
    if (isCommitted == model_.committed().contains(id)) continue;
    return "transaction " + std::to_string(id) +
           (isCommitted ? " is known as committed, and was not or was forgotten"
                        : " was committed and is not known");
  }
  const std::vector<Epoch> pins = container_.snapshots();
  if (std::equal(pins.begin(), pins.end(), model_.pins().begin(), model_.pins().end())) return {};
  return numberDifference("snapshots, or other ones", model_.pins().size(), pins.size());
}

Difference Comparison::everything(Epoch wanted, uint32_t pageSize) {
  const Epoch epoch = model_.isReadable(wanted) ? wanted : model_.aggregatedEpoch();
  DAOS_DIFFER(transactionsAndPins());
  Listing listing;
  listing.level = Level::kObject;
  listing.epochs.high = epoch;
  DAOS_DIFFER(within("objects", list(listing, pageSize)));
  DAOS_DIFFER(within("objects", names(Level::kObject, {}, "", pageSize)));
  for (const auto& [oid, below] : model_.objects()) {
    DAOS_DIFFER(within("at " + std::to_string(epoch), object(oid, epoch, pageSize)));
  }
  return {};
}

}  // namespace daos::vos::proof
