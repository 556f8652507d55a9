// object.fetch: reads values and extents under one dkey.
//
// 1. Decode; find the container; VOS finds segments in the arena, on Media, or holes.
// 2. An answer that fits a frame is assembled in place: sizes, what is mapped, and the bytes that
// are there,
//    packed. A larger one is written into the client's memory, each run to its place, before the
//    answer.
// 3. What was read leaves the target only once it is durable.
#include <algorithm>

#include "base/planted.h"
#include "engine/object/conditions.h"
#include "engine/object/object_service.h"
#include "engine/target.h"
#include "protocol/generated/opcode.h"

namespace daos::engine {
namespace {

using protocol::AkeyReply;
using protocol::FetchReplyHead;

struct Prepared {
  OpenContainer* container = nullptr;
  vos::FetchRequest fetch;
};

Result<Prepared> prepare(rpc::Request& request, IoContext& context) {
  DAOS_CHECK(context.io.decode(request.body()));
  const protocol::DecodedIo& io = context.io;
  DAOS_TRY(OpenContainer* const container,
           findHandle(request, io.head().container, false));
  return Prepared{container,
                  {.oid = io.head().oid,
                   .dkey = io.dkey(),
                   .descriptors = io.akeys(),
                   .read = {.epoch = io.head().epoch ? io.head().epoch : kEpochMax,
                            .conditions = io.head().conditions},
                   .sizesOnly = (io.head().flags & protocol::kSizesOnly) != 0}};
}

// Cuts the segments of an array along the extents asked for; calls run(extent, bytes) for what is
// there.
template <typename Run>
void forEachRun(const IoDescriptor& akey, uint64_t recordSize,
                std::span<const vos::Segment> segments, Run run) {
  size_t next = 0;
  uint64_t taken = 0;  // bytes of segments[next] that earlier extents used up
  for (const Extent& wanted : akey.extents) {
    uint64_t at = wanted.index;
    while (at < wanted.end() && next < segments.size()) {
      const vos::Segment& segment = segments[next];
      const uint64_t records = std::min((segment.size - taken) / recordSize, wanted.end() - at);
      if (segment.kind != vos::SegmentKind::kHole) run(Extent{at, records});
      at += records;
      taken += records * recordSize;
      if (taken == segment.size) {
        ++next;
        taken = 0;
      }
    }
  }
}

AkeyPlan planArray(const IoDescriptor& akey, const vos::FetchedValue& value,
                   std::span<const vos::Segment> segments, std::vector<Extent>& mapped) {
  AkeyPlan plan{.reply = {.recordSize = value.recordSize}};
  if (value.recordSize == 0) return plan;
  const size_t first = mapped.size();
  uint64_t wantedCount = 0;
  uint64_t foundCount = 0;
  for (const Extent& extent : akey.extents) wantedCount += extent.count;
  forEachRun(akey, value.recordSize, segments, [&](Extent run) {
    foundCount += run.count;
    mapped.push_back(run);
  });
  plan.reply.dataSize = foundCount * value.recordSize;
  plan.sendsData = true;
  if (foundCount == wantedCount) {
    plan.reply.flags = protocol::kWhole;
    mapped.resize(first);
  }
  plan.reply.extentCount = static_cast<uint32_t>(mapped.size() - first);
  return plan;
}

// A value that the client has no room for is not sent; its size is.
AkeyPlan planSingle(const IoDescriptor& akey, const vos::FetchedValue& value) {
  AkeyPlan plan{.reply = {.recordSize = value.recordSize, .dataSize = value.recordSize}};
  plan.reply.flags = value.recordSize ? protocol::kWhole : 0u;
  plan.sendsData = value.recordSize <= akey.recordSize;
  return plan;
}

// An answer in the making: what it says of each akey, and the bytes it sends.
class Answer {
 public:
  // All segments are in memory.
  Answer(const vos::FetchRequest& fetch, IoContext& context) : fetch_(fetch), context_(context) {
    context.mapped.clear();
    context.plans.clear();
    context.checksumRuns.clear();
    for (size_t i = 0; i < fetch.descriptors.size() && status_.ok(); ++i) status_ = add(i);
  }
  // DER_CSUM: what is stored is damaged.
  const Status& status() const { return status_; }
  size_t bodySize() const { return bodySize_; }
  uint64_t dataSize() const { return dataSize_; }

