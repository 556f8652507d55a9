// object.enumerate: lists objects, dkeys, akeys or extents from an anchor, as many as fit.
#include "engine/object/object_service.h"
#include "engine/target.h"
#include "protocol/generated/opcode.h"
#include "protocol/keys.h"

namespace daos::engine {
namespace {

// A peer's anchor is VOS's, behind a byte with its size.
constexpr size_t kVosAnchorSizeMax = protocol::kAnchorSize - 1;

Result<vos::Anchor> unpack(const protocol::Anchor& from) {
  vos::Anchor anchor;
  anchor.size = from.bytes[0];
  if (anchor.size > kVosAnchorSizeMax)
    return invalid("the anchor is not one that an enumeration gave");
  std::memcpy(anchor.bytes.data(), from.bytes.data() + 1, anchor.size);
  return anchor;
}

protocol::Anchor pack(const vos::Anchor& from) {
  DAOS_ASSERT(from.size <= kVosAnchorSizeMax);
  protocol::Anchor anchor;
  anchor.bytes[0] = from.size;
  std::memcpy(anchor.bytes.data() + 1, from.bytes.data(), from.size);
  return anchor;
}

// Writes entries behind the head of the reply until the count or the size is reached.
class ReplySink final : public vos::EntrySink {
 public:
  ReplySink(const protocol::EnumerateHead& head, std::vector<std::byte>& body)
      : head_(head), writer_(body) {
    writer_.put(protocol::EnumerateReplyHead{});
  }

  bool take(const vos::Entry& entry) override {
    if (count_ == head_.countMax) return false;
    const size_t size = sizeOf(entry);
    if (size_ + size > head_.sizeMax) {
      if (count_ == 0) tooLargeSize_ = size;
      return false;
    }
    write(entry);
    size_ += size;
    ++count_;
    return true;
  }
  // Of the first entry, when it alone was over the limit.
  size_t tooLargeSize() const { return tooLargeSize_; }
  void finish(const vos::Anchor& anchor) {
    writer_.patch(0, protocol::EnumerateReplyHead{
                         .anchor = pack(anchor), .count = count_, .isEnd = anchor.isEnd});
  }

 private:
  size_t sizeOf(const vos::Entry& entry) const {
    switch (head_.level) {
      case protocol::EnumerateLevel::kObjects:
        return sizeof(ObjectId);
      case protocol::EnumerateLevel::kExtents:
        return sizeof(protocol::ExtentEntry);
      default:
        return sizeof(uint64_t) + alignUp(entry.key.size(), protocol::kWireAlignment);
    }
  }
  void write(const vos::Entry& entry) {
    switch (head_.level) {
      case protocol::EnumerateLevel::kObjects:
        writer_.put(entry.oid);
        break;
      case protocol::EnumerateLevel::kExtents:
        writer_.put(protocol::ExtentEntry{entry.extent, entry.epoch, entry.recordSize});
        break;
      default:
        writer_.put(static_cast<uint64_t>(entry.key.size()));
        writer_.putPadded(entry.key);
    }
  }

  const protocol::EnumerateHead& head_;
  protocol::WireWriter writer_;
  size_t size_ = 0;
  uint32_t count_ = 0;
  size_t tooLargeSize_ = 0;
};

vos::Level levelOf(protocol::EnumerateLevel level) {
  switch (level) {
    case protocol::EnumerateLevel::kObjects:
      return vos::Level::kObject;
    case protocol::EnumerateLevel::kDkeys:
      return vos::Level::kDkey;
    case protocol::EnumerateLevel::kAkeys:
      return vos::Level::kAkey;
    case protocol::EnumerateLevel::kExtents:
      return vos::Level::kExtent;
  }
  return vos::Level::kDkey;
}

std::optional<vos::EpochRange> changedOf(const protocol::EnumerateCall& call) {
  if (call.changed.isNone()) return std::nullopt;
  return vos::EpochRange{call.changed.low, call.changed.high};
}

Task<Status> enumerate(Target& target, rpc::Request& request, RequestTrace& trace) {
  DAOS_CO_TRY(const protocol::EnumerateCall call, protocol::decodeEnumerate(request.body()));
  DAOS_CO_TRY(OpenContainer* const container,
              findHandle(request, call.head.container, false));
  OpenContainer::Use use(*container);
  Counted counted(target, *container, Operation::kEnumerate);
  DAOS_CO_TRY(vos::Anchor anchor, unpack(call.head.anchor));
  std::vector<std::byte> body;
  ReplySink sink(call.head, body);
  vos::Arena& arena = container->pool->vos().arena();
  if (call.head.epoch != 0) {
    DAOS_CO_CHECK(co_await target.settle(container->pool->vos(), call.head.epoch));
  }
  trace.enter(Stage::kVos);
  DAOS_CO_CHECK(
      use.vos().enumerate({.level = levelOf(call.head.level),
                           .oid = call.head.oid,
                           .dkey = call.dkey,
                           .akey = call.akey,
                           .epochs = {.high = call.head.epoch ? call.head.epoch : kEpochMax},
                           .changed = changedOf(call)},
                          anchor, sink));
  // Anything seen may be as new as the last commit.
  const vos::Ticket ticket = arena.lastTicket();
  if (sink.tooLargeSize()) {
    co_return Error(ErrorCode::kKey2big,
                    "the next key needs " + std::to_string(sink.tooLargeSize()) +
                        " bytes; there is room for " + std::to_string(call.head.sizeMax));
  }
  sink.finish(anchor);
  trace.enter(Stage::kDurable);
  DAOS_CO_CHECK(co_await arena.waitDurable(ticket));
  request.reply(body);
  counted.succeed(body.size());
  co_return Status{};
}

}  // namespace

void registerEnumerate(Target& target, rpc::Endpoint& endpoint) {
  endpoint.handle(static_cast<uint16_t>(protocol::Opcode::kObjectEnumerate),
                  [&target](rpc::Request& request) -> Task<void> {
                    RequestTrace trace(target, request, Operation::kEnumerate);
                    const Status status = co_await enumerate(target, request, trace);
                    if (!status.ok()) request.fail(status.error());
                    trace.end(status.code());
                  });
}

}  // namespace daos::engine
