// An engine in a process of its own, so that it can be pinned, paused and killed.
#pragma once

#include <sys/types.h>

#include "system/loopback.h"

namespace daos::system {

struct EngineProcessOptions {
  engine::EngineOptions engine;
  Uuid pool;
  Uuid container;
  engine::PoolSizes sizes;
  bool isNew = true;  // create pool and container; otherwise open the pool
};

// Ends with its parent at the latest.
class EngineProcess {
 public:
  // Returns when the engine serves; DER_UNREACH when it ended instead (it has said why on standard
  // error).
  static Result<std::unique_ptr<EngineProcess>> start(const EngineProcessOptions& options);
  // Kills it, if it still runs.
  ~EngineProcess();

  const placement::PoolMap& map() const { return map_; }
  pid_t pid() const { return pid_; }
  // SIGKILL; returns when it is gone.
  void killNow();
  void signal(int number) const;

 private:
  EngineProcess(pid_t pid, placement::PoolMap map) : pid_(pid), map_(std::move(map)) {}
  pid_t pid_;
  const placement::PoolMap map_;
};

}  // namespace daos::system
