#include "vos/dkey_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

#include "base/bytes.h"

namespace daos::vos {

namespace {
constexpr uint64_t kHugePageSize = 2 << 20;
constexpr uint64_t kSizeMin = 4096;
constexpr uint64_t kSizeMax = 256 << 20;
}  // namespace

DkeyCache::DkeyCache(uint64_t arenaSize, PageMaker* pageMaker) : pageMaker_(pageMaker) {
  const uint64_t size = std::clamp(std::bit_floor(arenaSize / 64), kSizeMin, kSizeMax);
  const uint64_t alignment = size >= kHugePageSize ? kHugePageSize : 0;
  void* address = mmap(nullptr, size + alignment, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return;
  memory_ = {static_cast<std::byte*>(address), size + alignment};
  auto start = reinterpret_cast<uintptr_t>(address);
  if (alignment != 0) {
    start = alignUp(start, alignment);
    // A wish: a key is looked for at random, so that each page would be missed.
    madvise(reinterpret_cast<void*>(start), size, MADV_HUGEPAGE);
  }
  sets_ = reinterpret_cast<Set*>(start);
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(size / sizeof(Set)));
}

DkeyCache::~DkeyCache() {
  if (isUsed_ && pageMaker_) pageMaker_->forget(memory_);
  if (!memory_.empty()) munmap(memory_.data(), memory_.size());
}

// Keys lie anywhere in it, so that the first few would come to all of its huge pages.
void DkeyCache::beginUse() {
  isUsed_ = true;
  if (!pageMaker_ || memory_.empty()) return;
  const size_t setCount = size_t{1} << (64 - shift_);
  pageMaker_->make({reinterpret_cast<std::byte*>(sets_), setCount * sizeof(Set)});
}

void DkeyCache::remember(uint64_t name, uint64_t word) {
  if (!isUsed_) beginUse();
  Set& set = setOf(name);
  unsigned at = static_cast<unsigned>(name) % kWays;  // gives way when there is no room
  for (unsigned i = 0; i < kWays; ++i) {
    if (set.words[i] == 0) at = i;
  }
  for (unsigned i = 0; i < kWays; ++i) {
    if (set.names[i] == name) at = i;
  }
  set.names[at] = name;
  set.words[at] = word;
}

void DkeyCache::forget(uint64_t name) {
  Set& set = setOf(name);
  for (unsigned i = 0; i < kWays; ++i) {
    if (set.names[i] == name) set.words[i] = 0;
  }
}

}  // namespace daos::vos
