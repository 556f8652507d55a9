// Durable updates on an ordinary file system, beside bare writes to the same one in the same run.
//
// durable/bare/...: O_DIRECT writes through io_uring, with and without a flush each.
// durable/log/<case>/qd<depth>/{rate,p50,p99,ops-per-flush,write-amplification,cpu,cpu-work}:
// acknowledged updates of a pool whose log, metadata and bulk data lie in one file. cpu-work is cpu
// without what went by in turns of the loop that found nothing; beside it the processor time of a
// bare 4 KiB write with flush, divided by the operations that share a flush. sv64: 64 bytes under
// one of 200,000 random keys, kept in the arena. array4k and array1m: extents at random places (1
// MiB: one after the other) of arrays, whose data lies in the data area. rewrite: in a data area
//      whose
// blocks were all written before; in one that is only reserved the file system has to note each
// first write. prewritten: in a reserved one that the store itself wrote in advance, which takes
// durable/log/prewrite/seconds-per-gib. absorbed: in a reserved one, as an engine does it: the log
// takes data while few updates are under way. The network's part is a copy of the value into the
// store's buffers, which a bare write has not; placed: without it, as where a network card places
// the data. Flushes are all that the file saw.
// The files lie in $TMPDIR or /tmp; they are removed at the end.
#include <time.h>

#include "bench/disk_rest.h"
#include "bench/measure.h"
#include "bench/report.h"
#include "vos/log/durable_bench_store.h"

namespace daos::vos {
namespace {

constexpr uint64_t kKeyCount = 200000;
constexpr uint64_t kExtentsPerKey = 256;
const ObjectId kObject = ObjectId::make({1, 1}, ObjectType::kDkeyUint64, 1, 1);

// Of all threads, with those that the kernel works in for us.
uint64_t cpuNs() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000ull + static_cast<uint64_t>(now.tv_nsec);
}

struct Load {
  uint64_t valueSize = 64;
  unsigned depth = 1;
  double seconds = 1;
  // Ends early when this holds, asked before each operation.
  std::function<bool()> isEnough = [] { return false; };
  uint64_t endNs = 0;
  uint64_t nextPlace = 0;
  std::vector<std::byte> value;  // of all operations
  bench::LatencyHistogram latency;
  bench::LatencyHistogram disturbed;  // while something runs in the background
  bool isDisturbed = false;
  bool isPlaced = false;  // the data is in the buffers already

  bool isOver() const { return bench::nowNs() >= endNs || isEnough(); }
  uint64_t count() const { return latency.count() + disturbed.count(); }
};

class Bench {
 public:
  Bench(bench::Report& report, const std::string& path, const DurableBenchStore::Options& options)
      : report_(report), store_(path, options) {
    // What was removed before this.
    if (!bench::waitForDiskRest(path)) std::fprintf(stderr, "durable_bench: a busy disk\n");
    if (options.absorbBelow == 0) return;
    ++backgroundCount_;
    store_.reactor().spawn(keepSettling());
  }
  ~Bench() {
    isEnding_ = true;
    backgroundCount_ = 0;
    finish();
  }

  void benchBare() {
    for (const unsigned depth : {1u, 16u, 256u}) {
      addBare("write4k", bareLoad(4096, depth, false));
    }
    addBare("write4k-flush", bareLoad(4096, 1, true));
    for (const bool isFlushed : {false, true}) {
      const std::string name = isFlushed ? "-flush" : "";
      addBare("write1m" + name, bareLoad(1 << 20, 4, isFlushed));
      for (const unsigned depth : {4u, 16u}) {
        bio::RawLoad copied = bareLoad(1 << 20, depth, isFlushed);
        copied.isCopied = true;
        addBare("write1m-copied" + name, copied);
      }
    }
    bio::RawLoad scattered = bareLoad(1 << 20, 4, false);
    scattered.isInSmallPages = true;
    addBare("write1m-4k-pages", scattered);
  }

