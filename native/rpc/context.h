// What the two sides of an endpoint share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rpc/assembly.h"
#include "rpc/link.h"
#include "rpc/rpc.h"

namespace daos::rpc {

// Whoever has a link hears that its peer has failed.
class LinkOwner {
 public:
  virtual void onLinkFailed(ErrorCode code) = 0;

 protected:
  ~LinkOwner() = default;
};

// A transport and who owns the links over it.
struct TransportEntry {
  struct Owner {
    LinkOwner* owner = nullptr;
    uint32_t generation = 0;
  };
  std::unique_ptr<Transport> transport;
  std::unique_ptr<TransportListener> listener;
  std::vector<Owner> owners;  // by slot of PeerId

  void setOwner(PeerId peer, LinkOwner* owner) {
    if (owners.size() <= peer.slot) owners.resize(peer.slot + 1);
    owners[peer.slot] = {owner, peer.generation};
  }
  LinkOwner* ownerOf(PeerId peer) const {
    if (peer.slot >= owners.size() || owners[peer.slot].generation != peer.generation)
      return nullptr;
    return owners[peer.slot].owner;
  }
};

struct EndpointContext {
  EndpointContext(Reactor& reactorToUse, Random& randomToUse, EndpointOptions optionsToUse)
      : reactor(reactorToUse), random(randomToUse), options(std::move(optionsToUse)) {}

  Reactor& reactor;
  Random& random;
  const EndpointOptions options;
  EndpointStatistics statistics;
  uint64_t messageSentCount = 0;
  DirtyLinks dirty;
  AssemblyMemory assemblyMemory{size_t{512} << 20};
  std::vector<std::unique_ptr<TransportEntry>> transports;
  bool isShutDown = false;

  // Opens `link` to an address over one transport, with `owner` to hear of its failure.
  Status openLink(Link& link, TransportEntry& entry, std::string_view address, LinkOwner& owner) {
    DAOS_TRY(const PeerId peer, entry.transport->connect(address));
    entry.setOwner(peer, &owner);
    link.open(*entry.transport, peer);
    return {};
  }
  void closeLink(Link& link) {
    Transport* transport = link.transport();
    if (!transport) return;
    const PeerId peer = link.peer();
    link.close();
    for (auto& entry : transports) {
      if (entry->transport.get() == transport) entry->setOwner(peer, nullptr);
    }
    transport->disconnect(peer);
  }
};

}  // namespace daos::rpc
