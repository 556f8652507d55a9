// Operations that are waited for through events: launch, go on, poll the queue.
#pragma once

#include <functional>
#include <memory>

#include "client/client_thread.h"
#include "client/event.h"

namespace daos::client {

// What runs on the core's thread; it keeps its own results.
using Work = std::function<Task<Status>(Context&)>;

// Starts `work` on the core; `event` completes with its status. Any thread. The event, and all that
// `work` refers to, must live until then. DER_BUSY: the event is in use.
Status launch(ClientThread& core, Event& event, Work work);

}  // namespace daos::client