  void writeBody(std::byte* to, Epoch epoch) const {
    to = put(to, FetchReplyHead{.epoch = epoch,
                                .dataSize = dataSize_,
                                .akeyCount = static_cast<uint32_t>(context_.plans.size())});
    const Extent* mapped = context_.mapped.data();
    const std::byte* runs = context_.checksumRuns.body().data();
    for (const AkeyPlan& plan : context_.plans) {
      to = put(to, plan.reply);
      to = copy(to, mapped, plan.reply.extentCount * sizeof(Extent));
      mapped += plan.reply.extentCount;
      to = copy(to, runs, plan.reply.checksumSize);
      runs += plan.reply.checksumSize;
    }
  }

  // Calls piece(bytes, its place in the client's sink) for what is there, in order.
  template <typename Piece>
  void forEachPiece(Piece piece) const {
    uint64_t place = 0;
    for (size_t i = 0; i < context_.plans.size(); ++i) {
      if (context_.plans[i].sendsData) forEachPieceOf(context_.fetched.values()[i], place, piece);
      place += daos::dataSize(fetch_.descriptors[i]);
    }
  }

 private:
  template <typename T>
  static std::byte* put(std::byte* to, const T& value) {
    storeAs(to, value);
    return to + sizeof(T);
  }
  static std::byte* copy(std::byte* to, const void* from, size_t size) {
    if (size) std::memcpy(to, from, size);
    return to + size;
  }
  template <typename Piece>
  void forEachPieceOf(const vos::FetchedValue& value, uint64_t place, Piece& piece) const {
    for (const vos::Segment& segment : context_.fetched.segments(value)) {
      if (segment.kind != vos::SegmentKind::kHole)
        piece(bytesOf(segment.memory, segment.size), place);
      place += segment.size;
    }
  }
  Status add(size_t i) {
    const IoDescriptor& akey = fetch_.descriptors[i];
    const vos::FetchedValue& value = context_.fetched.values()[i];
    AkeyPlan plan = akey.type == ValueType::kSingle
                        ? planSingle(akey, value)
                        : planArray(akey, value, context_.fetched.segments(value), context_.mapped);
    plan.sendsData = plan.sendsData && !fetch_.sizesOnly;
    if (plan.sendsData) {
      dataSize_ += plan.reply.dataSize;
      DAOS_TRY(const auto runs, context_.checksumRuns.add(context_.fetched.segments(value)));
      plan.reply.checksumRunCount = runs.count;
      plan.reply.checksumSize = runs.size;
    }
    bodySize_ +=
        sizeof(AkeyReply) + plan.reply.extentCount * sizeof(Extent) + plan.reply.checksumSize;
    context_.plans.push_back(plan);
    return {};
  }

