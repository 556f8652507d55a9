#include "vos/log/log_arena.h"
#include "vos/planted_fault.h"

#include <sys/mman.h>

#include <algorithm>
#include <string>

namespace daos::vos {

static constexpr uint64_t kHugePageSize = 2 << 20;
// A gap between two changed ranges up to this is logged with them: cheaper than another range.
static constexpr uint64_t kMergeGap = sizeof(WalRange);

LogArena::LogArena(LogArenaDevices devices, const LogArenaOptions& options)
    : devices_(devices),
      options_(options),
      reactor_(devices.wal.reactor()),
      meta_(devices.meta, devices.pool, devices.log) {
  devices_.wal.registerMemory(devices_.pool.region());
  devices_.meta.registerMemory(devices_.pool.region());
}

LogArena::~LogArena() {
  DAOS_ASSERT(workingCount_ == 0);
  if (stopTimer_) reactor_.cancelTimer(stopTimer_);
  pagesAhead_.reset();
  if (memory_.data()) munmap(memory_.data(), memory_.size());
}

Status LogArena::checkDevices(const LogArenaDevices& devices, uint64_t arenaSize) {
  if (arenaSize == 0 || arenaSize % (1 << 20)) {
    return invalid("an arena of " + std::to_string(arenaSize) +
                   " bytes; a whole number of MiB is needed");
  }
  const uint64_t metaSize = metaSizeBytes(arenaSize);
  if (devices.meta.sizeBytes() < metaSize) {
    return Error(ErrorCode::kNospace, devices.meta.name() + ": META of an arena of " +
                                          std::to_string(arenaSize) + " bytes takes " +
                                          std::to_string(metaSize) + ", there are " +
                                          std::to_string(devices.meta.sizeBytes()));
  }
  if (devices.wal.sizeBytes() < kWalSizeMin) {
    return Error(ErrorCode::kNospace, devices.wal.name() + ": a log takes at least " +
                                          std::to_string(kWalSizeMin) + " bytes, there are " +
                                          std::to_string(devices.wal.sizeBytes()));
  }
  return {};
}

Status LogArena::mapMemory(uint64_t arenaSize) {
  void* address = mmap(nullptr, arenaSize + kHugePageSize, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) {
    return Error(ErrorCode::kNomem, std::to_string(arenaSize) + " bytes of memory for an arena");
  }
  auto* start = static_cast<std::byte*>(address);
  auto* aligned =
      reinterpret_cast<std::byte*>(alignUp(reinterpret_cast<uintptr_t>(start), kHugePageSize));
  if (aligned > start) munmap(start, static_cast<size_t>(aligned - start));
  const size_t tail = static_cast<size_t>(start + kHugePageSize - aligned);
  if (tail > 0) munmap(aligned + arenaSize, tail);
  if (arenaSize >= 16 * kHugePageSize) madvise(aligned, arenaSize, MADV_HUGEPAGE);  // a wish
  memory_ = {aligned, arenaSize};
  pagesAhead_.emplace(options_.pageMaker, memory_);
  dirty_.assign((arenaSize / kPageSize + 63) / 64, 0);
  return {};
}

void LogArena::allocateUndo() {
  // Not filled: most of it is never touched.
  undo_ = std::make_unique_for_overwrite<std::byte[]>(options_.undoSizeBytes);
  setUndoLog(undo_.get(), undo_.get() + options_.undoSizeBytes);
}

void LogArena::startWal(const WalWriterOptions& walOptions) {
  wal_ = std::make_unique<WalWriter>(devices_.wal, devices_.pool, walOptions,
                                     [this] { progressed(); });
  firstTransaction_ = walOptions.durableTransaction;
  flusher_ = std::make_unique<Flusher>(*this);
}

// --- committing

void LogArena::markDirty(const ArenaRange& range) {
  const uint64_t first = range.offset / kPageSize;
  uint64_t last = (range.offset + range.size - 1) / kPageSize;
  if (isPlanted(PlantedFault::kCheckpointHalfDirty)) last = first;
  for (uint64_t page = first; page <= last; ++page) {
    dirty_[page / 64] |= uint64_t{1} << (page % 64);
  }
}

// Sorted, apart from each other, and not larger than a WalRange can say.
void LogArena::mergeRanges(std::span<const ArenaRange> changed) {
  merged_.assign(changed.begin(), changed.end());
  std::sort(merged_.begin(), merged_.end(),
            [](const ArenaRange& a, const ArenaRange& b) { return a.offset < b.offset; });
  size_t count = 0;
  for (const ArenaRange& range : merged_) {
    if (range.size == 0) continue;
    if (count > 0) {
      ArenaRange& previous = merged_[count - 1];
      if (range.offset <= previous.offset + previous.size + kMergeGap) {
        previous.size = std::max(previous.size, range.offset + range.size - previous.offset);
        continue;
      }
    }
    merged_[count++] = range;
  }
  if (count > 1 && isPlanted(PlantedFault::kLogForgetsRange)) --count;
  merged_.resize(count);
}

void LogArena::commitRanges(Ticket ticket, std::span<const ArenaRange> changed) {
  mergeRanges(changed);
  for (const ArenaRange& range : merged_) markDirty(range);
  if (failure_) return;
  const Status status = wal_->append(firstTransaction_ + ticket, merged_, base(), data());
  if (!status.ok()) fail(status.error());
  if (usedPercent() >= options_.thresholds.checkpointAtPercent) startCheckpoint();
}

// --- waiting

Status LogArena::DurableAwaiter::await_resume() const {
  if (arena_.isDurable(ticket_)) return {};
  return *arena_.failure_;
}

Task<Status> LogArena::waitDurable(Ticket ticket) { co_return co_await durable(ticket); }

void LogArena::progressed() {
  ++progressCount_;
  if (wal_->failure()) fail(*wal_->failure());
  if (wal_->isStalled()) startCheckpoint();
  IntrusiveList<DurableAwaiter, WaiterTag> ready;
  for (DurableAwaiter* waiter = waiters_.front(); waiter;) {
    DurableAwaiter* next = waiters_.after(waiter);
    if (waiter->await_ready()) {
      waiter->unlink();
      ready.pushBack(*waiter);
    }
    waiter = next;
  }
  while (DurableAwaiter* waiter = ready.popFront()) waiter->handle_.resume();
}

// What waits for its transaction may be in the log or not: it must not hear a code that says that
// nothing has happened, such as DER_NOMEM.
void LogArena::fail(const Error& error) {
  if (failure_) return;
  failure_ = Error(ErrorCode::kIo, std::string(error.message()));
  DAOS_LOG_ERROR(devices_.log, "the arena stops: " + error.describe());
  if (onFailed_) onFailed_(*failure_);
}

// Who waits is told in a turn of its own: this is called while a device ends a request.
void LogArena::stop(const Error& error) {
  if (failure_) return;
  fail(error);
  stopTimer_ = reactor_.addTimer(reactor_.nowNs(), [this] {
    stopTimer_ = 0;
    progressed();
  });
}

// From slowAtPercent on each operation waits, the longer the fuller the log; from stopAtPercent on,
// until there is room.
Task<Status> LogArena::waitLogRoom() {
  if (!hasLogRoom()) ++counters_.slowedCount;
  const uint64_t span = options_.thresholds.stopAtPercent - options_.thresholds.slowAtPercent;
  while (!hasLogRoom()) {
    startCheckpoint();
    const uint64_t used = usedPercent();
    const uint64_t over = std::min(used - options_.thresholds.slowAtPercent, span);
    co_await reactor_.sleep(std::max<uint64_t>(options_.slowDownNsMax * over / span, 1000));
    if (used < options_.thresholds.stopAtPercent) break;
  }
  if (failure_) co_return *failure_;
  co_return Status{};
}

}  // namespace daos::vos
