// LogArena: an arena in memory whose transactions go to a write-ahead log and whose pages go to
// checkpoints.
//
// 1. commit() appends a physical redo record to the open group of the log; nothing waits.
// 2. At the end of the reactor's turn the group leaves as one durable write; the next fills
// meanwhile.
// 3. durable(ticket) ends when the group of the ticket is on the medium, and with it all bulk data
//    that its transactions told of (docs/design/durable-data.md).
// 4. In the background dirty pages are copied, a few per turn, to free places on META; a superblock
// makes them the new
//    checkpoint once the log holds all that they hold; the log before it is free then.
// 5. open() loads the newest checkpoint and redoes the log. Redo is physical: done twice, it
// changes nothing.
//
// Thread:    the reactor's.
// Life:      create or open; close() ends what runs in the background. It must have ended before
// destruction, unless
//            the reactor's tasks were dropped (a simulated crash).
// Invariant: META never points to a page that holds what the log does not.
// Format:    docs/format/wal.md, meta.md, superblock.md.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/intrusive_list.h"
#include "base/log.h"
#include "bio/dma_buffer.h"
#include "bio/media.h"
#include "vos/arena.h"
#include "vos/log/log_thresholds.h"
#include "vos/log/meta_image.h"
#include "vos/log/pages_ahead.h"
#include "vos/log/wal_reader.h"
#include "vos/log/wal_writer.h"

namespace daos::vos {

struct LogArenaOptions {
  LogThresholds thresholds;
  // The longest that waitLogRoom slows one operation down before writers have to stop.
  uint64_t slowDownNsMax = 1000000;
  uint64_t undoSizeBytes = 4 << 20;  // the largest transaction's old bytes
  uint64_t sealDelayNs = 2000000;    // see WalWriter
  uint32_t startMark = 0;            // of the machine (bio/machine_start.h); 0: not known
  // Borrowed: has pages of the arena made before they are used. Null: whoever uses them first
  //           waits.
  PageMaker* pageMaker = nullptr;
};

// What the arena stands on; all outlive it. `wal` and `meta` may be slices of one device.
struct LogArenaDevices {
  bio::Media& wal;
  bio::Media& meta;
  bio::DmaPool& pool;
  const Log& log;
  // Where the bulk data lies that transactions tell of (Arena::addData); null: nowhere.
  bio::Media* data = nullptr;
};

struct RecoveryReport {
  uint64_t arenaBytes = 0;
  uint64_t pageBytes = 0;  // read from META
  uint64_t logBytes = 0;   // redone
  uint64_t groupCount = 0;
  uint64_t transactionCount = 0;
  // As tickets, but counted over the life of the store: the newest there is. Tickets of this
  // opening begin after it.
  uint64_t lastTransaction = 0;
  // The last group of the log was never acknowledged: some of its bulk data did not reach the
  // medium.
  bool isLastGroupDropped = false;
  // The last group of the log has happened, but some of its bulk data is damaged.
  bool isLastGroupDamaged = false;
  uint64_t loadNs = 0;
  uint64_t replayNs = 0;
};

struct LogArenaCounters {
  uint64_t checkpointCount = 0;
  uint64_t resetCount = 0;   // checkpoints of the whole arena at once, because the log was full
  uint64_t slowedCount = 0;  // operations that waited for log room
  uint64_t checkpointNsMax = 0;
};

class LogArena final : public Arena {
  struct WaiterTag;

 public:
  // META's size for an arena of `arenaSize` bytes.
  static uint64_t metaSizeBytes(uint64_t arenaSize) { return MetaGeometry(arenaSize).sizeBytes(); }
  static constexpr uint64_t kWalSizeMin = 256 << 10;

  // A new arena of `arenaSize` bytes (whole MiB), durable when this ends. `salt`: random, of this
  // store alone. Whatever the devices held is lost. DER_NOSPACE: META or the log is too small, and
  // says what is needed.
  static Task<Result<std::unique_ptr<LogArena>>> create(LogArenaDevices devices, uint64_t arenaSize,
                                                        Uuid store, uint64_t salt,
                                                        LogArenaOptions options = {});
  // The arena as of the last durable transaction or later. DER_DF_INVAL: no store is here.
  // DER_MISMATCH: another store's. DER_DF_INCOMPT. DER_CSUM: durable content is damaged; the
  // message says what and where.
  static Task<Result<std::unique_ptr<LogArena>>> open(LogArenaDevices devices, Uuid store,
                                                      LogArenaOptions options = {});
  ~LogArena() override;

  // Waits for what is under way, checkpoints, and leaves an empty log. The first fatal error, if
  // there was one.
  Task<Status> close();

  // Without allocation: co_await arena.durable(ticket).
  class [[nodiscard]] DurableAwaiter : private IntrusiveLink<WaiterTag> {
   public:
    DurableAwaiter(LogArena& arena, Ticket ticket) : arena_(arena), ticket_(ticket) {}
    bool await_ready() const { return arena_.isDurable(ticket_) || !arena_.isUsable(); }
    void await_suspend(std::coroutine_handle<> handle) {
      handle_ = handle;
      arena_.waiters_.pushBack(*this);
    }
    Status await_resume() const;

