#include "vos/proof/listing.h"

#include <algorithm>
#include <tuple>

namespace daos::vos::proof {

namespace {

bool isListedBefore(const Listed& a, const Listed& b) {
  return std::tie(a.oid, a.key, a.extent.index, a.extent.count, a.epoch, a.minor, a.isHole) <
         std::tie(b.oid, b.key, b.extent.index, b.extent.count, b.epoch, b.minor, b.isHole);
}

Listed toListed(const Entry& entry) {
  Listed listed;
  listed.kind = entry.kind;
  listed.epoch = entry.epoch;
  listed.minor = entry.minor;
  listed.isHole = entry.isHole;
  listed.isInDoubt = entry.isInDoubt;
  switch (entry.kind) {
    case EntryKind::kObject:
      listed.oid = entry.oid;
      break;
    case EntryKind::kDkey:
      listed.key = textOf(entry.key);
      break;
    case EntryKind::kAkey:
      listed.key = textOf(entry.key);
      listed.valueType = entry.valueType;
      if (entry.valueType == ValueType::kArray) listed.recordSize = entry.recordSize;
      break;
    case EntryKind::kExtent:
      listed.extent = entry.extent;
      listed.recordSize = entry.isHole ? 0 : entry.recordSize;
      break;
    case EntryKind::kSingle:
      listed.recordSize = entry.recordSize;
      break;
    case EntryKind::kPunch:
      break;
  }
  return listed;
}

class PageSink final : public EntrySink {
 public:
  explicit PageSink(uint32_t sizeMax) : sizeMax_(sizeMax) {}
  bool take(const Entry& entry) override {
    if (entries_.size() == sizeMax_) return false;
    entries_.push_back(toListed(entry));
    return true;
  }
  std::vector<Listed> release() { return std::move(entries_); }

 private:
  const uint32_t sizeMax_;
  std::vector<Listed> entries_;
};

Listed versionEntry(EntryKind kind, const ModelWrite& write, Extent extent) {
  Listed entry;
  entry.kind = kind;
  entry.extent = extent;
  entry.epoch = write.stamp.epoch;
  entry.minor = write.stamp.minor;
  entry.isHole = !write.isData();
  entry.isInDoubt = write.transaction != 0;
  entry.recordSize = write.recordSize;
  return entry;
}

bool isWithin(const ModelStamp& stamp, const EpochRange& range) {
  return stamp.epoch >= range.low && stamp.epoch <= range.high;
}

bool hasPunchIn(const ModelPunches& punches, const EpochRange& range) {
  return std::any_of(punches.begin(), punches.end(),
                     [&](const ModelPunch& punch) { return isWithin(punch.stamp, range); });
}

bool hasVersionIn(const ModelAkey& akey, const EpochRange& range) {
  return hasPunchIn(akey.punches, range) ||
         std::any_of(akey.writes.begin(), akey.writes.end(),
                     [&](const ModelWrite& write) { return isWithin(write.stamp, range); });
}

bool hasVersionIn(const ModelDkey& dkey, const EpochRange& range) {
  return hasPunchIn(dkey.punches, range) ||
         std::any_of(dkey.akeys.begin(), dkey.akeys.end(),
                     [&](const auto& akey) { return hasVersionIn(akey.second, range); });
}

bool hasVersionIn(const ModelObject& object, const EpochRange& range) {
  return hasPunchIn(object.punches, range) ||
         std::any_of(object.dkeys.begin(), object.dkeys.end(),
                     [&](const auto& dkey) { return hasVersionIn(dkey.second, range); });
}

class Expectation {
 public:
  Expectation(const ReferenceModel& model, const Listing& listing)
      : model_(model), listing_(listing) {}

  std::vector<Listed> run() {
    switch (listing_.level) {
      case Level::kObject:
        addObjects();
        break;
      case Level::kDkey:
        addDkeys();
        break;
      case Level::kAkey:
        addAkeys();
        break;
      case Level::kExtent:
        addExtents();
        break;
      case Level::kSingle:
        addSingles();
        break;
      case Level::kPunch:
        addPunches();
        break;
    }
    return std::move(entries_);
  }

 private:
  bool isAll() const { return listing_.versions == Versions::kAll; }
  void addObjects();
  void addDkeys();
  void addAkeys();
  void addExtents();
  void addSingles();
  void addPunches();
  const ModelAkey* akey() const { return model_.akey(listing_.oid, listing_.dkey, listing_.akey); }
  ModelView view() const { return {listing_.epochs.high, listing_.reader}; }
  Hidden hidden() const {
    return model_.hiddenAt(listing_.oid, listing_.dkey, listing_.akey, view());
  }

