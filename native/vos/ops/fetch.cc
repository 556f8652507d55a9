// Fetch: what is visible of single values and extents at an epoch, as segments.
#include "vos/ops/check_request.h"
#include "vos/ops/conditions.h"
#include "vos/ops/tracking.h"
#include "vos/places.h"
#include "vos/record_data.h"

namespace daos::vos {

class FetchOperation {
 public:
  FetchOperation(ContainerState& container, const FetchRequest& request, FetchResult& result)
      : container_(container), arena_(container.arena), area_(container.pool.media.get()),
        request_(request), result_(result),
        view_{request.read.epoch, container.transactions.numberOf(request.read.transaction),
              request.read.inDoubt},
        lookup_(view_) {}

  Status run();
  // After DER_TX_BUSY.
  TransactionId blocker() const {
    return container_.transactions.idOf(container_, lookup_.blocker);
  }

 private:
  Status findDkey();
  Status fetchAkey(size_t index);
  Status fetchSingle(KeyRecord& akey, Stamp hidden, const IoDescriptor& descriptor,
                     FetchedValue& value);
  Status fetchArray(KeyRecord& akey, Stamp hidden, const IoDescriptor& descriptor,
                    FetchedValue& value);
  Status measureArray(const IoDescriptor& descriptor, FetchedValue& value);
  Status addData(const StoredData& data, uint64_t offset, uint64_t size, Epoch epoch);
  void addHole(uint64_t size, Epoch epoch);
  Status answer(Outcome outcome);

