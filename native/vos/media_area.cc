#include "vos/media_area.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "bio/media_batch.h"
#include "codec/checksum.h"
#include "vos/planted_fault.h"

namespace daos::vos {

// Of checksums, between two turns of the loop: some tens of microseconds.
static constexpr uint64_t kChecksumStep = 1 << 20;
// Of neighbouring pieces.
static constexpr uint64_t kMergedWriteMax = 1 << 20;

Status MediaArea::format(Arena& arena, PoolRecord& record, const bio::Media& media) {
  const uint64_t blockCount = media.sizeBytes() / bio::kMediaBlockSize;
  if (blockCount < 2) {
    return invalid(media.name() + ": " + std::to_string(media.sizeBytes()) +
                   " bytes are too few for data");
  }
  const uint64_t size = bio::bitmapSizeBytes(blockCount);
  const Offset block = arena.allocate(size);
  if (block == 0) {
    return Error(ErrorCode::kNospace, "the arena has no room for " + std::to_string(size) +
                                          " bytes of bitmap of a data area of " +
                                          std::to_string(media.sizeBytes()));
  }
  const MutableBytes bitmap(arena.at<std::byte>(block), size);
  bio::formatBitmap(bitmap, blockCount);
  DAOS_CHECK(bio::markUsed(bitmap, {0, 1}));
  record.mediaBitmap = block;
  record.mediaBlocks = blockCount;
  return {};
}

namespace {

// The bitmap's bits of blocks, without those that pad its last word.
uint64_t usedBits(const uint64_t* words, uint64_t blockCount, uint64_t word) {
  if (word * 64 >= blockCount) return 0;
  const uint64_t count = std::min<uint64_t>(blockCount - word * 64, 64);
  return count == 64 ? words[word] : words[word] & ((uint64_t{1} << count) - 1);
}

// Behind the last block in use.
uint64_t usedEndOf(const uint64_t* words, uint64_t blockCount) {
  for (uint64_t word = (blockCount + 63) / 64; word-- > 0;) {
    const uint64_t bits = usedBits(words, blockCount, word);
    if (bits != 0) return word * 64 + 64 - static_cast<uint64_t>(std::countl_zero(bits));
  }
  return 0;
}

}  // namespace

Status MediaArea::checkResize(Arena& arena, const PoolRecord& record, uint64_t blockCount) {
  if (!arena.heap().isBlock(record.mediaBitmap, bio::bitmapSizeBytes(record.mediaBlocks))) {
    return Error(ErrorCode::kDfInval, "the bitmap of the data area is no block of the arena");
  }
  const uint64_t end = usedEndOf(arena.at<uint64_t>(record.mediaBitmap), record.mediaBlocks);
  if (blockCount >= std::max<uint64_t>(end, 2)) return {};
  return Error(ErrorCode::kNospace, "data lies in the first " +
                                        std::to_string(end * bio::kMediaBlockSize) +
                                        " bytes of the data area: it can't be cut to " +
                                        std::to_string(blockCount * bio::kMediaBlockSize));
}

Status MediaArea::resize(Arena& arena, PoolRecord& record, uint64_t blockCount) {
  DAOS_CHECK(checkResize(arena, record, blockCount));
  const uint64_t size = bio::bitmapSizeBytes(blockCount);
  const Offset block = arena.allocate(size);
  if (block == 0) {
    return Error(ErrorCode::kNospace, "the arena has no room for " + std::to_string(size) +
                                          " bytes of bitmap of a data area of " +
                                          std::to_string(blockCount * bio::kMediaBlockSize));
  }
  bio::formatBitmap({arena.at<std::byte>(block), size}, blockCount);
  const auto* before = arena.at<uint64_t>(record.mediaBitmap);
  auto* after = arena.at<uint64_t>(block);
  for (uint64_t word = 0; word < size / 8; ++word) {
    after[word] |= usedBits(before, record.mediaBlocks, word);
  }
  arena.free(record.mediaBitmap);
  arena.modify(record.mediaBitmap) = block;
  arena.modify(record.mediaBlocks) = blockCount;
  return {};
}

Result<std::unique_ptr<MediaArea>> MediaArea::open(Arena& arena, const PoolRecord& record,
                                                   bio::Media& media, bio::DmaPool& buffers) {
  const uint64_t blockCount = record.mediaBlocks;
  if (blockCount < 2 || blockCount > media.sizeBytes() / bio::kMediaBlockSize) {
    return Error(ErrorCode::kDfInval, media.name() + ": " + std::to_string(media.sizeBytes()) +
                                          " bytes for a data area of " +
                                          std::to_string(blockCount) + " blocks");
  }
  const uint64_t size = bio::bitmapSizeBytes(blockCount);
  if (!arena.heap().isBlock(record.mediaBitmap, size)) {
    return Error(ErrorCode::kDfInval, "the bitmap of the data area is no block of the arena");
  }
  const Bytes bitmap(arena.at<std::byte>(record.mediaBitmap), size);
  if ((bitmap[0] & std::byte{1}) == std::byte{0}) {
    return Error(ErrorCode::kDfInval, "the bitmap of the data area: block 0 is free");
  }
  DAOS_TRY(auto space, bio::SpaceAllocator::load(bitmap, blockCount));
  media.registerMemory(buffers.region());
  return std::unique_ptr<MediaArea>(
      new MediaArea(arena, record, media, buffers, std::move(space)));
}

MediaArea::MediaArea(Arena& arena, const PoolRecord& record, bio::Media& media,
                     bio::DmaPool& buffers, bio::SpaceAllocator space)
    : arena_(arena),
      bitmap_(record.mediaBitmap),
      blockCount_(record.mediaBlocks),
      known_(arena.at<std::byte>(bitmap_),
             arena.at<std::byte>(bitmap_) + bio::bitmapSizeBytes(blockCount_)),
      media_(media),
      buffers_(buffers),
      space_(std::move(space)),
      prewriter_(media, buffers, space_, blockCount_),
      flushes_(media),
      writes_(media.reactor()),
      limit_(record.mediaBlocks) {
  hints_.fill(UINT64_MAX);
}

MutableBytes MediaArea::bitmap() const {
  return {arena_.at<std::byte>(bitmap_), bio::bitmapSizeBytes(blockCount_)};
}

uint64_t MediaArea::usedEnd() const {
  return usedEndOf(reinterpret_cast<const uint64_t*>(known_.data()), blockCount_);
}

uint64_t MediaArea::usedCount(uint64_t end) const {
  const auto* words = reinterpret_cast<const uint64_t*>(known_.data());
  uint64_t count = 0;
  for (uint64_t word = 0; word * 64 < end; ++word) {
    count += static_cast<uint64_t>(std::popcount(usedBits(words, end, word)));
  }
  return count;
}

bool MediaArea::isUsed(bio::BlockExtent extent) const {
  const auto* words = reinterpret_cast<const uint64_t*>(known_.data());
  for (uint64_t block = extent.block; block < extent.end(); ++block) {
    if (block >= blockCount_ || (words[block / 64] >> block % 64 & 1) == 0) return false;
  }
  return true;
}

std::optional<bio::BlockExtent> MediaArea::leastUsed(uint64_t blockCount, uint64_t end) const {
  const auto* words = reinterpret_cast<const uint64_t*>(known_.data());
  const auto usedOf = [&](uint64_t word) {
    return static_cast<uint64_t>(std::popcount(usedBits(words, blockCount_, word)));
  };
  const uint64_t size = (blockCount + 63) / 64;
  const uint64_t wordEnd = end / 64;
  // Block 0 is never free: the first word is left alone.
  if (size + 1 > wordEnd) return std::nullopt;
  uint64_t used = 0;
  for (uint64_t word = 1; word <= size; ++word) used += usedOf(word);
  uint64_t best = 1;
  uint64_t bestUsed = used;
  for (uint64_t first = 2; first + size <= wordEnd; ++first) {
    used += usedOf(first + size - 1) - usedOf(first - 1);
    if (used < bestUsed) {
      best = first;
      bestUsed = used;
    }
  }
  return bio::BlockExtent{best * 64, size * 64};
}

bool MediaArea::holds(uint64_t address, uint64_t size) const {
  const uint64_t end = blockCount_ * bio::kMediaBlockSize;
  return address >= bio::kMediaBlockSize && address % bio::kMediaBlockSize == 0 && size > 0 &&
         address < end && size <= end - address;
}

Result<MediaPiece> MediaArea::reserve(uint64_t size, uint64_t nearWhat) {
  reclaim();
  uint64_t& hint = hints_[nearWhat % kHintCount];
  auto extent = space_.reserve(roundedSize(size) / bio::kMediaBlockSize, {.hint = hint});
  if (!extent.ok()) return std::move(extent).error().within(media_.name());
  auto buffer = buffers_.allocate(size);
  if (!buffer.ok()) {
    space_.cancel(*extent);
    return std::move(buffer).error();
  }
  hint = extent->end();
  const MutableBytes bytes = buffer->bytes();
  std::memset(bytes.data() + size, 0, bytes.size() - size);
  return MediaPiece(*this, *extent, std::move(buffer).value());
}

// While the device works.
Task<void> MediaArea::computeChecksums(std::span<MediaPiece> pieces) {
  uint64_t room = 0;
  for (MediaPiece& piece : pieces) {
    uint32_t checksum = 0;
    for (Bytes rest = piece.bytes(); !rest.empty();) {
      if (room == 0) {
        co_await media_.reactor().yield();
        room = kChecksumStep;
      }
      const Bytes step = rest.first(std::min<uint64_t>(rest.size(), room));
      checksum = crc32c(step, checksum);
      rest = rest.subspan(step.size());
      room -= step.size();
    }
    piece.setChecksum(checksum);
  }
}

// While it lives, a write of bulk data is under way.
struct MediaArea::Writing {
  Writing(Arena& owner, std::span<const MediaPiece> pieces) : arena(owner) {
    for (const MediaPiece& piece : pieces) size += piece.bytes().size();
    arena.dataWriteBegun(size);
  }
  ~Writing() { arena.dataWriteEnded(size); }
  Arena& arena;
  uint64_t size = 0;
};

Task<Status> MediaArea::write(std::span<MediaPiece> pieces) {
  const Writing writing(arena_, pieces);
  DAOS_CO_CHECK(co_await writeInTurn(pieces, writing.size));
  if (arena_.keepsData()) co_return Status{};
  co_return co_await flushes_.flush();
}

// Neighbours on the device whose bytes are neighbours in the pool's region go as one request.
// Elsewhere it would be chance that they are.
static void writeAll(std::span<const MediaPiece> pieces, Bytes region, bio::MediaBatch& batch) {
  for (size_t i = 0; i < pieces.size();) {
    const uint64_t address = pieces[i].address();
    Bytes run = pieces[i].bytes();
    const bool isInside = run.data() >= region.data() && run.data() < region.data() + region.size();
    for (++i; isInside && i < pieces.size() && run.size() < kMergedWriteMax; ++i) {
      const Bytes next = pieces[i].bytes();
      const bool isNext =
          pieces[i].address() == address + run.size() && next.data() == run.data() + run.size() &&
          next.data() < region.data() + region.size();
      if (!isNext) break;
      run = {run.data(), run.size() + next.size()};
    }
    batch.write(address, run);
  }
}

// Its turn ends with the write: the device has others to do while this one's flush is awaited.
Task<Status> MediaArea::writeInTurn(std::span<MediaPiece> pieces, uint64_t size) {
  bio::WriteQueue::Turn turn(writes_, size);
  bio::MediaBatch batch(media_);
  const bool isWaiting = !turn.await_ready();
  if (isWaiting && arena_.keepsData()) co_await computeChecksums(pieces);
  co_await turn;
  writeAll(pieces, buffers_.region(), batch);
  if (!isWaiting && arena_.keepsData()) co_await computeChecksums(pieces);
  co_return co_await batch.all();
}

void MediaArea::prepareBits(bio::BlockExtent extent) {
  const bio::BitmapRange range = bio::bitmapRange(extent);
  if (isPlanted(PlantedFault::kBlocksUnlogged)) return;
  arena_.modify(bitmap().data() + range.offset, range.size);
}

Status MediaArea::use(MediaPiece& piece, MediaChanges& changes) {
  if (arena_.keepsData()) {
    arena_.addData({piece.address(), static_cast<uint32_t>(piece.blockCount()), piece.checksum()});
  }
  const bio::BlockExtent extent = piece.release();
  changes.used.push_back(extent);
  const Status known = bio::markUsed(known_, extent);
  DAOS_ASSERT(known.ok());
  prepareBits(extent);
  return bio::markUsed(bitmap(), extent);
}

Status MediaArea::drop(uint64_t address, uint64_t size, MediaChanges& changes) {
  if (!holds(address, size)) {
    return Error(ErrorCode::kDfInval, "data at " + std::to_string(address) + ", " +
                                          std::to_string(size) + " bytes: not in the data area");
  }
  const bio::BlockExtent extent{address / bio::kMediaBlockSize,
                                roundedSize(size) / bio::kMediaBlockSize};
  DAOS_CHECK(bio::markFree(known_, extent));
  if (arena_.keepsData()) arena_.dropData(address);
  changes.dropped.push_back(extent);
  prepareBits(extent);
  return bio::markFree(bitmap(), extent);
}

void MediaArea::committed(MediaChanges& changes, Ticket ticket) {
  for (const bio::BlockExtent& extent : changes.used) space_.publish(extent);
  if (!changes.dropped.empty()) {
    ++sequence_;
    for (const bio::BlockExtent& extent : changes.dropped) space_.release(extent, sequence_);
    dropped_.push_back({sequence_, ticket, arena_.heap().fence()});
  }
  changes = {};
}

void MediaArea::aborted(MediaChanges& changes) {
  // What was dropped may be what was used before.
  for (const bio::BlockExtent& extent : changes.dropped) {
    DAOS_ASSERT(bio::markUsed(known_, extent).ok());
  }
  for (const bio::BlockExtent& extent : changes.used) {
    DAOS_ASSERT(bio::markFree(known_, extent).ok());
    space_.cancel(extent);
  }
  changes = {};
}

void MediaArea::limitTo(uint64_t endBlock) {
  if (limit_ < blockCount_) restore({limit_, blockCount_ - limit_});
  limit_ = endBlock;
  if (limit_ < blockCount_) withhold({limit_, blockCount_ - limit_});
}

void MediaArea::reclaim() {
  uint64_t reusable = 0;
  const bool isEarly = isPlanted(PlantedFault::kBlocksReusedEarly);
  while (!dropped_.empty() && (isEarly || arena_.isDurable(dropped_.front().ticket)) &&
         arena_.heap().isPassed(dropped_.front().fence)) {
    reusable = dropped_.front().sequence;
    dropped_.pop_front();
  }
  if (reusable != 0) space_.reclaim(reusable);
}

}  // namespace daos::vos
