// The answer to a condition that does not hold.
#pragma once

#include "runtime/task.h"
#include "vos/arena.h"

namespace daos::engine {

inline bool tellsWhatIsThere(ErrorCode code) {
  return code == ErrorCode::kExist || code == ErrorCode::kNonexist;
}

// An error that tells what is or isn't there leaves the target when that is durable, as a value
// does: what decided it may be as new as the last commit.
inline Task<Status> failDurably(vos::Arena& arena, Error error) {
  if (tellsWhatIsThere(error.code())) {
    DAOS_CO_CHECK(co_await arena.waitDurable(arena.lastTicket()));
  }
  co_return std::move(error);
}

}  // namespace daos::engine
