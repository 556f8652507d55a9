// Hides an object, a dkey or akeys from an epoch on. An object is punched on each of its targets.
#include "client/call_target.h"
#include "client/object.h"
#include "protocol/io.h"

namespace daos::client {

static Status check(const Object& object, const PunchArguments& arguments) {
  if (object.container().isReadOnly()) {
    return Error(ErrorCode::kNoPerm,
                 "container " + object.container().uuid().toString() + " is open read-only");
  }
  if (arguments.level == protocol::PunchLevel::kObject) return {};
  DAOS_CHECK(validateKey(arguments.dkey, object.oid().dkeyType(), "dkey"));
  if (arguments.level == protocol::PunchLevel::kDkey) return {};
  if (arguments.akeys.empty()) return invalid("a punch of akeys names no akey");
  for (Bytes akey : arguments.akeys) {
    DAOS_CHECK(validateKey(akey, object.oid().akeyType(), "akey"));
  }
  return {};
}

static Task<Result<Epoch>> punchOn(Object& object, uint32_t target,
                                   const PunchArguments& arguments) {
  Context::Scratch scratch(object.context());
  const Context::Operation operation(object.context());
  protocol::WireWriter writer(scratch.body());
  encode(writer, {.head = {.conditions = arguments.conditions,
                           .level = arguments.level,
                           .oid = object.oid(),
                           .epoch = arguments.epoch},
                  .dkey = arguments.dkey,
                  .akeys = {arguments.akeys.begin(), arguments.akeys.end()},
                  .operation = operation.id()});
  DAOS_CO_TRY(const rpc::Reply reply,
              co_await callTarget(object.container(), target,
                                  {.opcode = protocol::Opcode::kObjectPunch,
                                   .safety = safetyOf(operation.id()),
                                   .deadlineNs = deadlineOf(object.context(), arguments.timeoutNs),
                                   .cancellation = arguments.cancellation,
                                   .trace = arguments.trace,
                                   .body = &scratch.body()}));
  protocol::WireReader reader(reply.body());
  const auto answer = reader.get<protocol::UpdateReply>();
  if (!reader.atEnd()) co_return Error(ErrorCode::kProto, "malformed answer to object.punch");
  co_return answer.epoch;
}

// An object's punch goes to every group; each punches at an epoch of its own. With a condition, it
// holds if it holds on any group.
static Task<Result<Epoch>> punchObject(Object& object, const PunchArguments& arguments) {
  DAOS_CO_TRY(const placement::Layout* layout, object.layout());
  const std::vector<uint32_t> targets = layout->groups;
  Epoch last = 0;
  for (uint32_t target : targets) {
    auto epoch = co_await punchOn(object, target, arguments);
    if (epoch.code() == ErrorCode::kNonexist) continue;
    if (!epoch.ok()) co_return std::move(epoch);
    last = std::max(last, *epoch);
  }
  if (last == 0)
    co_return Error(ErrorCode::kNonexist, "object " + object.oid().toString() + " is absent");
  co_return last;
}

Task<Result<Epoch>> punch(Object& object, const PunchArguments& arguments) {
  DAOS_CO_CHECK(check(object, arguments));
  if (arguments.level == protocol::PunchLevel::kObject)
    co_return co_await punchObject(object, arguments);
  DAOS_CO_TRY(const uint32_t target, object.targetOf(arguments.dkey));
  co_return co_await punchOn(object, target, arguments);
}

}  // namespace daos::client
