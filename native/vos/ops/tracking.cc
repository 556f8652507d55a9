#include "vos/ops/tracking.h"

namespace daos::vos {

namespace {

uint64_t readerOf(const TransactionId& id) {
  return id.isNil() ? 0 : hashKey(bytesOf(&id, sizeof id)) | 1;
}

ReadTime timeOf(const WriteContext& write) { return {write.epoch, readerOf(write.transaction)}; }

NameHashes namesOf(const ContainerState& container, const ObjectId& oid, Bytes dkey) {
  return NameHashes::of(container.record().uuid, oid, dkey);
}

Error readLater(const char* what) {
  return Error(ErrorCode::kTxRestart, std::string("the ") + what + " was read at a later epoch");
}

// An epoch of "the newest" is as late as what was written so far.
Epoch epochOf(const ContainerState& container, Epoch epoch) {
  return epoch == kEpochMax ? container.pool.epochNewest : epoch;
}

ReadTime timeOf(const ContainerState& container, Epoch epoch, const TransactionId& id) {
  return {epochOf(container, epoch), readerOf(id)};
}

}  // namespace

Status checkReads(const ContainerState& container, const UpdateRequest& request) {
  const ReadTimes& reads = *container.pool.readTimes;
  if (reads.isClear(request.write.epoch)) return {};
  const NameHashes names = namesOf(container, request.oid, request.dkey);
  for (const IoDescriptor& descriptor : request.descriptors) {
    const NameHashes akey = names.withAkey(descriptor.akey);
    if (reads.isReadAfter(ReadTimes::Level::kAkey, akey, timeOf(request.write)))
      return readLater("akey");
  }
  return {};
}

Status checkReads(const ContainerState& container, const PunchRequest& request) {
  const ReadTimes& reads = *container.pool.readTimes;
  if (reads.isClear(request.write.epoch)) return {};
  const NameHashes names = namesOf(container, request.oid, request.dkey);
  const ReadTime time = timeOf(request.write);
  if (request.dkey.empty()) {
    return reads.isReadAfter(ReadTimes::Level::kObject, names, time) ? readLater("object")
                                                                     : Status{};
  }
  if (request.akeys.empty()) {
    return reads.isReadAfter(ReadTimes::Level::kDkey, names, time) ? readLater("dkey") : Status{};
  }
  for (const Bytes akey : request.akeys) {
    if (reads.isReadAfter(ReadTimes::Level::kAkey, names.withAkey(akey), time))
      return readLater("akey");
  }
  return {};
}

void trackFetch(ContainerState& container, const FetchRequest& request) {
  ReadTimes& reads = *container.pool.readTimes;
  const ReadTime time = timeOf(container, request.read.epoch, request.read.transaction);
  const NameHashes names = namesOf(container, request.oid, request.dkey);
  for (const IoDescriptor& descriptor : request.descriptors) {
    reads.noteAkey(names.withAkey(descriptor.akey), time);
  }
  constexpr Conditions kDkeyConditions = kDkeyInsert | kDkeyUpdate | kDkeyFetch | kDkeyPunch;
  if ((request.read.conditions & kDkeyConditions) != 0) {
    reads.noteWhole(ReadTimes::Level::kDkey, names, time);
  }
}

void trackEnumerate(ContainerState& container, const EnumerateRequest& request) {
  ReadTimes& reads = *container.pool.readTimes;
  const ReadTime time = timeOf(container, request.epochs.high, request.transaction);
  const NameHashes names = namesOf(container, request.oid, request.dkey);
  switch (request.level) {
    case Level::kObject: return reads.noteWhole(ReadTimes::Level::kContainer, names, time);
    case Level::kDkey: return reads.noteWhole(ReadTimes::Level::kObject, names, time);
    case Level::kAkey: return reads.noteWhole(ReadTimes::Level::kDkey, names, time);
    case Level::kExtent:
    case Level::kSingle: return reads.noteAkey(names.withAkey(request.akey), time);
    case Level::kPunch: break;
  }
}

void trackQuery(ContainerState& container, const QueryRequest& request) {
  ReadTimes& reads = *container.pool.readTimes;
  const ReadTime time = timeOf(container, request.read.epoch, request.read.transaction);
  const NameHashes names = namesOf(container, request.oid, request.dkey);
  if (request.dkey.empty()) return reads.noteWhole(ReadTimes::Level::kObject, names, time);
  if (request.akey.empty()) return reads.noteWhole(ReadTimes::Level::kDkey, names, time);
  reads.noteAkey(names.withAkey(request.akey), time);
}

void trackConditions(ContainerState& container, const UpdateRequest& request) {
  if (request.write.conditions == 0 || request.write.transaction.isNil()) return;
  ReadTimes& reads = *container.pool.readTimes;
  const NameHashes names = namesOf(container, request.oid, request.dkey);
  reads.noteWhole(ReadTimes::Level::kDkey, names, timeOf(request.write));
}

void trackConditions(ContainerState& container, const PunchRequest& request) {
  if (request.write.conditions == 0 || request.write.transaction.isNil()) return;
  ReadTimes& reads = *container.pool.readTimes;
  const NameHashes names = namesOf(container, request.oid, request.dkey);
  const auto level = request.dkey.empty() ? ReadTimes::Level::kObject : ReadTimes::Level::kDkey;
  reads.noteWhole(level, names, timeOf(request.write));
}

}  // namespace daos::vos