  ContainerState& container_;
  Arena& arena_;
  MediaArea* const area_;
  const FetchRequest& request_;
  FetchResult& result_;
  const View view_;
  Lookup lookup_;
  ObjectRecord* object_ = nullptr;
  KeyRecord* dkey_ = nullptr;
  Stamp hidden_ = kNothingHidden;
};

Status FetchOperation::answer(Outcome outcome) { return asStatus(outcome); }

Status FetchOperation::findDkey() {
  ObjectPlace object;
  DAOS_CHECK(object.find(container_, request_.oid));
  if (object.isNew()) return {};
  object_ = object.record();
  KeyPlace dkey(request_.oid.dkeyType(), request_.dkey);
  DAOS_CHECK(dkey.findDkey(container_, *object_));
  if (!dkey.isNew()) dkey_ = dkey.record();
  return {};
}

Status FetchOperation::run() {
  result_.release();
  result_.segments_.clear();
  result_.hasMedia_ = false;
  result_.ticket_ = arena_.lastTicket();
  result_.values_.assign(request_.descriptors.size(), FetchedValue{});
  DAOS_CHECK(findDkey());
  if (request_.read.conditions != 0) {
    const ConditionTarget target{arena_, object_, dkey_, request_.oid.akeyType()};
    DAOS_CHECK(judgeAll(target, lookup_, request_.read.conditions, request_.descriptors));
  }
  if (dkey_) {
    const ConditionTarget target{arena_, object_, dkey_, request_.oid.akeyType()};
    if (const Outcome above = hiddenFrom(target, lookup_, &hidden_); isFailure(above)) {
      return answer(above);
    }
  }
  for (size_t i = 0; i < request_.descriptors.size(); ++i) DAOS_CHECK(fetchAkey(i));
  result_.arena_ = &arena_;
  result_.pin_ = arena_.pin();
  return {};
}

Status FetchOperation::fetchAkey(size_t index) {
  const IoDescriptor& descriptor = request_.descriptors[index];
  FetchedValue& value = result_.values_[index];
  value.segmentIndex = static_cast<uint32_t>(result_.segments_.size());
  KeyRecord* akey = nullptr;
  if (dkey_) {
    uint64_t* root = childOf(arena_, *dkey_);
    if (!root) return damagedRecord("dkey");
    KeyPlace place(request_.oid.akeyType(), descriptor.akey);
    DAOS_CHECK(place.find(arena_, root));
    akey = place.record();
  }
  if (akey) {
    Stamp hidden = hidden_;
    const Outcome punched = lookup_.applyPunches(arena_, *akey, &hidden);
    if (isFailure(punched)) return answer(punched);
    const bool isArray = descriptor.type == ValueType::kArray;
    if (isArray == (akey->kind == RecordKind::kArray)) {
      DAOS_CHECK(isArray ? fetchArray(*akey, hidden, descriptor, value)
                         : fetchSingle(*akey, hidden, descriptor, value));
    }
  }
  if (value.recordSize == 0 && descriptor.type == ValueType::kArray) {
    result_.segments_.resize(value.segmentIndex);
    value.size = dataSize(descriptor);
    if (value.size != 0) addHole(value.size, 0);
  }
  value.segmentCount = static_cast<uint32_t>(result_.segments_.size()) - value.segmentIndex;
  return {};
}

Status FetchOperation::fetchSingle(KeyRecord& akey, Stamp hidden, const IoDescriptor&,
                                   FetchedValue& value) {
  uint64_t* root = childOf(arena_, akey);
  if (!root) return damagedRecord("akey");
  VersionRecord* version = nullptr;
  const Outcome outcome = lookup_.newest(arena_, root, hidden, &version);
  if (outcome != Outcome::kFound) return answer(outcome);
  StoredData data;
  if (!readSingle(arena_, *version, &data)) return damagedRecord("single value");
  value.recordSize = value.size = data.size;
  if (data.size == 0 || request_.sizesOnly) return {};
  return addData(data, 0, data.size, version->epoch);
}

Status FetchOperation::fetchArray(KeyRecord& akey, Stamp hidden, const IoDescriptor& descriptor,
                                  FetchedValue& value) {
  const ExtentClasses classes = ExtentClasses::of(arena_, akey);
  if (classes.isEmpty()) return {};
  const uint64_t recordSize = akey.recordSize;
  for (const Extent& extent : descriptor.extents) {
    container_.sweep.start(arena_, classes, extent, lookup_, hidden);
    ExtentPiece piece;
    Outcome outcome;
    while ((outcome = container_.sweep.next(&piece)) == Outcome::kFound) {
      if (!piece.isData()) {
        addHole(piece.count * recordSize, piece.record ? piece.record->version.epoch : 0);
        continue;
      }
      if (descriptor.recordSize != 0 && descriptor.recordSize != recordSize) {
        return Error(ErrorCode::kRecSize, "records of this array are " +
                                              std::to_string(recordSize) + " bytes, not " +
                                              std::to_string(descriptor.recordSize));
      }
      StoredData data;
      if (recordSize == 0 || !readExtent(arena_, *piece.record, recordSize, &data)) {
        return damagedRecord("extent");
      }
      value.recordSize = recordSize;
      DAOS_CHECK(addData(data, (piece.index - piece.record->index) * recordSize,
                         piece.count * recordSize, piece.record->version.epoch));
    }
    if (outcome != Outcome::kNone) return answer(outcome);
  }
  DAOS_CHECK(measureArray(descriptor, value));
  if (request_.sizesOnly && value.recordSize != 0) result_.segments_.resize(value.segmentIndex);
  return {};
}

// The bytes asked for, now that the size of a record is known.
Status FetchOperation::measureArray(const IoDescriptor& descriptor, FetchedValue& value) {
  for (const Extent& extent : descriptor.extents) {
    uint64_t size = 0;
    if (__builtin_mul_overflow(extent.count, value.recordSize, &size) ||
        __builtin_add_overflow(value.size, size, &value.size)) {
      return Error(ErrorCode::kOverflow,
                   "the ranges of a fetch hold more bytes than 64 bits count");
    }
  }
  return {};
}

Status FetchOperation::addData(const StoredData& data, uint64_t offset, uint64_t size,
                               Epoch epoch) {
  Segment segment{};
  segment.kind = data.kind == DataKind::kMedia ? SegmentKind::kMedia : SegmentKind::kMemory;
  segment.size = size;
  segment.epoch = epoch;
  if (segment.kind == SegmentKind::kMedia) {
    if (!area_ || !area_->holds(data.mediaAddress, data.size)) {
      return damagedRecord("data lies outside of the media");
    }
    segment.mediaOffset = data.mediaAddress + offset;
    result_.hasMedia_ = true;
    result_.area_ = area_;
  } else {
    segment.memory = data.memory + offset;
  }
  if (data.checksums.type != 0) {
    const uint64_t chunk = data.checksums.chunkSize;
    const uint64_t first = offset / chunk;
    const uint64_t last = (offset + size - 1) / chunk;
    segment.checksumType = data.checksums.type;
    segment.checksumSize = data.checksums.checksumSize;
    segment.chunkSize = data.checksums.chunkSize;
    segment.checksums = data.checksums.bytes.subspan(first * segment.checksumSize,
                                                     (last - first + 1) * segment.checksumSize);
    segment.chunkSkip = static_cast<uint32_t>(offset - first * chunk);
    segment.chunkTail =
        static_cast<uint32_t>(std::min((last + 1) * chunk, data.size) - (offset + size));
  }
  result_.segments_.push_back(segment);
  return {};
}

void FetchOperation::addHole(uint64_t size, Epoch epoch) {
  Segment segment{};
  segment.kind = SegmentKind::kHole;
  segment.size = size;
  segment.epoch = epoch;
  result_.segments_.push_back(segment);
}

Status Container::fetch(const FetchRequest& request, FetchResult& result) {
  DAOS_CHECK(checkFetch(state_, request));
  FetchOperation operation(state_, request, result);
  Status status = operation.run();
  if (request.read.isTracked && status.code() != ErrorCode::kTxBusy) trackFetch(state_, request);
  if (status.code() == ErrorCode::kTxBusy) result.blocker_ = operation.blocker();
  return status;
}

void FetchResult::release() {
  if (arena_) std::exchange(arena_, nullptr)->unpin(pin_);
  mediaBuffers_.clear();
}

void FetchResult::copyTo(const FetchedValue& value, MutableBytes to) const {
  DAOS_ASSERT(to.size() >= value.size);
  uint64_t at = 0;
  for (const Segment& segment : segments(value)) {
    DAOS_ASSERT(segment.kind != SegmentKind::kMedia);
    if (segment.kind == SegmentKind::kMemory)
      std::memcpy(to.data() + at, segment.memory, segment.size);
    at += segment.size;
  }
}

}  // namespace daos::vos
