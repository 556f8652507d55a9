// Goal: what was acknowledged survives the death of the process, and what was not is there wholly
// or not at all. Method: a process carries out writes on a pool in a libpmemobj file and notes in
// shared memory how far it is; it is killed at a random moment, often in the middle of a
// transaction or of the recovery from the last death. The pool is then opened, compared with the
// model, and the next process goes on with it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "testing/leftovers.h"
#include "vos/proof/history_generator.h"
#include "vos/proof/history_runner.h"

namespace daos::vos::proof {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kKillCount = 102;
#else
constexpr int kKillCount = 510;
#endif
constexpr int kKillsPerPool = 17;
constexpr size_t kBatchSize = 3000;
constexpr PoolOptions kOptions = {PoolOptions::kNeverToMedia};

// What the process that will die tells the one that watches.
struct Progress {
  std::atomic<uint64_t> begun;         // operations begun
  std::atomic<uint64_t> acknowledged;  // operations answered
  ErrorCode codes[kBatchSize];
};

class SharedProgress {
 public:
  SharedProgress()
      : progress_(static_cast<Progress*>(mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                                              MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    DAOS_ASSERT(progress_ != MAP_FAILED);
  }
  ~SharedProgress() { munmap(progress_, sizeof(Progress)); }
  Progress* operator->() { return progress_; }

 private:
  Progress* const progress_;
};

// One pool that is written by processes which are killed.
class CrashedPool {
 public:
  explicit CrashedPool(uint64_t seed)
      : random_(seed),
        generator_(HistoryShape::choose(random_), random_),
        source_(pmemSource(nameInSharedMemory("vos_proof.crash"), 64ull << 20)) {}

  void create() {
    const auto store = Store::create(*source_, kOptions);
    ASSERT_TRUE(store.ok()) << store.error().describe();
  }
  // One process, its death, and the comparison.
  void round();

  uint64_t acknowledgedCount() const { return acknowledgedCount_; }
  // Operations in flight at the moment of death that were found done, and not done.
  uint64_t doneInFlight() const { return doneInFlight_; }
  uint64_t undoneInFlight() const { return undoneInFlight_; }
  uint64_t killedInRecovery() const { return killedInRecovery_; }

 private:
  [[noreturn]] void write();
  void killAtRandom(pid_t child);
  void takeAcknowledged();
  void compare();
  void settleInFlight(Container& container);
  void abandonInFlight(Container& container);
  void repeatInFlight(Container& container);

