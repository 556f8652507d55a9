// Transport between the reactors of one process, on one thread or several, without sockets.
#pragma once

#include <memory>

#include "rpc/transport.h"

namespace daos::rpc {

// The addresses "local://N" of one process: whoever shall talk shares one. Thread-safe; outlives
// its transports.
class LocalNetwork {
 public:
  virtual ~LocalNetwork() = default;
  static std::unique_ptr<LocalNetwork> create();
  // A transport, for the thread that will poll it. Memory of peers is reached by plain copies.
  virtual Result<std::unique_ptr<Transport>> createTransport() = 0;
};

}  // namespace daos::rpc
