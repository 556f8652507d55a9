#include "node/client_binding.h"

#include "node/client_core.h"
#include "node/pool_map.h"

namespace daos::node {

namespace {

struct ConnectOptions {
  TransportChoice transports;
  client::ClientOptions client;
};

Result<ConnectOptions> readOptions(CommandReader& reader, const HandleTable& handles) {
  ConnectOptions options;
  DAOS_TRY(options.transports, TransportChoice::read(reader, handles));
  options.client.spinNs = reader.u64();
  options.client.core = static_cast<int>(reader.u32());
  options.client.context.timeoutNs = reader.u64();
  DAOS_CHECK(reader.status());
  return options;
}

// C++: LocalNetwork::create()
// TS:  networkCreate(): Handle
void networkCreate(Call& call) {
  call.succeed(
      call.environment.handles().add(HandleType::kNetwork, std::make_shared<NetworkResource>()));
}

// C++: LocalNetwork::~LocalNetwork()
// TS:  networkClose(): void
void networkClose(Call& call) {
  if (!call.resource<NetworkResource>(HandleType::kNetwork)) return;
  call.environment.handles().remove(HandleType::kNetwork, call.handle);
  call.succeed();
}

// C++: Result<std::unique_ptr<ClientThread>> ClientThread::create(TransportFactory, ClientOptions)
// TS:  clientOpen(u32 count, transports: text…, address: text, network: u64, spinNs: u64, core:
//      u32, timeoutNs: u64): Handle
void clientOpen(Call& call) {
  auto* request = new ResourceRequest(call, HandleType::kClient);
  auto options = readOptions(request->reader, call.environment.handles());
  runBlocking(request, [request, options = std::move(options)]() mutable -> Status {
    if (!options.ok()) return std::move(options).error();
    auto core = std::make_shared<ClientCore>(request->environment);
    core->network = options->transports.network;
    const client::ClientOptions clientOptions = options->client;
    client::TransportFactory factory = [transports = std::move(options->transports),
                                        completions = &core->completions](Reactor& reactor,
                                                                          Random& random) {
      reactor.addPoller(*completions);
      return transports.make(reactor.clock(), random);
    };
    DAOS_TRY(core->thread, client::ClientThread::create(std::move(factory), clientOptions));
    request->resource = std::move(core);
    return {};
  });
}

// C++: ClientThread::~ClientThread()
// TS:  clientClose(): void
void clientClose(Call& call) {
  auto core = call.resource<ClientCore>(HandleType::kClient);
  if (!core) return;
  call.environment.handles().remove(HandleType::kClient, call.handle);
  core->isClosed = true;
  runBlocking(new KeepingOperation(call, core), [core = core.get()]() -> Status {
    core->stop();
    return {};
  });
}

// C++: Result<std::shared_ptr<Pool>> Pool::open(Context&, Uuid, PoolMap)
// TS:  poolOpen(pool: uuid, map: u32 version, u32 count, targets…: u32 rank, u32 index, boolean
//      isUp, u32 count, addresses…: text transport, text address): Handle
Task<Status> openPool(ClientCore&, client::Context& context, ClientRequest<ClientCore>& request) {
  const Uuid uuid = request.reader.uuid();
  placement::PoolMap map = readPoolMap(request.reader);
  DAOS_CO_CHECK(request.reader.status());
  auto opened = std::make_shared<PoolResource>();
  opened->core = request.shared();
  DAOS_CO_TRY(opened->pool, client::Pool::open(context, uuid, std::move(map)));
  request.openedType = HandleType::kPool;
  request.opened = std::move(opened);
  co_return Status();
}

// C++: Status Pool::updateMap(PoolMap)
// TS:  poolUpdateMap(map): void
Task<Status> updateMap(PoolResource& pool, client::Context&, ClientRequest<PoolResource>& request) {
  placement::PoolMap map = readPoolMap(request.reader);
  DAOS_CO_CHECK(request.reader.status());
  co_return pool.pool->updateMap(std::move(map));
}

// C++: Task<Result<std::shared_ptr<Container>>> Container::open(std::shared_ptr<Pool>, Uuid,
//      options)
// TS:  containerOpen(container: uuid, isReadOnly: boolean, capability: bytes, checksumType: u8,
//          checksumChunkBytes: u32, isVerifiedByServer: boolean): Handle
Task<Status> openContainer(PoolResource& pool, client::Context&,
                           ClientRequest<PoolResource>& request) {
  const Uuid uuid = request.reader.uuid();
  client::ContainerOptions options{.isReadOnly = request.reader.boolean()};
  const Bytes capability = request.reader.bytes();
  options.capability.assign(capability.begin(), capability.end());
  DAOS_CO_TRY(options.checksums.type, checksumTypeFrom(request.reader.u8()));
  options.checksums.chunkSize = request.reader.u32();
  options.checksums.isVerifiedByServer = request.reader.boolean();
  DAOS_CO_CHECK(request.reader.status());
  if (options.checksums.chunkSize == 0) co_return invalid("a checksum covers at least a byte");
  auto opened = std::make_shared<ContainerResource>();
  opened->core = pool.core;
  DAOS_CO_TRY(opened->container,
              co_await client::Container::open(pool.pool, uuid, std::move(options),
                                                       &request.cancellation()));
  request.openedType = HandleType::kContainer;
  request.opened = std::move(opened);
  co_return Status();
}

// C++: void Container::setCapability(std::vector<std::byte> capability)
// TS:  containerSetCapability(capability: bytes): void
Task<Status> setCapability(ContainerResource& container, client::Context&,
                           ClientRequest<ContainerResource>& request) {
  const Bytes capability = request.reader.bytes();
  DAOS_CO_CHECK(request.reader.status());
  container.container->setCapability({capability.begin(), capability.end()});
  co_return Status();
}

void containerSetCapability(Call& call) {
  submitTo<ContainerResource>(call, HandleType::kContainer, setCapability,
                              [](auto& container) -> auto& { return container->core; });
}

template <HandleType type>
void closeHandle(Call& call) {
  if (!call.resource<Resource>(type)) return;
  call.environment.handles().remove(type, call.handle);
  call.succeed();
}

// C++: openPool(core, context, request)
// TS:  poolOpen (above)
void poolOpen(Call& call) {
  submitTo<ClientCore>(call, HandleType::kClient, openPool,
                       [](auto& core) -> auto& { return core; });
}

template <auto function>
void onPool(Call& call) {
  submitTo<PoolResource>(call, HandleType::kPool, function,
                         [](auto& pool) -> auto& { return pool->core; });
}

constexpr Function kFunctions[] = {
    {"networkCreate", entry<networkCreate>},
    {"networkClose", entry<networkClose>},
    {"clientOpen", entry<clientOpen>},
    {"clientClose", entry<clientClose>},
    {"poolOpen", entry<poolOpen>},
    {"poolUpdateMap", entry<onPool<updateMap>>},
    {"poolClose", entry<closeHandle<HandleType::kPool>>},
    {"containerOpen", entry<onPool<openContainer>>},
    {"containerSetCapability", entry<containerSetCapability>},
    {"containerClose", entry<closeHandle<HandleType::kContainer>>},
};

}  // namespace

Functions clientFunctions() { return kFunctions; }

}  // namespace daos::node
