#include "engine/prewriting.h"

#include "engine/target.h"

namespace daos::engine {

void Target::startPrewriting(const std::shared_ptr<OpenPool>& pool) {
  if (!options_.prewrite.isEnabled || !pool->vos().hasReservedBlocks()) return;
  const auto start = [this, weak = std::weak_ptr<OpenPool>(pool)] {
    const auto open = weak.lock();
    if (!open) return;
    open->prewriteTimer = 0;
    open->isPrewriting = true;
    reactor_.spawn(prewrite(open));
  };
  pool->prewriteTimer = reactor_.addTimer(reactor_.nowNs() + options_.prewrite.delayNs, start);
}

namespace {

// From where it had come to; DER_NOMEM while requests have all buffers.
Task<Result<bool>> writeMore(vos::Pool& pool, bool& isBegun) {
  if (!isBegun) DAOS_CO_CHECK(co_await pool.beginPrewriting());
  isBegun = true;
  co_return co_await pool.prewriteStep(PrewritePace::kStepBytes);
}

}  // namespace

// One step after the other. A request that comes finds one under way at most; an error is the
// device's, which counts it, and ends this for as long as the pool is open.
Task<void> Target::prewrite(std::shared_ptr<OpenPool> pool) {
  Result<bool> hasMore = true;
  bool isBegun = false;
  while (!pool->isClosed && hasMore.ok() && *hasMore) {
    const uint64_t pauseNs = prewritePace_.ask(
        options_.prewrite, endpoint_.statistics().requestCount, reactor_.nowNs());
    if (pauseNs > 0) {
      co_await reactor_.sleep(pauseNs);
      continue;
    }
    hasMore = co_await writeMore(pool->vos(), isBegun);
    if (hasMore.code() != ErrorCode::kNomem) continue;
    hasMore = true;
    co_await reactor_.sleep(PrewritePace::kPauseNsMax);
  }
  if (isBegun && hasMore.ok() && !pool->failure) {
    if (Status noted = co_await pool->vos().notePrewriting(); !noted.ok()) hasMore = noted.error();
  }
  if (!hasMore.ok() && !pool->failure) {
    DAOS_LOG_WARNING(options_.log, "pool " + pool->uuid.toString() +
                                       ": its data area is not written in advance: " +
                                       hasMore.error().describe());
  }
  pool->isPrewriting = false;
}

}  // namespace daos::engine
