// The memory that messages travel in: buffers of one size, counted references, a free list.
//
// Thread: a pool, its buffers and their references belong to one thread.
// Life:   a reference keeps its buffer; the last one gives it back to the pool it came from. The
//         pool may die before its buffers: the last reference then frees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"

namespace daos::rpc {

class BufferPool;

struct MessageBuffer {
  std::byte* data = nullptr;
  uint32_t size = 0;      // bytes in use
  uint32_t capacity = 0;
  uint32_t references = 0;
  size_t index = 0;                // in the pool's list of all
  BufferPool* pool = nullptr;      // null: the pool is gone
  MessageBuffer* next = nullptr;   // for queues of the current owner
  void* context = nullptr;         // for the transport that has it in flight
  uint64_t tag = 0;                // likewise
  // Set for memory that belongs to no pool: what happens when the last reference goes.
  void (*onRelease)(MessageBuffer* buffer) = nullptr;
};

class BufferRef {
 public:
  BufferRef() = default;
  // Takes over one reference that was counted already.
  static BufferRef adopt(MessageBuffer* buffer) {
    BufferRef ref;
    ref.buffer_ = buffer;
    return ref;
  }
  BufferRef(BufferRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  BufferRef(const BufferRef& other) : buffer_(other.buffer_) {
    if (buffer_) ++buffer_->references;
  }
  BufferRef& operator=(BufferRef other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~BufferRef() { reset(); }

  explicit operator bool() const { return buffer_ != nullptr; }
  MessageBuffer* operator->() const { return buffer_; }
  MessageBuffer* get() const { return buffer_; }
  Bytes bytes() const { return {buffer_->data, buffer_->size}; }
  // Gives the reference up without uncounting it.
  MessageBuffer* release() { return std::exchange(buffer_, nullptr); }
  void reset() {
    MessageBuffer* buffer = std::exchange(buffer_, nullptr);
    if (buffer && --buffer->references == 0) giveBack(buffer);
  }

 private:
  static void giveBack(MessageBuffer* buffer);
  MessageBuffer* buffer_ = nullptr;
};

class BufferPool {
 public:
  // Keeps at most `idleCountMax` unused buffers; more are freed.
  explicit BufferPool(uint32_t capacity, size_t idleCountMax = 1024)
      : capacity_(capacity), idleCountMax_(idleCountMax) {}
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // An empty buffer with one reference.
  BufferRef allocate() {
    MessageBuffer* buffer = idle_;
    if (!buffer) {
      buffer = create(capacity_);
      track(buffer);
      return BufferRef::adopt(buffer);
    }
    idle_ = buffer->next;
    --idleCount_;
    buffer->size = 0;
    buffer->references = 1;
    buffer->next = nullptr;
    return BufferRef::adopt(buffer);
  }
  // Hands a buffer to another thread: the receiver adopts it into its own pool.
  static MessageBuffer* detach(BufferRef ref);
  BufferRef attach(MessageBuffer* buffer);
  // A buffer of any capacity that belongs to no pool: freed with its last reference.
  static BufferRef allocateAlone(size_t capacity);
  // Frees a detached buffer that nobody takes.
  static void discard(MessageBuffer* buffer);

  uint32_t capacity() const { return capacity_; }
  // Buffers that are somewhere else than in the free list.
  size_t usedCount() const { return all_.size() - idleCount_; }

 private:
  friend class BufferRef;
  static MessageBuffer* create(size_t capacity);
  void recycle(MessageBuffer* buffer);
  static void destroy(MessageBuffer* buffer);
  void track(MessageBuffer* buffer);
  void untrack(MessageBuffer* buffer);

  const uint32_t capacity_;
  const size_t idleCountMax_;
  MessageBuffer* idle_ = nullptr;
  size_t idleCount_ = 0;
  std::vector<MessageBuffer*> all_;
};

}  // namespace daos::rpc
