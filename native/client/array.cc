#include "client/array.h"

#include <algorithm>
#include <cstring>

#include "client/parallel.h"

namespace daos::client {

namespace {

constexpr size_t kChunksInFlight = 16;
const Bytes kAkey = bytesOf("0");

// The part of a transfer that lies under one dkey.
struct Piece {
  uint64_t dkey;
  Extent extent;          // within the chunk
  uint64_t memoryOffset;  // bytes
};

std::vector<Piece> cut(const ArrayShape& shape, uint64_t index, uint64_t count) {
  std::vector<Piece> pieces;
  for (uint64_t done = 0; done < count;) {
    const uint64_t at = index + done;
    const uint64_t inChunk = at % shape.chunkSize;
    const uint64_t taken = std::min(count - done, shape.chunkSize - inChunk);
    pieces.push_back({at / shape.chunkSize + 1, {inChunk, taken}, done * shape.cellSize});
    done += taken;
  }
  return pieces;
}

Status checkRange(uint64_t index, uint64_t count) {
  if (index <= kExtentEndMax && count <= kExtentEndMax - index) return {};
  return invalid("cells " + std::to_string(index) + " and " + std::to_string(count) +
                 " more are beyond the end of any array");
}

Result<std::vector<Piece>> piecesOf(const ArrayShape& shape, uint64_t index, uint64_t sizeBytes) {
  if (sizeBytes % shape.cellSize != 0) {
    return Error(ErrorCode::kIoInval, std::to_string(sizeBytes) + " bytes are no whole cells of " +
                                          std::to_string(shape.cellSize));
  }
  DAOS_CHECK(checkRange(index, sizeBytes / shape.cellSize));
  return cut(shape, index, sizeBytes / shape.cellSize);
}

IoDescriptor describe(const Extent& extent, uint64_t recordSize) {
  return {
      .akey = kAkey, .type = ValueType::kArray, .recordSize = recordSize, .extents = {&extent, 1}};
}

// Zeros in the part of `room` that no mapped extent covers.
void clearHoles(const Extent& asked, uint64_t cellSize, const AkeyResult& result,
                MutableBytes room) {
  uint64_t at = asked.index;
  const auto clear = [&](uint64_t from, uint64_t to) {
    std::memset(room.data() + (from - asked.index) * cellSize, 0, (to - from) * cellSize);
  };
  for (const Extent& extent : result.mapped) {
    if (extent.index > at) clear(at, extent.index);
    at = extent.end();
  }
  if (at < asked.end()) clear(at, asked.end());
}

}  // namespace

Result<Array> Array::open(std::shared_ptr<Object> object, ArrayShape shape,
                           Cancellation* cancellation) {
  if (object->oid().dkeyType() != KeyType::kUint64) {
    return invalid("object " + object->oid().toString() + " has no integer dkeys: it is no array");
  }
  if (shape.cellSize == 0 || shape.chunkSize == 0) {
    return invalid("an array has cells and chunks of a size over 0");
  }
  return Array(std::move(object), shape, cancellation);
}

Task<Result<Epoch>> Array::write(const ArrayWrite& transfer) const {
  DAOS_CO_TRY(const std::vector<Piece> pieces,
              piecesOf(shape_, transfer.index, transfer.memory.size()));
  Epoch latest = 0;
  DAOS_CO_CHECK(co_await inParallel(
      object_->context().reactor(), pieces.size(), kChunksInFlight, [&](size_t i) -> Task<Status> {
        const Piece& piece = pieces[i];
        const IoDescriptor akey = describe(piece.extent, shape_.cellSize);
        const Bytes data[] = {
            transfer.memory.subspan(piece.memoryOffset, piece.extent.count * shape_.cellSize)};
        DAOS_CO_TRY(const Epoch epoch,
                    co_await update(*object_, {.dkey = bytesOf(&piece.dkey, sizeof(piece.dkey)),
                                               .akeys = {&akey, 1},
                                               .data = data,
                                               .epoch = transfer.epoch,
                                               .timeoutNs = transfer.timeoutNs,
                                               .cancellation = cancellation_, .trace = trace_}));
        latest = std::max(latest, epoch);
        co_return Status();
      }));
  co_return latest;
}

Task<Result<uint64_t>> Array::read(const ArrayRead& transfer) const {
  DAOS_CO_TRY(const std::vector<Piece> pieces,
              piecesOf(shape_, transfer.index, transfer.memory.size()));
  const uint64_t count = transfer.memory.size() / shape_.cellSize;
  std::vector<AkeyResult> results(pieces.size());
  DAOS_CO_CHECK(co_await inParallel(
      object_->context().reactor(), pieces.size(), kChunksInFlight, [&](size_t i) -> Task<Status> {
        const Piece& piece = pieces[i];
        const IoDescriptor akey = describe(piece.extent, shape_.cellSize);
        const MutableBytes room[] = {
            transfer.memory.subspan(piece.memoryOffset, piece.extent.count * shape_.cellSize)};
        auto epoch = co_await fetch(*object_, {.dkey = bytesOf(&piece.dkey, sizeof(piece.dkey)),
                                               .akeys = {&akey, 1},
                                               .buffers = room,
                                               .results = {&results[i], 1},
                                               .epoch = transfer.epoch,
                                               .timeoutNs = transfer.timeoutNs,
                                               .cancellation = cancellation_, .trace = trace_});
        co_return epoch.ok() ? Status() : Status(std::move(epoch).error());
      }));
  const auto isWhole = [](const AkeyResult& result) { return result.isWhole; };
  if (std::all_of(results.begin(), results.end(), isWhole)) co_return count;
  // Only the size tells holes from what is behind the end.
  DAOS_CO_TRY(const uint64_t size, co_await this->size(transfer.epoch));
  const uint64_t found = size <= transfer.index ? 0 : std::min(count, size - transfer.index);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    const uint64_t first = piece.memoryOffset / shape_.cellSize;
    if (results[i].isWhole || first >= found) continue;
    const Extent asked{piece.extent.index, std::min(piece.extent.count, found - first)};
    clearHoles(asked, shape_.cellSize, results[i], transfer.memory.subspan(piece.memoryOffset));
  }
  co_return found;
}

