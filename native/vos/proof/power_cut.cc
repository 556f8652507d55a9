#include "vos/proof/power_cut.h"

#include "bio/memory_media.h"

namespace daos::vos::proof {

namespace {

// A disk that outlives the stores on it.
class DiskView final : public bio::Media {
 public:
  explicit DiskView(bio::Media& disk)
      : Media(disk.reactor(), disk.name(), disk.sizeBytes(), disk.sectorSizeBytes()),
        disk_(disk) {}

 protected:
  void start(bio::MediaRequest& request) override { forward(disk_, request); }

 private:
  bio::Media& disk_;
};

// Epochs scattered over 63 bits let aggregation end most histories early.
HistoryShape chooseShape(Random& random) {
  HistoryShape shape = HistoryShape::choose(random);
  shape.hasTracking = false;
  shape.reducePermille = random.chance(1, 2) ? 100 : 400;
  if (shape.epochs == EpochOrder::kWide) shape.epochs = EpochOrder::kRising;
  if (!random.chance(1, 3)) return shape;
  // Small neighbours that grow together, which aggregation brings to media.
  shape.objects.resize(1);
  shape.dkeyCount = shape.akeyCount = 1;
  shape.arrayPercent = 97;
  shape.indexMax = 400;
  shape.valueSizeMax = 200;
  shape.epochs = EpochOrder::kRising;
  shape.transactionPercent = 0;
  shape.punchPercent = 2;
  shape.reducePermille = 800;
  return shape;
}

constexpr size_t kWritesPerLifeMax = 120;
constexpr size_t kTurnsMax = 600;
constexpr size_t kTurnsFew = 60;  // where what was lost is repeated
constexpr size_t kTurnsAfterReset = 6;
constexpr size_t kRecoveryTurnsMax = 40;
constexpr uint64_t kIdleStepNs = 5'000;
constexpr uint64_t kIdleNsMax = 1'000'000;

}  // namespace

PowerCutSession::PowerCutSession(uint64_t seed)
    : seed_(seed), random_(seed), diskRandom_(seed * 7919 + 1),
      generator_(chooseShape(random_), random_),
      reactor_(Reactor::create(clock_).value()),
      buffers_(bio::DmaPool::create(48 << 20).value()) {
  sizes_ = {.arenaBytes = 8 << 20,
            .walBytes = LogArena::kWalSizeMin << random_.below(3),
            .dataBytes = 24 << 20};
  isImpatient_ = random_.chance(1, 2);
  constexpr uint64_t kThresholds[] = {64, 300, 300, 1000, 4096};
  options_.dataThreshold = kThresholds[random_.below(std::size(kThresholds))];
  if (random_.chance(1, 2)) options_.absorbBelow = 4 * options_.dataThreshold;
  const size_t diskCount = 1 + random_.below(3);
  const bio::RoleSizes roles = LogStore::roleSizes(sizes_);
  for (size_t i = 0; i < diskCount; ++i) {
    const uint64_t size = bio::StoreDevices::deviceSizeBytes(roles, diskCount, i);
    platters_.push_back(
        bio::openMemoryMedia(*reactor_, "disk" + std::to_string(i), size).value());
    disks_.push_back(std::make_unique<bio::FaultyMedia>(*platters_.back(), diskRandom_));
  }
}

PowerCutSession::~PowerCutSession() {
  reactor_->dropTasks();
  store_.reset();
}

template <typename T>
T PowerCutSession::run(Task<T> task) {
  std::optional<T> result;
  reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
    out.emplace(co_await std::move(inner));
  }(std::move(task), result));
  while (!result) turn();
  return std::move(*result);
}

void PowerCutSession::turn() {
  for (uint64_t waited = 0; waited < kIdleNsMax && !reactor_->runOnce(); waited += kIdleStepNs) {
    clock_.advance(kIdleStepNs);
  }
}

LogStore::Devices PowerCutSession::views() {
  LogStore::Devices all;
  for (const auto& disk : disks_) all.push_back(std::make_unique<DiskView>(*disk));
  return all;
}

LogStoreContext PowerCutSession::context() {
  return {.pool = *buffers_,
          .random = diskRandom_,
          .log = log_,
          .arena = {.slowDownNsMax = 10000, .sealDelayNs = 200000},
          .vos = options_};
}

Difference PowerCutSession::run(size_t lifeCount) {
  for (size_t life = 0; life < lifeCount; ++life) {
    Difference difference = live(life == 0);
    if (!difference && life + 1 < lifeCount) difference = recover();
    if (!difference) continue;
    return "seed " + std::to_string(seed_) + ", life " + std::to_string(life) + ": " + *difference;
  }
  return {};
}

Status PowerCutSession::open(bool isNew) {
  auto made = isNew ? run(LogStore::create(views(), context(), testIdentity(), sizes_))
                    : run(LogStore::open(views(), context(), testIdentity()));
  if (!made.ok()) return std::move(made).error();
  store_ = std::move(made).value();
  base_ = store_->arena().recovery().lastTransaction;
  if (isNew) {
    DAOS_TRY(const Ticket ticket, store_->pool().createContainer(testContainer()));
    DAOS_CHECK(run(store_->arena().waitDurable(ticket)));
  }
  DAOS_TRY(container_, store_->pool().openContainer(testContainer()));
  return {};
}

