// Writes values and extents under one dkey: one request to the target that holds it.
#include "base/generated/limits.h"
#include "client/call_target.h"
#include "client/data_checksums.h"
#include "client/object.h"
#include "protocol/io.h"

namespace daos::client {

static Status check(const Object& object, const UpdateArguments& arguments) {
  if (object.container().isReadOnly()) {
    return Error(ErrorCode::kNoPerm,
                 "container " + object.container().uuid().toString() + " is open read-only");
  }
  DAOS_CHECK(validateKey(arguments.dkey, object.oid().dkeyType(), "dkey"));
  if (arguments.akeys.empty()) return invalid("an update names no akey");
  uint64_t wanted = 0;
  for (const IoDescriptor& akey : arguments.akeys) {
    DAOS_CHECK(validate(akey, object.oid().akeyType()));
    wanted += dataSize(akey);
  }
  uint64_t given = 0;
  for (Bytes piece : arguments.data) given += piece.size();
  if (given != wanted) {
    return Error(ErrorCode::kIoInval, "the descriptors of the update want " +
                                          std::to_string(wanted) + " bytes; " +
                                          std::to_string(given) + " are given");
  }
  if (wanted > kTransferSizeMax) {
    return Error(ErrorCode::kOverflow, "an update of " + std::to_string(wanted) +
                                           " bytes is over the limit of " +
                                           std::to_string(kTransferSizeMax));
  }
  return {};
}

// A target that finds the data damaged has stored nothing: it can be sent again.
static Task<Result<rpc::Reply>> send(Object& object, uint32_t target, const TargetCall& call) {
  for (int repeat = 0;; ++repeat) {
    auto reply = co_await callTarget(object.container(), target, call);
    if (reply.code() != ErrorCode::kCsum || repeat == kDamageRepeats) co_return reply;
  }
}

Task<Result<Epoch>> update(Object& object, const UpdateArguments& arguments) {
  DAOS_CO_CHECK(check(object, arguments));
  DAOS_CO_TRY(const uint32_t target, object.targetOf(arguments.dkey));
  Context::Scratch scratch(object.context());
  const UpdateChecksums checksums(object.container().checksums(), arguments.akeys, arguments.data);
  const Context::Operation operation(object.context());
  protocol::WireWriter writer(scratch.body());
  encode(
      writer,
      {.head = {.conditions = arguments.conditions,
                .flags = object.container().checksums().isVerifiedByServer ? protocol::kVerify : 0u,
                .oid = object.oid(),
                .epoch = arguments.epoch},
       .dkey = arguments.dkey,
       .akeys = arguments.akeys,
       .checksums = checksums.akeys(),
       .operation = operation.id()});
  DAOS_CO_TRY(const rpc::Reply reply,
              co_await send(object, target,
                            {.opcode = protocol::Opcode::kObjectUpdate,
                             .safety = safetyOf(operation.id()),
                             .deadlineNs = deadlineOf(object.context(), arguments.timeoutNs),
                             .cancellation = arguments.cancellation,
                             .trace = arguments.trace,
                             .body = &scratch.body(),
                             .data = arguments.data}));
  protocol::WireReader reader(reply.body());
  const auto answer = reader.get<protocol::UpdateReply>();
  if (!reader.atEnd()) co_return Error(ErrorCode::kProto, "malformed answer to object.update");
  co_return answer.epoch;
}

}  // namespace daos::client
