// Large writes of one area go to the device a few at a time, in order.
//
// Operations that are written all at once end all at once; then they share a group of the log, and
// while that is written and flushed the device has nothing to write. In turns some are written
// while others are flushed.
//
// Thread: the reactor's. The queue outlives its turns.
#pragma once

#include <algorithm>
#include <coroutine>
#include <cstdint>

#include "base/intrusive_list.h"
#include "runtime/reactor.h"

namespace daos::bio {

class WriteQueue {
  struct WaiterTag;

 public:
  // Writes up to this size don't take turns.
  static constexpr uint64_t kSmallBytes = 64 << 10;
  // So much may be at the device, or half of what there is, if that is more.
  static constexpr uint64_t kInFlightBytes = 2 << 20;

  explicit WriteQueue(Reactor& reactor) : reactor_(reactor) {}

  // While it lives, a write of `sizeBytes` waits or is under way. co_await it before the write.
  class [[nodiscard]] Turn : private IntrusiveLink<WaiterTag> {
   public:
    Turn(WriteQueue& queue, uint64_t sizeBytes)
        : queue_(queue), sizeBytes_(sizeBytes > kSmallBytes ? sizeBytes : 0) {
      queue_.totalBytes_ += sizeBytes_;
      if (sizeBytes_ == 0 || (queue_.waiting_.empty() && queue_.hasRoom(*this))) enter();
    }
    ~Turn() {
      if (isLinked()) unlink();
      queue_.totalBytes_ -= sizeBytes_;
      if (isIn_) queue_.inFlightBytes_ -= sizeBytes_;
      queue_.admit();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // It may be written at once.
    bool await_ready() const noexcept { return isIn_; }
    void await_suspend(std::coroutine_handle<> handle) {
      handle_ = handle;
      queue_.waiting_.pushBack(*this);
      queue_.admit();
    }
    void await_resume() const noexcept {}

   private:
    friend class WriteQueue;
    friend class IntrusiveList<Turn, WaiterTag>;
    void enter() {
      isIn_ = true;
      queue_.inFlightBytes_ += sizeBytes_;
    }
    WriteQueue& queue_;
    const uint64_t sizeBytes_;
    bool isIn_ = false;
    std::coroutine_handle<> handle_;
  };

 private:
  bool hasRoom(const Turn& turn) const {
    if (inFlightBytes_ == 0) return true;
    return inFlightBytes_ + turn.sizeBytes_ <= std::max(kInFlightBytes, totalBytes_ / 2);
  }
  void admit() {
    for (Turn* turn = waiting_.front(); turn && hasRoom(*turn); turn = waiting_.front()) {
      turn->unlink();
      turn->enter();
      reactor_.schedule(turn->handle_);
    }
  }

  Reactor& reactor_;
  uint64_t totalBytes_ = 0;
  uint64_t inFlightBytes_ = 0;
  IntrusiveList<Turn, WaiterTag> waiting_;
};

}  // namespace daos::bio
