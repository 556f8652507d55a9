// Lets a guest take turns of a loop in place of the thread that owns it.
//
// Who waits for what a loop brings, and has nothing else to do, gets it two changes of threads
// earlier when it runs the loop itself. The owner runs the loop until the guest wants it, lends it
// after the turn, and sleeps; it takes it back when the guest gives it up, and also when the guest
// hasn't taken a turn for a while: timers then come late, by that while at most.
//
// Thread: run() is the owner's, turn() and giveBack() one guest's, stop() anybody's. What belongs
//         to the loop's thread belongs to whoever has the loop; a mutex orders their turns.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "runtime/reactor.h"

namespace daos {

class LoopLending {
 public:
  // A guest that took no turn between two looks, so far apart, loses the loop.
  static constexpr std::chrono::milliseconds kPatience{1};

  explicit LoopLending(Reactor& reactor) : reactor_(reactor) {}
  LoopLending(const LoopLending&) = delete;
  LoopLending& operator=(const LoopLending&) = delete;

  // As Reactor::run(), but for the turns that the guest takes.
  void run();
  // Makes run() return; the guest gets no turn afterwards.
  void stop();

  // One turn of the loop, without blocking. False: the owner has the loop, and lends it soon.
  bool turn();
  // The guest has no time, or nothing to wait for: the owner goes on at once.
  void giveBack();

 private:
  void lend(std::unique_lock<std::mutex>& lock);
  void want();

  Reactor& reactor_;
  // Held by whoever runs a turn; by the owner for as long as the loop is its own.
  std::mutex mutex_;
  std::condition_variable changed_;
  bool isLent_ = false;
  uint64_t turnCount_ = 0;  // of the guest
  std::atomic<bool> isWanted_{false};
  std::atomic<bool> isGivenBack_{false};
  std::atomic<bool> isStopping_{false};
};

}  // namespace daos
