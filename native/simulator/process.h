// One simulated thread: a Reactor, a clock that may be wrong, and chance, driven turn by turn under
// virtual time.
//
// 1. Created: its first turn is due at once. What it runs (an engine's target, a client) is built
//    on reactor(), clock() and random() by its owner.
// 2. wake() makes a turn due: whoever gives it something (a message, a completed request) calls it.
//    A turn that found something is followed by another after a moment of computing; one that found
//    nothing waits for the reactor's next timer.
// 3. pause() holds its turns back, as a scheduler or a virtual machine may.
// 4. haltAfter() ends it in the middle of a turn: what it does to the world after a number of
//    messages, transfers and disk requests never happens, and nothing of it runs any more.
// 5. Crash: the owner calls dropTasks(), destroys what it built (devices and transports must not
//    deliver any more), then the Process. Another is created for the restart.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/reactor.h"
#include "simulator/scheduler.h"
#include "simulator/trace.h"

namespace daos::simulator {

// Monotonic time starts anywhere; wall time is off by `skewNs`, drifts, and may be stepped.
class SimulatedClock final : public Clock {
 public:
  SimulatedClock(const Scheduler& scheduler, uint64_t originNs, int64_t skewNs, int64_t driftPpm)
      : scheduler_(scheduler), originNs_(originNs), skewNs_(skewNs), driftPpm_(driftPpm) {}
  uint64_t nowNs() const override { return originNs_ + scheduler_.nowNs(); }
  uint64_t wallNs() const override;
  void step(int64_t ns) { skewNs_ += ns; }
  int64_t skewNs() const { return skewNs_; }

 private:
  const Scheduler& scheduler_;
  const uint64_t originNs_;
  int64_t skewNs_;
  const int64_t driftPpm_;
};

struct ProcessOptions {
  uint32_t id = 0;  // in the trace
  uint64_t seed = 0;
  int64_t clockSkewNs = 0;
  int64_t clockDriftPpm = 0;
  uint64_t turnMinNs = 200;  // computing time of a turn that found something
  uint64_t turnMaxNs = 5000;
};

class Process {
 public:
  Process(Scheduler& scheduler, Trace& trace, ProcessOptions options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  uint32_t id() const { return options_.id; }
  Reactor& reactor() { return *reactor_; }
  SimulatedClock& clock() { return clock_; }
  Random& random() { return random_; }
  Scheduler& scheduler() { return scheduler_; }
  Trace& trace() { return trace_; }

  void wake();
  void pause(uint64_t ns);
  // After `count` more actions; then `onHalt`, at the end of the turn.
  void haltAfter(uint64_t count, std::function<void()> onHalt);
  // As if haltAfter() had not been called, unless it has halted.
  void dontHalt();
  // Asked before each action; when false, it never happens, and nobody is told.
  bool mayAct();
  // No turn happens any more; every coroutine is destroyed where it is suspended.
  void dropTasks();
  bool isDead() const { return isDead_; }

 private:
  void turnAt(uint64_t timeNs);
  void turn();

  Scheduler& scheduler_;
  Trace& trace_;
  const ProcessOptions options_;
  SeededRandom random_;
  SeededRandom pace_;
  SimulatedClock clock_;
  std::unique_ptr<Reactor> reactor_;
  Scheduler::EventId next_;
  uint64_t pausedUntilNs_ = 0;
  uint64_t busyUntilNs_ = 0;
  bool isDead_ = false;
  bool isHalted_ = false;
  uint64_t actionsLeft_ = 0;  // when onHalt_ is set
  std::function<void()> onHalt_;
};

}  // namespace daos::simulator
