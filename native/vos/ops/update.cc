// Update: new versions of single values and extents, in one transaction.
#include "base/generated/limits.h"
#include "vos/extent_write.h"
#include "vos/ops/check_request.h"
#include "vos/ops/conditions.h"
#include "vos/ops/tracking.h"
#include "vos/places.h"
#include "vos/planted_fault.h"
#include "vos/record_data.h"

namespace daos::vos {

// The data of an update: ranges in memory, one per descriptor, or reserved blocks, one per buffer,
// and what of that is on Media.
struct UpdateData {
  std::span<const Bytes> ranges;
  std::span<Offset> blocks;      // taken ones are set to 0
  std::span<MediaPiece> pieces;  // taken ones are released
};

class UpdateOperation {
 public:
  UpdateOperation(WriteScope& scope, const UpdateRequest& request, UpdateData data)
      : scope_(scope), request_(request), data_(data),
        version_{{request.write.epoch, request.write.minor}, scope.transaction()} {}

  Status run();

 private:
  Status writeAkey(size_t index);
  Status writeSingle(KeyRecord& akey, size_t index);
  Status writeExtents(KeyRecord& akey, size_t index);
  Status fixKind(KeyPlace& place, const IoDescriptor& descriptor);
  // Of an extent, unless it has no records.
  void noteAbsorbed(const NewData& data, size_t index, Extent extent);
  // The data of the next buffer.
  Result<NewData> nextData(size_t index, uint64_t size, uint64_t offset);

