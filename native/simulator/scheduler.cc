#include "simulator/scheduler.h"

#include <algorithm>

#include "simulator/random_stream.h"

namespace daos::simulator {

Scheduler::Scheduler(uint64_t seed) : random_(randomStream(seed, Stream::kSchedule)) {}

Scheduler::EventId Scheduler::at(uint64_t timeNs, std::function<void()> run) {
  const EventId id{std::max(timeNs, nowNs_), random_.next(), ++numberLast_};
  events_.emplace(id, std::move(run));
  return id;
}

bool Scheduler::step() {
  if (events_.empty()) return false;
  auto event = events_.extract(events_.begin());
  nowNs_ = event.key().timeNs;
  ++stepCount_;
  event.mapped()();
  return true;
}

void Scheduler::runUntil(uint64_t timeNs, const std::function<bool()>& done) {
  while (!events_.empty() && events_.begin()->first.timeNs <= timeNs) {
    step();
    if (done && done()) return;
  }
  nowNs_ = std::max(nowNs_, timeNs);
}

}  // namespace daos::simulator
