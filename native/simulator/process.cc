#include "simulator/process.h"

#include <algorithm>
#include <limits>

#include "simulator/random_stream.h"

namespace daos::simulator {

// 2024-01-01, so that epochs are what they are in life.
static constexpr uint64_t kWallOriginNs = 1704067200ull * 1000000000ull;

uint64_t SimulatedClock::wallNs() const {
  const int64_t elapsedNs = static_cast<int64_t>(scheduler_.nowNs());
  const int64_t driftNs = elapsedNs / 1000000 * driftPpm_;
  return kWallOriginNs + static_cast<uint64_t>(elapsedNs + driftNs + skewNs_);
}

Process::Process(Scheduler& scheduler, Trace& trace, ProcessOptions options)
    : scheduler_(scheduler),
      trace_(trace),
      options_(options),
      random_(randomStream(options.seed, Stream::kProcess,
                           uint64_t{options.id} << 32 | scheduler.nowNs() % 0xffffffff)),
      pace_(random_.next()),
      clock_(scheduler, random_.below(1000000000000ull), options.clockSkewNs,
             options.clockDriftPpm),
      reactor_(Reactor::create(clock_).value()) {
  turnAt(scheduler_.nowNs());
}

Process::~Process() {
  if (!isDead_) dropTasks();
}

void Process::turnAt(uint64_t timeNs) {
  if (isDead_ || isHalted_) return;
  timeNs = std::max({timeNs, pausedUntilNs_, busyUntilNs_});
  if (next_ && next_.timeNs <= timeNs) return;
  if (next_) scheduler_.cancel(next_);
  next_ = scheduler_.at(timeNs, [this] { turn(); });
}

void Process::wake() { turnAt(scheduler_.nowNs()); }

void Process::pause(uint64_t ns) {
  pausedUntilNs_ = std::max(pausedUntilNs_, scheduler_.nowNs() + ns);
  if (next_) scheduler_.cancel(next_);
  next_ = {};
  turnAt(pausedUntilNs_);
}

void Process::haltAfter(uint64_t count, std::function<void()> onHalt) {
  if (isHalted_) return;
  actionsLeft_ = count;
  onHalt_ = std::move(onHalt);
}

void Process::dontHalt() {
  if (!isHalted_) onHalt_ = {};
}

bool Process::mayAct() {
  if (isHalted_) return false;
  if (!onHalt_) return true;
  if (actionsLeft_ == 0) {
    isHalted_ = true;
    return false;
  }
  --actionsLeft_;
  return true;
}

void Process::turn() {
  next_ = {};
  const bool isBusy = reactor_->runOnce();
  if (isHalted_) return onHalt_();
  trace_.add({scheduler_.nowNs(), options_.id, TraceKind::kTurn, 0, isBusy, 0});
  if (isBusy) {
    busyUntilNs_ = scheduler_.nowNs() + options_.turnMinNs +
                   pace_.below(options_.turnMaxNs - options_.turnMinNs + 1);
    turnAt(busyUntilNs_);
    return;
  }
  const uint64_t waitNs = reactor_->untilNextTimerNs();
  if (waitNs != std::numeric_limits<uint64_t>::max())
    turnAt(scheduler_.nowNs() + std::max<uint64_t>(waitNs, 1));
}

void Process::dropTasks() {
  if (next_) scheduler_.cancel(next_);
  next_ = {};
  isDead_ = true;
  reactor_->dropTasks();
}

}  // namespace daos::simulator
