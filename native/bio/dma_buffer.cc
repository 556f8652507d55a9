#include "bio/dma_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>

namespace daos::bio {

static constexpr uint64_t kUnit = 4096;
static constexpr uint64_t kHugePageSize = 2 << 20;
static constexpr uint32_t kNotFree = std::numeric_limits<uint32_t>::max();

DmaBuffer::~DmaBuffer() {
  if (pool_) pool_->giveBack(bytes_);
}

// A device's queue holds pieces of memory, not requests: 1 MiB in pages of 4 KiB is 256 pieces, as
// many as the whole queue of some, in a huge page it is one.
static std::byte* mapRegion(uint64_t sizeBytes) {
  const uint64_t alignment = sizeBytes >= kHugePageSize ? kHugePageSize : kUnit;
  const uint64_t mappedBytes = sizeBytes + alignment - kUnit;
  void* address =
      mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return nullptr;
  auto* start = static_cast<std::byte*>(address);
  auto* region =
      reinterpret_cast<std::byte*>(alignUp(reinterpret_cast<uintptr_t>(start), alignment));
  const auto before = static_cast<uint64_t>(region - start);
  const uint64_t behind = mappedBytes - before - sizeBytes;
  if (before > 0) munmap(start, before);
  if (behind > 0) munmap(region + sizeBytes, behind);
  if (alignment == kHugePageSize) madvise(region, sizeBytes, MADV_HUGEPAGE);  // a wish
  return region;
}

Result<std::unique_ptr<DmaPool>> DmaPool::create(uint64_t sizeBytes, Permission permission) {
  sizeBytes = std::bit_ceil(std::max(sizeBytes, kUnit));
  std::byte* region = mapRegion(sizeBytes);
  if (!region) {
    return Error(ErrorCode::kNomem, std::to_string(sizeBytes) + " bytes for I/O buffers");
  }
  return std::unique_ptr<DmaPool>(new DmaPool({region, sizeBytes}, std::move(permission)));
}

DmaPool::DmaPool(MutableBytes region, Permission permission)
    : region_(region), permission_(std::move(permission)) {
  const size_t unitCount = region.size() / kUnit;
  free_.resize(orderOf(region.size()) + 1);
  freePlace_.assign(unitCount, kNotFree);
  freeOrder_.assign(unitCount, 0);
  giveBackToRegion(region.data(), free_.size() - 1);
}

DmaPool::~DmaPool() {
  DAOS_ASSERT(usedBytes_ == 0);
  munmap(region_.data(), region_.size());
}

size_t DmaPool::orderOf(uint64_t sizeBytes) const {
  return std::bit_width(std::bit_ceil(std::max(sizeBytes, kUnit)) / kUnit) - 1;
}

Result<DmaBuffer> DmaPool::allocate(uint64_t sizeBytes) {
  DAOS_ASSERT(sizeBytes > 0);
  const uint64_t size = alignUp(sizeBytes, kUnit);
  const size_t order = orderOf(size);
  std::byte* data = take(order);
  if (data) {
    usedBytes_ += kUnit << order;
    return DmaBuffer(this, {data, size});
  }
  ++overflowCount_;
  const bool isPermitted = !permission_ || permission_(size);
  data = isPermitted ? static_cast<std::byte*>(std::aligned_alloc(kUnit, size)) : nullptr;
  if (!data) return Error(ErrorCode::kNomem, std::to_string(size) + " bytes for an I/O buffer");
  return DmaBuffer(this, {data, size});
}

// The index of a free block is that of its first unit.
std::byte* DmaPool::take(size_t order) {
  size_t from = order;
  while (from < free_.size() && free_[from].empty()) ++from;
  if (from >= free_.size()) return nullptr;
  const uint32_t unit = free_[from].back();
  free_[from].pop_back();
  freePlace_[unit] = kNotFree;
  std::byte* data = region_.data() + unit * kUnit;
  while (from > order) {
    --from;
    giveBackToRegion(data + (kUnit << from), from);
  }
  return data;
}

void DmaPool::giveBack(MutableBytes bytes) {
  if (!isInside(bytes.data())) {
    std::free(bytes.data());
    return;
  }
  const size_t order = orderOf(bytes.size());
  usedBytes_ -= kUnit << order;
  giveBackToRegion(bytes.data(), order);
}

void DmaPool::giveBackToRegion(std::byte* data, size_t order) {
  uint32_t unit = static_cast<uint32_t>((data - region_.data()) / kUnit);
  for (; order + 1 < free_.size(); ++order) {
    const uint32_t buddy = unit ^ (1u << order);
    if (freePlace_[buddy] == kNotFree || freeOrder_[buddy] != order) break;
    auto& list = free_[order];
    const uint32_t place = freePlace_[buddy];
    list[place] = list.back();
    freePlace_[list[place]] = place;
    list.pop_back();
    freePlace_[buddy] = kNotFree;
    unit &= ~(1u << order);
  }
  freePlace_[unit] = static_cast<uint32_t>(free_[order].size());
  freeOrder_[unit] = static_cast<uint8_t>(order);
  free_[order].push_back(unit);
}

}  // namespace daos::bio
