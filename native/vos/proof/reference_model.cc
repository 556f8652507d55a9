#include "vos/proof/reference_model.h"

#include <algorithm>

#include "base/generated/limits.h"

namespace daos::vos::proof {

namespace {

template <typename Map, typename Key>
auto* findIn(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

void hideBy(const ModelPunches& punches, ModelView view, Hidden& hidden) {
  for (const ModelPunch& punch : punches) {
    if (!view.sees(punch.stamp, punch.transaction)) continue;
    if (!hidden || punch.stamp > *hidden) hidden = punch.stamp;
  }
}

void addPunch(ModelPunches& punches, const ModelPunch& added) {
  for (const ModelPunch& punch : punches) {
    if (punch.stamp == added.stamp) return;
  }
  punches.push_back(added);
}

bool isSeen(const ModelWrite& write, const Hidden& hidden, ModelView view) {
  return view.sees(write.stamp, write.transaction) && (!hidden || write.stamp > *hidden);
}

// Takes from `gaps` what `write` covers and adds it to `pieces`.
void paint(const ModelWrite& write, std::vector<Extent>& gaps, std::vector<ModelPiece>& pieces) {
  std::vector<Extent> left;
  for (const Extent& gap : gaps) {
    const uint64_t begin = std::max(gap.index, write.extent.index);
    const uint64_t end = std::min(gap.end(), write.extent.end());
    if (begin >= end) {
      left.push_back(gap);
      continue;
    }
    pieces.push_back({{begin, end - begin}, &write});
    if (gap.index < begin) left.push_back({gap.index, begin - gap.index});
    if (end < gap.end()) left.push_back({end, gap.end() - end});
  }
  gaps.swap(left);
}

bool hasDataWrittenIn(const ModelAkey& akey, const Hidden& hidden, const EpochRange& range,
                      uint32_t reader) {
  const ModelView view(range.high, reader);
  if (!akey.isArray) {
    const ModelWrite* write = visibleSingle(akey, hidden, view);
    return write && write->stamp.epoch >= range.low;
  }
  for (const ModelPiece& piece : visiblePieces(akey, hidden, view, kWholeArray)) {
    if (piece.isData() && piece.write->stamp.epoch >= range.low) return true;
  }
  return false;
}

void judgeKey(const std::string& key, KeyType type, Verdict& verdict) {
  if (key.empty() || (type == KeyType::kUint64 && key.size() != 8)) {
    verdict.allowed.push_back(ErrorCode::kInval);
  }
  if (key.size() > kKeySizeMax) verdict.allowed.push_back(ErrorCode::kKey2big);
}

void judgeContradiction(Conditions conditions, Verdict& verdict) {
  const bool isDkeyTorn = (conditions & kDkeyInsert) != 0 &&
                          (conditions & (kDkeyUpdate | kDkeyFetch | kDkeyPunch)) != 0;
  const bool isAkeyTorn = (conditions & kAkeyInsert) != 0 &&
                          (conditions & (kAkeyUpdate | kAkeyFetch | kAkeyPunch)) != 0;
  if (isDkeyTorn || isAkeyTorn) verdict.allowed.push_back(ErrorCode::kInval);
}

}  // namespace

bool isKeyBefore(KeyType type, const std::string& a, const std::string& b) {
  if (type == KeyType::kUint64 && a.size() == 8 && b.size() == 8) {
    return loadAs<uint64_t>(a.data()) < loadAs<uint64_t>(b.data());
  }
  return a < b;
}

bool Verdict::permits(ErrorCode code) const {
  return std::find(allowed.begin(), allowed.end(), code) != allowed.end() ||
         std::find(possible.begin(), possible.end(), code) != possible.end();
}

std::string Verdict::toText() const {
  std::string text;
  for (const ErrorCode code : allowed) {
    if (!text.empty()) text += " or ";
    text += code == ErrorCode::kOk ? "success" : std::string(errorName(code));
  }
  for (const ErrorCode code : possible) text += " perhaps " + std::string(errorName(code));
  return text;
}

const ModelObject* ReferenceModel::object(const ObjectId& oid) const {
  return findIn(objects_, oid);
}

const ModelDkey* ReferenceModel::dkey(const ObjectId& oid, const std::string& name) const {
  const ModelObject* parent = object(oid);
  return parent ? findIn(parent->dkeys, name) : nullptr;
}

const ModelAkey* ReferenceModel::akey(const ObjectId& oid, const std::string& dkeyName,
                                      const std::string& name) const {
  const ModelDkey* parent = dkey(oid, dkeyName);
  return parent ? findIn(parent->akeys, name) : nullptr;
}

Hidden ReferenceModel::hiddenAt(const ObjectId& oid, const std::string& dkeyName,
                                const std::string& akeyName, ModelView view) const {
  Hidden hidden;
  if (const ModelObject* found = object(oid)) hideBy(found->punches, view, hidden);
  if (const ModelDkey* found = dkey(oid, dkeyName)) hideBy(found->punches, view, hidden);
  if (const ModelAkey* found = akey(oid, dkeyName, akeyName)) hideBy(found->punches, view, hidden);
  return hidden;
}

const ModelWrite* visibleSingle(const ModelAkey& akey, Hidden hidden, ModelView view) {
  if (akey.isArray) return nullptr;
  for (auto write = akey.writes.rbegin(); write != akey.writes.rend(); ++write) {
    if (isSeen(*write, hidden, view)) return write->isData() ? &*write : nullptr;
  }
  return nullptr;
}

std::vector<ModelPiece> visiblePieces(const ModelAkey& akey, Hidden hidden, ModelView view,
                                      Extent range) {
  std::vector<Extent> gaps = {range};
  std::vector<ModelPiece> pieces;
  if (akey.isArray) {
    for (auto write = akey.writes.rbegin(); write != akey.writes.rend() && !gaps.empty(); ++write) {
      if (isSeen(*write, hidden, view)) paint(*write, gaps, pieces);
    }
  }
  for (const Extent& gap : gaps) pieces.push_back({gap, nullptr});
  std::sort(pieces.begin(), pieces.end(), [](const ModelPiece& a, const ModelPiece& b) {
    return a.extent.index < b.extent.index;
  });
  return pieces;
}

bool ReferenceModel::isVisible(const ObjectId& oid, const std::string& dkeyName,
                               const std::string& akeyName, const EpochRange& range,
                               uint32_t reader) const {
  const ModelAkey* found = akey(oid, dkeyName, akeyName);
  if (!found) return false;
  const Hidden hidden = hiddenAt(oid, dkeyName, akeyName, {range.high, reader});
  return hasDataWrittenIn(*found, hidden, range, reader);
}

bool ReferenceModel::isVisible(const ObjectId& oid, const std::string& dkeyName,
                               const EpochRange& range, uint32_t reader) const {
  const ModelDkey* found = dkey(oid, dkeyName);
  if (!found) return false;
  for (const auto& [name, below] : found->akeys) {
    if (isVisible(oid, dkeyName, name, range, reader)) return true;
  }
  return false;
}

bool ReferenceModel::isVisible(const ObjectId& oid, const EpochRange& range,
                               uint32_t reader) const {
  const ModelObject* found = object(oid);
  if (!found) return false;
  for (const auto& [name, below] : found->dkeys) {
    if (isVisible(oid, name, range, reader)) return true;
  }
  return false;
}

// --- judging

Verdict ReferenceModel::judge(const Operation& operation) const {
  if (!operation.isWrite() && operation.verb != Verb::kFetch) return judgeHistory(operation);
  Verdict verdict;
  judgeValidity(operation, verdict);
  judgeEpoch(operation, verdict);
  if (!verdict.allowed.empty()) return verdict;
  if (operation.isWrite()) {
    judgeTransaction(operation, verdict);
    judgeStamps(operation, verdict);
    judgeReads(operation, verdict);
  }
  judgeConditions(operation, verdict);
  if (operation.verb == Verb::kUpdate) judgeKinds(operation, verdict);
  if (operation.verb == Verb::kFetch) judgeRecordSizes(operation, verdict);
  if (verdict.allowed.empty()) verdict.allowed.push_back(ErrorCode::kOk);
  return verdict;
}

void ReferenceModel::judgeValidity(const Operation& operation, Verdict& verdict) const {
  const bool isWrite = operation.verb != Verb::kFetch;
  if (operation.epoch == 0 || (isWrite && operation.epoch == kEpochMax)) {
    verdict.allowed.push_back(ErrorCode::kInval);
  }
  const bool isObjectPunch = operation.verb == Verb::kPunch && operation.dkey.empty();
  if (!isObjectPunch) judgeKey(operation.dkey, operation.oid.dkeyType(), verdict);
  if (isObjectPunch && !operation.akeys.empty()) verdict.allowed.push_back(ErrorCode::kInval);
  if (operation.verb != Verb::kPunch && operation.akeys.empty()) {
    verdict.allowed.push_back(ErrorCode::kInval);
  }
  judgeContradiction(operation.conditions, verdict);
  for (const AkeyPart& part : operation.akeys) {
    judgeKey(part.akey, operation.oid.akeyType(), verdict);
    judgeContradiction(part.conditions, verdict);
    const uint32_t chunk = part.checksums.chunkSize;
    const bool isCut = part.checksums.type != 0 && part.isArray() && part.recordSize != 0;
    if (isCut && chunk % part.recordSize != 0) verdict.allowed.push_back(ErrorCode::kInval);
    uint64_t count = 0;
    for (const Extent& extent : part.extents) count += extent.count;
    if (part.recordSize != 0 && count > kTransferSizeMax / part.recordSize) {
      verdict.allowed.push_back(ErrorCode::kOverflow);
    }
    for (const Extent& extent : part.extents) {
      if (extent.count == 0) verdict.allowed.push_back(ErrorCode::kInval);
      if (extent.index >= kExtentEndMax || extent.count > kExtentEndMax - extent.index) {
        verdict.allowed.push_back(ErrorCode::kOverflow);
      }
    }
  }
}

void ReferenceModel::judgeConditions(const Operation& operation, Verdict& verdict) const {
  const EpochRange until = {0, operation.epoch};
  const uint32_t reader = operation.transaction;
  const bool refuses = operation.verb != Verb::kFetch || operation.isRefusing;
  const bool asks = operation.conditions != 0 || operation.verb == Verb::kFetch;
  if (refuses && asks && isInDoubt(operation.oid, operation.epoch, reader)) {
    verdict.possible.push_back(ErrorCode::kTxBusy);
  }
  const auto demand = [&](bool isWanted, bool isThere, bool mustBeThere) {
    if (isWanted && isThere != mustBeThere) {
      verdict.allowed.push_back(mustBeThere ? ErrorCode::kNonexist : ErrorCode::kExist);
    }
  };
  const Conditions call = operation.conditions;
  if ((call & kObjectPunch) != 0) demand(true, isVisible(operation.oid, until, reader), true);
  if ((call & (kDkeyInsert | kDkeyUpdate | kDkeyFetch | kDkeyPunch)) != 0) {
    const bool isThere = isVisible(operation.oid, operation.dkey, until, reader);
    demand((call & kDkeyInsert) != 0, isThere, false);
    demand((call & (kDkeyUpdate | kDkeyFetch | kDkeyPunch)) != 0, isThere, true);
  }
  for (const AkeyPart& part : operation.akeys) {
    const Conditions own = (call & kPerAkey) != 0 ? part.conditions : call;
    if ((own & (kAkeyInsert | kAkeyUpdate | kAkeyFetch | kAkeyPunch)) == 0) continue;
    const bool isThere = isVisible(operation.oid, operation.dkey, part.akey, until, reader);
    demand((own & kAkeyInsert) != 0, isThere, false);
    demand((own & (kAkeyUpdate | kAkeyFetch | kAkeyPunch)) != 0, isThere, true);
  }
}

// An akey that holds anything, seen or not, keeps its type, and an array its record size.
void ReferenceModel::judgeKinds(const Operation& operation, Verdict& verdict) const {
  std::map<std::string, ModelAkey> after;  // as the parts so far leave them; without their writes
  for (const AkeyPart& part : operation.akeys) {
    const ModelAkey* stored = akey(operation.oid, operation.dkey, part.akey);
    const bool isStored = stored && !stored->writes.empty();
    const bool isKnown = isStored || after.contains(part.akey);
    ModelAkey& known = after[part.akey];
    if (isStored && known.recordSize == 0) {
      known.isArray = stored->isArray;
      known.recordSize = stored->recordSize;
    }
    if (!isKnown) known.isArray = part.isArray();
    const bool isUncertain = mayBeForgotten(operation.oid, operation.dkey, part.akey);
    std::vector<ErrorCode>& codes = isUncertain ? verdict.possible : verdict.allowed;
    if (known.isArray != part.isArray()) codes.push_back(ErrorCode::kInval);
    if (!part.isArray() || part.recordSize == 0) continue;
    if (known.recordSize == 0) known.recordSize = part.recordSize;
    if (known.recordSize == part.recordSize) continue;
    const bool isForgotten = isStored && stored->isRecordSizeUncertain;
    (isForgotten ? verdict.possible : codes).push_back(ErrorCode::kRecSize);
  }
}

// A read that expects records of another size than those it would return is refused.
void ReferenceModel::judgeRecordSizes(const Operation& operation, Verdict& verdict) const {
  for (const AkeyPart& part : operation.akeys) {
    const ModelAkey* stored = akey(operation.oid, operation.dkey, part.akey);
    if (!stored || stored->isArray != part.isArray()) continue;
    unsigned __int128 size = 0;
    bool hasData = false;
    const ModelView view(operation.epoch, operation.transaction);
    const Hidden hidden = hiddenAt(operation.oid, operation.dkey, part.akey, view);
    for (const Extent& extent : part.extents) {
      for (const ModelPiece& piece : visiblePieces(*stored, hidden, view, extent)) {
        if (!piece.isData()) continue;
        hasData = true;
        if (part.recordSize != 0 && piece.write->recordSize != part.recordSize) {
          verdict.allowed.push_back(ErrorCode::kRecSize);
        }
      }
      size += static_cast<unsigned __int128>(extent.count) * stored->recordSize;
    }
    if (hasData && size >> 64 != 0) verdict.allowed.push_back(ErrorCode::kOverflow);
  }
}

// --- applying

namespace {

// Whether a reader sees `b` where both reach. Of one stamp the extent that starts later is above,
// then the shorter one: so that stores to which the same writes come in different orders agree.
bool isBelow(const ModelWrite& a, const ModelWrite& b) {
  if (a.stamp != b.stamp) return a.stamp < b.stamp;
  if (a.extent.index != b.extent.index) return a.extent.index < b.extent.index;
  return a.extent.count > b.extent.count;
}

// A write takes the place of one of the same stamp and extent.
void addWrite(ModelAkey& akey, const ModelWrite& write) {
  std::erase_if(akey.writes, [&](const ModelWrite& other) {
    return other.stamp == write.stamp && other.extent == write.extent;
  });
  akey.writes.insert(std::upper_bound(akey.writes.begin(), akey.writes.end(), write, isBelow),
                     write);
}

}  // namespace

void ReferenceModel::apply(const Operation& operation) {
  const uint32_t transaction = operation.transaction;
  transactionMax_ = std::max(transactionMax_, transaction);
  if (operation.isWrite()) {
    newest_ = std::max(newest_, operation.epoch);
    if (transaction != 0 && operation.conditions != 0) hasReads_ = true;
    if (transaction != 0 && operation.isOnce) committed_[transaction] = operation.epoch;
    if (transaction != 0 && !operation.isOnce) {
      const auto [place, isNew] = prepared_.try_emplace(transaction, operation.epoch);
      place->second = std::min(place->second, operation.epoch);
    }
  }
  switch (operation.verb) {
    case Verb::kUpdate: return applyUpdate(operation);
    case Verb::kPunch: return applyPunch(operation);
    case Verb::kCommit:
    case Verb::kAbort: return settle(operation);
    case Verb::kForget:
      std::erase_if(committed_, [&](const auto& id) { return id.second <= operation.epoch; });
      return;
    case Verb::kPin: pins_.insert(operation.epoch); return;
    case Verb::kUnpin: pins_.erase(operation.epoch); return;
    case Verb::kAggregate: return aggregate(operation);
    case Verb::kDiscard: return discard(operation);
    default: return;
  }
}

void ReferenceModel::applyUpdate(const Operation& operation) {
  ModelDkey& dkeyModel = objects_[operation.oid].dkeys[operation.dkey];
  const ModelStamp stamp = {operation.epoch, operation.minor};
  const uint32_t transaction = operation.isOnce ? 0 : operation.transaction;
  for (const AkeyPart& part : operation.akeys) {
    ModelAkey& target = dkeyModel.akeys[part.akey];
    const bool isMaybeDropped = mayBeForgotten(operation.oid, operation.dkey, part.akey);
    const bool isSizeUncertain =
        part.recordSize == 0 && (target.isRecordSizeUncertain || isMaybeDropped);
    // Only what an aggregation has dropped gives way to another type.
    const bool isOther = target.isArray != part.isArray() ||
                         (target.recordSize != 0 && part.recordSize != 0 &&
                          target.recordSize != part.recordSize);
    if (isOther) std::erase_if(target.writes, [](const auto& write) { return write.isData(); });
    if (target.isArray != part.isArray()) target.writes.clear();
    if (target.writes.empty()) target.recordSize = 0;
    target.isRecordSizeUncertain = isSizeUncertain;
    if (isSizeUncertain) areTypesCertain_ = false;
    target.isArray = part.isArray();
    if (!part.isArray()) {
      addWrite(target, {stamp, transaction, {}, part.recordSize, part.value, 0, part.checksums});
      continue;
    }
    if (part.recordSize != 0) target.recordSize = part.recordSize;
    uint64_t offset = 0;
    for (const Extent& extent : part.extents) {
      addWrite(target, {stamp, transaction, extent, part.recordSize, part.value, offset,
                        part.checksums});
      offset += extent.count * part.recordSize;
    }
  }
}

void ReferenceModel::applyPunch(const Operation& operation) {
  const ModelPunch punch = {{operation.epoch, operation.minor},
                            operation.isOnce ? 0 : operation.transaction};
  ModelObject& target = objects_[operation.oid];
  if (operation.dkey.empty()) return addPunch(target.punches, punch);
  ModelDkey& dkeyModel = target.dkeys[operation.dkey];
  if (operation.akeys.empty()) return addPunch(dkeyModel.punches, punch);
  for (const AkeyPart& part : operation.akeys) {
    // Where it was dropped the punch makes it anew, of no type.
    if (mayBeForgotten(operation.oid, operation.dkey, part.akey)) areTypesCertain_ = false;
    addPunch(dkeyModel.akeys[part.akey].punches, punch);
  }
}

}  // namespace daos::vos::proof
