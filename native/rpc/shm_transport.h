// Transport between processes of one host: a pair of rings in shared memory per pair of endpoints,
// and a socket that introduces them, wakes them and tells when one of them dies. Why not the shm
// provider of libfabric: docs/design/shm-rings.md.
#pragma once

#include <memory>
#include <string_view>

#include "base/log.h"
#include "rpc/transport.h"
#include "runtime/random.h"

namespace daos::rpc {

// DER_MISC, DER_NOMEM when the kernel refuses sockets or memory, or `address` is in use; DER_INVAL
// when it is none of this host since its start. `random` makes the address where none is given; it
// is used here only.
Result<std::unique_ptr<Transport>> createShmTransport(Random& random, Log log,
                                                      std::string_view address = {});

}  // namespace daos::rpc
