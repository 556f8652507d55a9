// The background of a LogArena: dirty pages to META, and room in the log.
#include <algorithm>
#include <bit>
#include <cstring>

#include "codec/checksum.h"
#include "vos/log/log_arena.h"
#include "vos/planted_fault.h"

namespace daos::vos {

static constexpr size_t kPagesPerStep = 16;  // copied between two yields to foreground work
static constexpr size_t kPagesPerBuffer = 64;
static constexpr size_t kBuffersInFlight = 4;
// Beside foreground work, while the log's room lasts: less at the device at once, and pauses.
static constexpr size_t kPagesPerEasyPiece = 16;
static constexpr uint64_t kEasyPauseNs = 400'000;
static constexpr uint64_t kMemoryPauseNs = 5'000'000;  // before memory is asked for again

// Counts a coroutine of the background for as long as its frame lives.
struct LogArena::Working {
  explicit Working(LogArena& owner) : arena(owner) { ++arena.workingCount_; }
  ~Working() { --arena.workingCount_; }
  LogArena& arena;
};

// A checkpoint takes its time while others work, as long as it is further on than what it leaves
// them of the log's room is used up; otherwise it hurries.
class LogArena::CheckpointPace {
 public:
  explicit CheckpointPace(const LogArena& arena)
      : arena_(arena), usedBefore_(arena.usedPercent()), lastTicket_(arena.lastTicket()) {}

  // Asked after each piece: others have worked while it was copied and written, and there is time.
  bool isEasy(size_t doneCount, size_t totalCount) {
    const Ticket before = std::exchange(lastTicket_, arena_.lastTicket());
    const uint64_t limit = arena_.options_.thresholds.slowAtPercent;
    const uint64_t used = arena_.usedPercent();
    if (before == lastTicket_ || arena_.wal_->isStalled() || used >= limit) return false;
    const uint64_t usedSince = used > usedBefore_ ? used - usedBefore_ : 0;
    return doneCount * (limit - std::min(usedBefore_, limit)) >= usedSince * totalCount;
  }

 private:
  const LogArena& arena_;
  const uint64_t usedBefore_;
  Ticket lastTicket_;
};

void LogArena::startCheckpoint() {
  isCheckpointWanted_ = true;
  if (isCheckpointing_ || failure_) return;
  isCheckpointing_ = true;
  reactor_.spawn(runCheckpoints());
}

// A first yield: commits call this in the middle of a transaction's end.
Task<void> LogArena::runCheckpoints() {
  Working working(*this);
  co_await reactor_.yield();
  while (isCheckpointWanted_ && !failure_) {
    isCheckpointWanted_ = false;
    const uint64_t startNs = reactor_.clock().nowNs();
    Status status = co_await writeCheckpoint(wal_->isStalled());
    if (status.code() == ErrorCode::kAgain) status = co_await writeCheckpoint(true);
    if (status.code() == ErrorCode::kNomem && !wal_->isStalled()) {
      // Nothing of it counts yet, and the log has room: later there may be memory.
      isCheckpointWanted_ = true;
      co_await reactor_.sleep(kMemoryPauseNs);
    } else if (!status.ok()) {
      fail(status.error());
    }
    counters_.checkpointNsMax =
        std::max(counters_.checkpointNsMax, reactor_.clock().nowNs() - startNs);
  }
  isCheckpointing_ = false;
  progressed();
}

std::vector<uint32_t> LogArena::takeDirtyPages() {
  std::vector<uint32_t> pages;
  for (size_t word = 0; word < dirty_.size(); ++word) {
    for (uint64_t bits = std::exchange(dirty_[word], 0); bits; bits &= bits - 1) {
      pages.push_back(
          static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(bits))));
    }
  }
  return pages;
}

void LogArena::redirty(std::span<const PagePlace> pages) {
  for (const PagePlace& place : pages) markDirty({uint64_t{place.page} * kPageSize, kPageSize});
}

// For a planted fault.
void LogArena::forgetChanges(std::span<const PagePlace> pages) {
  for (const PagePlace& place : pages) dirty_[place.page / 64] &= ~(uint64_t{1} << place.page % 64);
}

// Without a reset foreground work goes on in between; a page changed after it was copied is dirty
// again for the next checkpoint.
Task<Status> LogArena::copyPiece(std::span<PagePlace> pages, bool isReset, bio::MediaBatch& batch,
                                 bio::DmaBuffer& buffer) {
  DAOS_CO_TRY(buffer, devices_.pool.allocate(pages.size() * kPageSize));
  for (size_t i = 0; i < pages.size(); ++i) {
    std::byte* to = buffer.data() + i * kPageSize;
    std::memcpy(to, base() + uint64_t{pages[i].page} * kPageSize, kPageSize);
    pages[i].entry.checksum = crc32c({to, kPageSize});
    if (!isReset && (i + 1) % kPagesPerStep == 0) co_await reactor_.yield();
  }
  meta_.writePages(batch, pages, buffer.bytes());
  co_return Status{};
}

