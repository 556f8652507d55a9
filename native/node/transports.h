// The transports that a client or an endpoint of JavaScript asks for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "node/call.h"
#include "rpc/local_transport.h"
#include "rpc/transport.h"
#include "runtime/random.h"

namespace daos::node {

// Addresses "local://" of one process: shared by the engine and the clients of an embedded system.
struct NetworkResource : Resource {
  std::unique_ptr<rpc::LocalNetwork> network = rpc::LocalNetwork::create();
};

struct TransportChoice {
  std::vector<std::string> names;  // in order of preference
  std::string address;             // of the interface for tcp and verbs, with a port or without
  std::shared_ptr<NetworkResource> network;  // for "local"

  // As JavaScript writes it: u32 count, names: text…, address: text, network: u64 (0: none).
  // DER_NO_HDL: the network is closed.
  static Result<TransportChoice> read(CommandReader& reader, const HandleTable& handles);

  // Clock and random generator are borrowed for the life of the transports.
  Result<std::vector<std::unique_ptr<rpc::Transport>>> make(const Clock& clock,
                                                            Random& random) const;
};

}  // namespace daos::node
