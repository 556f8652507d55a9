// The loop of one thread: pollers (fabric, io_uring), timers, ready coroutines and a mailbox.
//
// A turn: mailbox → pollers' poll → due timers → ready coroutines → pollers' flush. What a turn
// queues for a peer or a device leaves in that turn's flush, as one batch. When turns find nothing
// for `spinNs`, the loop blocks in epoll until a poller's wait fd, the doorbell or the next timer;
// a blocked reactor costs no CPU. A loop that shares its core with others that poll gives them the
// core while it finds nothing.
//
// Thread: all but post() and stop() belong to the thread that runs the loop.
// Life:   construct, addPoller…, run() until stop(); spawned tasks must have ended before
// destruction, or
//         been destroyed by dropTasks().
#pragma once

#include <atomic>
#include <coroutine>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "runtime/clock.h"
#include "runtime/core_sharing.h"
#include "runtime/frame_cache.h"
#include "runtime/mailbox.h"
#include "runtime/spin_length.h"
#include "runtime/task.h"

namespace daos {

// A source of events that a reactor drives.
class Poller {
 public:
  virtual ~Poller() = default;
  // Handles what is ready, without blocking; returns how many events that were.
  virtual size_t poll() = 0;
  // Sends on what this turn queued; returns how many.
  virtual size_t flush() { return 0; }
  // Called before blocking. False: something is ready already, do not block. True: waitFd() becomes
  // readable at the next event, until cancelWait().
  virtual bool prepareWait() { return true; }
  virtual void cancelWait() {}
  // Readable when there is something to poll; -1: never wakes the loop by itself.
  virtual int waitFd() const { return -1; }
};

struct ReactorOptions {
  // How long to poll before blocking, or shorter where that is of no use (spin_length.h);
  // UINT64_MAX: never block.
  uint64_t spinNs = 20000;
};

class Reactor {
 public:
  using TimerId = uint64_t;

  // DER_MISC when the kernel refuses an epoll or event fd.
  static Result<std::unique_ptr<Reactor>> create(const Clock& clock, ReactorOptions options = {});
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  const Clock& clock() const { return clock_; }
  // Memory for frames of coroutines on this loop; they must have ended before it is destroyed.
  FrameCache& frames() { return frames_; }
  // Monotonic time as of this turn; cheap.
  uint64_t nowNs() const { return nowNs_; }

  // Of the time in run(), what went by in turns that found nothing; without what it was blocked.
  uint64_t spunNs() const { return spunNs_; }

  // Borrows the poller until removePoller.
  void addPoller(Poller& poller);
  void removePoller(Poller& poller);

  // Any thread: `function` runs on the loop's thread, in order of posting.
  void post(std::function<void()> function);
  void post(Message* message);
  // Any thread: as post(), but a loop that is blocked may go on so until wake(). Who posts many
  // messages from a thread on the same core wakes the loop once, for all of them.
  void postAsleep(Message* message) { mailbox_.push(message); }
  void wake();

  // Resumes `handle` in this or the next turn.
  void schedule(std::coroutine_handle<> handle) { ready_.push_back(handle); }
  // co_await reactor.yield(): lets everything else that is ready go first.
  auto yield() { return YieldAwaiter{*this}; }
  // co_await reactor.sleep(ns).
  auto sleep(uint64_t ns) { return SleepAwaiter{*this, ns}; }

  // Calls `callback` once at nowNs() >= deadlineNs unless cancelled before.
  TimerId addTimer(uint64_t deadlineNs, std::function<void()> callback);
  // False when it has run or was cancelled already.
  bool cancelTimer(TimerId id);

  // Starts `task` now; its frame frees itself at the end.
  void spawn(Task<void> task);
  size_t spawnedCount() const { return spawnedCount_; }
  // The process behind this loop dies here: destroys every spawned task where it is suspended,
  // newest first, and forgets messages, timers and ready coroutines. Not from within a turn. Until
  // it returns, all that the tasks' frames refer to must be alive; afterwards no completion may
  // reach a frame any more, so destroy the pollers and devices without another poll.
  void dropTasks();

  // One turn without blocking; true if anything happened.
  bool runOnce();
  // Turns, blocking when idle, until stop().
  void run();
  // As run(), but returns as soon as `done()` holds after a turn.
  void runUntil(const std::function<bool()>& done);
  // Any thread: makes run() return after its turn.
  void stop();
  // Nanoseconds until the next timer; UINT64_MAX without one.
  uint64_t untilNextTimerNs() const;

 private:
  struct YieldAwaiter {
    Reactor& reactor;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { reactor.schedule(handle); }
    void await_resume() const noexcept {}
  };
  struct SleepAwaiter {
    Reactor& reactor;
    uint64_t ns;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const {
      reactor.addTimer(reactor.nowNs() + ns, [handle] { handle.resume(); });
    }
    void await_resume() const noexcept {}
  };
  struct Timer {
    TimerId id;
    std::function<void()> callback;
  };
  struct Spawned;
  struct SpawnedPromise;

  Reactor(const Clock& clock, ReactorOptions options, int epollFd, int doorbellFd);
  bool turn();
  size_t runMailbox();
  void dropMailbox();
  size_t runTimers();
  size_t runReady();
  void block();
  bool prepareWait();
  void yieldCore();
  static Spawned runSpawned(Reactor& reactor, Task<void> task);

  FrameCache frames_;
  const Clock& clock_;
  const ReactorOptions options_;
  const int epollFd_;
  const int doorbellFd_;
  uint64_t nowNs_;
  uint64_t spunNs_ = 0;
  std::vector<Poller*> pollers_;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> running_;
  std::multimap<uint64_t, Timer> timers_;
  TimerId timerIdLast_ = 0;
  IntrusiveList<SpawnedPromise, Spawned> spawned_;
  size_t spawnedCount_ = 0;
  bool isInTurn_ = false;
  CoreSharing coreSharing_;
  SpinLength spinLength_{options_.spinNs};
  Mailbox mailbox_;
  std::atomic<bool> isBlocked_{false};
  std::atomic<bool> isStopping_{false};
};

inline FrameCache& frameCacheOf(Reactor& reactor) { return reactor.frames(); }

}  // namespace daos