  void benchUpdates(const std::string& name, uint64_t valueSize, unsigned depth) {
    const std::string prefix = "durable/log/" + name + "/qd" + std::to_string(depth);
    if (!report_.wants(prefix)) return;
    store_.startAnew();
    const bool isLarge = valueSize >= 1 << 20;
    // In turns, so that a disk whose mood changes is unfair to both alike.
    bio::RawLoad bareLoad = this->bareLoad(isLarge ? valueSize : 4096, isLarge ? depth : 1,
                                           !isLarge);
    bareLoad.seconds = report_.seconds() / 16;
    Load load{.valueSize = valueSize, .depth = depth, .seconds = report_.seconds() * 3 / 16};
    load.isPlaced = name.ends_with("-placed");
    load.isEnough = [this] {
      const PoolSpace space = store_.space();
      return space.mediaUsedBytes > space.mediaTotalBytes / 8 * 7;
    };
    double barePerSecond = 0, spent = 0;
    uint64_t cpu = 0, spun = 0, bareCpu = 0, bareCount = 0;
    const auto before = store_.deviceCounts();
    for (int turn = 0; turn < 4; ++turn) {
      const uint64_t bareCpuBefore = cpuNs();
      const bio::RawRate bare = store_.bare().run(bareLoad);
      bareCpu += cpuNs() - bareCpuBefore;
      bareCount += bare.latency.count();
      barePerSecond += bare.perSecond / 4;
      const uint64_t startNs = bench::nowNs(), cpuBefore = cpuNs();
      const uint64_t spunBefore = store_.reactor().spunNs();
      runLoad(load);
      cpu += cpuNs() - cpuBefore;
      spun += store_.reactor().spunNs() - spunBefore;
      spent += static_cast<double>(bench::nowNs() - startNs) / 1e9;
    }
    const auto after = store_.deviceCounts();
    const double count = static_cast<double>(load.count());
    const double userBytes = count * static_cast<double>(valueSize);
    if (isLarge) {
      const double scale = static_cast<double>(valueSize) / 1e6;
      report_.add(prefix + "/bandwidth", count / spent * scale, "MB/s", barePerSecond * scale);
    } else {
      report_.addRate(prefix + "/rate", count / spent, barePerSecond);
    }
    report_.addLatency(prefix, load.latency);
    const double perFlush = count / static_cast<double>(after.flushCount - before.flushCount);
    report_.add(prefix + "/ops-per-flush", perFlush, "ops");
    report_.add(prefix + "/write-amplification",
                static_cast<double>(after.writtenBytes - before.writtenBytes) / userBytes, "x");
    report_.add(prefix + "/cpu", static_cast<double>(cpu) / 1000 / count, "us");
    const uint64_t work = cpu - std::min(cpu, spun);
    // Of a small update the kernel's part, which a bare write and flush has as well: its share of
    // it.
    std::optional<double> bareWork;
    if (!isLarge) {
      bareWork = static_cast<double>(bareCpu) / 1000 / static_cast<double>(bareCount) / perFlush;
    }
    report_.add(prefix + "/cpu-work", static_cast<double>(work) / 1000 / count, "us", bareWork);
  }

  void reportPrewriting() {
    report_.add("durable/log/prewrite/seconds-per-gib", store_.prewriteSecondsPerGib(), "s");
  }

  // Latency of updates while checkpoints, or aggregations, follow one another; beside it that of
  // the same updates in between.
  void benchBeside(const std::string& what, Task<void> (Bench::*disturb)(Load&)) {
    const std::string prefix = "durable/log/sv64-update-beside-" + what + "/qd16";
    if (!report_.wants(prefix)) return;
    store_.startAnew();
    Load load{.valueSize = 64, .depth = 16, .seconds = report_.seconds()};
    start(load);
    store_.reactor().spawn((this->*disturb)(load));
    finish();
    report_.addLatency(prefix, load.disturbed, &load.latency);
  }
  Task<void> keepCheckpointing(Load& load) {
    while (!load.isOver()) {
      load.isDisturbed = true;
      mustHave(co_await store_.arena().checkpoint());
      load.isDisturbed = false;
      co_await store_.reactor().sleep(100'000'000);
    }
  }
  Task<void> keepAggregating(Load& load) {
    while (!load.isOver()) {
      co_await store_.reactor().sleep(100'000'000);
      load.isDisturbed = true;
      mustHave(store_.container().beginAggregation(store_.lastEpoch()));
      while (mustHave(store_.container().reduceStep(64))) co_await store_.reactor().yield();
      load.isDisturbed = false;
    }
  }

