#include "rpc/message_buffer.h"

#include <cstdlib>

namespace daos::rpc {

// Messages start on a page, so that small ones share no cache line and large ones copy well.
static constexpr size_t kAlignment = 4096;

void BufferRef::giveBack(MessageBuffer* buffer) {
  if (buffer->onRelease) {
    buffer->onRelease(buffer);
  } else if (buffer->pool) {
    buffer->pool->recycle(buffer);
  } else {
    BufferPool::destroy(buffer);
  }
}

BufferPool::~BufferPool() {
  for (MessageBuffer* buffer = idle_; buffer;) {
    MessageBuffer* next = buffer->next;
    untrack(buffer);
    destroy(buffer);
    buffer = next;
  }
  for (MessageBuffer* buffer : all_) buffer->pool = nullptr;
}

MessageBuffer* BufferPool::create(size_t capacity) {
  auto* buffer = new MessageBuffer;
  buffer->data =
      static_cast<std::byte*>(std::aligned_alloc(kAlignment, alignUp(capacity, kAlignment)));
  DAOS_ASSERT(buffer->data);
  buffer->capacity = static_cast<uint32_t>(capacity);
  buffer->references = 1;
  return buffer;
}

BufferRef BufferPool::allocateAlone(size_t capacity) { return BufferRef::adopt(create(capacity)); }

void BufferPool::destroy(MessageBuffer* buffer) {
  std::free(buffer->data);
  delete buffer;
}

void BufferPool::track(MessageBuffer* buffer) {
  buffer->pool = this;
  buffer->index = all_.size();
  all_.push_back(buffer);
}

void BufferPool::untrack(MessageBuffer* buffer) {
  MessageBuffer* last = all_.back();
  all_[buffer->index] = last;
  last->index = buffer->index;
  all_.pop_back();
  buffer->pool = nullptr;
}

void BufferPool::recycle(MessageBuffer* buffer) {
  if (idleCount_ >= idleCountMax_) {
    untrack(buffer);
    destroy(buffer);
    return;
  }
  buffer->next = idle_;
  idle_ = buffer;
  ++idleCount_;
}

MessageBuffer* BufferPool::detach(BufferRef ref) {
  MessageBuffer* buffer = ref.release();
  DAOS_ASSERT(buffer->references == 1);
  if (buffer->pool) buffer->pool->untrack(buffer);
  return buffer;
}

BufferRef BufferPool::attach(MessageBuffer* buffer) {
  track(buffer);
  return BufferRef::adopt(buffer);
}

void BufferPool::discard(MessageBuffer* buffer) { destroy(buffer); }

}  // namespace daos::rpc
