// The first or last integer dkey, akey or extent; over all targets where the dkey is asked for.
#include "client/call_target.h"
#include "client/object.h"

namespace daos::client {

using protocol::QueryReply;

static Status check(const Object& object, const QueryArguments& arguments) {
  const uint32_t flags = arguments.flags;
  const uint32_t direction = flags & (protocol::kQueryMax | protocol::kQueryMin);
  if (direction != protocol::kQueryMax && direction != protocol::kQueryMin) {
    return invalid("a query asks for either the max or the min");
  }
  if (!(flags & (protocol::kQueryDkey | protocol::kQueryAkey | protocol::kQueryExtent))) {
    return invalid("a query names neither dkey, akey nor extent");
  }
  if ((flags & protocol::kQueryDkey) && object.oid().dkeyType() != KeyType::kUint64) {
    return invalid("only integer dkeys can be queried");
  }
  if ((flags & protocol::kQueryAkey) && object.oid().akeyType() != KeyType::kUint64) {
    return invalid("only integer akeys can be queried");
  }
  if (!(flags & protocol::kQueryDkey)) {
    DAOS_CHECK(validateKey(arguments.dkey, object.oid().dkeyType(), "dkey"));
  }
  return {};
}

static Task<Result<QueryReply>> queryOn(Object& object, uint32_t target,
                                        const QueryArguments& arguments) {
  Context::Scratch scratch(object.context());
  protocol::WireWriter writer(scratch.body());
  encode(writer, {.head = {.oid = object.oid(), .epoch = arguments.epoch, .flags = arguments.flags},
                  .dkey = arguments.dkey,
                  .akey = arguments.akey});
  DAOS_CO_TRY(const rpc::Reply reply,
              co_await callTarget(object.container(), target,
                                  {.opcode = protocol::Opcode::kObjectQuery,
                                   .deadlineNs = deadlineOf(object.context(), arguments.timeoutNs),
                                   .cancellation = arguments.cancellation,
                                   .trace = arguments.trace,
                                   .body = &scratch.body()}));
  protocol::WireReader reader(reply.body());
  const auto answer = reader.get<QueryReply>();
  if (!reader.atEnd()) co_return Error(ErrorCode::kProto, "malformed answer to object.query");
  co_return answer;
}

// The better of two answers: by dkey where it is asked for.
static void merge(QueryReply& best, const QueryReply& other, bool isMax) {
  const Epoch epochMax = std::max(best.epochMax, other.epochMax);
  if (isMax ? other.dkey > best.dkey : other.dkey < best.dkey) best = other;
  best.epochMax = epochMax;
}

Task<Result<QueryReply>> query(Object& object, const QueryArguments& arguments) {
  DAOS_CO_CHECK(check(object, arguments));
  if (!(arguments.flags & protocol::kQueryDkey)) {
    DAOS_CO_TRY(const uint32_t target, object.targetOf(arguments.dkey));
    co_return co_await queryOn(object, target, arguments);
  }
  DAOS_CO_TRY(const placement::Layout* layout, object.layout());
  const std::vector<uint32_t> targets = layout->groups;
  std::optional<QueryReply> best;
  for (uint32_t target : targets) {
    auto answer = co_await queryOn(object, target, arguments);
    if (answer.code() == ErrorCode::kNonexist) continue;
    if (!answer.ok()) co_return std::move(answer);
    if (best) {
      merge(*best, *answer, arguments.flags & protocol::kQueryMax);
    } else {
      best = *answer;
    }
  }
  if (!best)
    co_return Error(ErrorCode::kNonexist, "object " + object.oid().toString() + " is empty");
  co_return *best;
}

}  // namespace daos::client
