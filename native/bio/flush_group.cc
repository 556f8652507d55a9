#include "bio/flush_group.h"

namespace daos::bio {

FlushGroup::FlushGroup(Media& media) : media_(media) {
  request_.group = this;
  request_.operation = MediaOperation::kFlush;
  request_.completed = [](MediaRequest& request) {
    static_cast<Request&>(request).group->flushed();
  };
  start_.group = this;
  start_.run = [](Message* message) { static_cast<Start*>(message)->group->startFlush(); };
}

void FlushGroup::Waiter::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  group_.next_.pushBack(*this);
  if (!group_.isFlushing_) group_.scheduleFlush();
}

Status FlushGroup::Waiter::await_resume() const {
  if (failure_) return *failure_;
  return {};
}

void FlushGroup::scheduleFlush() {
  isFlushing_ = true;
  media_.reactor().post(&start_);
}

void FlushGroup::startFlush() {
  ++flushCount_;
  while (Waiter* waiter = next_.popFront()) covered_.pushBack(*waiter);
  media_.submit(request_);
}

void FlushGroup::flushed() {
  isFlushing_ = false;
  std::optional<Error> failure;
  if (!request_.status.ok()) failure = request_.status.error();
  Waiters done;
  while (Waiter* waiter = covered_.popFront()) done.pushBack(*waiter);
  while (Waiter* waiter = failure ? next_.popFront() : nullptr) done.pushBack(*waiter);
  if (!next_.empty()) scheduleFlush();
  while (Waiter* waiter = done.popFront()) {
    waiter->failure_ = failure ? &*failure : nullptr;
    waiter->handle_.resume();
  }
}

}  // namespace daos::bio
