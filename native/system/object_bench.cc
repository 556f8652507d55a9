// The object path: an engine on one core, a client on the other, both spinning, over each
// transport; beside a bare libfabric loop that moves as many bytes, in the same run.
//
// Names: object/{tcp,shm}/{sv64,array4k}-{update,fetch}/qd{1,16,32,64}/{rate,p50,p99} and
//        object/{tcp,shm}/array1m-{update,fetch,crc-update,crc-fetch}/qd{1,4}/
//        {rate,bandwidth,p50,p99};
//        object/{tcp,shm}/engine/{first-write,idle}.
// The pool lies on tmpfs in a PmemArena, so that the figures are the path's, not a disk's.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "bench/report.h"
#include "rpc/raw_run.h"
#include "system/engine_process.h"
#include "system/object_case_bench.h"

namespace daos::system {
namespace {

EngineProcessOptions optionsOf(const std::string& kind, const ScratchDirectory& directory,
                               uint64_t poolBytes) {
  SystemRandom random;
  return {.engine = {.dataDirectory = directory.path(),
                     .targetCount = 1,
                     .transports = {kind},
                     .spinNs = UINT64_MAX,
                     .cores = {rpc::allowedCores().last},
                     .arenaKind = engine::ArenaKind::kPmem,
                     .log = Log::toStandardError(LogLevel::kWarning)},
          .pool = random.uuid(),
          .container = random.uuid(),
          .sizes = {.arenaBytes = poolBytes}};
}

// What an operation's bytes take on the bare fabric: a message each way, or a transfer that the
// engine drives.
struct Reference {
  double rate;
  bench::LatencyHistogram latencies;  // empty for transfers
};

constexpr size_t kHeadSize = 64;

Reference measureReference(const std::string& kind, const Case& test, size_t depth,
                           double seconds) {
  if (test.isLarge()) {
    // As much memory as the operations touch: each update writes to another place of the pool.
    const size_t pieceCount = test.isUpdate ? test.writeCountMax() : test.keyCount();
    return {rpc::runBareTransfer(kind, test.size, pieceCount, depth, !test.isUpdate, seconds)
                .perSecond,
            {}};
  }
  const size_t requestSize = test.isUpdate ? test.size : kHeadSize;
  const size_t answerSize = test.isUpdate ? kHeadSize : test.size;
  rpc::Outcome bare = rpc::runBareEcho(kind, requestSize, answerSize, depth, seconds);
  return {bare.measured.perSecond, std::move(bare.latencies)};
}

// Pages of the process that are in memory.
uint64_t residentPagesOf(pid_t process) {
  std::FILE* file = std::fopen(("/proc/" + std::to_string(process) + "/statm").c_str(), "re");
  unsigned long resident = 0;
  if (!file || std::fscanf(file, "%*u %lu", &resident) != 1) {
    std::fprintf(stderr, "no statistics of the engine's process\n");
    std::exit(1);
  }
  std::fclose(file);
  return resident;
}

// An engine makes a new pool's pages while it has nothing else to do; it is measured when it has
// done so. One that makes none for a moment may only have lost its core.
void waitUntilPopulated(pid_t engine) {
  constexpr useconds_t kPauseUs = 100'000;
  constexpr int kQuietCount = 5;
  uint64_t before = residentPagesOf(engine);
  for (int quietCount = 0; quietCount < kQuietCount;) {
    usleep(kPauseUs);
    const uint64_t pages = residentPagesOf(engine);
    quietCount = pages > before + 10 ? 0 : quietCount + 1;
    before = pages;
  }
}

// An engine and a container of its own for each case: versions of overwritten values pile up.
void runCase(bench::Report& report, const std::string& kind, const Case& test, size_t depth) {
  const std::string name = "object/" + kind + "/" + test.name + "/qd" + std::to_string(depth);
  if (!report.wants(name)) return;
  const Reference bare = measureReference(kind, test, depth, report.seconds() / 3);
  const ScratchDirectory directory("/dev/shm");
  const EngineProcessOptions options = optionsOf(kind, directory, test.poolBytes());
  const auto engine = orExit(name, EngineProcess::start(options));
  const rpc::Pinned pinned;
  const auto client =
      orExit(name, LoopbackClient::create({kind}, nullptr, {}, {.spinNs = UINT64_MAX}));
  auto open = orExit(name, client->openContainer(options.pool, options.container, engine->map(),
                                                 {.checksums = {.type = test.checksums}}));
  const ObjectId oid = ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 1);
  auto object = client::Object::open(open, oid).value();
  CaseRun run(*client, *object, test);
  if (!test.isUpdate) run.fill(test.keyCount());
  waitUntilPopulated(engine->pid());
  run.measure(depth, report.seconds());
  report.addRate(name + "/rate", run.rate(), bare.rate);
  if (test.isLarge()) {
    const double megabytes = static_cast<double>(test.size) / 1e6;
    report.add(name + "/bandwidth", run.rate() * megabytes, "MB/s", bare.rate * megabytes);
    report.addLatency(name, run.latencies());
  } else {
    report.addLatency(name, run.latencies(), &bare.latencies);
  }
}

// Processor time that a process has used, in seconds.
double cpuSecondsOf(pid_t process) {
  std::FILE* file = std::fopen(("/proc/" + std::to_string(process) + "/stat").c_str(), "re");
  unsigned long user = 0, system = 0;
  if (!file || std::fscanf(file,
                           "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                           &user, &system) != 2) {
    std::fprintf(stderr, "no statistics of the engine's process\n");
    std::exit(1);
  }
  std::fclose(file);
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// An engine as it is by default, from its start to the first write, and then without work while a
// client has a container open.
void runIdle(bench::Report& report, const std::string& kind) {
  const std::string name = "object/" + kind + "/engine";
  if (!report.wants(name)) return;
  const ScratchDirectory directory("/dev/shm");
  EngineProcessOptions options = optionsOf(kind, directory, uint64_t{256} << 20);
  options.engine.spinNs = engine::EngineOptions().spinNs;
  const uint64_t startNs = bench::nowNs();
  const auto engine = orExit(name, EngineProcess::start(options));
  const auto client = orExit(name, LoopbackClient::create({kind}));
  auto open = orExit(name, client->openContainer(options.pool, options.container, engine->map()));
  auto object =
      client::Object::open(open, ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 1)).value();
  const Case first{"sv64-update", true, ValueType::kSingle, 64};
  CaseRun(*client, *object, first).fill(1);
  report.add(name + "/first-write", static_cast<double>(bench::nowNs() - startNs) / 1e6, "ms");
  waitUntilPopulated(engine->pid());
  const double usedBefore = cpuSecondsOf(engine->pid());
  const uint64_t idleNs = bench::nowNs();
  usleep(static_cast<useconds_t>(report.seconds() * 1e6));
  const double seconds = static_cast<double>(bench::nowNs() - idleNs) / 1e9;
  report.add(name + "/idle", (cpuSecondsOf(engine->pid()) - usedBefore) / seconds * 100,
             "% of a core");
}

// libpmem reads its environment when it is loaded. Without this it would flush tmpfs by msync.
void requireUnflushedPools(char** argv) {
  if (getenv("PMEM_IS_PMEM_FORCE")) return;
  setenv("PMEM_IS_PMEM_FORCE", "1", 1);
  execv("/proc/self/exe", argv);
  std::perror("object_bench");
  std::exit(1);
}

}  // namespace
}  // namespace daos::system

int main(int argc, char** argv) {
  using namespace daos;
  using namespace daos::system;
  requireUnflushedPools(argv);
  bench::Report report(argc, argv);
  const Case small[] = {{"sv64-update", true, ValueType::kSingle, 64},
                        {"sv64-fetch", false, ValueType::kSingle, 64},
                        {"array4k-update", true, ValueType::kArray, 4096},
                        {"array4k-fetch", false, ValueType::kArray, 4096}};
  const Case large[] = {{"array1m-update", true, ValueType::kArray, 1 << 20},
                        {"array1m-fetch", false, ValueType::kArray, 1 << 20},
                        {"array1m-crc-update", true, ValueType::kArray, 1 << 20,
                         ChecksumType::kCrc32c},
                        {"array1m-crc-fetch", false, ValueType::kArray, 1 << 20,
                         ChecksumType::kCrc32c}};
  for (const std::string kind : {"tcp", "shm"}) {
    runIdle(report, kind);
    for (const Case& test : small) {
      for (size_t depth : {1, 16, 32, 64}) runCase(report, kind, test, depth);
    }
    for (const Case& test : large) {
      for (size_t depth : {1, 4}) runCase(report, kind, test, depth);
    }
  }
  return report.finish();
}
