#include "vos/proof/history_generator.h"

#include <algorithm>
#include <utility>

#include "base/generated/limits.h"

namespace daos::vos::proof {

namespace {

constexpr uint32_t kRecordSizes[] = {1, 1, 8, 8, 3, 64, 4096};

// FNV-1a: the same on every machine, so that seeds mean the same everywhere.
uint64_t hashOf(std::string_view key) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char byte : key) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3ull;
  return hash ^ (hash >> 32);
}

}  // namespace

namespace {

void chooseFocus(HistoryShape& shape, Random& random) {
  switch (random.below(7)) {
    case 0:  // one array, hammered
      shape.objects.resize(1);
      shape.dkeyCount = shape.akeyCount = 1;
      shape.arrayPercent = 97;
      shape.indexMax = random.chance(1, 2) ? 40 : 4000;
      shape.punchPercent = 3;
      break;
    case 1:  // one single value, hammered
      shape.objects.resize(1);
      shape.dkeyCount = shape.akeyCount = 1;
      shape.arrayPercent = 3;
      break;
    case 2:  // many dkeys
      shape.objects.resize(1);
      shape.dkeyCount = 300;
      shape.punchPercent = 4;
      shape.comparePermille = 2;
      break;
    case 3:  // many akeys
      shape.akeyCount = 300;
      shape.dkeyCount = 2;
      shape.punchPercent = 2;
      shape.comparePermille = 3;
      break;
    case 4:  // indices of any size
      shape.indexMax = kExtentEndMax;
      break;
    case 5:  // neighbours that grow together, which aggregation merges and brings to media
      shape.objects.resize(1);
      shape.dkeyCount = shape.akeyCount = 1;
      shape.arrayPercent = 90;
      shape.indexMax = 400;
      shape.epochs = EpochOrder::kRising;
      shape.transactionPercent = 0;
      shape.punchPercent = 2;
      shape.reducePermille = 100;
      shape.recordsPerChunk = static_cast<uint32_t>(1 + random.below(4));
      break;
    default:
      break;
  }
}

}  // namespace

HistoryShape HistoryShape::choose(Random& random) {
  HistoryShape shape;
  const uint64_t objectCount = 1 + random.below(4);
  for (uint64_t i = 0; i < objectCount; ++i) {
    const auto type = static_cast<uint8_t>(random.below(kObjectTypeMax + 1));
    shape.objects.push_back(makeObject(type, random.below(1000)));
  }
  shape.epochs = static_cast<EpochOrder>(random.below(3));
  shape.hasLongKeys = random.chance(1, 20);
  if (random.chance(1, 2)) shape.transactionPercent = random.chance(1, 2) ? 10 : 50;
  if (random.chance(1, 2)) shape.reducePermille = random.chance(1, 2) ? 10 : 60;
  shape.hasTracking = random.chance(1, 8);
  constexpr uint32_t kChecksumPercents[] = {0, 50, 97};
  shape.checksumPercent = kChecksumPercents[random.below(3)];
  shape.checksumType = static_cast<uint8_t>(1 + random.below(3));
  constexpr uint32_t kRecordsPerChunk[] = {1, 2, 4, 7, 16, 200};
  shape.recordsPerChunk = kRecordsPerChunk[random.below(std::size(kRecordsPerChunk))];
  chooseFocus(shape, random);
  constexpr uint64_t kValueSizes[] = {16, 64, 300, 5000, 100 * 1024};
  shape.valueSizeMax = kValueSizes[random.below(std::size(kValueSizes))];
  return shape;
}

