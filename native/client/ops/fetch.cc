// Reads values and extents under one dkey: one request, its data packed or straight into the buffers.
#include <algorithm>

#include "client/call_target.h"
#include "client/object.h"
#include "client/scatter.h"
#include "protocol/io.h"

namespace daos::client {

static Status check(const Object& object, const FetchArguments& arguments) {
  DAOS_CHECK(validateKey(arguments.dkey, object.oid().dkeyType(), "dkey"));
  if (arguments.akeys.empty()) return invalid("a fetch names no akey");
  if (arguments.results.size() != arguments.akeys.size()) {
    return invalid("a fetch of " + std::to_string(arguments.akeys.size()) + " akeys has room for " +
                   std::to_string(arguments.results.size()) + " results");
  }
  uint64_t wanted = 0;
  for (const IoDescriptor& akey : arguments.akeys) {
    DAOS_CHECK(validate(akey, object.oid().akeyType()));
    wanted += dataSize(akey);
  }
  if (arguments.buffers.empty()) return {};
  uint64_t room = 0;
  for (MutableBytes buffer : arguments.buffers) room += buffer.size();
  if (room < wanted) {
    return Error(ErrorCode::kRec2big, "the descriptors of the fetch want room for " +
                                          std::to_string(wanted) + " bytes; the buffers have " +
                                          std::to_string(room));
  }
  return {};
}

static Error malformed() { return Error(ErrorCode::kProto, "malformed answer to object.fetch"); }

// Reads one akey's part of the answer into `result`, and copies its data where it came packed.
static Status takeAkey(protocol::WireReader& reader, const IoDescriptor& akey, AkeyResult& result,
                       Scatter* scatter) {
  const auto head = reader.get<protocol::AkeyReply>();
  const auto mapped = reader.getAll<Extent>(head.extentCount);
  (void)reader.getPadded(head.checksumSize);
  if (!reader.ok()) return malformed();
  result.recordSize = head.recordSize;
  result.dataSize = head.dataSize;
  result.isWhole = head.flags & protocol::kWhole;
  result.mapped.assign(mapped.begin(), mapped.end());
  if (!scatter) return {};
  return scatter->takeAkey(akey, result) ? Status{} : malformed();
}

static Result<Epoch> takeReply(const rpc::Reply& reply, const FetchArguments& arguments,
                               bool isPacked) {
  protocol::WireReader reader(reply.body());
  const auto head = reader.get<protocol::FetchReplyHead>();
  if (!reader.ok() || head.akeyCount != arguments.akeys.size()) return malformed();
  Scatter scatter(arguments.buffers, reply.data());
  bool isTooBig = false;
  for (size_t i = 0; i < arguments.akeys.size(); ++i) {
    const IoDescriptor& akey = arguments.akeys[i];
    DAOS_CHECK(takeAkey(reader, akey, arguments.results[i], isPacked ? &scatter : nullptr));
    isTooBig |= akey.type == ValueType::kSingle && !arguments.buffers.empty() &&
                arguments.results[i].recordSize > akey.recordSize;
  }
  if (!reader.atEnd()) return malformed();
  if (isTooBig) return Error(ErrorCode::kRec2big, "a value is larger than its buffer");
  return head.epoch;
}

Task<Result<Epoch>> fetch(Object& object, const FetchArguments& arguments) {
  DAOS_CO_CHECK(check(object, arguments));
  DAOS_CO_TRY(const uint32_t target, object.targetOf(arguments.dkey));
  Context::Body body(object.context());
  protocol::WireWriter writer(body.bytes());
  encode(writer, {.head = {.conditions = arguments.conditions,
                           .flags = arguments.buffers.empty() ? protocol::kSizesOnly : 0u,
                           .oid = object.oid(),
                           .epoch = arguments.epoch},
                  .dkey = arguments.dkey,
                  .akeys = arguments.akeys});
  uint64_t wanted = 0;
  for (const IoDescriptor& akey : arguments.akeys) wanted += dataSize(akey);
  // Small data comes packed inside of the answer and is copied out; only what is over the threshold
  // goes straight into the caller's memory.
  const bool isPacked =
      arguments.buffers.empty() || wanted <= object.container().pool().peer(target).inlineSizeMax();
  DAOS_CO_TRY(const rpc::Reply reply,
              co_await callTarget(
                  object.container(), target,
                  {.opcode = protocol::Opcode::kObjectFetch,
                   .deadlineNs = deadlineOf(object.context(), arguments.timeoutNs),
                   .body = &body.bytes(),
                   .sink = isPacked ? std::span<const MutableBytes>{} : arguments.buffers}));
  co_return takeReply(reply, arguments, isPacked && !arguments.buffers.empty());
}

}  // namespace daos::client