// Copies and writes pages out.
Task<Status> LogArena::copyPages(std::vector<PagePlace>& pages, bool isReset) {
  CheckpointPace pace(*this);
  std::vector<bio::DmaBuffer> buffers;
  bio::MediaBatch batch(devices_.meta);
  Status failure;
  // Whether others work shows while the first piece is under way.
  bool isEasy = !isReset;
  for (size_t first = 0; first < pages.size() && failure.ok();) {
    const size_t count =
        std::min(isEasy ? kPagesPerEasyPiece : kPagesPerBuffer, pages.size() - first);
    buffers.emplace_back();
    failure = co_await copyPiece(std::span(pages).subspan(first, count), isReset, batch,
                                 buffers.back());
    first += count;
    if (!failure.ok() || isReset) continue;
    if (isEasy || buffers.size() == kBuffersInFlight) {
      failure = co_await batch.all();
      buffers.clear();
    }
    isEasy = pace.isEasy(first, pages.size());
    if (isEasy && first < pages.size()) co_await reactor_.sleep(kEasyPauseNs);
  }
  Status written = co_await batch.all();
  if (!failure.ok()) co_return failure;
  co_return written;
}

// DER_AGAIN: the log is full, this transaction will never be in it.
Task<Status> LogArena::awaitLogged(uint64_t transaction) {
  while (wal_->durableTransaction() < transaction) {
    if (failure_) co_return *failure_;
    if (wal_->isStalled()) co_return Error(ErrorCode::kAgain);
    co_await reactor_.sleep(20000);
  }
  co_return Status{};
}

Task<Status> LogArena::writeCheckpoint(bool isReset) {
  if (isReset && !wal_->isStalled()) co_return Status{};
  CheckpointMark mark{.wal = wal_->nextPosition()};
  mark.transactionBefore = wal_->firstOpenTransaction(firstTransaction_ + lastTicket() + 1) - 1;
  if (isReset) {
    wal_->beginReset();
    mark.transactionBefore = firstTransaction_ + lastTicket();
  }
  std::vector<PagePlace> pages;
  const std::vector<uint32_t> dirty = takeDirtyPages();
  const std::vector<uint32_t> slots = meta_.takeSlots(dirty.size());
  for (size_t i = 0; i < dirty.size(); ++i) {
    const bool isInPlace = isPlanted(PlantedFault::kCheckpointOverPages);
    pages.push_back({dirty[i], {isInPlace ? dirty[i] + 1 : slots[i], 0}});
  }
  if (isReset) mark.transactionThrough = mark.transactionBefore;
  Status copied = co_await copyPages(pages, isReset);
  if (isPlanted(PlantedFault::kCheckpointLosesChanges)) forgetChanges(pages);
  if (!isReset && isPlanted(PlantedFault::kCheckpointStartsLate)) {
    mark.wal = wal_->nextPosition();
    mark.transactionBefore = wal_->firstOpenTransaction(firstTransaction_ + lastTicket() + 1) - 1;
  }
  if (copied.ok() && !isReset) {
    mark.transactionThrough = firstTransaction_ + lastTicket();
    if (!isPlanted(PlantedFault::kCheckpointBeforeLog))
      copied = co_await awaitLogged(mark.transactionThrough);
  }
  // Pages hold what no group of the log will ever bring to the medium with its data.
  const bool isDataLeft = isPlanted(PlantedFault::kFullLogDataUnflushed);
  if (copied.ok() && isReset && devices_.data && !isDataLeft)
    copied = co_await devices_.data->flush();
  if (!copied.ok()) {
    meta_.abandon(pages);
    redirty(pages);
    co_return copied;
  }
  if (!isReset && isPlanted(PlantedFault::kTrimBeforeSuperblock))
    wal_->trim(mark.wal.block, meta_.superblock().generation);
  const Status published = co_await meta_.publish(pages, mark);
  // Its table may be written in part: nothing can go on from here, whatever the reason was.
  if (!published.ok()) {
    co_return Error(ErrorCode::kIo, std::string(published.error().message()));
  }
  ++counters_.checkpointCount;
  if (isReset) {
    ++counters_.resetCount;
    wal_->endReset(mark.transactionThrough, meta_.superblock().generation);
  } else {
    wal_->trim(mark.wal.block, meta_.superblock().generation);
  }
  co_return Status{};
}

Task<Status> LogArena::checkpoint() {
  if (failure_) co_return *failure_;
  Working working(*this);
  // One that runs already may have passed pages that changed since: another one must follow it.
  const uint64_t wanted = counters_.checkpointCount + (isCheckpointing_ ? 2 : 1);
  while (counters_.checkpointCount < wanted && !failure_) {
    startCheckpoint();
    co_await reactor_.sleep(50000);
  }
  if (failure_) co_return *failure_;
  co_return Status{};
}

Task<Status> LogArena::close() {
  Working working(*this);
  if (!failure_) {
    // What is in the log before the checkpoint begins need not be replayed after it. A log without
    // room for it gets that by the checkpoint.
    (void)co_await awaitLogged(firstTransaction_ + lastTicket());
    DAOS_CO_CHECK(co_await checkpoint());
  }
  while (workingCount_ > 1 || !wal_->isQuiet()) co_await reactor_.sleep(20000);
  wal_->stopSealing();
  flusher_.reset();
  if (failure_) co_return *failure_;
  co_return Status{};
}

}  // namespace daos::vos
