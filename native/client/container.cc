#include "client/container.h"

#include "client/call_target.h"
#include "protocol/generated/opcode.h"
#include "protocol/keys.h"

namespace daos::client {

// The first target from `target` on, over the end to the begin, that is up and has an address, or
// at least is up; `target` where none is.
static uint32_t nextToAsk(const placement::PoolMap& map, uint32_t target) {
  const auto count = static_cast<uint32_t>(map.targets.size());
  uint32_t found = target % count;
  for (uint32_t i = count; i-- > 0;) {
    const uint32_t next = (target + i) % count;
    if (map.targets[next].isUp) found = next;
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t next = (target + i) % count;
    if (map.targets[next].isUp && !map.targets[next].addresses.empty()) return next;
  }
  return found;
}

// The target has lost its share of the pool, or can't read it: others may serve theirs.
static bool isOfOneShare(ErrorCode code) {
  return code == ErrorCode::kIo || code == ErrorCode::kCsum || code == ErrorCode::kDfIncompt ||
         code == ErrorCode::kMismatch;
}

Task<Result<std::shared_ptr<Container>>> Container::open(std::shared_ptr<Pool> pool, Uuid uuid,
                                                         ContainerOptions options,
                                                         Cancellation* cancellation) {
  std::shared_ptr<Container> container(new Container(std::move(pool), uuid, std::move(options)));
  const uint64_t deadlineNs = deadlineOf(container->context(), 0);
  const placement::PoolMap& map = container->pool().map();
  auto target = static_cast<uint32_t>(container->context().random().below(map.targets.size()));
  Retry retry(container->context(), deadlineNs);
  size_t lostShareCount = 0;
  for (;;) {
    if (cancellation && cancellation->isRequested()) co_return Error(ErrorCode::kCanceled);
    target = nextToAsk(map, target);
    auto handle = co_await container->openOn(target, deadlineNs, cancellation);
    if (handle.ok()) co_return container;
    ++target;
    if (isOfOneShare(handle.code()) && ++lostShareCount < map.targets.size()) continue;
    if (!co_await retry.again(handle.error(), RetrySafety::kIdempotent)) {
      co_return std::move(handle).error().within("container " + uuid.toString());
    }
  }
}

Task<Result<uint64_t>> Container::openOn(uint32_t target, uint64_t deadlineNs,
                                         Cancellation* cancellation) {
  DAOS_CO_CHECK(pool_->checkIsUp(target));
  Context::Scratch scratch(context());
  protocol::WireWriter writer(scratch.body());
  writer.put(protocol::ContainerOpenRequest{
      .pool = pool_->uuid(),
      .container = uuid_,
      .flags = options_.isReadOnly ? 0 : protocol::kOpenReadWrite,
      .capabilitySize = static_cast<uint32_t>(options_.capability.size())});
  writer.putPadded(options_.capability);
  rpc::Call call(context().endpoint(), pool_->peer(target),
                 {.opcode = static_cast<uint16_t>(protocol::Opcode::kContainerOpen),
                  .mapVersion = pool_->map().version,
                  .deadlineNs = deadlineNs,
                  .body = scratch.body()});
  const Cancellation::Scope scope(cancellation, call);
  const Pool::CallScope ofPool(*pool_, target, call);
  auto answer = co_await call;
  if (!answer.ok() && ofPool.isOverruled()) co_return overruled(*pool_, target);
  DAOS_CO_TRY(const rpc::Reply reply, std::move(answer));
  protocol::WireReader reader(reply.body());
  const auto opened = reader.get<protocol::ContainerOpenReply>();
  if (!reader.atEnd() || opened.handle == 0) {
    co_return Error(ErrorCode::kProto, "malformed answer to container.open");
  }
  if (handles_.size() <= target) handles_.resize(target + 1);
  handles_[target] = opened.handle;
  co_return opened.handle;
}

void Container::forgetHandle(uint32_t target, uint64_t handle) {
  if (handleOn(target) == handle) handles_[target] = 0;
}

}  // namespace daos::client
