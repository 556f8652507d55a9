// Aggregation of a pool's containers in the background: what is older than a span of time is merged
// and dropped, a small step at a time, so that requests hardly notice.
//
// Thread: the reactor's.
// Life:   construct, start(); stop() before the pool is closed.
// Invariant: a step takes about stepNsMax, and the steps no more than a share of the thread.
#pragma once

#include <functional>
#include <unordered_map>

#include "base/log.h"
#include "engine/container/open_container.h"
#include "runtime/reactor.h"

namespace daos::engine {

struct AggregationOptions {
  // How long every version stays readable; 0: for ever, nothing is aggregated.
  uint64_t historyNs = 0;
  // From the end of one round over all containers to the next.
  uint64_t pauseNs = 1'000'000'000;
  // Told how each container's part of a round ended; may be empty.
  std::function<void(const Status&)> onEnd;
};

class Aggregation {
 public:
  // The pool and the reactor are borrowed.
  Aggregation(Reactor& reactor, OpenPool& pool, AggregationOptions options, Log log)
      : reactor_(reactor), pool_(pool), options_(options), log_(std::move(log)) {}
  ~Aggregation() { DAOS_ASSERT(timer_ == 0 && !isRunning_); }
  Aggregation(const Aggregation&) = delete;
  Aggregation& operator=(const Aggregation&) = delete;

  void start();
  // Ends soon: when the step under way has.
  Task<void> stop();
  // The process behind the reactor dies; its tasks are gone.
  void abandon();

 private:
  static constexpr uint64_t kStepNsMax = 100'000;
  // The thread belongs to requests for at least so many times as long as to steps.
  static constexpr uint64_t kRestFactor = 3;
  // Ids of operations are not forgotten sooner, whatever becomes of old versions.
  static constexpr uint64_t kIdsKeptNs = 300'000'000'000;
  // Nobody uses a pool that nothing was asked of for so long.
  static constexpr uint64_t kIdleNs = 1'000'000'000;
  // Of a tier, in percent: less is left free of one that is nearly full.
  static constexpr uint64_t kTightPercent = 10;
  static constexpr uint32_t kBudgetMin = 16;
  static constexpr uint32_t kBudgetMax = 512;

  Task<void> runRound();
  Task<Status> aggregate(OpenContainer& container, Epoch upTo);
  // Whether the pool's properties want it to go on now.
  bool isWanted();
  bool isNearlyFull() const;
  Task<Status> finish(OpenContainer& container, Epoch upTo);
  void adapt(uint64_t stepNs);

  Reactor& reactor_;
  OpenPool& pool_;
  const AggregationOptions options_;
  const Log log_;
  Reactor::TimerId timer_ = 0;
  bool isRunning_ = false;
  bool isStopping_ = false;
  uint32_t budget_ = 64;
  uint64_t operationCountSeen_ = 0;  // of the pool, at the last look
  uint64_t usedNs_ = 0;              // when it had last risen
  // Up to where each container was aggregated by this run of the engine.
  std::unordered_map<Uuid, Epoch> done_;
};

}  // namespace daos::engine
