#include "bio/space_allocator.h"

#include <algorithm>
#include <string>
#include <utility>

namespace daos::bio {

// How many free extents after the hint are looked at before the best fit is taken instead.
static constexpr int kNearProbeMax = 8;
// And how many of those that are large enough, for one among the preferred blocks.
static constexpr int kPreferredProbeMax = 32;

SpaceAllocator::SpaceAllocator(uint64_t blockCount) : blockCount_(blockCount) {
  if (blockCount > 0) insertFree({0, blockCount});
  counts_.free = blockCount;
}

Error SpaceAllocator::noSpace(uint64_t count) const {
  return Error(ErrorCode::kNospace,
               std::to_string(count) + " blocks wanted, " + std::to_string(counts_.free) + " of " +
                   std::to_string(blockCount_) + " free, " + std::to_string(largestFreeCount()) +
                   " in one piece, " + std::to_string(counts_.released) + " soon free again");
}

void SpaceAllocator::eraseFree(ByBlock::iterator at) {
  bySize_.erase({at->second, at->first});
  byBlock_.erase(at);
}

void SpaceAllocator::insertFree(BlockExtent extent) {
  for (const BlockExtent& range : withheld_) {
    const uint64_t from = std::max(extent.block, range.block);
    const uint64_t to = std::min(extent.end(), range.end());
    if (from >= to) continue;
    withheldFree_.push_back({from, to - from});
    if (extent.block < from) insertFree({extent.block, from - extent.block});
    if (to < extent.end()) insertFree({to, extent.end() - to});
    return;
  }
  mergeFree(extent);
}

void SpaceAllocator::withhold(BlockExtent range) {
  withheld_.push_back(range);
  while (true) {
    const uint64_t start = nextFree(range.block);
    if (start >= range.end() || start == blockCount_) return;
    const auto holder = std::prev(byBlock_.upper_bound(start));
    const BlockExtent whole{holder->first, holder->second};
    eraseFree(holder);
    insertFree(whole);
  }
}

void SpaceAllocator::restore(BlockExtent range) {
  std::erase(withheld_, range);
  const std::vector<BlockExtent> known = std::exchange(withheldFree_, {});
  for (const BlockExtent& extent : known) insertFree(extent);
}

void SpaceAllocator::mergeFree(BlockExtent extent) {
  auto next = byBlock_.lower_bound(extent.block);
  DAOS_ASSERT(next == byBlock_.end() || extent.end() <= next->first);
  if (next != byBlock_.end() && next->first == extent.end()) {
    extent.count += next->second;
    auto merged = next++;
    eraseFree(merged);
  }
  if (next != byBlock_.begin()) {
    auto previous = std::prev(next);
    DAOS_ASSERT(previous->first + previous->second <= extent.block);
    if (previous->first + previous->second == extent.block) {
      extent = {previous->first, previous->second + extent.count};
      eraseFree(previous);
    }
  }
  byBlock_.emplace(extent.block, extent.count);
  bySize_.emplace(extent.count, extent.block);
}

// The extent that holds the hint or comes soon after it, if it is large enough.
SpaceAllocator::ByBlock::iterator SpaceAllocator::findNear(uint64_t hint, const Wanted& wanted) {
  auto at = byBlock_.upper_bound(hint);
  if (at != byBlock_.begin()) {
    auto holder = std::prev(at);
    const uint64_t end = holder->first + holder->second;
    if (hint < end && wanted.fits(hint, end - hint)) return holder;
  }
  for (int probe = 0; probe < kNearProbeMax && at != byBlock_.end(); ++probe, ++at) {
    if (wanted.fits(at->first, at->second)) return at;
  }
  return byBlock_.end();
}

SpaceAllocator::ByBlock::iterator SpaceAllocator::findBest(const Wanted& wanted) {
  const bool isAnywhere = wanted.end >= blockCount_;
  int probe = 0;
  for (auto at = bySize_.lower_bound({wanted.count, 0}); at != bySize_.end(); ++at) {
    if (wanted.fits(at->second, at->first)) return byBlock_.find(at->second);
    // Of one size there may be any number behind the end.
    if (!isAnywhere && ++probe == kPreferredProbeMax) break;
  }
  return byBlock_.end();
}

BlockExtent SpaceAllocator::carve(ByBlock::iterator from, uint64_t start, uint64_t count) {
  const BlockExtent whole{from->first, from->second};
  const BlockExtent taken{start, count};
  eraseFree(from);
  if (taken.block > whole.block) insertFree({whole.block, taken.block - whole.block});
  if (taken.end() < whole.end()) insertFree({taken.end(), whole.end() - taken.end()});
  counts_.free -= count;
  counts_.reserved += count;
  return taken;
}

std::optional<BlockExtent> SpaceAllocator::reserveBefore(uint64_t end, uint64_t count,
                                                         const ReserveOptions& options) {
  const Wanted wanted{count, options.alignment, end};
  if (options.hint < blockCount_) {
    const auto near = findNear(options.hint, wanted);
    if (near != byBlock_.end()) {
      const bool holdsHint = near->first <= options.hint;
      const uint64_t start = alignUp(holdsHint ? options.hint : near->first, options.alignment);
      return carve(near, start, count);
    }
  }
  const auto best = findBest(wanted);
  if (best == byBlock_.end()) return std::nullopt;
  return carve(best, alignUp(best->first, options.alignment), count);
}

Result<BlockExtent> SpaceAllocator::reserve(uint64_t count, ReserveOptions options) {
  if (count == 0 || options.alignment == 0) return invalid("an extent of no blocks or alignment 0");
  if (preferredEnd_ < blockCount_) {
    if (const auto preferred = reserveBefore(preferredEnd_, count, options)) return *preferred;
  }
  if (const auto found = reserveBefore(blockCount_, count, options)) return *found;
  if (options.countMin > 0 && options.countMin < count && !bySize_.empty()) {
    const auto largest = bySize_.rbegin();
    const uint64_t start = alignUp(largest->second, options.alignment);
    const uint64_t skipped = start - largest->second;
    if (largest->first >= options.countMin + skipped) {
      return carve(byBlock_.find(largest->second), start,
                   std::min(count, largest->first - skipped));
    }
  }
  return noSpace(count);
}

uint64_t SpaceAllocator::nextFree(uint64_t block) const {
  const auto next = byBlock_.lower_bound(block);
  if (next != byBlock_.begin()) {
    const auto holder = std::prev(next);
    if (block < holder->first + holder->second) return block;
  }
  return next == byBlock_.end() ? blockCount_ : next->first;
}

std::optional<BlockExtent> SpaceAllocator::reserveFirst(BlockExtent within) {
  const uint64_t start = nextFree(within.block);
  if (start >= within.end() || start == blockCount_) return std::nullopt;
  const auto holder = std::prev(byBlock_.upper_bound(start));
  const uint64_t end = std::min(holder->first + holder->second, within.end());
  return carve(holder, start, end - start);
}

void SpaceAllocator::cancel(BlockExtent extent) {
  DAOS_ASSERT(counts_.reserved >= extent.count);
  counts_.reserved -= extent.count;
  counts_.free += extent.count;
  insertFree(extent);
}

void SpaceAllocator::publish(BlockExtent extent) {
  DAOS_ASSERT(counts_.reserved >= extent.count);
  counts_.reserved -= extent.count;
  counts_.used += extent.count;
}

void SpaceAllocator::release(BlockExtent extent, uint64_t ticket) {
  DAOS_ASSERT(counts_.used >= extent.count);
  DAOS_ASSERT(released_.empty() || released_.back().ticket <= ticket);
  counts_.used -= extent.count;
  counts_.released += extent.count;
  released_.push_back({ticket, extent});
}

void SpaceAllocator::reclaim(uint64_t ticketDurable) {
  while (!released_.empty() && released_.front().ticket <= ticketDurable) {
    const BlockExtent extent = released_.front().extent;
    released_.pop_front();
    counts_.released -= extent.count;
    counts_.free += extent.count;
    insertFree(extent);
  }
}

Result<SpaceAllocator> SpaceAllocator::load(Bytes bitmap, uint64_t blockCount) {
  if (bitmap.size() != bitmapSizeBytes(blockCount)) {
    return Error(ErrorCode::kDfInval, "space bitmap of " + std::to_string(bitmap.size()) +
                                          " bytes for " + std::to_string(blockCount) + " blocks");
  }
  SpaceAllocator allocator(0);
  allocator.blockCount_ = blockCount;
  const auto isUsed = [&](uint64_t block) {
    return (loadAs<uint64_t>(bitmap.data() + block / 64 * 8) >> (block % 64)) & 1;
  };
  for (uint64_t block = blockCount; block < bitmap.size() * 8; ++block) {
    if (!isUsed(block))
      return Error(ErrorCode::kDfInval, "space bitmap: a block past the end is free");
  }
  uint64_t block = 0;
  while (block < blockCount) {
    const uint64_t word = loadAs<uint64_t>(bitmap.data() + block / 64 * 8);
    if (block % 64 == 0 && word == ~uint64_t{0}) {
      block += 64;
      continue;
    }
    if (isUsed(block)) {
      ++block;
      continue;
    }
    const uint64_t start = block;
    while (block < blockCount && !isUsed(block)) {
      const bool isWholeWord = block % 64 == 0 && block + 64 <= blockCount &&
                               loadAs<uint64_t>(bitmap.data() + block / 64 * 8) == 0;
      block += isWholeWord ? 64 : 1;
    }
    allocator.insertFree({start, block - start});
    allocator.counts_.free += block - start;
  }
  allocator.counts_.used = blockCount - allocator.counts_.free;
  return allocator;
}

uint64_t bitmapSizeBytes(uint64_t blockCount) { return (blockCount + 63) / 64 * 8; }

void formatBitmap(MutableBytes bitmap, uint64_t blockCount) {
  DAOS_ASSERT(bitmap.size() == bitmapSizeBytes(blockCount));
  std::fill(bitmap.begin(), bitmap.end(), std::byte{0});
  if (blockCount % 64)
    storeAs(bitmap.data() + bitmap.size() - 8, ~uint64_t{0} << (blockCount % 64));
}

BitmapRange bitmapRange(BlockExtent extent) {
  const uint64_t first = extent.block / 64;
  const uint64_t last = (extent.end() - 1) / 64;
  return {first * 8, (last - first + 1) * 8};
}

static uint64_t maskOf(BlockExtent extent, uint64_t word) {
  const uint64_t from = std::max(extent.block, word * 64) - word * 64;
  const uint64_t to = std::min(extent.end(), word * 64 + 64) - word * 64;
  const uint64_t low = to == 64 ? ~uint64_t{0} : (uint64_t{1} << to) - 1;
  return low & (~uint64_t{0} << from);
}

static Status mark(MutableBytes bitmap, BlockExtent extent, bool used) {
  if (extent.count == 0 || extent.end() > bitmap.size() * 8 || extent.end() < extent.block) {
    return Error(ErrorCode::kDfInval, "space bitmap: blocks out of range");
  }
  const BitmapRange range = bitmapRange(extent);
  const uint64_t firstWord = range.offset / 8;
  const uint64_t lastWord = firstWord + range.size / 8 - 1;
  for (uint64_t word = firstWord; word <= lastWord; ++word) {
    const uint64_t mask = maskOf(extent, word);
    const uint64_t bits = loadAs<uint64_t>(bitmap.data() + word * 8) & mask;
    if (bits != (used ? 0 : mask)) {
      return Error(ErrorCode::kDfInval, "space bitmap: blocks " + std::to_string(extent.block) +
                                            " to " + std::to_string(extent.end()) +
                                            " are not all " + (used ? "free" : "used"));
    }
  }
  for (uint64_t word = firstWord; word <= lastWord; ++word) {
    std::byte* at = bitmap.data() + word * 8;
    storeAs(at, loadAs<uint64_t>(at) ^ maskOf(extent, word));
  }
  return {};
}

Status markUsed(MutableBytes bitmap, BlockExtent extent) { return mark(bitmap, extent, true); }
Status markFree(MutableBytes bitmap, BlockExtent extent) { return mark(bitmap, extent, false); }

}  // namespace daos::bio