Operation HistoryGenerator::next() {
  oid_ = shape_.objects[random_.below(shape_.objects.size())];
  if (std::exchange(hasReduced_, false) && chance(60)) return makeCompare();
  if (random_.chance(shape_.comparePermille, 1000)) return makeCompare();
  if (random_.chance(shape_.reopenPermille, 1000)) {
    Operation operation;
    operation.verb = Verb::kReopen;
    return operation;
  }
  if (random_.chance(shape_.reducePermille, 1000)) return makeReduction();
  if (!active_.empty() && chance(4)) return makeSettling(3);
  if (chance(shape_.punchPercent)) return calmed(makePunch());
  const uint64_t choice = random_.below(100);
  if (choice < 55) return calmed(makeUpdate());
  if (choice < 75) return makeFetch();
  if (choice < 82) return makeQuery();
  if (choice < 90) return makeList();
  Operation operation;
  operation.verb = Verb::kContinue;
  operation.pageSize = static_cast<uint32_t>(1 + random_.below(4));
  return operation;
}

Operation HistoryGenerator::nextWrite() {
  oid_ = shape_.objects[random_.below(shape_.objects.size())];
  if (random_.chance(shape_.reducePermille, 4000)) return makeReduction();
  if (!active_.empty() && chance(4)) return makeSettling(1);
  return calmed(chance(shape_.punchPercent) ? makePunch() : makeUpdate());
}

// A transaction's condition holds back all earlier writes: among epochs of any size one of a late
// one would end the history.
Operation HistoryGenerator::calmed(Operation write) {
  const bool isJudged = write.transaction != 0 && write.conditions != 0;
  if (isJudged && shape_.epochs == EpochOrder::kWide && !chance(5)) write.conditions = 0;
  return write;
}

// Short keys of few bytes are prefixes of each other; among many, a number in either byte order.
std::string HistoryGenerator::makeKey(KeyType type, uint32_t count, char level) {
  const uint64_t number = random_.below(count);
  if (type == KeyType::kUint64) {
    constexpr uint64_t kFactors[] = {1, 0x0100000000000001ull, 0x9e3779b97f4a7c15ull};
    const uint64_t value = number * kFactors[oid_.low % 3];
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  }
  if (shape_.hasLongKeys && number % 3 == 0) {
    std::string key(number % 2 == 0 ? kKeySizeMax - 1 : 200, level);
    key += static_cast<char>('0' + number % 7);
    return key;
  }
  if (count > 10) return level + std::to_string(number * 7919 % count);
  constexpr std::string_view kAlike[] = {"a",         "ab",   "abc", "abcdefgh",
                                         "abcdefghi", "\xff", "b",   "b\0"};
  if (number < std::size(kAlike)) return std::string(kAlike[number]);
  return std::string(number, level);
}

void HistoryGenerator::chooseNames(Operation& operation) {
  operation.oid = oid_;
  operation.dkey = makeKey(oid_.dkeyType(), shape_.dkeyCount, 'd');
}

void HistoryGenerator::chooseWriteEpoch(Operation& operation) {
  switch (shape_.epochs) {
    case EpochOrder::kRising:
      operation.epoch = chance(5) ? newest_ - random_.below(90) : newest_ + random_.below(3);
      break;
    case EpochOrder::kScattered:
      operation.epoch = floor_ + 1 + random_.below(40);
      break;
    case EpochOrder::kWide:
      operation.epoch = floor_ / 2 + 1 + (random_.next() >> (2 + random_.below(60)));
      if (chance(90)) operation.epoch = std::max(operation.epoch, floor_ + 1 + random_.below(99));
      break;
  }
  // Most of what a snapshot would refuse comes after it.
  const Epoch pinned = pins_.empty() ? 0 : *std::max_element(pins_.begin(), pins_.end());
  if (operation.epoch <= pinned && chance(95)) operation.epoch = pinned + 1 + random_.below(40);
  if (floor_ != 0 && chance(2)) operation.epoch = 1 + random_.below(floor_);
  newest_ = std::max(newest_, operation.epoch);
  if (chance(20)) operation.minor = static_cast<uint16_t>(random_.below(3));
}

Epoch HistoryGenerator::chooseReadEpoch() {
  if (chance(20)) return kEpochMax;
  if (!pins_.empty() && chance(15)) return pins_[random_.below(pins_.size())];
  if (floor_ != 0 && chance(5)) return 1 + random_.below(floor_);
  switch (shape_.epochs) {
    case EpochOrder::kRising:
      return newest_ + 2 - random_.below(100);
    case EpochOrder::kScattered:
      return floor_ + 1 + random_.below(42);
    case EpochOrder::kWide:
      break;
  }
  return std::max(floor_, 1 + (random_.next() >> (1 + random_.below(60))));
}

