// One flush for many: whoever needs what it wrote to be durable awaits the group's next flush.
//
// A flush covers the writes completed before it was submitted, so callers that come while one is in
// flight wait for the next, all of them for the same one.
//
// Thread: the reactor's. The group outlives its waiters.
#pragma once

#include <coroutine>
#include <optional>

#include "base/intrusive_list.h"
#include "bio/media.h"

namespace daos::bio {

class FlushGroup {
  struct WaiterTag;

 public:
  explicit FlushGroup(Media& media);

  class [[nodiscard]] Waiter : private IntrusiveLink<WaiterTag> {
   public:
    explicit Waiter(FlushGroup& group) : group_(group) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    Status await_resume() const;

   private:
    friend class FlushGroup;
    friend class IntrusiveList<Waiter, WaiterTag>;
    FlushGroup& group_;
    std::coroutine_handle<> handle_;
    const Error* failure_ = nullptr;
  };

  // co_await group.flush(): all writes that have completed by now are durable, or the Media has
  // failed.
  Waiter flush() { return Waiter(*this); }
  uint64_t flushCount() const { return flushCount_; }

 private:
  using Waiters = IntrusiveList<Waiter, WaiterTag>;
  struct Request : MediaRequest {
    FlushGroup* group = nullptr;
  };
  struct Start : Message {
    FlushGroup* group = nullptr;
  };
  void scheduleFlush();
  void startFlush();
  void flushed();

  Media& media_;
  Request request_;
  // Brings startFlush into the next turn, so that all of this turn's callers share it.
  Start start_;
  bool isFlushing_ = false;
  Waiters covered_;  // by the flush in flight
  Waiters next_;
  uint64_t flushCount_ = 0;
};

}  // namespace daos::bio