  SeededRandom random_;
  HistoryGenerator generator_;
  const std::unique_ptr<ArenaSource> source_;
  ReferenceModel model_;
  std::vector<Operation> batch_;
  SharedProgress progress_;
  uint64_t acknowledgedCount_ = 0;
  uint64_t doneInFlight_ = 0;
  uint64_t undoneInFlight_ = 0;
  uint64_t killedInRecovery_ = 0;
};

void CrashedPool::write() {
  const auto store = Store::open(*source_, kOptions);
  if (!store.ok()) _exit(3);
  for (size_t i = 0; i < batch_.size(); ++i) {
    progress_->begun.store(i + 1);
    const Status status = HistoryRunner::write((*store)->container(), batch_[i]);
    progress_->codes[i] = status.code();
    progress_->acknowledged.store(i + 1);
  }
  _exit(0);
}

void CrashedPool::killAtRandom(pid_t child) {
  // Three in four wait until it writes; the others die in or before the recovery.
  if (random_.chance(3, 4)) {
    for (int i = 0; i < 100'000 && progress_->begun.load() == 0; ++i) usleep(20);
  }
  const timespec delay = {
      0, static_cast<long>(random_.below(random_.chance(1, 2) ? 300'000 : 6'000'000))};
  nanosleep(&delay, nullptr);
  kill(child, SIGKILL);
  int state = 0;
  while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
  ASSERT_FALSE(WIFEXITED(state) && WEXITSTATUS(state) == 3) << "the pool did not open";
}

void CrashedPool::takeAcknowledged() {
  const uint64_t count = progress_->acknowledged.load();
  for (size_t i = 0; i < count; ++i) {
    const Operation& operation = batch_[i];
    const ErrorCode code = progress_->codes[i];
    if (code == ErrorCode::kNospace) continue;
    ASSERT_TRUE(model_.judge(operation).permits(code))
        << toText(operation) << ": " << errorName(code) << ", expected "
        << model_.judge(operation).toText();
    if (code == ErrorCode::kOk) model_.apply(operation);
  }
  acknowledgedCount_ += count;
}

void CrashedPool::compare() {
  const auto store = Store::open(*source_, kOptions);
  ASSERT_TRUE(store.ok()) << store.error().describe();
  const uint64_t count = progress_->acknowledged.load();
  const Difference without = Comparison((*store)->container(), model_).everything(kEpochMax, 100);
  if (!without) {
    if (progress_->begun.load() > count) {
      ++undoneInFlight_;
      settleInFlight((*store)->container());
    }
    return;
  }
  ASSERT_GT(progress_->begun.load(), count) << "nothing was in flight: " << *without;
  const Operation& inFlight = batch_[count];
  ASSERT_EQ(takeInFlight((*store)->container(), inFlight, model_).value_or(""), "")
      << toText(inFlight) << ": " << *without;
  const Difference with = Comparison((*store)->container(), model_).everything(kEpochMax, 100);
  ASSERT_FALSE(with.has_value()) << "in flight: " << toText(inFlight)
                                 << "\nwithout it: " << *without << "\nwith it: " << *with;
  ++doneInFlight_;
}

// What was in flight isn't seen, which may be since nobody can see it yet.
void CrashedPool::settleInFlight(Container& container) {
  const Operation& inFlight = batch_[progress_->acknowledged.load()];
  if (inFlight.transaction != 0) {
    if (!inFlight.isOnce) abandonInFlight(container);
  } else if (inFlight.verb == Verb::kUpdate || inFlight.verb == Verb::kPunch) {
    repeatInFlight(container);
  }
}

// A write of a transaction in doubt is seen by nobody but the transaction: where it made the first
// of what it wrote to, no question of the comparison finds out that it was done. Aborting takes it
// away, if it is there, before a commit would show it.
void CrashedPool::abandonInFlight(Container& container) {
  const Operation& inFlight = batch_[progress_->acknowledged.load()];
  if (!model_.prepared().contains(inFlight.transaction)) return;
  Operation abort;
  abort.verb = Verb::kAbort;
  abort.ids = {inFlight.transaction};
  const Status status = HistoryRunner::write(container, abort);
  ASSERT_TRUE(status.ok()) << status.error().describe();
  model_.apply(abort);
}

// Holes that were punched where nothing was are seen once something is written beside them. Done
// once more, they are there for certain.
void CrashedPool::repeatInFlight(Container& container) {
  const Operation& inFlight = batch_[progress_->acknowledged.load()];
  if (!model_.judge(inFlight).permits(ErrorCode::kOk)) return;
  ReferenceModel done = model_;
  done.apply(inFlight);
  if (Comparison(container, done).everything(kEpochMax, 100)) return;  // it would be seen
  const Status status = HistoryRunner::write(container, inFlight);
  ASSERT_TRUE(status.ok()) << toText(inFlight) << ": " << status.error().describe();
  model_ = std::move(done);
}

void CrashedPool::round() {
  batch_.clear();
  while (batch_.size() < kBatchSize) batch_.push_back(generator_.nextWrite());
  progress_->begun.store(0);
  progress_->acknowledged.store(0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) write();
  ASSERT_NO_FATAL_FAILURE(killAtRandom(child));
  if (progress_->begun.load() == 0) ++killedInRecovery_;
  ASSERT_NO_FATAL_FAILURE(takeAcknowledged());
  ASSERT_NO_FATAL_FAILURE(compare());
}

TEST(VosCrash, AKilledProcessLosesNothingThatWasAcknowledged) {
  uint64_t acknowledged = 0;
  uint64_t done = 0;
  uint64_t undone = 0;
  uint64_t inRecovery = 0;
  for (int pool = 0; pool < kKillCount / kKillsPerPool; ++pool) {
    SCOPED_TRACE("pool of seed " + std::to_string(pool + 1));
    CrashedPool crashed(static_cast<uint64_t>(pool) + 1);
    ASSERT_NO_FATAL_FAILURE(crashed.create());
    for (int i = 0; i < kKillsPerPool; ++i) ASSERT_NO_FATAL_FAILURE(crashed.round());
    acknowledged += crashed.acknowledgedCount();
    done += crashed.doneInFlight();
    undone += crashed.undoneInFlight();
    inRecovery += crashed.killedInRecovery();
  }
  std::printf(
      "%llu writes acknowledged; in flight at death: %llu done, %llu undone; %llu deaths in "
      "recovery\n",
      static_cast<unsigned long long>(acknowledged), static_cast<unsigned long long>(done),
      static_cast<unsigned long long>(undone), static_cast<unsigned long long>(inRecovery));
  // Else the deaths missed what they are for.
  EXPECT_GT(undone, 0u);
  EXPECT_GT(inRecovery, 0u);
}

}  // namespace
}  // namespace daos::vos::proof
