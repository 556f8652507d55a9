// object.update: writes values and extents under one dkey.
//
// 1. Decode; find the container by the session's handle; choose the epoch.
// 2. Data that came along in the frame, and stays in the arena, is stored at once. Otherwise VOS
//    hands out buffers, the data is pulled into them from the client's memory, and updateEnd makes
//    it visible.
// 3. The answer leaves when the arena says that the transaction is durable.
#include "base/planted.h"
#include "engine/object/conditions.h"
#include "engine/object/object_service.h"
#include "engine/object/repetition.h"
#include "engine/object/spare_space.h"
#include "engine/object/update_checksums.h"
#include "engine/target.h"
#include "protocol/generated/opcode.h"

namespace daos::engine {
namespace {

// For blocks that are written in advance just now: a megabyte takes no longer on any device that
// works.
constexpr uint64_t kPrewritePauseNs = 200'000;
constexpr int kPrewritePauseCountMax = 50'000;

struct Prepared {
  OpenContainer* container = nullptr;
  vos::UpdateRequest update;
};

// The client's epoch, or one of now.
Result<Epoch> stamp(Target& target, const protocol::DecodedIo& io) {
  if (io.head().epoch == 0) return target.nextEpoch();
  DAOS_CHECK(target.observeEpoch(io.head().epoch));
  return io.head().epoch;
}

Result<Prepared> prepare(Target& target, rpc::Request& request, IoContext& context) {
  DAOS_CHECK(context.io.decode(request.body()));
  const protocol::DecodedIo& io = context.io;
  DAOS_TRY(OpenContainer* const container,
           findHandle(request, io.head().container, true));
  uint64_t wanted = 0;
  context.checksums.clear();
  for (size_t i = 0; i < io.akeys().size(); ++i) {
    wanted += dataSize(io.akeys()[i]);
    DAOS_TRY(const vos::Checksums checksums, checkedGeometry(io.akeys()[i], io.checksums()[i]));
    context.checksums.push_back(checksums);
  }
  if (wanted != request.dataSize()) {
    return Error(ErrorCode::kIoInval, "the descriptors want " + std::to_string(wanted) +
                                          " bytes; " + std::to_string(request.dataSize()) +
                                          " came");
  }
  DAOS_TRY(const Epoch epoch, stamp(target, io));
  return Prepared{container,
                  {.oid = io.head().oid,
                   .dkey = io.dkey(),
                   .descriptors = io.akeys(),
                   .checksums = context.checksums,
                   .write = {.epoch = epoch,
                             .conditions = io.head().conditions,
                             .operation = knownAs(io.operation())}}};
}

// Cuts the data of the frame into one range for each descriptor.
void cutInline(IoContext& context, Bytes data) {
  context.data.clear();
  for (const IoDescriptor& akey : context.io.akeys()) {
    const uint64_t size = dataSize(akey);
    context.data.push_back(data.first(size));
    data = data.subspan(size);
  }
}

void answer(rpc::Request& request, Epoch epoch) {
  const protocol::UpdateReply reply{.epoch = epoch};
  request.setReplyEpoch(epoch);
  request.reply(bytesOf(&reply, sizeof(reply)));
}

// Stores it and answers, when nothing has to be waited for.
bool updateNow(Target& target, rpc::Request& request) {
  if (!request.isDataInline()) return false;
  const OperationTimer timer = target.fastTimer();
  IoContextPool::Lease context(target.ioContexts());
  auto prepared = prepare(target, request, *context);
  if (!prepared.ok()) {
    request.fail(prepared.error());
    return true;
  }
  if (!hasQuota(*prepared->container, prepared->update.oid, request.dataSize())) return false;
  const Status hasSpace =
      checkSpareSpace(*prepared->container, prepared->update, request.dataSize());
  if (!hasSpace.ok()) {
    request.fail(hasSpace.error());
    return true;
  }
  vos::Container& vos = *prepared->container->vos;
  vos::Pool& pool = prepared->container->pool->vos();
  if (!pool.arena().isSynchronous() || vos.needsMedia(prepared->update)) return false;
  if (const Status intact = verifyInline(context->io, request.inlineData()); !intact.ok()) {
    request.fail(intact.error());
    return true;
  }
  cutInline(*context, request.inlineData());
  const auto ticket = vos.update(prepared->update, context->data);
  timer.end(prepared->container->pool->metrics.of(Operation::kUpdate), ticket.ok(),
            request.dataSize());
  if (ticket.ok()) {
    answer(request, prepared->update.write.epoch);
  } else if (ticket.code() == ErrorCode::kAlready) {
    answer(request, vos.operationEpoch(prepared->update.write.operation));
  } else {
    request.fail(ticket.error());
  }
  return true;
}

// The epoch is chosen when nothing is awaited any more: then writes take effect in the order of
// their epochs, and neither a condition nor a read at a later epoch misses one that is under way.
Task<Result<vos::Ticket>> store(Target& target, rpc::Request& request, IoContext& context,
                                vos::Container& vos, Prepared& prepared, RequestTrace& trace) {
  vos::Pool& pool = prepared.container->pool->vos();
  vos::UpdateRequest& update = prepared.update;
  if (request.isDataInline() && !vos.needsMedia(update)) {
    DAOS_CO_CHECK(verifyInline(context.io, request.inlineData()));
    cutInline(context, request.inlineData());
    DAOS_CO_TRY(update.write.epoch, stamp(target, context.io));
    trace.enter(Stage::kVos);
    auto stored = vos.update(update, context.data);
    // What was to be absorbed may still find room on Media.
    if (stored.code() != ErrorCode::kNospace || !vos.isBulk(update)) co_return stored;
  }
  // The epoch of before the waiting may be that of a snapshot by now.
  DAOS_CO_TRY(update.write.epoch, stamp(target, context.io));
  trace.enter(Stage::kReserve);
  auto begun = vos.updateBegin(update);
  if (begun.code() == ErrorCode::kNospace && (pool.hasDroppedData() || pool.isPrewriting())) {
    // Some of what is used was dropped, and is free as soon as that is durable.
    DAOS_CO_CHECK(co_await pool.arena().waitDurable(pool.arena().lastTicket()));
    for (int i = 0; i < kPrewritePauseCountMax && pool.isPrewriting(); ++i) {
      co_await target.reactor().sleep(kPrewritePauseNs);
    }
    DAOS_CO_TRY(update.write.epoch, stamp(target, context.io));
    begun = vos.updateBegin(update);
  }
  DAOS_CO_TRY(vos::PendingUpdate pending, std::move(begun));
  trace.enter(Stage::kPull);
  DAOS_CO_CHECK(co_await request.pull(pending.buffers()));
  DAOS_CO_CHECK(verifyPulled(context.io, pending.buffers()));
  trace.enter(Stage::kMedia);
  DAOS_CO_CHECK(co_await pending.writeData());
  DAOS_CO_TRY(update.write.epoch, stamp(target, context.io));
  trace.enter(Stage::kVos);
  co_return vos.updateEnd(pending);
}

Task<Status> updateLater(Target& target, rpc::Request& request, RequestTrace& trace) {
  IoContextPool::Lease context(target.ioContexts());
  DAOS_CO_TRY(Prepared prepared, prepare(target, request, *context));
  OpenContainer::Use use(*prepared.container);
  Counted counted(target, *prepared.container, Operation::kUpdate);
  vos::Arena& arena = prepared.container->pool->vos().arena();
  const ObjectId oid = prepared.update.oid;
  if (!hasQuota(*prepared.container, oid, request.dataSize())) {
    DAOS_CO_CHECK(co_await awaitQuota(target, *prepared.container, oid, request.dataSize()));
  }
  DAOS_CO_CHECK(checkSpareSpace(*prepared.container, prepared.update, request.dataSize()));
  const QuotaHold hold(prepared.container->quota.pendingBytes, request.dataSize());
  if (!arena.hasLogRoom()) DAOS_CO_CHECK(co_await arena.waitLogRoom());
  auto ticket = co_await store(target, request, *context, use.vos(), prepared, trace);
  trace.enter(Stage::kDurable);
  if (ticket.code() == ErrorCode::kAlready) {
    // Repeated after its answer was lost: it gets that answer.
    const Epoch epoch = use.vos().operationEpoch(prepared.update.write.operation);
    DAOS_CO_CHECK(co_await arena.waitDurable(arena.lastTicket()));
    answer(request, epoch);
    counted.succeed(0);
    co_return Status{};
  }
  if (!ticket.ok()) co_return co_await failDurably(arena, std::move(ticket).error());
  target.wakeSettler(prepared.container->pool);
  if (!isPlanted(Planted::kAcknowledgeBeforeFlush)) {
    DAOS_CO_CHECK(co_await arena.waitDurable(*ticket));
  }
  answer(request, prepared.update.write.epoch);
  counted.succeed(request.dataSize());
  co_return Status{};
}

}  // namespace

void registerUpdate(Target& target, rpc::Endpoint& endpoint) {
  const auto opcode = static_cast<uint16_t>(protocol::Opcode::kObjectUpdate);
  endpoint.handleFast(opcode,
                      [&target](rpc::Request& request) { return updateNow(target, request); });
  endpoint.handle(opcode, [&target](rpc::Request& request) -> Task<void> {
    RequestTrace trace(target, request, Operation::kUpdate);
    const Status status = co_await updateLater(target, request, trace);
    if (!status.ok()) request.fail(status.error());
    trace.end(status.code());
  });
}

}  // namespace daos::engine
