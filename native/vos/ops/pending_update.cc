// Updates in two steps: space and buffers first, data into them, and then the transaction.
#include "vos/ops/check_request.h"
#include "vos/state.h"

namespace daos::vos {

namespace {

// Calls visit(size) for each buffer of an update, in order, as long as it succeeds.
template <typename Visit>
Status forEachBuffer(const UpdateRequest& request, Visit visit) {
  for (const IoDescriptor& descriptor : request.descriptors) {
    if (descriptor.recordSize == 0) continue;
    if (descriptor.type == ValueType::kSingle) DAOS_CHECK(visit(descriptor.recordSize));
    for (const Extent& extent : descriptor.extents) {
      DAOS_CHECK(visit(extent.count * descriptor.recordSize));
    }
  }
  return {};
}

}  // namespace

uint64_t Container::bulkSize(const UpdateRequest& request) const {
  uint64_t bulk = 0;
  if (!state_.pool.media) return bulk;
  (void)forEachBuffer(request, [&](uint64_t size) -> Status {
    if (state_.pool.belongsOnMedia(size)) bulk += size;
    return {};
  });
  return bulk;
}

bool Container::isBulk(const UpdateRequest& request) const { return bulkSize(request) > 0; }

bool Container::needsMedia(const UpdateRequest& request) const {
  const uint64_t size = bulkSize(request);
  return size > 0 && !state_.pool.absorbed.takes(size);
}

Result<PendingUpdate> Container::updateBegin(const UpdateRequest& request) {
  DAOS_CHECK(checkUpdate(state_, request));
  PendingUpdate pending;
  pending.request_ = &request;
  pending.arena_ = &state_.arena;
  pending.area_ = state_.pool.media.get();
  const size_t nearWhat = std::hash<ObjectId>()(request.oid);
  const bool isToMedia = needsMedia(request);
  DAOS_CHECK(forEachBuffer(request, [&](uint64_t size) -> Status {
    const bool isBulk = state_.pool.belongsOnMedia(size);
    const Offset block = isBulk && isToMedia ? 0 : state_.arena.reserve(size);
    if (block == 0 && isBulk) {
      DAOS_TRY(MediaPiece piece, pending.area_->reserve(size, nearWhat));
      pending.blocks_.push_back(PendingUpdate::kOnMedia);
      pending.buffers_.push_back(piece.bytes().first(size));
      pending.pieces_.push_back(std::move(piece));
      return {};
    }
    if (block == 0) {
      return Error(ErrorCode::kNospace, "the arena has no room for the data of an update");
    }
    pending.blocks_.push_back(block);
    pending.buffers_.push_back({state_.arena.at<std::byte>(block), size});
    return {};
  }));
  return pending;
}

PendingUpdate::PendingUpdate(PendingUpdate&& other) noexcept
    : request_(std::exchange(other.request_, nullptr)), arena_(other.arena_), area_(other.area_),
      buffers_(std::move(other.buffers_)), blocks_(std::move(other.blocks_)),
      pieces_(std::move(other.pieces_)), isWritten_(other.isWritten_) {
  other.buffers_.clear();
  other.blocks_.clear();
  other.pieces_.clear();
}

PendingUpdate& PendingUpdate::operator=(PendingUpdate&& other) noexcept {
  std::swap(request_, other.request_);
  std::swap(arena_, other.arena_);
  std::swap(area_, other.area_);
  std::swap(buffers_, other.buffers_);
  std::swap(blocks_, other.blocks_);
  std::swap(pieces_, other.pieces_);
  std::swap(isWritten_, other.isWritten_);
  return *this;
}

Task<Status> PendingUpdate::writeData() {
  if (pieces_.empty()) co_return Status{};
  DAOS_CO_CHECK(co_await area_->write(pieces_));
  isWritten_ = true;
  co_return Status{};
}

void PendingUpdate::cancel() {
  for (const Offset block : blocks_) {
    if (block != 0 && block != kOnMedia) arena_->cancelReservation(block);
  }
  blocks_.clear();
  buffers_.clear();
  pieces_.clear();
  request_ = nullptr;
}

}  // namespace daos::vos
