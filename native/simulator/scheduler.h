// Virtual time: events in order of (time, chance, number), one at a time, as fast as they run.
//
// The chance decides between events of one instant and comes from the seed, so every order that
// could happen does happen under some seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <tuple>

#include "runtime/random.h"

namespace daos::simulator {

class Scheduler {
 public:
  struct EventId {
    uint64_t timeNs = 0;
    uint64_t chance = 0;
    uint64_t number = 0;  // 0: none
    auto operator<=>(const EventId&) const = default;
    explicit operator bool() const { return number != 0; }
  };

  explicit Scheduler(uint64_t seed);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Nanoseconds since the run began; starts at 1.
  uint64_t nowNs() const { return nowNs_; }
  // A time in the past means now.
  EventId at(uint64_t timeNs, std::function<void()> run);
  EventId after(uint64_t delayNs, std::function<void()> run) {
    return at(nowNs_ + delayNs, std::move(run));
  }
  // False when it ran or was cancelled before.
  bool cancel(EventId id) { return events_.erase(id) > 0; }

  // Runs the next event; false when there is none.
  bool step();
  // Runs all events up to and including `timeNs`, or until `done` holds after one.
  void runUntil(uint64_t timeNs, const std::function<bool()>& done = {});
  uint64_t stepCount() const { return stepCount_; }

 private:
  SeededRandom random_;
  uint64_t nowNs_ = 1;
  uint64_t numberLast_ = 0;
  uint64_t stepCount_ = 0;
  std::map<EventId, std::function<void()>> events_;
};

}  // namespace daos::simulator