// A life: from what there is to the next power cut.
Difference PowerCutSession::live(bool isNew) {
  if (isNew) {
    if (const Status made = open(true); !made.ok()) return "no store: " + made.error().describe();
  }
  for (const auto& disk : disks_) {
    disk->setRates({.slow = random_.chance(1, 2) ? 300000u : 0u, .slowNsMax = 200000});
    // One that is much slower than the others.
    if (random_.chance(1, 8)) disk->setRates({.slow = 900000, .slowNsMax = 1000000});
  }
  journal_.clear();
  const size_t writeCount = random_.below(kWritesPerLifeMax);
  const size_t turnCount = 1 + random_.below(lost_.empty() ? kTurnsMax : kTurnsFew);
  bool hasEnded = false;
  reactor_->spawn([](PowerCutSession& session, size_t count, bool& ended) -> Task<void> {
    co_await session.keepWriting(count);
    ended = true;
  }(*this, writeCount, hasEnded));
  runTurns(turnCount, hasEnded);
  return {};
}

// Also to the moments after a log that was full: they are few.
void PowerCutSession::runTurns(size_t count, const bool& hasEnded) {
  const LogArenaCounters& counters = store_->arena().counters();
  const uint64_t resetCount = counters.resetCount;
  bool isMoment = false;
  for (size_t left = count; left > 0 && !hasEnded; --left) {
    turn();
    if (isMoment || counters.resetCount == resetCount) continue;
    isMoment = true;
    if (random_.chance(3, 4)) left = std::min<size_t>(left, 1 + random_.below(kTurnsAfterReset));
  }
}

// What is lost is not forgotten by who had no answer to it.
Task<void> PowerCutSession::keepWriting(size_t count) {
  const std::vector<Operation> lost = std::exchange(lost_, {});
  for (const Operation& operation : lost) {
    co_await writeOne(operation);
    ++counts_.repeats;
  }
  for (size_t i = 0; i < count; ++i) {
    const Operation operation = generator_.nextWrite();
    co_await writeOne(operation);
    if (random_.chance(1, 10)) (void)co_await settle();
    if (random_.chance(1, 40)) {
      reactor_->spawn([](LogArena& arena) -> Task<void> {
        (void)co_await arena.checkpoint();
      }(store_->arena()));
    }
    if (random_.chance(1, 4)) {
      (void)co_await store_->arena().waitDurable(store_->arena().lastTicket());
    } else if (random_.chance(1, 3)) {
      co_await reactor_->yield();
    }
  }
}

Task<void> PowerCutSession::writeOne(const Operation& operation) {
  if (!store_->arena().hasLogRoom() && !isImpatient_) {
    if (!(co_await store_->arena().waitLogRoom()).ok()) co_return;
  }
  journal_.push_back({operation, transactionNow(), Done::kNotEnded});
  const Status status = co_await carryOut(operation);
  noteEnd(status);
}

// What has failed has done nothing, but for an aggregation or discard: part of its way.
void PowerCutSession::noteEnd(const Status& status) {
  Done& done = journal_.back();
  done.to = transactionNow();
  const bool isReduction =
      done.operation.verb == Verb::kAggregate || done.operation.verb == Verb::kDiscard;
  if (status.ok()) {
    ++counts_.writes;
  } else if (isReduction && done.to > done.before) {
    done.isPart = true;
  } else {
    journal_.pop_back();
  }
}

Task<Status> PowerCutSession::carryOut(const Operation& operation) {
  switch (operation.verb) {
    case Verb::kUpdate: {
      // What goes to the arena, whatever its size, is aggregation's to bring to media.
      if (random_.chance(1, 2)) co_return co_await update(operation);
      Operation atOnce = operation;
      atOnce.isPending = false;
      co_return HistoryRunner::write(*container_, atOnce);
    }
    case Verb::kAggregate: co_return co_await reduce(operation);
    default: co_return HistoryRunner::write(*container_, operation);
  }
}

Task<Status> PowerCutSession::update(const Operation& operation) {
  const std::vector<IoDescriptor> descriptors = descriptorsOf(operation);
  UpdateRequest request;
  request.oid = operation.oid;
  request.dkey = operation.dkeyBytes();
  request.descriptors = descriptors;
  const UpdateChecksums checksums(operation);
  request.checksums = checksums.all();
  request.write = writeOf(operation);
  DAOS_CO_TRY(PendingUpdate pending, container_->updateBegin(request));
  fillBuffers(operation, pending);
  DAOS_CO_CHECK(co_await pending.writeData());
  DAOS_CO_TRY([[maybe_unused]] const Ticket ticket, container_->updateEnd(pending));
  co_return Status{};
}