   private:
    friend class LogArena;
    friend class IntrusiveList<DurableAwaiter, WaiterTag>;
    LogArena& arena_;
    const Ticket ticket_;
    std::coroutine_handle<> handle_;
  };
  DurableAwaiter durable(Ticket ticket) { return {*this, ticket}; }

  Ticket durableTicket() const override { return wal_->durableTransaction() - firstTransaction_; }
  Task<Status> waitDurable(Ticket ticket) override;
  bool hasLogRoom() const override {
    return usedPercent() < options_.thresholds.slowAtPercent || !isUsable();
  }
  Task<Status> waitLogRoom() override;
  bool isUsable() const override { return !failure_; }
  PageMaker* pageMaker() const override { return options_.pageMaker; }
  bool keepsData() const override { return devices_.data != nullptr; }
  void dataWriteBegun(uint64_t size) override { wal_->dataWriteBegun(size); }
  void dataWriteEnded(uint64_t size) override { wal_->dataWriteEnded(size); }
  const std::optional<Error>& failure() const { return failure_; }
  // Ends everything with `error`: something else that the store stands on has failed.
  void stop(const Error& error);
  // Called once, in the turn the arena fails. It must not destroy the arena.
  void onFailed(std::function<void(const Error&)> callback) { onFailed_ = std::move(callback); }

  // Starts a checkpoint now unless one runs; ends when one that covers all of now is durable.
  Task<Status> checkpoint();

  const RecoveryReport& recovery() const { return recovery_; }
  const LogArenaCounters& counters() const { return counters_; }
  const WalCounters& walCounters() const { return wal_->counters(); }
  const MetaCounters& metaCounters() const { return meta_.counters(); }
  uint64_t usedPercent() const { return wal_->usedBlocks() * 100 / wal_->capacityBlocks(); }

 protected:
  void commitRanges(Ticket ticket, std::span<const ArenaRange> changed) override;

 private:
  // Ends each turn of the reactor: what the turn committed leaves as one group.
  struct Flusher final : Poller {
    explicit Flusher(LogArena& owner) : arena(owner) { arena.reactor_.addPoller(*this); }
    ~Flusher() override { arena.reactor_.removePoller(*this); }
    size_t poll() override { return 0; }
    size_t flush() override {
      arena.pagesAhead_->follow(arena.heap());
      return arena.wal_->pump() ? 1 : 0;
    }
    LogArena& arena;
  };
  struct Working;
  class CheckpointPace;
  LogArena(LogArenaDevices devices, const LogArenaOptions& options);
  static Status checkDevices(const LogArenaDevices& devices, uint64_t arenaSize);
  Status mapMemory(uint64_t arenaSize);
  void startWal(const WalWriterOptions& walOptions);
  void allocateUndo();
  Task<Status> format(uint64_t arenaSize, Uuid store, uint64_t salt);
  Task<Status> recover(Uuid store);
  Task<Result<WalPosition>> replay(uint64_t& lastTransaction);
  Task<Status> readWal(MutableBytes ring);
  Result<WalReplay> redo(const WalReplayRequest& request);
  Task<Result<bool>> isDataThere(std::span<const WalData> all);
  Task<Status> judgeUnproven(const WalReplay& replayed, WalReplayRequest& request);
  Task<Status> eraseGroup(const WalPosition& group);

  void markDirty(const ArenaRange& range);
  void mergeRanges(std::span<const ArenaRange> changed);
  void progressed();
  void fail(const Error& error);
  void startCheckpoint();
  Task<void> runCheckpoints();
  // One checkpoint; `isReset`: of all at once, instead of the log.
  Task<Status> writeCheckpoint(bool isReset);
  std::vector<uint32_t> takeDirtyPages();
  Task<Status> copyPages(std::vector<PagePlace>& pages, bool isReset);
  Task<Status> copyPiece(std::span<PagePlace> pages, bool isReset, bio::MediaBatch& batch,
                         bio::DmaBuffer& buffer);
  Task<Status> awaitLogged(uint64_t transaction);
  void redirty(std::span<const PagePlace> pages);
  void forgetChanges(std::span<const PagePlace> pages);

  LogArenaDevices devices_;
  const LogArenaOptions options_;
  Reactor& reactor_;
  MutableBytes memory_;
  std::optional<PagesAhead> pagesAhead_;
  std::unique_ptr<std::byte[]> undo_;
  MetaImage meta_;
  std::unique_ptr<WalWriter> wal_;
  std::unique_ptr<Flusher> flusher_;
  uint64_t firstTransaction_ = 0;   // transaction = firstTransaction_ + ticket
  std::vector<ArenaRange> merged_;  // of the commit under way
  std::vector<uint64_t> dirty_;     // a bit per page
  IntrusiveList<DurableAwaiter, WaiterTag> waiters_;
  std::optional<Error> failure_;
  std::function<void(const Error&)> onFailed_;
  Reactor::TimerId stopTimer_ = 0;
  bool isCheckpointing_ = false;
  bool isCheckpointWanted_ = false;
  uint32_t workingCount_ = 0;  // coroutines of the background
  uint64_t progressCount_ = 0;
  RecoveryReport recovery_;
  LogArenaCounters counters_;
};

}  // namespace daos::vos
