// The whole path to an ordinary disk: a client, an engine as it is by default, its pool in files of
// the file system that durable_bench measures, beside bare writes and flushes to the same one.
//
// Names: durable/object/{tcp,shm}/{sv64,array4k}-update/qd{1,16,64,256}/{rate,p50,p99} and
//        durable/object/{tcp,shm}/array1m-update/qd{4,16}/{rate,bandwidth,p50,p99}.
// An update is over when it is acknowledged, hence durable. Small ones stand beside a bare write of
// 4 KiB and its flush after another, those of 1 MiB beside bare writes of 1 MiB at the same depth
// without flush.
// The files lie in $TMPDIR or /tmp; they are removed at the end.
#include <unistd.h>

#include "bench/disk_rest.h"
#include "bench/report.h"
#include "bio/file_media.h"
#include "bio/raw_ring.h"
#include "system/engine_process.h"
#include "system/object_case_bench.h"

namespace daos::system {
namespace {

constexpr uint64_t kBareFileSize = 512 << 20;
constexpr engine::PoolSizes kPoolSizes{.arenaBytes = 1ull << 30, .dataBytes = 4ull << 30};

std::string directoryOfFiles() {
  const char* directory = getenv("TMPDIR");
  return directory ? directory : "/tmp";
}

bio::RawRate bareWrites(const std::string& directory, const Case& test, size_t depth,
                        double seconds) {
  const std::string path = directory + "/bare";
  orExit(path, bio::createMediaFile(path, kBareFileSize, {.writtenBytes = kBareFileSize}));
  bio::RawRing ring(path);
  unlink(path.c_str());
  SeededRandom random(1);
  const uint64_t size = test.isLarge() ? test.size : 4096;
  const uint64_t places = kBareFileSize / size;
  return ring.run({.isWrite = true,
                   .isDurable = !test.isLarge(),
                   .sizeBytes = size,
                   .depth = static_cast<unsigned>(test.isLarge() ? depth : 1),
                   .seconds = seconds,
                   .nextOffset = [&] { return random.below(places) * size; }});
}

void runCase(bench::Report& report, const std::string& kind, const Case& test, size_t depth) {
  const std::string name =
      "durable/object/" + kind + "/" + test.name + "/qd" + std::to_string(depth);
  if (!report.wants(name)) return;
  const ScratchDirectory directory(directoryOfFiles());
  const bio::RawRate bare = bareWrites(directory.path(), test, depth, report.seconds() / 3);
  SystemRandom random;
  const EngineProcessOptions options{
      .engine = {.dataDirectory = directory.path(),
                 .targetCount = 1,
                 .transports = {kind},
                 .arenaKind = engine::ArenaKind::kLog,
                 .log = Log::toStandardError(LogLevel::kWarning)},
      .pool = random.uuid(),
      .container = random.uuid(),
      .sizes = kPoolSizes};
  const auto engine = orExit(name, EngineProcess::start(options));
  const auto client = orExit(name, LoopbackClient::create({kind}));
  auto open = orExit(name, client->openContainer(options.pool, options.container, engine->map()));
  auto object =
      client::Object::open(open, ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 1)).value();
  CaseRun run(*client, *object, test);
  if (!bench::waitForDiskRest(directory.path())) {
    std::fprintf(stderr, "%s: a busy disk\n", name.c_str());
  }
  run.measure(depth, report.seconds());
  report.addRate(name + "/rate", run.rate(), bare.perSecond);
  if (test.isLarge()) {
    const double megabytes = static_cast<double>(test.size) / 1e6;
    report.add(name + "/bandwidth", run.rate() * megabytes, "MB/s", bare.perSecond * megabytes);
  }
  report.addLatency(name, run.latencies());
}

int runAll(int argc, char** argv) {
  bench::Report report(argc, argv);
  const Case small[] = {{"sv64-update", true, ValueType::kSingle, 64},
                        {"array4k-update", true, ValueType::kArray, 4096}};
  const Case large{"array1m-update", true, ValueType::kArray, 1 << 20};
  for (const std::string kind : {"tcp", "shm"}) {
    for (const Case& test : small) {
      for (const size_t depth : {1, 16, 64, 256}) runCase(report, kind, test, depth);
    }
    for (const size_t depth : {4, 16}) runCase(report, kind, large, depth);
  }
  return report.finish();
}

}  // namespace
}  // namespace daos::system

int main(int argc, char** argv) { return daos::system::runAll(argc, argv); }
