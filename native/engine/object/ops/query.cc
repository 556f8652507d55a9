// object.query: the first or last integer dkey, akey or extent that exists.
#include "engine/object/object_service.h"
#include "engine/target.h"
#include "protocol/generated/opcode.h"
#include "protocol/keys.h"

namespace daos::engine {
namespace {

// The deepest thing asked for; VOS fills in what lies above it.
Result<vos::QueryWhat> whatOf(uint32_t flags) {
  const bool isMax = flags & protocol::kQueryMax;
  if (isMax == static_cast<bool>(flags & protocol::kQueryMin)) {
    return invalid("a query asks for either the max or the min");
  }
  if (flags & protocol::kQueryExtent)
    return isMax ? vos::QueryWhat::kMaxExtent : vos::QueryWhat::kMinExtent;
  if (flags & protocol::kQueryAkey)
    return isMax ? vos::QueryWhat::kMaxAkey : vos::QueryWhat::kMinAkey;
  if (flags & protocol::kQueryDkey)
    return isMax ? vos::QueryWhat::kMaxDkey : vos::QueryWhat::kMinDkey;
  return invalid("a query names neither dkey, akey nor extent");
}

uint64_t integerOf(Bytes key) { return key.size() == 8 ? loadAs<uint64_t>(key.data()) : 0; }

Task<Status> query(Target& target, rpc::Request& request, RequestTrace& trace) {
  DAOS_CO_TRY(const protocol::QueryCall call, protocol::decodeQuery(request.body()));
  DAOS_CO_TRY(OpenContainer* const container,
              findHandle(request, call.head.container, false));
  OpenContainer::Use use(*container);
  Counted counted(target, *container, Operation::kQuery);
  DAOS_CO_TRY(const vos::QueryWhat what, whatOf(call.head.flags));
  if (call.head.epoch != 0) {
    DAOS_CO_CHECK(co_await target.settle(container->pool->vos(), call.head.epoch));
  }
  trace.enter(Stage::kVos);
  DAOS_CO_TRY(
      const vos::QueryResult found,
      use.vos().query({.oid = call.head.oid,
                       .what = what,
                       .dkey = call.dkey,
                       .akey = call.akey,
                       .read = {.epoch = call.head.epoch ? call.head.epoch : kEpochMax}}));
  trace.enter(Stage::kDurable);
  vos::Arena& arena = container->pool->vos().arena();
  DAOS_CO_CHECK(co_await arena.waitDurable(arena.lastTicket()));
  const protocol::QueryReply reply{.dkey = integerOf(found.dkey),
                                   .akey = integerOf(found.akey),
                                   .extent = found.extent,
                                   .recordSize = found.recordSize};
  request.reply(bytesOf(&reply, sizeof(reply)));
  counted.succeed(0);
  co_return Status{};
}

}  // namespace

void registerQuery(Target& target, rpc::Endpoint& endpoint) {
  endpoint.handle(static_cast<uint16_t>(protocol::Opcode::kObjectQuery),
                  [&target](rpc::Request& request) -> Task<void> {
                    RequestTrace trace(target, request, Operation::kQuery);
                    const Status status = co_await query(target, request, trace);
                    if (!status.ok()) request.fail(status.error());
                    trace.end(status.code());
                  });
}

}  // namespace daos::engine
