#include "vos/heap.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "base/assert.h"
#include "base/bytes.h"

namespace daos::vos {

// Up to 256 every multiple of 16, then four sizes a doubling; above 4 KiB what divides a chunk
// well.
const std::array<uint32_t, Heap::kClassCount> Heap::kClassSizes = {
    32,   48,   64,   80,   96,   112,  128,  144,  160,  176,   192,   208,   224,
    240,  256,  320,  384,  448,  512,  640,  768,  896,  1024,  1280,  1536,  1792,
    2048, 2560, 3072, 3584, 4096, 5440, 6544, 8192, 10912, 13104, 16384, 21840, 32768};

namespace {

constexpr size_t kTableSizeMax = 4096;

// Class of each size up to 4 KiB, by multiples of 16.
template <typename Sizes>
constexpr std::array<uint8_t, kTableSizeMax / 16 + 1> makeClassTable(const Sizes& sizes) {
  std::array<uint8_t, kTableSizeMax / 16 + 1> table{};
  size_t sizeClass = 0;
  for (size_t i = 0; i < table.size(); ++i) {
    while (sizes[sizeClass] < i * 16) ++sizeClass;
    table[i] = static_cast<uint8_t>(sizeClass);
  }
  return table;
}

Error damaged(uint32_t chunk, const char* what) {
  return Error(ErrorCode::kDfInval, "heap chunk " + std::to_string(chunk) + ": " + what);
}

}  // namespace

size_t Heap::classOf(size_t size) {
  static const auto table = makeClassTable(kClassSizes);
  if (size <= kTableSizeMax) return table[(size + 15) / 16];
  size_t sizeClass = table[kTableSizeMax / 16];
  while (kClassSizes[sizeClass] < size) ++sizeClass;
  return sizeClass;
}

size_t Heap::roundedSize(size_t size) {
  if (size > kClassSizes.back()) return alignUp(size, kChunkSize);
  return kClassSizes[classOf(size)];
}

Status Heap::setGeometry(std::byte* base, uint64_t begin, uint64_t end) {
  constexpr uint64_t kPerChunk = kChunkSize + sizeof(ChunkHeader) + kChunkWords * sizeof(uint64_t);
  if (end <= begin + 2 * kChunkSize) return invalid("the arena has no room for a heap");
  // Rounding the tables up to whole pages costs at most one chunk.
  const uint64_t count = (end - begin - kChunkSize) / kPerChunk;
  const uint64_t headerBytes = alignUp(count * sizeof(ChunkHeader), 64);
  const uint64_t tableBytes = headerBytes + count * kChunkWords * sizeof(uint64_t);
  if (count == 0 || count >= kNoChunk) return invalid("the arena's size is out of range");
  base_ = base;
  begin_ = begin;
  chunkCount_ = static_cast<uint32_t>(count);
  chunksBegin_ = alignUp(begin + tableBytes, 4096);
  end_ = chunksBegin_ + count * kChunkSize;
  DAOS_ASSERT(end_ + kReadableBehind <= end);
  headers_ = reinterpret_cast<ChunkHeader*>(base + begin);
  words_ = reinterpret_cast<uint64_t*>(base + begin + headerBytes);
  totalBytes_ = count * kChunkSize;
  usedBytes_ = 0;
  states_.assign(chunkCount_, ChunkState{{}, kNoChunk, kNoChunk, 0, 0, false, false});
  occupied_.assign(uint64_t{chunkCount_} * kChunkWords, 0);
  freeChunks_.assign((chunkCount_ + 63) / 64, 0);
  freeChunkCount_ = 0;
  freeChunkHint_ = 0;
  runsBegin_ = chunkCount_;
  partial_.fill(kNoChunk);
  return {};
}

Status Heap::format(std::byte* base, uint64_t begin, uint64_t end) {
  DAOS_CHECK(setGeometry(base, begin, end));
  std::memset(base + begin, 0, chunksBegin_ - begin);
  for (uint32_t chunk = 0; chunk < chunkCount_; ++chunk) releaseChunk(chunk);
  return {};
}

Status Heap::attach(std::byte* base, uint64_t begin, uint64_t end) {
  DAOS_CHECK(setGeometry(base, begin, end));
  uint32_t chunk = 0;
  while (chunk < chunkCount_) DAOS_CHECK(attachChunk(&chunk));
  while (freeChunkHint_ < chunkCount_ && !isChunkFree(freeChunkHint_)) ++freeChunkHint_;
  return {};
}

// Takes *chunk into account and moves on behind it or its run.
Status Heap::attachChunk(uint32_t* next) {
  const uint32_t chunk = *next;
  const ChunkHeader header = headers_[chunk];
  const uint64_t* bits = words_ + uint64_t{chunk} * kChunkWords;
  uint32_t used = 0;
  for (size_t i = 0; i < kChunkWords; ++i) used += static_cast<uint32_t>(std::popcount(bits[i]));
  *next = chunk + 1;
  if (used == 0) {
    releaseChunk(chunk);
    return {};
  }
  ChunkState& state = states_[chunk];
  state.header = header;
  state.isUsed = true;
  if (header.kind == ChunkKind::kLarge) {
    if (used != 1 || bits[0] != 1) return damaged(chunk, "bits of a large block");
    if (header.chunkCount == 0 || header.chunkCount > chunkCount_ - chunk) {
      return damaged(chunk, "a large block over the end");
    }
    for (uint32_t i = 1; i < header.chunkCount; ++i) {
      states_[chunk + i].isUsed = true;
      for (size_t word = 0; word < kChunkWords; ++word) {
        if (bits[i * kChunkWords + word] != 0) return damaged(chunk + i, "blocks in a large block");
      }
    }
    usedBytes_ += header.chunkCount * kChunkSize;
    *next = chunk + header.chunkCount;
    return {};
  }
  if (header.kind != ChunkKind::kBlocks || header.sizeClass >= kClassCount) {
    return damaged(chunk, "unknown kind or size class");
  }
  const uint32_t count = static_cast<uint32_t>(kChunkSize) / kClassSizes[header.sizeClass];
  uint64_t* mine = occupied(chunk);
  fillPadding(mine, count);
  for (size_t i = 0; i < kChunkWords; ++i) {
    if ((bits[i] & mine[i]) != 0) return damaged(chunk, "blocks after the last");
    mine[i] |= bits[i];
  }
  state.usedCount = static_cast<uint16_t>(used);
  usedBytes_ += uint64_t{used} * kClassSizes[header.sizeClass];
  if (used < count) list(chunk);
  return {};
}

// Bits past the last block count as occupied, so that searching needs no bound.
void Heap::fillPadding(uint64_t* words, uint32_t count) {
  for (size_t i = 0; i < kChunkWords; ++i) {
    const uint64_t first = i * 64;
    words[i] = count <= first        ? ~uint64_t{0}
               : count >= first + 64 ? 0
                                     : ~uint64_t{0} << (count - first);
  }
}

bool Heap::isAffordable(uint64_t size, HeapUse use) const {
  const uint64_t kept = use == HeapUse::kReclaim ? 0 : reserveBytes_;
  return usedBytes_ + size + kept <= totalBytes_;
}

Offset Heap::reserve(size_t size, HeapUse use) {
  if (size > kClassSizes.back()) return reserveLarge(size, use);
  return reserveBlock(classOf(size), use);
}

Offset Heap::reserveBlock(size_t sizeClass, HeapUse use) {
  const uint32_t size = kClassSizes[sizeClass];
  if (!isAffordable(size, use)) return 0;
  uint32_t chunk = partial_[sizeClass];
  if (chunk == kNoChunk) {
    chunk = takeChunk();
    if (chunk == kNoChunk) return 0;
    states_[chunk].header = {ChunkKind::kBlocks, static_cast<uint8_t>(sizeClass), 0, 0};
    fillPadding(occupied(chunk), static_cast<uint32_t>(kChunkSize) / size);
    list(chunk);
  }
  ChunkState& state = states_[chunk];
  uint64_t* words = occupied(chunk);
  size_t word = state.wordHint;
  while (words[word] == ~uint64_t{0}) ++word;
  const auto bit = static_cast<size_t>(std::countr_one(words[word]));
  words[word] |= uint64_t{1} << bit;
  state.wordHint = static_cast<uint16_t>(word);
  ++state.usedCount;
  usedBytes_ += size;
  if (state.usedCount == kChunkSize / size) unlist(chunk);
  return chunksBegin_ + uint64_t{chunk} * kChunkSize + (word * 64 + bit) * size;
}

Offset Heap::reserveLarge(size_t size, HeapUse use) {
  const uint64_t rounded = alignUp(size, kChunkSize);
  if (rounded < size || !isAffordable(rounded, use)) return 0;
  const auto count = static_cast<uint32_t>(rounded / kChunkSize);
  const uint32_t chunk = takeRun(count);
  if (chunk == kNoChunk) return 0;
  states_[chunk].header = {ChunkKind::kLarge, 0, 0, count};
  usedBytes_ += rounded;
  return chunksBegin_ + uint64_t{chunk} * kChunkSize;
}

void Heap::cancel(Offset block) {
  const uint32_t chunk = chunkOf(block);
  ChunkState& state = states_[chunk];
  DAOS_ASSERT(state.isUsed);
  if (state.header.kind == ChunkKind::kLarge) {
    const uint32_t count = state.header.chunkCount;
    usedBytes_ -= count * kChunkSize;
    for (uint32_t i = 0; i < count; ++i) releaseChunk(chunk + i);
    return;
  }
  const uint32_t size = kClassSizes[state.header.sizeClass];
  const auto index = static_cast<uint32_t>((block - chunksBegin_) % kChunkSize) / size;
  uint64_t& word = occupied(chunk)[index / 64];
  DAOS_ASSERT((word >> (index % 64) & 1) != 0);
  word &= ~(uint64_t{1} << (index % 64));
  usedBytes_ -= size;
  --state.usedCount;
  if (index / 64 < state.wordHint) state.wordHint = static_cast<uint16_t>(index / 64);
  if (!state.isListed) list(chunk);
  // The class keeps its last chunk, so that one block coming and going does not turn chunks over.
  const bool isOnly = partial_[state.header.sizeClass] == chunk && state.next == kNoChunk;
  if (state.usedCount == 0 && !isOnly) {
    unlist(chunk);
    releaseChunk(chunk);
  }
}

Heap::Place Heap::place(Offset block) {
  const uint32_t chunk = chunkOf(block);
  const ChunkState& state = states_[chunk];
  uint32_t index = 0;
  if (state.header.kind == ChunkKind::kBlocks) {
    index = static_cast<uint32_t>((block - chunksBegin_) % kChunkSize) /
            kClassSizes[state.header.sizeClass];
  }
  ChunkHeader* header = &headers_[chunk];
  return {words_ + uint64_t{chunk} * kChunkWords + index / 64, uint64_t{1} << (index % 64), header,
          state.header, std::memcmp(header, &state.header, sizeof(ChunkHeader)) != 0};
}

void Heap::retire(Offset block) {
  if (pins_.empty()) return cancel(block);
  retired_.push_back({block, firstPin_ + pins_.size() - 1});
  isPinStale_ = true;
}

size_t Heap::blockSize(Offset block) const {
  const ChunkHeader& header = states_[chunkOf(block)].header;
  if (header.kind == ChunkKind::kLarge) return header.chunkCount * kChunkSize;
  return kClassSizes[header.sizeClass];
}

bool Heap::isBlock(Offset block, uint64_t size) const {
  if (!holds(block, size)) return false;
  const uint32_t chunk = chunkOf(block);
  const ChunkState& state = states_[chunk];
  const uint64_t inChunk = (block - chunksBegin_) % kChunkSize;
  if (!state.isUsed) return false;
  if (state.header.kind == ChunkKind::kLarge) {
    return inChunk == 0 && size <= state.header.chunkCount * kChunkSize;
  }
  if (state.header.kind != ChunkKind::kBlocks) return false;
  const uint32_t blockBytes = kClassSizes[state.header.sizeClass];
  const uint64_t index = inChunk / blockBytes;
  if (inChunk % blockBytes != 0 || size > blockBytes) return false;
  return (occupied_[uint64_t{chunk} * kChunkWords + index / 64] >> (index % 64) & 1) != 0;
}

Heap::Pin Heap::pin() {
  if (pins_.empty() || isPinStale_) {
    pins_.push_back(0);
    isPinStale_ = false;
  }
  ++pins_.back();
  return firstPin_ + pins_.size() - 1;
}

void Heap::unpin(Pin pin) {
  DAOS_ASSERT(pin >= firstPin_ && pin - firstPin_ < pins_.size());
  --pins_[pin - firstPin_];
  while (!pins_.empty() && pins_.front() == 0) {
    pins_.pop_front();
    ++firstPin_;
  }
  while (!retired_.empty() && retired_.front().after < firstPin_) {
    const Offset block = retired_.front().block;
    retired_.pop_front();
    cancel(block);
  }
}

uint32_t Heap::takeChunk() {
  const auto words = static_cast<uint32_t>(freeChunks_.size());
  for (uint32_t word = freeChunkHint_ / 64; word < words; ++word) {
    if (freeChunks_[word] == 0) continue;
    const uint32_t chunk = word * 64 + static_cast<uint32_t>(std::countr_zero(freeChunks_[word]));
    freeChunkHint_ = chunk;
    claimChunk(chunk);
    return chunk;
  }
  freeChunkHint_ = chunkCount_;
  return kNoChunk;
}

// From the end, so that runs and single chunks stay apart as long as there is room.
uint32_t Heap::takeRun(uint32_t count) {
  if (count > freeChunkCount_) return kNoChunk;
  uint32_t length = 0;
  for (uint32_t chunk = chunkCount_; chunk-- > 0;) {
    if (freeChunks_[chunk / 64] == 0 && chunk % 64 == 63) {
      chunk -= 63;
      length = 0;
      continue;
    }
    length = isChunkFree(chunk) ? length + 1 : 0;
    if (length < count) continue;
    for (uint32_t i = 0; i < count; ++i) claimChunk(chunk + i);
    runsBegin_ = std::min(runsBegin_, chunk);
    return chunk;
  }
  return kNoChunk;
}

void Heap::claimChunk(uint32_t chunk) {
  freeChunks_[chunk / 64] &= ~(uint64_t{1} << (chunk % 64));
  --freeChunkCount_;
  states_[chunk] = ChunkState{{}, kNoChunk, kNoChunk, 0, 0, true, false};
}

void Heap::releaseChunk(uint32_t chunk) {
  states_[chunk] = ChunkState{{}, kNoChunk, kNoChunk, 0, 0, false, false};
  freeChunks_[chunk / 64] |= uint64_t{1} << (chunk % 64);
  ++freeChunkCount_;
  if (chunk < freeChunkHint_) freeChunkHint_ = chunk;
}

void Heap::list(uint32_t chunk) {
  ChunkState& state = states_[chunk];
  uint32_t& head = partial_[state.header.sizeClass];
  state.next = head;
  state.previous = kNoChunk;
  if (head != kNoChunk) states_[head].previous = chunk;
  head = chunk;
  state.isListed = true;
}

void Heap::unlist(uint32_t chunk) {
  ChunkState& state = states_[chunk];
  if (state.previous != kNoChunk) {
    states_[state.previous].next = state.next;
  } else {
    partial_[state.header.sizeClass] = state.next;
  }
  if (state.next != kNoChunk) states_[state.next].previous = state.previous;
  state.next = state.previous = kNoChunk;
  state.isListed = false;
}

}  // namespace daos::vos
