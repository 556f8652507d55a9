#include "node/transports.h"

#include "rpc/fabric_transport.h"

namespace daos::node {

Result<TransportChoice> TransportChoice::read(CommandReader& reader, const HandleTable& handles) {
  TransportChoice choice;
  const uint32_t count = reader.u32();
  for (uint32_t i = 0; i < count && reader.remaining() > 0; ++i)
    choice.names.push_back(reader.text());
  choice.address = reader.text();
  const HandleTable::Handle network = reader.u64();
  if (network != 0) {
    choice.network = handles.find<NetworkResource>(HandleType::kNetwork, network);
    if (!choice.network) return Error(ErrorCode::kNoHdl, "the local network is closed");
  }
  return choice;
}

Result<std::vector<std::unique_ptr<rpc::Transport>>> TransportChoice::make(const Clock& clock,
                                                                           Random& random) const {
  std::vector<std::unique_ptr<rpc::Transport>> transports;
  for (const std::string& name : names) {
    if (name == "local") {
      if (!network) return invalid("transport 'local' needs a local network");
      DAOS_TRY(auto local, network->network->createTransport());
      transports.push_back(std::move(local));
      continue;
    }
    DAOS_TRY(auto transport,
             rpc::createFabricTransport(clock, random, {.provider = name, .address = address}));
    transports.push_back(std::move(transport));
  }
  return transports;
}

}  // namespace daos::node