  void benchRecovery() {
    if (!report_.wants("durable/log/recovery")) return;
    store_.startAnew();
    Load fill{.valueSize = 2048, .depth = 256, .seconds = 3600};
    fill.isEnough = [&] { return fill.count() >= 300000; };
    runLoad(fill);
    mustHave(store_.run(store_.arena().checkpoint()));
    // As much as a log holds before a checkpoint begins.
    Load more{.valueSize = 64, .depth = 256, .seconds = 3600};
    more.isEnough = [&] { return store_.arena().usedPercent() >= 23; };
    runLoad(more);
    store_.crashAndRecover();
    const RecoveryReport& recovery = store_.arena().recovery();
    const double bytes = static_cast<double>(recovery.pageBytes + recovery.logBytes);
    const double seconds = static_cast<double>(recovery.loadNs + recovery.replayNs) / 1e9;
    report_.say("recovered " + std::to_string(recovery.pageBytes >> 20) + " MiB of pages in " +
                std::to_string(recovery.loadNs / 1000000) + " ms and " +
                std::to_string(recovery.logBytes >> 20) + " MiB of log (" +
                std::to_string(recovery.transactionCount) + " transactions) in " +
                std::to_string(recovery.replayNs / 1000000) + " ms");
    report_.add("durable/log/recovery/seconds-per-gib", seconds / bytes * (1 << 30), "s");
  }

 private:
  bio::RawLoad bareLoad(uint64_t size, unsigned depth, bool isDurable) {
    const uint64_t places = DurableBenchStore::kBareFileSize / size;
    bio::RawLoad load{.isWrite = true,
                      .isDurable = isDurable,
                      .sizeBytes = size,
                      .depth = depth,
                      .seconds = report_.seconds() / 2,
                      .nextOffset = [this, size, places] { return random_.below(places) * size; }};
    if (size >= 1 << 20) {
      load.nextOffset = [next = uint64_t{0}, size, places]() mutable {
        return next++ % places * size;
      };
    }
    return load;
  }
  void addBare(const std::string& name, const bio::RawLoad& load) {
    const std::string prefix = "durable/bare/" + name + "/qd" + std::to_string(load.depth);
    if (!report_.wants(prefix)) return;
    const bio::RawRate rate = store_.bare().run(load);
    if (load.sizeBytes >= 1 << 20) {
      const double scale = static_cast<double>(load.sizeBytes) / 1e6;
      report_.add(prefix + "/bandwidth", rate.perSecond * scale, "MB/s");
      return;
    }
    report_.addRate(prefix + "/rate", rate.perSecond);
    report_.addLatency(prefix, rate.latency);
  }

  Result<Ticket> updateSmall(Load& load, SeededRandom& random, Bytes value) {
    const uint64_t key = random.below(kKeyCount);
    const IoDescriptor descriptor{bytesOf("data"), ValueType::kSingle, load.valueSize, {}, 0};
    UpdateRequest request{kObject, bytesOf(&key, 8), {&descriptor, 1}, {}, {}};
    request.write.epoch = store_.nextEpoch();
    return store_.container().update(request, {&value, 1});
  }
  // As an engine does it: buffers, data to the medium, the transaction that shows it.
  Task<Result<Ticket>> updateLarge(Load& load, SeededRandom& random, Bytes value) {
    const bool isSequential = load.valueSize >= 1 << 20;
    const uint64_t place =
        isSequential ? load.nextPlace++ : random.below(kKeyCount / 100 * kExtentsPerKey);
    const uint64_t key = place / kExtentsPerKey;
    const Extent extent{place % kExtentsPerKey * load.valueSize, load.valueSize};
    const IoDescriptor descriptor{bytesOf("data"), ValueType::kArray, 1, {&extent, 1}, 0};
    UpdateRequest request{kObject, bytesOf(&key, 8), {&descriptor, 1}, {}, {}};
    request.write.epoch = store_.nextEpoch();
    if (!store_.container().needsMedia(request)) {
      co_return store_.container().update(request, {&value, 1});
    }
    DAOS_CO_TRY(PendingUpdate pending, store_.container().updateBegin(request));
    if (!load.isPlaced) std::memcpy(pending.buffers()[0].data(), value.data(), value.size());
    DAOS_CO_CHECK(co_await pending.writeData());
    co_return store_.container().updateEnd(pending);
  }
  Task<void> keepUpdating(Load& load, uint64_t seed) {
    SeededRandom random(seed + load.count());
    const Bytes value(load.value);
    LogArena& arena = store_.arena();
    while (!load.isOver()) {
      const uint64_t startNs = bench::nowNs();
      if (!arena.hasLogRoom()) mustHave(co_await arena.waitLogRoom());
      Result<Ticket> updated = Error(ErrorCode::kAgain);
      if (load.valueSize < PoolOptions{}.dataThreshold)
        updated = updateSmall(load, random, value);
      else
        updated = co_await updateLarge(load, random, value);
      const Ticket ticket = mustHave(std::move(updated));
      mustHave(co_await arena.durable(ticket));
      const uint64_t ns = bench::nowNs() - startNs;
      (load.isDisturbed ? load.disturbed : load.latency).record(ns);
    }
  }
  // As an engine does it: what the store absorbs goes to the data area meanwhile.
  Task<void> keepSettling() {
    Pool& pool = store_.pool();
    while (!isEnding_) {
      if (!pool.isFullOfAbsorbed()) co_await store_.reactor().sleep(Pool::kSettlePauseNs);
      const bool hasMore = mustHave(co_await pool.settleStep(Pool::kSettleBytes));
      if (!hasMore) co_await store_.reactor().sleep(Pool::kSettlePauseNs);
    }
  }
  void start(Load& load) {
    load.value.assign(load.valueSize, std::byte{7});
    load.endNs = bench::nowNs() + static_cast<uint64_t>(load.seconds * 1e9);
    for (unsigned i = 0; i < load.depth; ++i) store_.reactor().spawn(keepUpdating(load, i + 1));
  }
  // Only what a case started: the arena's own work may go on.
  void finish() {
    store_.reactor().runUntil(
        [&] { return store_.reactor().spawnedCount() == backgroundCount_; });
  }
  void runLoad(Load& load) {
    start(load);
    finish();
  }

