#include "engine/container/quota.h"

#include "engine/target.h"

namespace daos::engine {
namespace {

// How long an update waits for its target to get more: as long as another control host takes to
// act, and less than clients wait by default.
constexpr uint64_t kPatienceNs = 8'000'000'000;
// For how long a target that was told that there is no more believes it.
constexpr uint64_t kRefusalNs = 500'000'000;
constexpr uint64_t kPollNs = 500'000;

uint64_t usedBytes(const vos::ContainerUsage& usage) { return usage.arenaBytes + usage.mediaBytes; }

bool fits(uint64_t used, uint64_t more, uint64_t limit) {
  return limit == QuotaAmounts::kUnlimited || (used <= limit && more <= limit - used);
}

bool hasBytes(const OpenContainer& container, uint64_t sizeBytes) {
  const QuotaState& quota = container.quota;
  const uint64_t used = usedBytes(container.vos->usage()) + quota.pendingBytes;
  return fits(used, sizeBytes, quota.part.limit.bytes);
}

Error refused(const OpenContainer& container, uint64_t sizeBytes, bool isLate) {
  const QuotaAmounts& whole = container.quota.part.whole;
  const bool isOfBytes = !hasBytes(container, sizeBytes);
  const std::string quota = isOfBytes ? std::to_string(whole.bytes) + " bytes"
                                      : std::to_string(whole.objects) + " objects";
  const std::string what =
      isLate ? " gets no answer, from the control service, for more of its quota of "
             : " has used up its quota of ";
  return Error(ErrorCode::kNospace, "container " + container.uuid.toString() + what + quota);
}

}  // namespace

void QuotaState::set(const QuotaPart& given, uint64_t nowNs) {
  part = given;
  isMoreWanted = false;
  refuseUntilNs = given.isUsedUp ? nowNs + kRefusalNs : 0;
}

QuotaUsage quotaUsage(OpenContainer& container, bool isFrozen) {
  const vos::ContainerUsage usage = container.vos->usage();
  QuotaState& quota = container.quota;
  const QuotaAmounts used{usedBytes(usage) + quota.pendingBytes, usage.objectCount};
  if (isFrozen) {
    quota.part.limit = used;
    quota.refuseUntilNs = 0;
  }
  return {used, quota.wanted};
}

bool hasQuota(const OpenContainer& container, const ObjectId& oid, uint64_t sizeBytes) {
  const QuotaAmounts& limit = container.quota.part.limit;
  if (!limit.isLimited()) return true;
  if (!hasBytes(container, sizeBytes)) return false;
  const uint64_t objectCount = container.vos->usage().objectCount;
  return fits(objectCount, 1, limit.objects) || container.vos->holdsObject(oid);
}

Task<Status> awaitQuota(Target& target, OpenContainer& container, ObjectId oid,
                        uint64_t sizeBytes) {
  QuotaState& quota = container.quota;
  const Reactor& reactor = target.reactor();
  const uint64_t deadlineNs = reactor.nowNs() + kPatienceNs;
  const QuotaHold bytes(quota.wanted.bytes, sizeBytes);
  const QuotaHold object(quota.wanted.objects, container.vos->holdsObject(oid) ? 0 : 1);
  while (container.vos && !hasQuota(container, oid, sizeBytes)) {
    const bool isLate = reactor.nowNs() >= deadlineNs;
    if (isLate) quota.isMoreWanted = false;
    if (isLate || reactor.nowNs() < quota.refuseUntilNs)
      co_return refused(container, sizeBytes, isLate);
    if (!quota.isMoreWanted) {
      quota.isMoreWanted = true;
      target.wantQuota(container);
    }
    co_await target.reactor().sleep(kPollNs);
  }
  if (!container.vos) co_return Error(ErrorCode::kCanceled, "the container is being closed");
  co_return Status{};
}

void QuotaRequests::add(const Uuid& pool, const Uuid& container) {
  Done done;
  Containers wanted;
  {
    std::lock_guard lock(mutex_);
    wanted_.insert({pool, container});
    if (!waiting_) return;
    done = std::exchange(waiting_, nullptr);
    wanted = std::exchange(wanted_, {});
  }
  done(std::move(wanted));
}

void QuotaRequests::await(Done done) {
  Containers wanted;
  {
    std::lock_guard lock(mutex_);
    if (!isClosed_ && wanted_.empty()) std::swap(done, waiting_);
    if (!done) return;
    wanted = std::exchange(wanted_, {});
  }
  done(std::move(wanted));
}

void QuotaRequests::close() {
  Done done;
  {
    std::lock_guard lock(mutex_);
    isClosed_ = true;
    done = std::exchange(waiting_, nullptr);
  }
  if (done) done({});
}

}  // namespace daos::engine