void HistoryGenerator::chooseTransaction(Operation& operation) {
  if (!chance(shape_.transactionPercent)) return;
  if (operation.isWrite() && chance(10)) {
    operation.isOnce = true;
    operation.transaction = chance(80) ? ++transactionCount_ : 1 + random_.below(transactionCount_);
    return;
  }
  if (transactionCount_ != 0 && chance(3)) {
    operation.transaction = static_cast<uint32_t>(1 + random_.below(transactionCount_));
    return;
  }
  if (active_.empty() || (active_.size() < 5 && chance(15))) active_.push_back(++transactionCount_);
  operation.transaction = active_[random_.below(active_.size())];
}

Operation HistoryGenerator::makeSettling(size_t idCountMax) {
  Operation operation;
  operation.verb = chance(60) ? Verb::kCommit : Verb::kAbort;
  const size_t count = 1 + random_.below(idCountMax);
  for (size_t i = 0; i < count && !active_.empty(); ++i) {
    const auto place = active_.begin() + static_cast<ptrdiff_t>(random_.below(active_.size()));
    operation.ids.push_back(*place);
    // Some are settled twice.
    if (chance(90)) active_.erase(place);
  }
  return operation;
}

Operation HistoryGenerator::makeReduction() {
  hasReduced_ = true;
  Operation operation;
  operation.budget = static_cast<uint32_t>(chance(50) ? 1 + random_.below(40) : 1000);
  const uint64_t reach = shape_.epochs == EpochOrder::kScattered ? 30 : 1 + (newest_ - floor_) / 2;
  operation.epoch = floor_ + 1 + random_.below(reach);
  const uint64_t choice = random_.below(100);
  if (choice < 40) {
    operation.verb = Verb::kAggregate;
    if (chance(20)) operation.stepCount = static_cast<uint32_t>(1 + random_.below(20));
    floor_ = operation.epoch;
  } else if (choice < 65) {
    operation.verb = Verb::kPin;
    pins_.push_back(operation.epoch);
  } else if (choice < 80 && !pins_.empty()) {
    operation.verb = Verb::kUnpin;
    operation.epoch = pins_[random_.below(pins_.size())];
  } else if (choice < 85) {
    operation.verb = Verb::kForget;
  } else {
    operation.verb = Verb::kDiscard;
    operation.epochLow = operation.epoch;
    operation.epoch += random_.below(reach);
    if (!pins_.empty() && chance(50)) {
      operation.epochLow = pins_[random_.below(pins_.size())] + 1;
      operation.epoch = chance(80) ? kEpochMax : floor_ + random_.below(reach);
    }
  }
  return operation;
}

Conditions HistoryGenerator::chooseConditions(std::span<const Condition> from) {
  Conditions conditions = 0;
  if (!chance(25)) return conditions;
  for (const Condition condition : from) {
    if (chance(40)) conditions |= condition;
  }
  return conditions;
}

uint64_t HistoryGenerator::chooseSize() {
  if (chance(80)) return 1 + random_.below(std::min<uint64_t>(shape_.valueSizeMax, 100));
  return 1 + random_.below(shape_.valueSizeMax);
}

Extent HistoryGenerator::makeExtent() {
  uint64_t limit = shape_.indexMax;
  if (limit == kExtentEndMax) limit = kExtentEndMax >> random_.below(63);
  const uint64_t index = random_.below(limit);
  constexpr uint64_t kCounts[] = {1, 2, 8, 20, 100};
  uint64_t count = 1 + random_.below(kCounts[random_.below(std::size(kCounts))]);
  if (chance(10)) count = 1 + random_.below(std::min<uint64_t>(limit, 1 << 20));
  return {index, std::min(count, kExtentEndMax - index)};
}