Task<Result<uint64_t>> Array::size(Epoch epoch) const {
  auto last = co_await query(
      *object_, {.flags = protocol::kQueryMax | protocol::kQueryDkey | protocol::kQueryExtent,
                 .akey = kAkey,
                 .epoch = epoch,
                 .cancellation = cancellation_, .trace = trace_});
  if (last.code() == ErrorCode::kNonexist) co_return uint64_t{0};
  if (!last.ok()) co_return std::move(last).error();
  if (last->dkey == 0) co_return uint64_t{0};
  co_return (last->dkey - 1) * shape_.chunkSize + last->extent.end();
}

Task<Result<bool>> Array::hasCell(uint64_t index) const {
  const uint64_t dkey = index / shape_.chunkSize + 1;
  const Extent extent{index % shape_.chunkSize, 1};
  const IoDescriptor akey = describe(extent, shape_.cellSize);
  std::vector<std::byte> cell(shape_.cellSize);
  const MutableBytes room[] = {cell};
  AkeyResult result;
  DAOS_CO_TRY([[maybe_unused]] const Epoch epoch,
              co_await fetch(*object_, {.dkey = bytesOf(&dkey, sizeof(dkey)),
                                        .akeys = {&akey, 1},
                                        .buffers = room,
                                        .results = {&result, 1},
                                        .cancellation = cancellation_, .trace = trace_}));
  co_return result.isWhole;
}

Task<Status> Array::setSize(uint64_t size) const {
  DAOS_CO_CHECK(checkRange(size, 0));
  DAOS_CO_TRY(const uint64_t sizeNow, co_await this->size());
  if (size < sizeNow) {
    const uint64_t inLast = size % shape_.chunkSize;
    const uint64_t lastDkey = (size + shape_.chunkSize - 1) / shape_.chunkSize;
    if (inLast > 0) DAOS_CO_CHECK(co_await punch(size, shape_.chunkSize - inLast));
    DAOS_CO_CHECK(co_await punchDkeysAfter(lastDkey));
  }
  if (size == 0) co_return Status();
  DAOS_CO_TRY(const bool isThere, co_await hasCell(size - 1));
  if (isThere) co_return Status();
  const std::vector<std::byte> zeros(shape_.cellSize);
  auto epoch = co_await write({.index = size - 1, .memory = zeros});
  co_return epoch.ok() ? Status() : Status(std::move(epoch).error());
}

Task<Status> Array::punchDkeysAfter(uint64_t dkey) const {
  EnumerationAnchor anchor;
  while (!anchor.isEnd) {
    DAOS_CO_TRY(const EnumerationPage page,
                co_await enumerate(*object_, {.cancellation = cancellation_, .trace = trace_},
                                   anchor));
    for (const std::string& key : page.keys) {
      if (key.size() != sizeof(uint64_t) || loadAs<uint64_t>(key.data()) <= dkey) continue;
      auto epoch = co_await client::punch(
          *object_, {.level = protocol::PunchLevel::kDkey,
                     .dkey = bytesOf(key),
                     .cancellation = cancellation_, .trace = trace_});
      if (!epoch.ok()) co_return std::move(epoch).error();
    }
  }
  co_return Status();
}

Task<Status> Array::punch(uint64_t index, uint64_t count) const {
  DAOS_CO_CHECK(checkRange(index, count));
  const std::vector<Piece> pieces = cut(shape_, index, count);
  co_return co_await inParallel(
      object_->context().reactor(), pieces.size(), kChunksInFlight, [&](size_t i) -> Task<Status> {
        const Piece& piece = pieces[i];
        const IoDescriptor akey = describe(piece.extent, 0);
        auto epoch = co_await update(
            *object_, {.dkey = bytesOf(&piece.dkey, sizeof(piece.dkey)),
                       .akeys = {&akey, 1},
                       .cancellation = cancellation_, .trace = trace_});
        co_return epoch.ok() ? Status() : Status(std::move(epoch).error());
      });
}

}  // namespace daos::client
