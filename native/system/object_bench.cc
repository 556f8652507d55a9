// The object path: an engine on one core, a client on the other, each transport, beside a bare fabric echo.
//
// Names: object/{tcp,shm}/{sv64,array4k}-{update,fetch}/qd{1,16,32}/{rate,p50,p99} and
//        object/{tcp,shm}/array1m-{update,fetch}/qd{1,4}/{rate,bandwidth}.
// The pool lies on tmpfs in a PmemArena, so that the figures are the path's, not a disk's.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "bench/report.h"
#include "system/loopback.h"

namespace daos::system {
namespace {

constexpr uint64_t kKeyCount = 4096;

void pinTo(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof(cores), &cores);
}

int serverCore() { return 0; }
int clientCore() { return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0; }

// The engine in a process of its own, ended with the benchmark.
class EngineProcess {
 public:
  EngineProcess(const std::string& kind, Uuid pool, Uuid container);
  ~EngineProcess() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  const placement::PoolMap& map() const { return map_; }

 private:
  [[noreturn]] static void serve(const std::string& kind, Uuid pool, Uuid container,
                                 const std::filesystem::path& directory, int out);
  ScratchDirectory directory_{"/dev/shm"};
  pid_t pid_;
  placement::PoolMap map_;
};

void EngineProcess::serve(const std::string& kind, Uuid pool, Uuid container,
                          const std::filesystem::path& directory, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto engine = engine::Engine::start({.dataDirectory = directory,
                                       .targetCount = 1,
                                       .transports = {kind},
                                       .spinNs = UINT64_MAX,
                                       .cores = {serverCore()},
                                       .arenaKind = engine::ArenaKind::kPmem,
                                       .log = Log::toStandardError(LogLevel::kWarning)});
  if (!engine.ok()) {
    std::fprintf(stderr, "engine: %s\n", engine.error().describe().c_str());
    _exit(1);
  }
  const Status created = waitFor([&](auto done) {
    (*engine)->createPool(pool, {.arenaBytes = uint64_t{2} << 30}, done);
  });
  const Status opened =
      waitFor([&](auto done) { (*engine)->createContainer(pool, container, done); });
  if (!created.ok() || !opened.ok()) _exit(1);
  const std::string text = describe(mapOf(**engine)) + ".";
  if (write(out, text.data(), text.size()) < 0) _exit(1);
  for (;;) pause();
}

EngineProcess::EngineProcess(const std::string& kind, Uuid pool, Uuid container) {
  int ends[2];
  DAOS_ASSERT(pipe(ends) == 0);
  pid_ = fork();
  if (pid_ == 0) serve(kind, pool, container, directory_.path(), ends[1]);
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t size; (size = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(size));
    if (text.ends_with('.')) break;
  }
  close(ends[0]);
  if (!text.ends_with('.')) std::exit(1);
  text.pop_back();
  map_ = parseMap(text);
}

struct Case {
  std::string name;  // "sv64-update"
  bool isUpdate;
  ValueType type;
  size_t size;
  size_t depth;
};

// One measured case: `depth` coroutines, each of which does one operation after another.
class CaseRun {
 public:
  CaseRun(LoopbackClient& client, client::Object& object, const Case& test, double seconds)
      : client_(client), object_(object), test_(test), seconds_(seconds) {}

  void run() {
    const uint64_t startNs = now();
    endNs_ = startNs + static_cast<uint64_t>(seconds_ * 1e9);
    for (size_t i = 0; i < test_.depth; ++i) client_.reactor().spawn(worker(i));
    client_.reactor().runUntil([&] { return runningCount_ == 0; });
    elapsedSeconds_ = static_cast<double>(now() - startNs) / 1e9;
  }
  // Writes every key once, so that fetches find data.
  void fill() {
    endNs_ = UINT64_MAX;
    fillLeft_ = kKeyCount;
    for (size_t i = 0; i < 16; ++i) client_.reactor().spawn(worker(i));
    client_.reactor().runUntil([&] { return runningCount_ == 0; });
    latencies_ = {};
    count_ = 0;
    fillLeft_ = 0;
  }
  double rate() const { return static_cast<double>(count_) / elapsedSeconds_; }
  const bench::LatencyHistogram& latencies() const { return latencies_; }

 private:
  uint64_t now() const { return client_.reactor().clock().nowNs(); }
  Task<void> worker(size_t index);
  Task<Result<Epoch>> once(Bytes dkey, std::vector<std::byte>& buffer, client::AkeyResult& result);

  LoopbackClient& client_;
  client::Object& object_;
  const Case& test_;
  const double seconds_;
  uint64_t endNs_ = 0;
  uint64_t fillLeft_ = 0;
  size_t runningCount_ = 0;
  uint64_t count_ = 0;
  double elapsedSeconds_ = 0;
  bench::LatencyHistogram latencies_;
};

Task<Result<Epoch>> CaseRun::once(Bytes dkey, std::vector<std::byte>& buffer,
                                  client::AkeyResult& result) {
  const Extent extent{0, test_.size};
  const bool isArray = test_.type == ValueType::kArray;
  const IoDescriptor akey{.akey = bytesOf("a"),
                          .type = test_.type,
                          .recordSize = isArray ? 1 : test_.size,
                          .extents = {&extent, isArray ? size_t{1} : size_t{0}}};
  if (test_.isUpdate || fillLeft_ > 0) {
    const Bytes data[] = {buffer};
    co_return co_await client::update(object_, {.dkey = dkey, .akeys = {&akey, 1}, .data = data});
  }
  const MutableBytes buffers[] = {buffer};
  auto epoch = co_await client::fetch(
      object_, {.dkey = dkey, .akeys = {&akey, 1}, .buffers = buffers, .results = {&result, 1}});
  if (epoch.ok() && result.dataSize != test_.size) co_return Error(ErrorCode::kIo, "short fetch");
  co_return epoch;
}

Task<void> CaseRun::worker(size_t index) {
  ++runningCount_;
  std::vector<std::byte> buffer(test_.size, std::byte{7});
  client::AkeyResult result;
  SeededRandom random(index + 1);
  // 1 MiB values are few, so that they fit.
  const uint64_t keyCount = test_.size >= (1 << 20) ? 64 : kKeyCount;
  while (now() < endNs_ || fillLeft_ > 0) {
    uint64_t key = random.below(keyCount);
    if (endNs_ == UINT64_MAX) {
      if (fillLeft_ == 0) break;
      key = --fillLeft_ % keyCount;
    }
    const uint64_t startNs = now();
    const auto epoch = co_await once(bytesOf(&key, sizeof(key)), buffer, result);
    if (!epoch.ok()) {
      std::fprintf(stderr, "%s: %s\n", test_.name.c_str(), epoch.error().describe().c_str());
      std::exit(1);
    }
    latencies_.record(now() - startNs);
    ++count_;
    if (endNs_ == UINT64_MAX && fillLeft_ == 0) break;
  }
  --runningCount_;
}

}  // namespace
}  // namespace daos::system