  const ReferenceModel& model_;
  const Listing& listing_;
  std::vector<Listed> entries_;
};

void Expectation::addObjects() {
  for (const auto& [oid, object] : model_.objects()) {
    if (!(isAll() ? hasVersionIn(object, listing_.epochs)
                  : model_.isVisible(oid, listing_.epochs, listing_.reader)))
      continue;
    entries_.emplace_back().oid = oid;
  }
}

void Expectation::addDkeys() {
  const ModelObject* object = model_.object(listing_.oid);
  if (!object) return;
  for (const auto& [name, dkey] : object->dkeys) {
    if (!(isAll() ? hasVersionIn(dkey, listing_.epochs)
                  : model_.isVisible(listing_.oid, name, listing_.epochs, listing_.reader))) {
      continue;
    }
    Listed& entry = entries_.emplace_back();
    entry.kind = EntryKind::kDkey;
    entry.key = name;
  }
}

void Expectation::addAkeys() {
  const ModelDkey* dkey = model_.dkey(listing_.oid, listing_.dkey);
  if (!dkey) return;
  for (const auto& [name, akeyBelow] : dkey->akeys) {
    if (!(isAll() ? hasVersionIn(akeyBelow, listing_.epochs)
                  : model_.isVisible(listing_.oid, listing_.dkey, name, listing_.epochs,
                                     listing_.reader))) {
      continue;
    }
    Listed& entry = entries_.emplace_back();
    entry.kind = EntryKind::kAkey;
    entry.key = name;
    entry.valueType = akeyBelow.isArray ? ValueType::kArray : ValueType::kSingle;
    if (akeyBelow.isArray) entry.recordSize = akeyBelow.recordSize;
  }
}

void Expectation::addExtents() {
  const ModelAkey* array = akey();
  if (!array || !array->isArray) return;
  if (isAll()) {
    for (const ModelWrite& write : array->writes) {
      if (isWithin(write.stamp, listing_.epochs)) {
        entries_.push_back(versionEntry(EntryKind::kExtent, write, write.extent));
      }
    }
    return;
  }
  for (const ModelPiece& piece :
       visiblePieces(*array, hidden(), view(), kWholeArray)) {
    if (piece.isData() && piece.write->stamp.epoch >= listing_.epochs.low) {
      entries_.push_back(versionEntry(EntryKind::kExtent, *piece.write, piece.extent));
      entries_.back().isInDoubt = false;
    }
  }
}

void Expectation::addSingles() {
  const ModelAkey* single = akey();
  if (!single || single->isArray) return;
  if (!isAll()) {
    const ModelWrite* write = visibleSingle(*single, hidden(), view());
    if (write && write->stamp.epoch >= listing_.epochs.low) {
      entries_.push_back(versionEntry(EntryKind::kSingle, *write, {}));
      entries_.back().isInDoubt = false;
    }
    return;
  }
  for (const ModelWrite& write : single->writes) {
    if (isWithin(write.stamp, listing_.epochs)) {
      entries_.push_back(versionEntry(EntryKind::kSingle, write, {}));
    }
  }
}

void Expectation::addPunches() {
  const ModelPunches* punches = nullptr;
  if (listing_.dkey.empty()) {
    if (const ModelObject* object = model_.object(listing_.oid)) punches = &object->punches;
  } else if (listing_.akey.empty()) {
    if (const ModelDkey* dkey = model_.dkey(listing_.oid, listing_.dkey)) punches = &dkey->punches;
  } else if (const ModelAkey* found = akey()) {
    punches = &found->punches;
  }
  if (!punches) return;
  for (const auto& [stamp, transaction] : *punches) {
    if (!isWithin(stamp, listing_.epochs)) continue;
    Listed& entry = entries_.emplace_back();
    entry.kind = EntryKind::kPunch;
    entry.epoch = stamp.epoch;
    entry.minor = stamp.minor;
    entry.isInDoubt = transaction != 0;
  }
}

// Neighbours of one write, cut apart by the store or by a page.
void joinExtents(std::vector<Listed>& entries) {
  std::vector<Listed> joined;
  for (const Listed& entry : entries) {
    if (!joined.empty()) {
      Listed candidate = joined.back();
      candidate.extent = entry.extent;
      if (candidate == entry && joined.back().extent.end() == entry.extent.index) {
        joined.back().extent.count += entry.extent.count;
        continue;
      }
    }
    joined.push_back(entry);
  }
  entries.swap(joined);
}

}  // namespace

std::string toText(const Listed& entry) {
  constexpr std::string_view kNames[] = {"object", "dkey", "akey", "extent", "single", "punch"};
  std::string text(kNames[static_cast<size_t>(entry.kind)]);
  if (entry.kind == EntryKind::kObject) {
    return text + ' ' + std::to_string(entry.oid.typeBits()) + ':' + std::to_string(entry.oid.low);
  }
  if (!entry.key.empty()) text += ' ' + keyText(entry.key);
  if (entry.kind == EntryKind::kAkey)
    text += entry.valueType == ValueType::kArray ? " array" : " single";
  if (entry.kind == EntryKind::kExtent) {
    text += ' ' + std::to_string(entry.extent.index) + '+' + std::to_string(entry.extent.count);
  }
  if (entry.epoch != 0)
    text += " at " + std::to_string(entry.epoch) + '.' + std::to_string(entry.minor);
  if (entry.isHole) text += " hole";
  if (entry.isInDoubt) text += " in doubt";
  if (entry.recordSize != 0) text += " size " + std::to_string(entry.recordSize);
  return text;
}

Listing Listing::of(const Operation& operation) {
  Listing listing;
  listing.level = operation.level;
  listing.oid = operation.oid;
  listing.dkey = operation.dkey;
  listing.akey = textOf(operation.akeyBytes());
  listing.epochs = {operation.epochLow, operation.epoch};
  listing.versions = operation.versions;
  listing.isReverse = operation.isReverse;
  listing.reader = operation.transaction;
  return listing;
}

EnumerateRequest Listing::request() const {
  EnumerateRequest request;
  request.level = level;
  request.oid = oid;
  request.dkey = bytesOf(dkey);
  request.akey = bytesOf(akey);
  request.epochs = epochs;
  request.versions = versions;
  request.isReverse = isReverse;
  request.transaction = transactionId(reader);
  return request;
}

bool Listing::isOrdered() const {
  switch (level) {
    case Level::kDkey:
      return oid.dkeyType() != KeyType::kHashed;
    case Level::kAkey:
      return oid.akeyType() != KeyType::kHashed;
    case Level::kExtent:
      return versions == Versions::kVisible;
    default:
      return false;
  }
}

Result<std::vector<Listed>> listPage(Container& container, const Listing& listing,
                                     uint32_t pageSize, Anchor& anchor) {
  PageSink sink(pageSize);
  DAOS_CHECK(container.enumerate(listing.request(), anchor, sink));
  return sink.release();
}

Result<std::vector<Listed>> listAll(Container& container, const Listing& listing,
                                    uint32_t pageSize) {
  std::vector<Listed> all;
  Anchor anchor;
  while (!anchor.isEnd) {
    DAOS_TRY(const std::vector<Listed> page, listPage(container, listing, pageSize, anchor));
    if (page.empty() && !anchor.isEnd) {
      return Error(ErrorCode::kMisc, "an enumeration returned neither an entry nor its end");
    }
    all.insert(all.end(), page.begin(), page.end());
  }
  return all;
}

std::vector<Listed> expectedEntries(const ReferenceModel& model, const Listing& listing) {
  std::vector<Listed> entries = Expectation(model, listing).run();
  const bool isDkey = listing.level == Level::kDkey;
  if (isDkey || listing.level == Level::kAkey) {
    const KeyType type = isDkey ? listing.oid.dkeyType() : listing.oid.akeyType();
    std::sort(entries.begin(), entries.end(),
              [type](const Listed& a, const Listed& b) { return isKeyBefore(type, a.key, b.key); });
  } else if (listing.level == Level::kExtent && listing.isReverse) {
    std::reverse(entries.begin(), entries.end());
  }
  normalise(model, listing, entries);
  return entries;
}

std::optional<Listing> comparable(const ReferenceModel& model, Listing listing) {
  const Epoch aggregated = model.aggregatedEpoch();
  if (aggregated == 0 || listing.epochs.low > aggregated) return listing;
  const bool isAll = listing.versions == Versions::kAll || listing.level == Level::kPunch;
  if (!isAll && listing.epochs.low == 0) return listing;
  if (listing.epochs.high > aggregated) {
    listing.epochs.low = aggregated + 1;
  } else if (isAll) {
    return {};
  } else {
    listing.epochs.low = 0;
  }
  return listing;
}

void normalise(const ReferenceModel& model, const Listing& listing, std::vector<Listed>& entries) {
  for (Listed& entry : entries) {
    const bool isExtent = entry.kind == EntryKind::kExtent;
    if (isExtent && listing.versions == Versions::kVisible &&
        entry.epoch <= model.aggregatedEpoch()) {
      entry.epoch = model.mergedEpoch(entry.epoch);
      entry.minor = 0;
    }
    if (entry.kind != EntryKind::kAkey || model.areTypesCertain()) continue;
    if (listing.versions == Versions::kVisible) continue;
    entry.valueType = ValueType::kSingle;
    entry.recordSize = 0;
  }
  if (listing.level == Level::kDkey || listing.level == Level::kAkey) {
    if (listing.isOrdered()) return;
  }
  if (!listing.isOrdered()) return std::sort(entries.begin(), entries.end(), isListedBefore);
  if (listing.level != Level::kExtent) return;
  if (listing.isReverse) std::reverse(entries.begin(), entries.end());
  joinExtents(entries);
  if (listing.isReverse) std::reverse(entries.begin(), entries.end());
}

}  // namespace daos::vos::proof