  WriteScope& scope_;
  const UpdateRequest& request_;
  UpdateData data_;
  const NewVersion version_;
  KeyRecord* dkey_ = nullptr;
  Offset written_ = 0;  // the newest version or extent of this update
  size_t bufferIndex_ = 0;
  size_t pieceIndex_ = 0;
};

Status UpdateOperation::run() {
  ContainerState& container = scope_.container();
  ObjectPlace object;
  DAOS_CHECK(object.find(container, request_.oid));
  const KeyType dkeyType = request_.oid.dkeyType();
  KeyPlace dkey(dkeyType, request_.dkey);
  if (!object.isNew()) DAOS_CHECK(dkey.findDkey(container, *object.record()));
  if (request_.write.conditions != 0) {
    const Epoch epoch =
        isPlanted(PlantedFault::kJudgeAtNewest) ? kEpochMax : request_.write.epoch;
    const View view{epoch, scope_.transaction()};
    Lookup lookup(view);
    const ConditionTarget target{scope_.arena(), object.record(), dkey.record(),
                                 request_.oid.akeyType()};
    DAOS_CHECK(judgeAll(target, lookup, request_.write.conditions, request_.descriptors));
  }
  const bool isObjectNew = object.isNew();
  const bool isDkeyNew = dkey.isNew();
  if (isObjectNew) DAOS_CHECK(object.make(scope_));
  if (isDkeyNew) DAOS_CHECK(dkey.make(scope_, RecordKind::kDkey, 0));
  dkey_ = dkey.record();
  if (dkey_->kind != RecordKind::kDkey) return damagedRecord("dkey");
  for (size_t i = 0; i < request_.descriptors.size(); ++i) DAOS_CHECK(writeAkey(i));
  // Of several akeys none is the likeliest.
  const Offset nearby = request_.descriptors.size() == 1 ? written_ : 0;
  if (isDkeyNew) DAOS_CHECK(dkey.linkDkey(scope_, *object.record(), nearby));
  if (isObjectNew) DAOS_CHECK(object.link(scope_));
  return {};
}

// An akey is of one type, an array of one record size, as long as it is stored.
Status UpdateOperation::fixKind(KeyPlace& place, const IoDescriptor& descriptor) {
  KeyRecord& akey = *place.record();
  const RecordKind kind =
      descriptor.type == ValueType::kArray ? RecordKind::kArray : RecordKind::kSingle;
  if (!akey.isAkey()) return damagedRecord("akey");
  uint64_t* child = childOf(scope_.arena(), akey);
  if (!child) return damagedRecord("akey");
  if (akey.kind != kind) {
    if (*child != 0) return invalid("the akey holds a value of the other type");
    scope_.arena().modify(akey.kind) = kind;
  }
  if (*child == 0 && akey.recordSize != 0) scope_.arena().modify(akey.recordSize) = 0;
  if (kind == RecordKind::kSingle || descriptor.recordSize == 0) return {};
  if (akey.recordSize == 0) {
    scope_.arena().modify(akey.recordSize) = static_cast<uint32_t>(descriptor.recordSize);
  } else if (akey.recordSize != descriptor.recordSize) {
    return Error(ErrorCode::kRecSize, "records of this array are " +
                                          std::to_string(akey.recordSize) + " bytes, not " +
                                          std::to_string(descriptor.recordSize));
  }
  return {};
}

Status UpdateOperation::writeAkey(size_t index) {
  const IoDescriptor& descriptor = request_.descriptors[index];
  Arena& arena = scope_.arena();
  KeyPlace akey(request_.oid.akeyType(), descriptor.akey);
  uint64_t* root = childOf(arena, *dkey_);
  if (!root) return damagedRecord("dkey");
  DAOS_CHECK(akey.find(arena, root));
  const bool isNew = akey.isNew();
  const bool isArray = descriptor.type == ValueType::kArray;
  if (isNew) {
    const auto recordSize = isArray ? static_cast<uint32_t>(descriptor.recordSize) : 0;
    DAOS_CHECK(akey.make(scope_, isArray ? RecordKind::kArray : RecordKind::kSingle, recordSize));
  } else {
    DAOS_CHECK(fixKind(akey, descriptor));
  }
  DAOS_CHECK(isArray ? writeExtents(*akey.record(), index) : writeSingle(*akey.record(), index));
  return isNew ? akey.link(scope_, root, written_) : Status{};
}

Result<NewData> UpdateOperation::nextData(size_t index, uint64_t size, uint64_t offset) {
  NewData data;
  data.size = size;
  if (size == 0) return data;
  if (!data_.blocks.empty()) {
    data.block = std::exchange(data_.blocks[bufferIndex_++], 0);
    if (data.block == PendingUpdate::kOnMedia) {
      MediaPiece& piece = data_.pieces[pieceIndex_++];
      data.block = 0;
      data.mediaAddress = piece.address();
      DAOS_CHECK(scope_.useMedia(piece));
    }
  } else {
    data.bytes = data_.ranges[index].subspan(offset, size);
  }
  if (!request_.checksums.empty()) data.checksums = request_.checksums[index];
  return data;
}

void UpdateOperation::noteAbsorbed(const NewData& data, size_t index, Extent extent) {
  PoolState& pool = scope_.container().pool;
  if (data.mediaAddress != 0 || pool.options.absorbBelow == 0) return;
  if (data.size == 0 || !pool.belongsOnMedia(data.size)) return;
  pool.absorbed.add(scope_.container(),
                    {request_.oid, request_.dkey, request_.descriptors[index].akey, extent},
                    version_.stamp, data.size);
}

Status UpdateOperation::writeSingle(KeyRecord& akey, size_t index) {
  DAOS_TRY(const NewData data, nextData(index, request_.descriptors[index].recordSize, 0));
  const Offset version = makeSingle(scope_, version_, data);
  if (version == 0) return scope_.noSpace();
  noteAbsorbed(data, index, {});
  written_ = version;
  uint64_t* root = childOf(scope_.arena(), akey);
  if (!root) return damagedRecord("akey");
  DAOS_CHECK(addVersion(scope_, root, version, 0));
  return scope_.touch(version, &akey, TouchedKind::kSingle);
}

Status UpdateOperation::writeExtents(KeyRecord& akey, size_t index) {
  const IoDescriptor& descriptor = request_.descriptors[index];
  uint64_t offset = 0;
  size_t checksumOffset = 0;
  for (const Extent& extent : descriptor.extents) {
    if (!scope_.arena().hasUndoRoom()) {
      return Error(ErrorCode::kOverflow,
                   "the update is too large for one transaction of this store");
    }
    const uint64_t size = extent.count * descriptor.recordSize;
    DAOS_TRY(NewData data, nextData(index, size, offset));
    if (data.checksums.type != 0) {
      const size_t bytes = chunkCount(size, data.checksums.chunkSize) * data.checksums.checksumSize;
      data.checksums.bytes = data.checksums.bytes.subspan(checksumOffset, bytes);
      checksumOffset += bytes;
    }
    const Offset record = makeExtent(scope_, version_, extent, data);
    if (record == 0) return scope_.noSpace();
    noteAbsorbed(data, index, extent);
    written_ = record;
    DAOS_CHECK(addExtent(scope_, akey, record));
    DAOS_CHECK(scope_.touch(record, &akey, TouchedKind::kExtent));
    offset += size;
  }
  return {};
}

Result<Ticket> Container::update(const UpdateRequest& request, std::span<const Bytes> data) {
  DAOS_CHECK(checkUpdate(state_, request));
  if (data.size() != request.descriptors.size()) {
    return Error(ErrorCode::kIoInval, "an update needs one range of data per akey");
  }
  for (size_t i = 0; i < data.size(); ++i) {
    if (data[i].size() != dataSize(request.descriptors[i])) {
      return Error(ErrorCode::kIoInval, "the data is " + std::to_string(data[i].size()) +
                                            " bytes, the descriptor says " +
                                            std::to_string(dataSize(request.descriptors[i])));
    }
  }
  DAOS_CHECK(checkReads(state_, request));
  WriteScope scope(state_, request.write.epoch);
  DAOS_CHECK(scope.enter(request.write));
  DAOS_CHECK(UpdateOperation(scope, request, {data, {}, {}}).run());
  trackConditions(state_, request);
  return scope.commit();
}

Result<Ticket> Container::updateEnd(PendingUpdate& pending) {
  DAOS_ASSERT(pending.request_);
  DAOS_ASSERT(pending.pieces_.empty() || pending.isWritten_);
  // Checked again: an aggregation may have passed the epoch since.
  DAOS_CHECK(checkUpdate(state_, *pending.request_));
  DAOS_CHECK(checkReads(state_, *pending.request_));
  std::vector<Offset> blocks = pending.blocks_;
  WriteScope scope(state_, pending.request_->write.epoch);
  const bool hasData = !blocks.empty();
  const std::vector<Bytes> none(hasData ? 0 : pending.request_->descriptors.size());
  Status status = scope.enter(pending.request_->write);
  if (status.ok()) {
    status = UpdateOperation(scope, *pending.request_, {none, blocks, pending.pieces_}).run();
  }
  // Blocks that were taken are the transaction's now, also when it is undone.
  pending.blocks_ = std::move(blocks);
  if (!status.ok()) return std::move(status).error();
  trackConditions(state_, *pending.request_);
  DAOS_TRY(const Ticket ticket, scope.commit());
  pending.cancel();
  return ticket;
}

}  // namespace daos::vos