// The type of an akey and the size of its records follow from its name, nearly always.
AkeyPart HistoryGenerator::makePart() {
  AkeyPart part;
  part.akey = makeKey(oid_.akeyType(), shape_.akeyCount, 'a');
  const uint64_t kind = hashOf(part.akey) + (chance(2) ? random_.below(100) : 0);
  part.value = chance(5) ? 0 : ++valueCount_;
  if (kind % 100 >= shape_.arrayPercent) {
    part.recordSize = chance(5) ? 0 : chooseSize();
    return part;
  }
  part.recordSize = kRecordSizes[kind / 100 % std::size(kRecordSizes)];
  const uint64_t extentCount = chance(70) ? 1 : 1 + random_.below(6);
  for (uint64_t i = 0; i < extentCount; ++i) part.extents.push_back(makeExtent());
  return part;
}

// Now and then they are of another form, or wrong, or cut records in two.
ChecksumForm HistoryGenerator::makeChecksums(const AkeyPart& part) {
  ChecksumForm form;
  if (!chance(shape_.checksumPercent)) return form;
  form.type = chance(95) ? shape_.checksumType : static_cast<uint8_t>(1 + random_.below(3));
  const uint64_t records = chance(95) ? shape_.recordsPerChunk : 1 + random_.below(9);
  // A single value is one record: it is cut anywhere.
  const uint64_t recordSize = part.isArray() ? std::max<uint64_t>(part.recordSize, 1) : 64;
  form.chunkSize = static_cast<uint32_t>(records * recordSize);
  if (random_.chance(1, 500)) ++form.chunkSize;
  form.isWrong = chance(2);
  return form;
}

void HistoryGenerator::addUpdateParts(Operation& operation) {
  const uint64_t partCount = chance(80) ? 1 : 1 + random_.below(5);
  for (uint64_t i = 0; i < partCount; ++i) {
    AkeyPart part = makePart();
    if (part.isArray() && chance(15)) part.recordSize = 0;
    for (Extent& extent : part.extents) {
      const uint64_t room = shape_.valueSizeMax / std::max<uint64_t>(part.recordSize, 1);
      if (part.recordSize != 0) extent.count = std::min(extent.count, 1 + room);
    }
    if ((operation.conditions & kPerAkey) != 0) {
      constexpr Condition kOwn[] = {kAkeyInsert, kAkeyUpdate};
      if (chance(60)) part.conditions = kOwn[random_.below(2)];
    }
    part.checksums = makeChecksums(part);
    operation.akeys.push_back(std::move(part));
  }
}

Operation HistoryGenerator::makeUpdate() {
  Operation operation;
  operation.verb = Verb::kUpdate;
  chooseNames(operation);
  chooseWriteEpoch(operation);
  constexpr Condition kInsert[] = {kDkeyInsert, kAkeyInsert};
  constexpr Condition kUpdate[] = {kDkeyUpdate, kAkeyUpdate};
  constexpr Condition kMixed[] = {kDkeyUpdate, kAkeyInsert};
  const std::span<const Condition> kFrom[] = {kInsert, kUpdate, kMixed};
  operation.conditions = chooseConditions(kFrom[random_.below(3)]);
  if (chance(5)) operation.conditions = kPerAkey;
  if (chance(1)) operation.conditions |= kInsert[0] | kUpdate[0];
  operation.isPending = chance(30);
  chooseTransaction(operation);
  addUpdateParts(operation);
  return operation;
}

Operation HistoryGenerator::makePunch() {
  Operation operation;
  operation.verb = Verb::kPunch;
  chooseNames(operation);
  chooseWriteEpoch(operation);
  chooseTransaction(operation);
  const uint64_t choice = random_.below(100);
  if (choice < 10) {
    operation.dkey.clear();
    if (chance(30)) operation.conditions = kObjectPunch;
    return operation;
  }
  if (choice < 40) {
    if (chance(30)) operation.conditions = kDkeyPunch;
    return operation;
  }
  constexpr Condition kFrom[] = {kDkeyPunch, kAkeyPunch};
  operation.conditions = chooseConditions(kFrom);
  const uint64_t partCount = chance(70) ? 1 : 1 + random_.below(3);
  for (uint64_t i = 0; i < partCount; ++i) {
    operation.akeys.emplace_back().akey = makeKey(oid_.akeyType(), shape_.akeyCount, 'a');
  }
  return operation;
}

