// Several tasks at once, a few at a time.
#pragma once

#include <algorithm>
#include <functional>

#include "base/result.h"
#include "runtime/completion.h"
#include "runtime/reactor.h"

namespace daos::client {

// Awaits `task(0)` … `task(count - 1)`, at most `width` under way at a time. After an error no more
// are started; the first one is answered when all that were started have ended.
inline Task<Status> inParallel(Reactor& reactor, size_t count, size_t width,
                               std::function<Task<Status>(size_t index)> task) {
  struct State {
    std::function<Task<Status>(size_t)> task;
    size_t count;
    size_t next = 0;
    size_t runningCount;
    Status status;
    Completion<bool> done;
  };
  if (count == 0) co_return Status();
  const size_t workerCount = std::min(count, width);
  State state{.task = std::move(task), .count = count, .runningCount = workerCount};
  auto work = [](State& shared) -> Task<void> {
    while (shared.next < shared.count && shared.status.ok()) {
      const size_t index = shared.next++;
      Status status = co_await shared.task(index);
      if (!status.ok() && shared.status.ok()) shared.status = std::move(status);
    }
    if (--shared.runningCount == 0) shared.done.set(true);
  };
  for (size_t i = 0; i < workerCount; ++i) reactor.spawn(work(state));
  co_await state.done;
  co_return std::move(state.status);
}

}  // namespace daos::client
