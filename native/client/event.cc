#include "client/event.h"

#include <chrono>

namespace daos::client {

// Waits on `condition` until `done` holds or the time is over; answers whether it holds.
template <typename Done>
static bool waitFor(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
                    int64_t timeoutUs, Done done) {
  if (timeoutUs == 0) return done();
  if (timeoutUs > 0) return condition.wait_for(lock, std::chrono::microseconds(timeoutUs), done);
  condition.wait(lock, done);
  return true;
}

Event::Event(EventQueue* queue)
    : ownQueue_(queue ? nullptr : std::make_unique<EventQueue>()),
      queue_(queue ? queue : ownQueue_.get()) {}

Event::~Event() {
  DAOS_ASSERT(state() != State::kRunning);
  std::lock_guard lock(queue_->mutex_);
  if (!isLinked()) return;
  unlink();
  --queue_->completedCount_;
}

Status Event::attachChild(Event& parent, Event& child) {
  if (parent.state() == State::kRunning || child.state() == State::kRunning) {
    return Error(ErrorCode::kBusy, "an event that runs can't become parent or child");
  }
  child.parent_ = &parent;
  return {};
}

// A child is never taken: it can be launched again as soon as it has completed.
Status Event::launch() {
  const State state = this->state();
  if (state == State::kRunning || (state == State::kCompleted && !parent_)) {
    return Error(ErrorCode::kBusy, "the event is in use by another operation");
  }
  status_ = {};
  state_.store(State::kRunning, std::memory_order_release);
  pendingCount_.fetch_add(1, std::memory_order_acq_rel);
  if (parent_) {
    parent_->pendingCount_.fetch_add(1, std::memory_order_acq_rel);
    return {};
  }
  std::lock_guard lock(queue_->mutex_);
  ++queue_->runningCount_;
  return {};
}

Status Event::barrier() {
  DAOS_CHECK(launch());
  complete({});
  return {};
}

void Event::complete(Status status) {
  DAOS_ASSERT(state() == State::kRunning);
  status_ = std::move(status);
  endOne();
}

// One of what the event waits for has ended: its own operation or a child. Children of a parent
// that isn't launched yet count down without completing it.
void Event::endOne() {
  if (pendingCount_.fetch_sub(1, std::memory_order_acq_rel) == 1 && state() == State::kRunning)
    finish();
}

// After the lock is gone the event may be, too.
void Event::finish() {
  if (Event* parent = parent_) {
    state_.store(State::kCompleted, std::memory_order_release);
    parent->endOne();
    return;
  }
  std::lock_guard lock(queue_->mutex_);
  state_.store(State::kCompleted, std::memory_order_release);
  queue_->completed_.pushBack(*this);
  ++queue_->completedCount_;
  --queue_->runningCount_;
  queue_->arrived_.notify_all();
}

void Event::take() {
  if (onTaken_) onTaken_(*this);
  state_.store(State::kReady, std::memory_order_release);
}

Result<bool> Event::test(int64_t timeoutUs) {
  if (parent_) return Error(ErrorCode::kNoPerm, "a child event is tested through its parent");
  {
    std::unique_lock lock(queue_->mutex_);
    if (!waitFor(queue_->arrived_, lock, timeoutUs, [&] { return isLinked(); })) return false;
    unlink();
    --queue_->completedCount_;
  }
  take();
  return true;
}

size_t EventQueue::completedCount() const {
  std::lock_guard lock(mutex_);
  return completedCount_;
}

size_t EventQueue::runningCount() const {
  std::lock_guard lock(mutex_);
  return runningCount_;
}

size_t EventQueue::poll(std::span<Event*> events, int64_t timeoutUs, bool whileRunning) {
  size_t count = 0;
  {
    std::unique_lock lock(mutex_);
    waitFor(arrived_, lock, timeoutUs,
            [&] { return !completed_.empty() || (whileRunning && runningCount_ == 0); });
    while (count < events.size() && !completed_.empty()) events[count++] = completed_.popFront();
    completedCount_ -= count;
  }
  for (Event* event : events.first(count)) event->take();
  return count;
}

}  // namespace daos::client
