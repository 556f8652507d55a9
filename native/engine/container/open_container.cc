#include "engine/container/open_container.h"

#include "engine/target.h"
#include "protocol/generated/opcode.h"
#include "protocol/keys.h"

namespace daos::engine {

OpenPool::OpenPool() = default;
OpenPool::~OpenPool() = default;

SessionHandles& SessionHandles::of(rpc::Session& session) {
  if (!session.context) session.context = std::make_shared<SessionHandles>();
  return *static_cast<SessionHandles*>(session.context.get());
}

static constexpr unsigned kHandleIndexBits = 16;

SessionHandles::Entry* SessionHandles::find(uint64_t handle) {
  const size_t index = handle & ((1u << kHandleIndexBits) - 1);
  if (index >= entries.size() || entries[index].handle != handle || handle == 0) return nullptr;
  return &entries[index];
}

static Status checkMap(rpc::Request& request, const OpenPool& pool) {
  const uint32_t version = request.mapVersion();
  if (!pool.map || version == 0 || version >= pool.map->version) return {};
  request.setErrorBody(pool.map->encoded);
  return Error(ErrorCode::kStale, "the pool's map is of version " +
                                      std::to_string(pool.map->version) +
                                      ", the request goes by version " + std::to_string(version));
}

// Looks only when the pool's key has changed since.
static Status checkEvicted(SessionHandles::Entry& entry) {
  const std::shared_ptr<const PoolKey>& key = entry.container->pool->key;
  if (entry.key == key) return {};
  if (key && key->isRevoked(entry.origin, entry.container->uuid)) {
    return Error(ErrorCode::kEvicted);
  }
  entry.key = key;
  return {};
}

Result<OpenContainer*> findHandle(rpc::Request& request, uint64_t handle, bool isWrite) {
  SessionHandles::Entry* const entry = SessionHandles::of(request.session()).find(handle);
  if (!entry || !entry->container) return Error(ErrorCode::kNoHdl);
  if (entry->container->pool->failure) return *entry->container->pool->failure;
  if (entry->container->isRolledBack) {
    return Error(ErrorCode::kEvicted, "the container was taken back to a snapshot: open it again");
  }
  if (!entry->container->vos) return Error(ErrorCode::kNoHdl);
  DAOS_CHECK(checkEvicted(*entry));
  if (isWrite && entry->isReadOnly) {
    return Error(ErrorCode::kNoPerm,
                 "container " + entry->container->uuid.toString() + " is open read-only");
  }
  if (!isWrite && !entry->origin.mayRead) {
    return Error(ErrorCode::kNoPerm, "of container " + entry->container->uuid.toString() +
                                         " the capability allows writing alone");
  }
  DAOS_CHECK(checkMap(request, *entry->container->pool));
  return entry->container.get();
}

static Result<protocol::ContainerOpenReply> openContainer(Target& target, rpc::Request& request) {
  protocol::WireReader reader(request.body());
  const auto wanted = reader.get<protocol::ContainerOpenRequest>();
  const Bytes capability = reader.getPadded(wanted.capabilitySize);
  if (!reader.atEnd()) return Error(ErrorCode::kProto, "malformed container.open request");
  SessionHandles& handles = SessionHandles::of(request.session());
  if (handles.entries.size() >= kSessionHandleCountMax) {
    return Error(ErrorCode::kOverflow, "the session has " + std::to_string(kSessionHandleCountMax) +
                                           " containers open; close some");
  }
  // Before anything is looked up: who may not open it doesn't learn whether it is there.
  CapabilityOrigin origin;
  const std::shared_ptr<const PoolKey> key = target.poolKey(wanted.pool);
  if (key) {
    const uint64_t wallMs = target.reactor().clock().wallNs() / 1'000'000;
    DAOS_TRY(origin, checkCapability(*key, capability, wanted, wallMs));
  }
  DAOS_TRY(auto container, target.findContainer(wanted.pool, wanted.container));
  const uint64_t handle = target.random().next() << kHandleIndexBits | handles.entries.size();
  const bool isReadOnly = !(wanted.flags & protocol::kOpenReadWrite);
  handles.entries.push_back({handle, container, isReadOnly, origin, key});
  return protocol::ContainerOpenReply{.handle = handle};
}

static Status closeContainer(rpc::Request& request) {
  protocol::WireReader reader(request.body());
  const auto wanted = reader.get<protocol::ContainerCloseRequest>();
  if (!reader.atEnd()) return Error(ErrorCode::kProto, "malformed container.close request");
  SessionHandles::Entry* const entry = SessionHandles::of(request.session()).find(wanted.handle);
  if (!entry || !entry->container) return Error(ErrorCode::kNoHdl);
  entry->container.reset();
  return {};
}

void registerContainerService(Target& target, rpc::Endpoint& endpoint) {
  endpoint.handleFast(static_cast<uint16_t>(protocol::Opcode::kContainerOpen),
                      [&target](rpc::Request& request) {
                        auto reply = openContainer(target, request);
                        if (reply.ok()) {
                          request.reply(bytesOf(&*reply, sizeof(*reply)));
                        } else {
                          request.fail(reply.error());
                        }
                        return true;
                      });
  endpoint.handleFast(static_cast<uint16_t>(protocol::Opcode::kContainerClose),
                      [](rpc::Request& request) {
                        const Status status = closeContainer(request);
                        if (status.ok()) {
                          request.reply({});
                        } else {
                          request.fail(status.error());
                        }
                        return true;
                      });
}

}  // namespace daos::engine
