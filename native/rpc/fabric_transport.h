// Transport over libfabric: reliable datagram endpoints of the tcp, shm and verbs providers.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "rpc/transport.h"
#include "runtime/clock.h"
#include "runtime/random.h"

namespace daos::rpc {

struct FabricOptions {
  std::string provider = "tcp";  // "tcp", "shm" or "verbs"
  // tcp, verbs: the numeric address of the interface to listen at, with a port or without
  // ("127.0.0.1", "10.0.0.1:31416", "[::1]:31416"). shm: unused.
  std::string address = "127.0.0.1";
  // shm: the address that this endpoint had in an earlier life, to have it again; empty: a new one.
  std::string shmAddress;
  uint32_t receiveCount = 64;          // receive buffers posted ahead
  uint32_t messageSizeMax = 65536;     // shm: at most what the provider copies at once
  uint64_t connectTimeoutNs = 2'000'000'000;  // a peer that can't be sent to for so long has failed
  Log log;
};

// Clock and random generator are borrowed for the life of the transport.
// DER_INVAL: no such provider or address; DER_BUSY: the port is taken; DER_NOSYS: the provider
//            isn't there.
Result<std::unique_ptr<Transport>> createFabricTransport(const Clock& clock, Random& random,
                                                         FabricOptions options);

}  // namespace daos::rpc
