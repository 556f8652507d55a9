// object.punch: hides an object, a dkey or akeys from an epoch on.
#include "engine/object/conditions.h"
#include "engine/object/object_service.h"
#include "engine/object/repetition.h"
#include "engine/target.h"
#include "protocol/generated/opcode.h"
#include "protocol/io.h"
#include "protocol/keys.h"

namespace daos::engine {
namespace {

Task<Result<Epoch>> punch(Target& target, rpc::Request& request, RequestTrace& trace) {
  DAOS_CO_TRY(const protocol::PunchCall call, protocol::decodePunch(request.body()));
  DAOS_CO_TRY(OpenContainer* const container,
              findHandle(request, call.head.container, true));
  OpenContainer::Use use(*container);
  Counted counted(target, *container, Operation::kPunch);
  vos::Arena& arena = container->pool->vos().arena();
  if (!arena.hasLogRoom()) DAOS_CO_CHECK(co_await arena.waitLogRoom());
  if (call.head.epoch != 0) DAOS_CO_CHECK(target.observeEpoch(call.head.epoch));
  const Epoch epoch = call.head.epoch ? call.head.epoch : target.nextEpoch();
  const bool isObject = call.head.level == protocol::PunchLevel::kObject;
  trace.enter(Stage::kVos);
  const auto ticket =
      use.vos().punch({.oid = call.head.oid,
                       .dkey = isObject ? Bytes{} : call.dkey,
                       .akeys = call.akeys,
                       .write = {.epoch = epoch,
                                 .conditions = call.head.conditions,
                                 .operation = knownAs(call.operation)}});
  trace.enter(Stage::kDurable);
  if (ticket.code() == ErrorCode::kAlready) {
    // Repeated after its answer was lost: it gets that answer.
    const Epoch known = use.vos().operationEpoch(call.operation);
    DAOS_CO_CHECK(co_await arena.waitDurable(arena.lastTicket()));
    counted.succeed(0);
    co_return known;
  }
  if (!ticket.ok()) {
    DAOS_CO_CHECK(co_await failDurably(arena, ticket.error()));
  }
  DAOS_CO_CHECK(co_await arena.waitDurable(*ticket));
  counted.succeed(0);
  co_return epoch;
}

}  // namespace

void registerPunch(Target& target, rpc::Endpoint& endpoint) {
  endpoint.handle(static_cast<uint16_t>(protocol::Opcode::kObjectPunch),
                  [&target](rpc::Request& request) -> Task<void> {
                    RequestTrace trace(target, request, Operation::kPunch);
                    const auto epoch = co_await punch(target, request, trace);
                    trace.end(epoch.code());
                    if (!epoch.ok()) {
                      request.fail(epoch.error());
                      co_return;
                    }
                    const protocol::UpdateReply reply{.epoch = *epoch};
                    request.setReplyEpoch(*epoch);
                    request.reply(bytesOf(&reply, sizeof(reply)));
                  });
}

}  // namespace daos::engine
