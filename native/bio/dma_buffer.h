// Aligned buffers for Media out of one region that drivers register once, in huge pages where the
// system has some: a device's queue takes few pieces of memory more gladly than many.
//
// Sizes are powers of two from 4 KiB; a free buffer splits and merges with its buddy. When the
// region is used up, or for sizes over it, a buffer comes from the system: right, only dearer.
//
// Thread: the reactor's. The pool outlives its buffers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace daos::bio {

class DmaPool;

// Owns its bytes; gives them back when destroyed.
class DmaBuffer {
 public:
  DmaBuffer() = default;
  DmaBuffer(DmaBuffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
  DmaBuffer& operator=(DmaBuffer&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~DmaBuffer();

  // Aligned to 4 KiB, size as asked for, rounded up to 4 KiB. Contents are undefined.
  MutableBytes bytes() const { return bytes_; }
  std::byte* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }

 private:
  friend class DmaPool;
  DmaBuffer(DmaPool* pool, MutableBytes bytes) : pool_(pool), bytes_(bytes) {}
  DmaPool* pool_ = nullptr;
  MutableBytes bytes_;
};

class DmaPool {
 public:
  // Says whether the system may be asked for so many bytes beyond the region.
  using Permission = std::function<bool(uint64_t sizeBytes)>;
  // DER_NOMEM when the system refuses `sizeBytes`, which is rounded up to a power of two. Without a
  // permission the system is always asked.
  static Result<std::unique_ptr<DmaPool>> create(uint64_t sizeBytes, Permission permission = {});
  ~DmaPool();
  DmaPool(const DmaPool&) = delete;
  DmaPool& operator=(const DmaPool&) = delete;

  // DER_NOMEM when region and system are used up.
  Result<DmaBuffer> allocate(uint64_t sizeBytes);
  // The whole region, for Media::registerMemory.
  MutableBytes region() const { return region_; }
  uint64_t usedBytes() const { return usedBytes_; }
  // Buffers that had to come from the system.
  uint64_t overflowCount() const { return overflowCount_; }

 private:
  friend class DmaBuffer;
  DmaPool(MutableBytes region, Permission permission);
  size_t orderOf(uint64_t sizeBytes) const;
  bool isInside(const std::byte* data) const {
    return data >= region_.data() && data < region_.data() + region_.size();
  }
  std::byte* take(size_t order);
  void giveBack(MutableBytes bytes);
  void giveBackToRegion(std::byte* data, size_t order);

  MutableBytes region_;
  const Permission permission_;
  std::vector<std::vector<uint32_t>> free_;  // by order: indexes of free blocks
  std::vector<uint32_t> freePlace_;          // by 4 KiB block: place in free_[order], or kNotFree
  // By 4 KiB block: order of the free block that starts there.
  std::vector<uint8_t> freeOrder_;
  uint64_t usedBytes_ = 0;
  uint64_t overflowCount_ = 0;
};

}  // namespace daos::bio
