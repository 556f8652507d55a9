// An arena in ordinary memory that outlives it: without durability, for tests of everything above.
#pragma once

#include <sys/mman.h>

#include <memory>
#include <vector>

#include "vos/arena.h"

namespace daos::vos::proof {

// Zeroed pages, taken as they are touched; before and behind them is nothing that could be read.
class MemoryRegion {
 public:
  explicit MemoryRegion(uint64_t size)
      : mapping_(static_cast<std::byte*>(mmap(nullptr, size + 2 * kGuardSize, PROT_NONE,
                                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))),
        data_(mapping_ + kGuardSize),
        size_(size) {
    DAOS_ASSERT(mapping_ != MAP_FAILED);
    DAOS_ASSERT(mprotect(data_, size, PROT_READ | PROT_WRITE) == 0);
  }
  ~MemoryRegion() { munmap(mapping_, size_ + 2 * kGuardSize); }
  MemoryRegion(const MemoryRegion&) = delete;
  MemoryRegion& operator=(const MemoryRegion&) = delete;

  std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }
  void clear() { madvise(data_, size_, MADV_DONTNEED); }

 private:
  static constexpr uint64_t kGuardSize = 1 << 20;
  std::byte* const mapping_;
  std::byte* const data_;
  const uint64_t size_;
};

class MemoryArena final : public Arena {
 public:
  // `region` is borrowed.
  static Result<std::unique_ptr<MemoryArena>> create(MemoryRegion& region) {
    region.clear();
    std::unique_ptr<MemoryArena> arena(new MemoryArena);
    DAOS_CHECK(arena->formatArena(region.data(), region.size(), 0));
    return arena;
  }
  static Result<std::unique_ptr<MemoryArena>> open(MemoryRegion& region) {
    std::unique_ptr<MemoryArena> arena(new MemoryArena);
    DAOS_CHECK(arena->attachArena(region.data(), region.size(), 0));
    return arena;
  }
  ~MemoryArena() override {
    if (inTransaction()) abort();
  }

  Ticket durableTicket() const override { return lastTicket(); }
  Task<Status> waitDurable(Ticket) override { co_return Status{}; }

 protected:
  void commitRanges(Ticket, std::span<const ArenaRange>) override {}

 private:
  static constexpr size_t kUndoSize = 1 << 20;
  MemoryArena() : undo_(new std::byte[kUndoSize]) {
    setUndoLog(undo_.get(), undo_.get() + kUndoSize);
  }
  const std::unique_ptr<std::byte[]> undo_;
};

}  // namespace daos::vos::proof