  bench::Report& report_;
  DurableBenchStore store_;
  SeededRandom random_{1};
  size_t backgroundCount_ = 0;
  bool isEnding_ = false;
};

std::string pathOfFile() {
  const char* directory = getenv("TMPDIR");
  return std::string(directory ? directory : "/tmp") + "/daos-durable-bench-" +
         std::to_string(getpid());
}

void runInReserved(bench::Report& report) {
  Bench bench(report, pathOfFile(), {});
  bench.benchBare();
  for (const unsigned depth : {1u, 16u, 256u, 1024u}) bench.benchUpdates("sv64-update", 64, depth);
  for (const unsigned depth : {1u, 16u, 256u, 1024u}) {
    bench.benchUpdates("array4k-update", 4096, depth);
  }
  for (const unsigned depth : {4u, 16u, 64u}) bench.benchUpdates("array1m-update", 1 << 20, depth);
  bench.benchBeside("checkpoint", &Bench::keepCheckpointing);
  bench.benchBeside("aggregation", &Bench::keepAggregating);
  bench.benchRecovery();
}

void runInWritten(bench::Report& report) {
  Bench bench(report, pathOfFile(), {.dataBytes = 4ull << 30, .isDataWritten = true});
  for (const unsigned depth : {1u, 16u, 256u, 1024u}) {
    bench.benchUpdates("array4k-rewrite", 4096, depth);
  }
  for (const char* name : {"array1m-rewrite", "array1m-rewrite-placed"}) {
    for (const unsigned depth : {4u, 16u, 64u}) bench.benchUpdates(name, 1 << 20, depth);
  }
}

void runAbsorbing(bench::Report& report) {
  Bench bench(report, pathOfFile(), {.absorbBelow = 16 << 10});
  for (const unsigned depth : {1u, 4u, 16u, 64u, 256u}) {
    bench.benchUpdates("array4k-absorbed", 4096, depth);
  }
}

void runInPrewritten(bench::Report& report) {
  Bench bench(report, pathOfFile(), {.dataBytes = 4ull << 30, .isDataPrewritten = true});
  bench.reportPrewriting();
  bench.benchUpdates("array4k-prewritten", 4096, 1);
  for (const unsigned depth : {4u, 16u, 64u}) {
    bench.benchUpdates("array1m-prewritten", 1 << 20, depth);
  }
}

int runAll(int argc, char** argv) {
  bench::Report report(argc, argv);
  bool isReservedWanted = false, isWrittenWanted = false, isPrewrittenWanted = false;
  for (const char* name : {"durable/bare", "durable/log/sv64-update", "durable/log/array4k-update",
                           "durable/log/array1m-update", "durable/log/recovery"}) {
    isReservedWanted |= report.wants(name);
  }
  for (const char* name : {"durable/log/array4k-rewrite", "durable/log/array1m-rewrite"}) {
    isWrittenWanted |= report.wants(name);
  }
  for (const char* name : {"durable/log/prewrite", "durable/log/array4k-prewritten",
                           "durable/log/array1m-prewritten"}) {
    isPrewrittenWanted |= report.wants(name);
  }
  if (isReservedWanted) runInReserved(report);
  if (report.wants("durable/log/array4k-absorbed")) runAbsorbing(report);
  if (isPrewrittenWanted) runInPrewritten(report);
  if (isWrittenWanted) runInWritten(report);
  return report.finish();
}

}  // namespace
}  // namespace daos::vos

int main(int argc, char** argv) { return daos::vos::runAll(argc, argv); }
