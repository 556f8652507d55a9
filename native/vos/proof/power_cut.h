// A whole store, log, metadata and bulk data, whose power is cut again and again.
//
// Method: random writes, transactions, aggregations and checkpoints go to a store on disks with
// volatile caches. At a random turn of the loop everything stops; each disk loses, keeps or tears
// what was not flushed; or only the process dies, and the disks keep their caches, for a later cut
// to take. Some recoveries are cut as well. What is readable then must be the model after some
// number of arena transactions: the one that recovery names, not fewer than were durable, and not
// more than there were. The next life goes on from there, at times as clients do that had no
// answer: with what was lost.
//
// Thread: one, with a reactor of its own.
// Invariant: the same seed makes the same history, the same faults and the same cuts: time is the
//            session's own.
#pragma once

#include <memory>
#include <vector>

#include "bio/faulty_media.h"
#include "vos/log/log_store.h"
#include "vos/proof/history_generator.h"
#include "vos/proof/history_runner.h"

namespace daos::vos::proof {

struct PowerCutCounts {
  uint64_t cuts = 0;          // also of recoveries
  uint64_t deaths = 0;        // of the process alone
  uint64_t repeats = 0;       // of what was lost
  uint64_t writes = 0;        // that succeeded before a cut
  uint64_t lost = 0;          // of those, by cuts, none of them acknowledged
  uint64_t halves = 0;        // cuts in the middle of what takes several transactions
  uint64_t droppedGroups = 0;  // that the log had without their data
  uint64_t checkpoints = 0;
  uint64_t resets = 0;  // of them, those that took the place of a log that was full
  uint64_t settledBytes = 0;  // of what was absorbed
  uint64_t migrations = 0;    // batches of extents that aggregation brought to media
  uint64_t mediaBytes = 0;    // in use at cuts, summed up
};

class PowerCutSession {
 public:
  explicit PowerCutSession(uint64_t seed);
  ~PowerCutSession();

  // The first difference, with the life it was found in; nothing when all is well.
  Difference run(size_t lifeCount);
  const PowerCutCounts& counts() const { return counts_; }

 private:
  // What was carried out in this life, with the arena's transactions (before, to] of the store.
  struct Done {
    Operation operation;
    uint64_t before = 0;
    uint64_t to = 0;
    bool isPart = false;  // ended with an error on its way
    static constexpr uint64_t kNotEnded = ~uint64_t{0};
  };

  Difference live(bool isNew);
  Difference recover();
  Difference compare();
  Status open(bool isNew);
  void end(bool isPowerCut);
  Task<void> keepWriting(size_t count);
  Task<void> writeOne(const Operation& operation);
  Task<void> recoverArena();
  void noteEnd(const Status& status);
  Task<Status> carryOut(const Operation& operation);
  Task<Status> settle();
  Task<Status> update(const Operation& operation);
  Task<Status> reduce(const Operation& operation);
  Difference takeOver(uint64_t recovered);
  LogStore::Devices views();
  LogStoreContext context();
  uint64_t transactionNow() { return base_ + store_->arena().lastTicket(); }
  void runTurns(size_t count, const bool& hasEnded);
  // A turn in which something happens, if anything does soon.
  void turn();
  template <typename T>
  T run(Task<T> task);

  const uint64_t seed_;
  ManualClock clock_;
  SeededRandom random_;
  SeededRandom diskRandom_;
  Log log_;
  HistoryGenerator generator_;
  const std::unique_ptr<Reactor> reactor_;
  const std::unique_ptr<bio::DmaPool> buffers_;
  LogStoreSizes sizes_;
  PoolOptions options_;
  bool isImpatient_ = false;  // writes without waiting for room in the log
  std::vector<std::unique_ptr<bio::Media>> platters_;
  std::vector<std::unique_ptr<bio::FaultyMedia>> disks_;
  std::unique_ptr<LogStore> store_;
  Container* container_ = nullptr;
  uint64_t base_ = 0;  // transactions of the store before this opening
  std::vector<Done> journal_;
  std::vector<Operation> lost_;  // with the last cut
  ReferenceModel model_;
  PowerCutCounts counts_;
};

}  // namespace daos::vos::proof