Operation HistoryGenerator::makeFetch() {
  Operation operation;
  operation.verb = Verb::kFetch;
  chooseNames(operation);
  operation.epoch = chooseReadEpoch();
  constexpr Condition kFrom[] = {kDkeyFetch, kAkeyFetch};
  operation.conditions = chooseConditions(kFrom);
  operation.isSizesOnly = chance(10);
  chooseTransaction(operation);
  operation.isRefusing = chance(30);
  const uint64_t partCount = chance(70) ? 1 : 1 + random_.below(4);
  operation.isTracked = shape_.hasTracking && chance(5);
  for (uint64_t i = 0; i < partCount; ++i) {
    AkeyPart part = makePart();
    part.value = 0;
    if (!part.isArray() || chance(50)) part.recordSize = 0;
    if (part.isArray() && !operation.isTracked && chance(1)) {
      part.extents.push_back({0, uint64_t{1} << (58 + random_.below(5))});
    }
    operation.akeys.push_back(std::move(part));
  }
  return operation;
}

Operation HistoryGenerator::makeQuery() {
  Operation operation;
  operation.verb = Verb::kQuery;
  chooseNames(operation);
  operation.epoch = chooseReadEpoch();
  operation.what = static_cast<QueryWhat>(random_.below(6));
  chooseTransaction(operation);
  if (oid_.dkeyType() != KeyType::kHashed && chance(60)) operation.dkey.clear();
  const bool isDkeyQuery =
      operation.what == QueryWhat::kMaxDkey || operation.what == QueryWhat::kMinDkey;
  if (!isDkeyQuery && (oid_.akeyType() == KeyType::kHashed || chance(40))) {
    operation.akeys.emplace_back().akey = makeKey(oid_.akeyType(), shape_.akeyCount, 'a');
  }
  return operation;
}

Operation HistoryGenerator::makeList() {
  Operation operation;
  operation.verb = Verb::kList;
  chooseNames(operation);
  operation.level = static_cast<Level>(random_.below(6));
  chooseTransaction(operation);
  operation.epoch = chooseReadEpoch();
  if (chance(30)) operation.epochLow = std::min(chooseReadEpoch(), operation.epoch);
  if (chance(40)) operation.versions = Versions::kAll;
  if (operation.level == Level::kPunch) operation.versions = Versions::kAll;
  operation.pageSize = static_cast<uint32_t>(1 + random_.below(5));
  const bool isAbove = operation.level == Level::kObject || operation.level == Level::kDkey;
  // Now and then a name is left over that the level does not need.
  if (isAbove && chance(80)) operation.dkey.clear();
  const bool isDeep = operation.level == Level::kExtent || operation.level == Level::kSingle;
  if (isDeep || (operation.level == Level::kPunch && chance(40))) {
    operation.akeys.emplace_back().akey = makeKey(oid_.akeyType(), shape_.akeyCount, 'a');
  } else if (operation.level == Level::kPunch && chance(40)) {
    operation.dkey.clear();
  }
  operation.isReverse =
      operation.level == Level::kExtent && operation.versions == Versions::kVisible && chance(40);
  return operation;
}

Operation HistoryGenerator::makeCompare() {
  Operation operation;
  operation.verb = Verb::kCompare;
  operation.epoch = chooseReadEpoch();
  operation.pageSize = chance(50) ? 1000 : static_cast<uint32_t>(1 + random_.below(7));
  return operation;
}

std::vector<Operation> makeHistory(uint64_t seed, size_t count) {
  SeededRandom random(seed);
  HistoryGenerator generator(HistoryShape::choose(random), random);
  std::vector<Operation> history;
  history.reserve(count);
  while (history.size() < count) history.push_back(generator.next());
  return history;
}

}  // namespace daos::vos::proof
