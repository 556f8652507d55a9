// Handles as bytes, for other processes and hosts: one process looks a pool and a container up, the
// others open what it hands them without asking the control plane.
//
// The bytes hold the pool's map, the ids, and the container's options with its sealed capability:
// whoever has them has the rights. Handles on targets belong to sessions, so that each process has
// its own, and closing one takes nothing from the others.
// Format: docs/format/global_handle.md, version 1.
#pragma once

#include <vector>

#include "client/container.h"

namespace daos::client {

std::vector<std::byte> toGlobal(const Container& container);

// Opens the container that `global` names. DER_INVAL: these are no bytes of toGlobal, or damaged
// ones; DER_PROTO: of another version. Otherwise as Container::open.
Task<Result<std::shared_ptr<Container>>> fromGlobal(Context& context, Bytes global);

}  // namespace daos::client