  const vos::FetchRequest& fetch_;
  IoContext& context_;
  size_t bodySize_ = sizeof(FetchReplyHead);
  uint64_t dataSize_ = 0;
  Status status_;
};

// Answers inside of a frame. False: it does not fit.
bool answerInline(rpc::Request& request, const Answer& answer, Epoch epoch) {
  if (answer.bodySize() + answer.dataSize() > request.inlineReplyMax()) return false;
  request.setReplyEpoch(epoch);
  const rpc::Request::Room room = request.start(answer.bodySize(), answer.dataSize());
  answer.writeBody(room.body.data(), epoch);
  std::byte* to = room.data.data();
  answer.forEachPiece([&](Bytes piece, uint64_t) {
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  });
  request.finish(answer.bodySize(), answer.dataSize());
  return true;
}

// Writes runs that are adjacent in the client's memory by one transfer.
Task<Status> pushPieces(rpc::Request& request, IoContext& context, const Answer& answer) {
  struct Run {
    uint64_t place;
    uint64_t size;
    size_t pieceCount;
  };
  std::vector<Run> runs;
  context.pieces.clear();
  answer.forEachPiece([&](Bytes piece, uint64_t place) {
    context.pieces.push_back(piece);
    if (!runs.empty() && runs.back().place + runs.back().size == place) {
      runs.back().size += piece.size();
      ++runs.back().pieceCount;
    } else {
      runs.push_back({place, piece.size(), 1});
    }
  });
  std::span<const Bytes> rest = context.pieces;
  for (const Run& run : runs) {
    DAOS_CO_CHECK(co_await request.push(rest.first(run.pieceCount), run.place));
    rest = rest.subspan(run.pieceCount);
  }
  co_return Status{};
}

// The epoch a read is said to be of: a read of "the newest" is of now.
Epoch epochOf(Target& target, const vos::FetchRequest& fetch) {
  return fetch.read.epoch == kEpochMax ? target.nextEpoch() : fetch.read.epoch;
}

bool fetchNow(Target& target, rpc::Request& request) {
  if (request.isSinkRemote()) return false;
  const OperationTimer timer = target.fastTimer();
  IoContextPool::Lease context(target.ioContexts());
  auto prepared = prepare(request, *context);
  if (!prepared.ok()) {
    request.fail(prepared.error());
    return true;
  }
  OperationMetrics& metrics = prepared->container->pool->metrics.of(Operation::kFetch);
  vos::Pool& pool = prepared->container->pool->vos();
  if (!target.isSettled(pool, prepared->fetch.read.epoch)) return false;
  const Epoch epoch = epochOf(target, prepared->fetch);
  const vos::Arena& arena = pool.arena();
  const Status status = prepared->container->vos->fetch(prepared->fetch, context->fetched);
  if (!status.ok()) {
    if (tellsWhatIsThere(status.code()) && !arena.isDurable(arena.lastTicket())) return false;
    request.fail(status.error());
    timer.end(metrics, false, 0);
    return true;
  }
  if (context->fetched.hasMedia() || !arena.isDurable(context->fetched.ticket())) return false;
  const Answer answer(prepared->fetch, *context);
  if (!answerInline(request, answer, epoch)) return false;
  timer.end(metrics, answer.status().ok(), answer.dataSize());
  return true;
}

Task<Status> fetchLater(Target& target, rpc::Request& request, RequestTrace& trace) {
  IoContextPool::Lease context(target.ioContexts());
  DAOS_CO_TRY(const Prepared prepared, prepare(request, *context));
  OpenContainer::Use use(*prepared.container);
  Counted counted(target, *prepared.container, Operation::kFetch);
  vos::Pool& pool = prepared.container->pool->vos();
  DAOS_CO_CHECK(co_await target.settle(pool, prepared.fetch.read.epoch));
  const Epoch epoch = epochOf(target, prepared.fetch);
  trace.enter(Stage::kVos);
  Status status = use.vos().fetch(prepared.fetch, context->fetched);
  if (!status.ok()) co_return co_await failDurably(pool.arena(), std::move(status).error());
  if (context->fetched.hasMedia()) {
    trace.enter(Stage::kMedia);
    DAOS_CO_CHECK(co_await context->fetched.readMedia());
  }
  trace.enter(Stage::kDurable);
  if (!isPlanted(Planted::kReturnUncommitted)) {
    DAOS_CO_CHECK(co_await pool.arena().waitDurable(context->fetched.ticket()));
  }
  trace.enter(Stage::kAnswer);
  const Answer answer(prepared.fetch, *context);
  if (!answer.status().ok()) co_return Error(answer.status().error());
  if (!request.isSinkRemote()) {
    if (answerInline(request, answer, epoch)) {
      counted.succeed(answer.dataSize());
      co_return Status{};
    }
    co_return Error(ErrorCode::kTrunc,
                    "an answer of " + std::to_string(answer.bodySize() + answer.dataSize()) +
                        " bytes does not fit a frame; fetch less, or into a larger buffer");
  }
  DAOS_CO_CHECK(co_await pushPieces(request, *context, answer));
  std::vector<std::byte> body(answer.bodySize());
  answer.writeBody(body.data(), epoch);
  request.setReplyEpoch(epoch);
  request.reply(body);
  counted.succeed(answer.dataSize());
  co_return Status{};
}

}  // namespace

void registerFetch(Target& target, rpc::Endpoint& endpoint) {
  const auto opcode = static_cast<uint16_t>(protocol::Opcode::kObjectFetch);
  endpoint.handleFast(opcode,
                      [&target](rpc::Request& request) { return fetchNow(target, request); });
  endpoint.handle(opcode, [&target](rpc::Request& request) -> Task<void> {
    RequestTrace trace(target, request, Operation::kFetch);
    const Status status = co_await fetchLater(target, request, trace);
    if (!status.ok()) request.fail(status.error());
    trace.end(status.code());
  });
}

}  // namespace daos::engine
