// Reads values and extents under one dkey: one request, its data packed or straight into the
// buffers.
#include <algorithm>

#include "client/call_target.h"
#include "client/data_checksums.h"
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

// Reads the answer: what was found of each akey, where it belongs, whether it is intact.
class ReplyReader {
 public:
  // `isPacked`: the data is in the answer; otherwise it is in its places already.
  ReplyReader(const rpc::Reply& reply, const FetchArguments& arguments, bool isPacked,
              std::vector<MutableBytes>& pieces)
      : arguments_(arguments),
        reader_(reply.body()),
        scatter_(arguments.buffers),
        packed_(reply.data()),
        isPacked_(isPacked),
        pieces_(pieces) {}

  Result<Epoch> read() {
    const auto head = reader_.get<protocol::FetchReplyHead>();
    if (!reader_.ok() || head.akeyCount != arguments_.akeys.size()) return malformed();
    for (size_t i = 0; i < arguments_.akeys.size(); ++i) {
      DAOS_CHECK(readAkey(arguments_.akeys[i], arguments_.results[i]));
    }
    if (!reader_.atEnd()) return malformed();
    if (isTooBig_) return Error(ErrorCode::kRec2big, "a value is larger than its buffer");
    return head.epoch;
  }

 private:
  Status readAkey(const IoDescriptor& akey, AkeyResult& result) {
    const auto head = reader_.get<protocol::AkeyReply>();
    const auto mapped = reader_.getAll<Extent>(head.extentCount);
    if (!reader_.ok()) return malformed();
    result.recordSize = head.recordSize;
    result.dataSize = head.dataSize;
    result.isWhole = head.flags & protocol::kWhole;
    result.mapped.assign(mapped.begin(), mapped.end());
    if (arguments_.buffers.empty()) return {};
    isTooBig_ |= akey.type == ValueType::kSingle && head.recordSize > akey.recordSize;
    pieces_.clear();
    if (!scatter_.takeAkey(akey, result, pieces_)) return malformed();
    if (isPacked_ && !copyTo(pieces_, packed_)) return malformed();
    if (head.checksumRunCount == 0) return {};
    return verifyRuns(reader_, head.checksumRunCount, pieces_);
  }

  const FetchArguments& arguments_;
  protocol::WireReader reader_;
  Scatter scatter_;
  Bytes packed_;
  const bool isPacked_;
  std::vector<MutableBytes>& pieces_;
  bool isTooBig_ = false;
};

Task<Result<Epoch>> fetch(Object& object, const FetchArguments& arguments) {
  DAOS_CO_CHECK(check(object, arguments));
  DAOS_CO_TRY(const uint32_t target, object.targetOf(arguments.dkey));
  Context::Scratch scratch(object.context());
  protocol::WireWriter writer(scratch.body());
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
  const TargetCall call{.opcode = protocol::Opcode::kObjectFetch,
                        .deadlineNs = deadlineOf(object.context(), arguments.timeoutNs),
                        .cancellation = arguments.cancellation,
                        .trace = arguments.trace,
                        .body = &scratch.body(),
                        .sink = isPacked ? std::span<const MutableBytes>{} : arguments.buffers};
  for (int repeat = 0;; ++repeat) {
    DAOS_CO_TRY(const rpc::Reply reply, co_await callTarget(object.container(), target, call));
    auto epoch = ReplyReader(reply, arguments, isPacked, scratch.pieces()).read();
    // Damaged on its way, perhaps: then it is whole at the target.
    if (epoch.code() != ErrorCode::kCsum || repeat == kDamageRepeats) co_return epoch;
  }
}

}  // namespace daos::client
