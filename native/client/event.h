// Events and event queues: how a caller on another thread waits for operations.
//
// An event:  READY → (launch) RUNNING → COMPLETED → (tested or polled) READY.
// A parent:  completes when it was launched or had a barrier, and all its children have completed;
//            children's completions are not handed out by themselves.
//
// Thread: an event belongs to whoever launched it; its completion may come from any thread. A queue
// may be
//         polled by several threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

#include "base/intrusive_list.h"
#include "base/result.h"

namespace daos::client {

class EventQueue;
struct CompletedTag;

class Event : private IntrusiveLink<CompletedTag> {
 public:
  enum class State : uint32_t { kReady, kRunning, kCompleted };

  // Without a queue the event has one of its own, and its completion is taken by test().
  explicit Event(EventQueue* queue = nullptr);
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  // Must not be running.
  ~Event();

  // DER_BUSY when one of them runs. The child outlives what it is launched for.
  static Status attachChild(Event& parent, Event& child);

  State state() const { return state_.load(std::memory_order_acquire); }
  // How the operation ended; valid from its completion until the next launch.
  const Status& status() const { return status_; }

  // READY → RUNNING. DER_BUSY otherwise.
  Status launch();
  // Any thread, once for each launch.
  void complete(Status status);
  // A parent without an operation of its own completes once its children have.
  Status barrier();
  // Runs in the thread that takes the completion, before it is handed out.
  void onTaken(std::function<void(Event&)> callback) { onTaken_ = std::move(callback); }

  // Takes the completion: true, and the event is READY again. Waits up to timeoutUs (0: not at all,
  // negative: for ever). DER_NO_PERM on a child.
  Result<bool> test(int64_t timeoutUs);

 private:
  friend class EventQueue;
  friend class IntrusiveList<Event, CompletedTag>;
  void endOne();
  void finish();
  void take();

  std::unique_ptr<EventQueue> ownQueue_;
  EventQueue* queue_;
  Event* parent_ = nullptr;
  std::atomic<uint32_t> pendingCount_{0};  // the own operation and running children
  std::atomic<State> state_{State::kReady};
  Status status_;
  std::function<void(Event&)> onTaken_;
};

class EventQueue {
 public:
  EventQueue() = default;
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // Takes up to events.size() completions; answers how many. Waits up to timeoutUs for the first
  // (0: not at all, negative: for ever); with `whileRunning`, returns at once when nothing is in
  // flight.
  size_t poll(std::span<Event*> events, int64_t timeoutUs, bool whileRunning = false);
  size_t runningCount() const;
  size_t completedCount() const;

 private:
  friend class Event;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  IntrusiveList<Event, CompletedTag> completed_;
  size_t completedCount_ = 0;
  size_t runningCount_ = 0;
};

}  // namespace daos::client
