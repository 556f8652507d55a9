// Memory of coroutine frames that is used again: no allocation once as many frames have lived at a
// time as ever do.
//
// A Task takes its frame from here when frameCacheOf(its first argument) says where; others take
// theirs from the heap.
//
// Thread: one. The cache outlives its frames.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace daos {

class FrameCache {
 public:
  FrameCache() = default;
  FrameCache(const FrameCache&) = delete;
  FrameCache& operator=(const FrameCache&) = delete;
  ~FrameCache() {
    for (Block* block : idle_) {
      while (block) {
        Block* next = block->next;
        ::operator delete(block);
        block = next;
      }
    }
  }

  void* allocate(size_t size) { return allocateFrom(this, size); }
  // A frame of no cache.
  static void* allocateAlone(size_t size) { return allocateFrom(nullptr, size); }
  static void free(void* frame) {
    Block* const block = static_cast<Block*>(frame) - 1;
    FrameCache* const cache = block->cache;
    if (!cache) return ::operator delete(block);
    Block*& idle = cache->idle_[block->sizeClass];
    block->next = idle;
    idle = block;
  }

 private:
  static constexpr size_t kStep = 128;
  static constexpr size_t kClassCount = 16;
  // In front of each frame.
  struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) Block {
    FrameCache* cache;
    size_t sizeClass;
    Block* next;
  };

  static void* allocateFrom(FrameCache* cache, size_t size) {
    const size_t sizeClass = (size + kStep - 1) / kStep;
    if (sizeClass >= kClassCount) cache = nullptr;
    if (cache && cache->idle_[sizeClass]) {
      Block* const block = cache->idle_[sizeClass];
      cache->idle_[sizeClass] = block->next;
      return block + 1;
    }
    const size_t room = cache ? sizeClass * kStep : size;
    auto* const block = static_cast<Block*>(::operator new(sizeof(Block) + room));
    block->cache = cache;
    block->sizeClass = sizeClass;
    return block + 1;
  }

  std::array<Block*, kClassCount> idle_{};
};

}  // namespace daos
