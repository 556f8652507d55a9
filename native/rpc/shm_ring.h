// A ring of messages from one process to another: one producer, one consumer, memory shared between
// them.
//
// Each message is a record: its size as u64, then its bytes, padded to 8. A record never wraps;
// where one does not fit before the end, a mark sends the consumer to the start.
//
// Invariant: no lock, and nothing of a message is seen before all of it is there: a producer that
//            dies at any point leaves a ring that is merely silent from then on.
// Invariant: what the other side writes is checked before it is used: a bad size makes the ring
//            broken, for ever.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace daos::rpc {

inline constexpr uint64_t kShmRingSize = uint64_t{256} << 10;

// As it lies in the shared memory.
struct ShmRingLayout {
  alignas(64) std::atomic<uint64_t> written;  // bytes, counted since the beginning
  alignas(64) std::atomic<uint64_t> consumed;
  alignas(64) std::atomic<uint32_t> isConsumerAsleep;
  alignas(64) std::byte bytes[kShmRingSize];
};

inline constexpr uint64_t kShmWrapMark = ~uint64_t{0};

class ShmProducer {
 public:
  explicit ShmProducer(ShmRingLayout& layout) : layout_(layout) {}

  // Room for a message of up to `sizeMax` bytes, to be written in place; null when there is none
  // now. Taken by commit(), given up by the next reserve().
  std::byte* reserve(uint64_t sizeMax) {
    const uint64_t needed = sizeof(uint64_t) + alignUp(sizeMax, 8);
    const uint64_t at = written_ % kShmRingSize;
    const uint64_t toEnd = kShmRingSize - at;
    skipped_ = toEnd < needed ? toEnd : 0;
    if (!hasRoom(needed + skipped_)) return nullptr;
    record_ = layout_.bytes + (skipped_ > 0 ? 0 : at);
    return record_ + sizeof(uint64_t);
  }
  void commit(uint64_t size) {
    if (skipped_ > 0) storeAs(layout_.bytes + written_ % kShmRingSize, kShmWrapMark);
    storeAs(record_, size);
    written_ += skipped_ + sizeof(uint64_t) + alignUp(size, 8);
    layout_.written.store(written_, std::memory_order_release);
  }
  // False when there is no room for it now.
  bool push(Bytes message) {
    std::byte* room = reserve(message.size());
    if (!room) return false;
    std::memcpy(room, message.data(), message.size());
    commit(message.size());
    return true;
  }
  // Call after push: true when the consumer sleeps and it is on us to wake it.
  bool mustWake() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return layout_.isConsumerAsleep.load(std::memory_order_relaxed) != 0 &&
           layout_.isConsumerAsleep.exchange(0, std::memory_order_acq_rel) != 0;
  }

 private:
  bool hasRoom(uint64_t size) {
    if (written_ + size - consumed_ <= kShmRingSize) return true;
    consumed_ = layout_.consumed.load(std::memory_order_acquire);
    // A consumer that lies about what it has consumed harms its own messages only: writes stay in
    // the ring.
    return written_ + size - consumed_ <= kShmRingSize;
  }
  ShmRingLayout& layout_;
  uint64_t written_ = 0;
  uint64_t consumed_ = 0;  // as last seen
  uint64_t skipped_ = 0;   // of the reservation
  std::byte* record_ = nullptr;
};

class ShmConsumer {
 public:
  explicit ShmConsumer(ShmRingLayout& layout) : layout_(layout) {}

  bool isEmpty() {
    if (consumed_ != written_) return false;
    written_ = layout_.written.load(std::memory_order_acquire);
    return consumed_ == written_;
  }
  // Size of the next message; 0 when there is none. The bytes may change under a malicious
  // producer: copy, then look.
  uint64_t front(const std::byte*& data) {
    while (!isBroken_ && !isEmpty()) {
      const uint64_t at = consumed_ % kShmRingSize;
      const auto size = loadAs<uint64_t>(layout_.bytes + at);
      const uint64_t available = written_ - consumed_;
      if (size == kShmWrapMark && available > kShmRingSize - at) {
        consumed_ += kShmRingSize - at;
        continue;
      }
      const uint64_t roomForSize = available < kShmRingSize - at ? available : kShmRingSize - at;
      if (available > kShmRingSize || size == 0 || size > kShmRingSize ||
          roomForSize < sizeof(uint64_t) + alignUp(size, 8)) {
        isBroken_ = true;
        break;
      }
      data = layout_.bytes + at + sizeof(uint64_t);
      frontSize_ = size;
      return size;
    }
    return 0;
  }
  // Drops the message that front() showed.
  void pop() {
    consumed_ += sizeof(uint64_t) + alignUp(frontSize_, 8);
    layout_.consumed.store(consumed_, std::memory_order_release);
  }
  bool isBroken() const { return isBroken_; }
  void setAsleep(bool isAsleep) {
    layout_.isConsumerAsleep.store(isAsleep ? 1 : 0, std::memory_order_seq_cst);
  }

 private:
  ShmRingLayout& layout_;
  uint64_t consumed_ = 0;
  uint64_t written_ = 0;  // as last seen
  uint64_t frontSize_ = 0;
  bool isBroken_ = false;
};

}  // namespace daos::rpc