Task<Status> PowerCutSession::reduce(const Operation& operation) {
  DAOS_CO_CHECK(container_->beginAggregation(operation.epoch));
  for (uint32_t step = 1;; ++step) {
    if (container_->hasReductionWrite()) {
      DAOS_CO_CHECK(co_await container_->writeReduction());
      ++counts_.migrations;
    }
    DAOS_CO_TRY(const bool isMore, container_->reduceStep(operation.budget));
    if (!isMore) co_return Status{};
    if (step == operation.stepCount) break;
    if (random_.chance(1, 8)) co_await reactor_->yield();
  }
  container_->cancelReduction();
  co_return Status{};
}

// Between operations: which transactions are theirs is known by their number.
Task<Status> PowerCutSession::settle() {
  Pool& pool = store_->pool();
  const uint64_t before = pool.absorbedBytes();
  if (before == 0) co_return Status{};
  DAOS_CO_CHECK(co_await store_->arena().waitDurable(store_->arena().lastTicket()));
  DAOS_CO_TRY([[maybe_unused]] const bool isMore,
              co_await pool.settleStep(random_.below(20'000)));
  counts_.settledBytes += before - pool.absorbedBytes();
  co_return Status{};
}

void PowerCutSession::end(bool isPowerCut) {
  reactor_->dropTasks();
  if (store_ && container_) {
    counts_.mediaBytes += store_->pool().space().mediaUsedBytes;
    counts_.checkpoints += store_->arena().counters().checkpointCount;
    counts_.resets += store_->arena().counters().resetCount;
    if (container_->isReducing()) container_->cancelReduction();
    store_->pool().closeContainer(container_);
  }
  container_ = nullptr;
  store_.reset();
  ++(isPowerCut ? counts_.cuts : counts_.deaths);
  for (const auto& disk : disks_) {
    disk->setRates({});
    if (!isPowerCut) {
      disk->processDied();
      continue;
    }
    const Status cut = run(disk->cutPower());
    DAOS_ASSERT(cut.ok());
  }
}

Difference PowerCutSession::recover() {
  const uint64_t durable = base_ + store_->arena().durableTicket();
  const uint64_t last = transactionNow();
  end(random_.chance(2, 3));
  // A few times the same happens again before recovery has ended.
  while (random_.chance(1, 3)) {
    reactor_->spawn([](PowerCutSession& session) -> Task<void> {
      co_await session.recoverArena();
    }(*this));
    const size_t turnCount = random_.below(kRecoveryTurnsMax);
    for (size_t count = 0; count < turnCount; ++count) turn();
    end(random_.chance(2, 3));
  }
  if (const Status opened = open(false); !opened.ok()) {
    return "the store does not open: " + opened.error().describe();
  }
  counts_.droppedGroups += store_->arena().recovery().isLastGroupDropped ? 1 : 0;
  if (base_ < durable) {
    return "acknowledged transactions are lost: " + std::to_string(durable) +
           " were durable, there are " + std::to_string(base_);
  }
  if (base_ > last) {
    return "there are " + std::to_string(base_) + " transactions, but " + std::to_string(last) +
           " was the last";
  }
  if (Difference difference = takeOver(base_)) return difference;
  const bool isDropped = store_->arena().recovery().isLastGroupDropped;
  if (!isDropped && random_.chance(1, 2)) lost_.clear();
  return compare();
}

// The part of an opening that changes nothing which the next one does not find again.
Task<void> PowerCutSession::recoverArena() {
  const bio::StoreIdentity owner{testIdentity().pool, testIdentity().targetIndex};
  auto devices = co_await bio::StoreDevices::open(views(), *buffers_, owner, log_);
  if (!devices.ok()) co_return;
  bio::StoreDevices& found = **devices;
  (void)co_await LogArena::open({*found.wal(), *found.meta(), *buffers_, log_, found.data()},
                                testIdentity().pool);
}

// The model of what the first `recovered` transactions have done.
Difference PowerCutSession::takeOver(uint64_t recovered) {
  model_.forgetReads();
  for (const Done& done : journal_) {
    if (done.to <= recovered && !done.isPart) {
      model_.apply(done.operation);
    } else if (done.before < recovered) {
      ++counts_.halves;
      if (Difference difference = takeInFlight(*container_, done.operation, model_)) {
        return difference;
      }
    } else {
      ++counts_.lost;
      lost_.push_back(done.operation);
    }
  }
  return {};
}

Difference PowerCutSession::compare() {
  const MediaReader readMedia = [this](FetchResult& result) { return run(result.readMedia()); };
  Comparison comparison(*container_, model_, readMedia);
  if (Difference difference = comparison.everything(kEpochMax, 100)) return difference;
  const uint64_t used = store_->pool().space().mediaUsedBytes;
  const uint64_t named = container_->usage().mediaBytes;
  if (used != named) {
    return std::to_string(used) + " bytes of the data area are in use, versions name " +
           std::to_string(named);
  }
  return {};
}

}  // namespace daos::vos::proof
