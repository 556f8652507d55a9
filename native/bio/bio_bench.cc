// Media against a bare io_uring loop on the same file in the same run.
//
// bio/<driver>/<case>/qd<depth>/{rate,p50,p99,bandwidth}. The file lies in $TMPDIR or /tmp, so that
// it is on a disk; it is removed at the end.
#include <stdlib.h>

#include <memory>
#include <vector>

#include "bench/disk_rest.h"
#include "bench/report.h"
#include "bio/dma_buffer.h"
#include "bio/file_media.h"
#include "bio/memory_media.h"
#include "bio/raw_ring.h"
#include "runtime/random.h"

namespace daos::bio {
namespace {

constexpr uint64_t kFileSize = 512 << 20;

struct Case {
  const char* name;
  bool isWrite;
  bool isDurable;
  uint64_t sizeBytes;
  unsigned depth;
  bool isSequential;
};

constexpr Case kCases[] = {
    {"read4k", false, false, 4096, 1, false},       {"read4k", false, false, 4096, 32, false},
    {"write4k", true, false, 4096, 1, false},       {"write4k", true, false, 4096, 32, false},
    {"write4k-durable", true, true, 4096, 1, true}, {"read1m", false, false, 1 << 20, 4, true},
    {"write1m", true, false, 1 << 20, 4, true},
};

std::function<uint64_t()> offsets(const Case& test, std::shared_ptr<SeededRandom> random) {
  if (!test.isSequential) {
    return [random, size = test.sizeBytes] { return random->below(kFileSize / size) * size; };
  }
  auto next = std::make_shared<uint64_t>(0);
  return [next, size = test.sizeBytes] {
    const uint64_t offset = *next;
    *next = (offset + size) % kFileSize;
    return offset;
  };
}

struct Loop {
  Media& media;
  const RawLoad& load;
  uint64_t endNs;
  bench::LatencyHistogram latency;
};

Task<void> keepBusy(Loop& loop, MutableBytes bytes) {
  while (bench::nowNs() < loop.endNs) {
    const uint64_t startNs = bench::nowNs();
    const uint64_t offset = loop.load.nextOffset();
    Status status;
    if (!loop.load.isWrite) {
      status = co_await loop.media.read(offset, bytes);
    } else if (loop.load.isDurable) {
      status = co_await loop.media.writeDurable(offset, bytes);
    } else {
      status = co_await loop.media.write(offset, bytes);
    }
    DAOS_ASSERT(status.ok());
    loop.latency.record(bench::nowNs() - startNs);
  }
}

RawRate runMedia(Reactor& reactor, DmaPool& pool, Media& media, const RawLoad& load) {
  const uint64_t beginNs = bench::nowNs();
  Loop loop{media, load, beginNs + static_cast<uint64_t>(load.seconds * 1e9), {}};
  std::vector<DmaBuffer> buffers;
  for (unsigned i = 0; i < load.depth; ++i) {
    buffers.push_back(pool.allocate(load.sizeBytes).value());
    reactor.spawn(keepBusy(loop, buffers.back().bytes()));
  }
  reactor.runUntil([&] { return reactor.spawnedCount() == 0; });
  RawRate rate;
  rate.perSecond = static_cast<double>(loop.latency.count()) * 1e9 /
                   static_cast<double>(bench::nowNs() - beginNs);
  rate.latency = loop.latency;
  return rate;
}

void add(bench::Report& report, const std::string& name, const Case& test, const RawRate& rate,
         const RawRate* reference) {
  const auto beside = [&](double scale) {
    return reference ? std::optional(reference->perSecond * scale) : std::nullopt;
  };
  if (test.sizeBytes >= 1 << 20) {
    const double scale = static_cast<double>(test.sizeBytes) / 1e6;
    report.add(name + "/bandwidth", rate.perSecond * scale, "MB/s", beside(scale));
    return;
  }
  report.addRate(name + "/rate", rate.perSecond, beside(1));
  if (test.depth == 1)
    report.addLatency(name, rate.latency, reference ? &reference->latency : nullptr);
}

std::string pathOfFile() {
  const char* directory = getenv("TMPDIR");
  return std::string(directory ? directory : "/tmp") + "/daos-bio-bench-" +
         std::to_string(getpid());
}

int run(int argc, char** argv) {
  bench::Report report(argc, argv);
  SystemClock clock;
  auto reactor = Reactor::create(clock, {.spinNs = 20000}).value();
  auto pool = DmaPool::create(32 << 20).value();
  const std::string path = pathOfFile();
  createMediaFile(path, kFileSize, {.writtenBytes = kFileSize}).value();
  if (!bench::waitForDiskRest(path)) std::fprintf(stderr, "bio_bench: a busy disk\n");
  {
    auto ring = IoRing::create(*reactor, Log::toStandardError(LogLevel::kWarning)).value();
    auto file = openFileMedia(*ring, path).value();
    file->registerMemory(pool->region());
    auto memory = openMemoryMedia(*reactor, "memory", kFileSize).value();
    RawRing raw(path);
    for (const Case& test : kCases) {
      auto random = std::make_shared<SeededRandom>(1);
      const std::string tail = std::string(test.name) + "/qd" + std::to_string(test.depth);
      RawLoad load{.isWrite = test.isWrite,
                   .isDurable = test.isDurable,
                   .sizeBytes = test.sizeBytes,
                   .depth = test.depth,
                   .seconds = report.seconds() / 2,
                   .nextOffset = offsets(test, random)};
      if (report.wants("bio/file/" + tail)) {
        // In four turns each, so that a disk whose mood changes is unfair to both alike.
        load.seconds /= 4;
        RawRate reference, rate;
        for (int turn = 0; turn < 4; ++turn) {
          const RawRate bare = raw.run(load);
          const RawRate ours = runMedia(*reactor, *pool, *file, load);
          reference.perSecond += bare.perSecond / 4;
          reference.latency.merge(bare.latency);
          rate.perSecond += ours.perSecond / 4;
          rate.latency.merge(ours.latency);
        }
        add(report, "bio/file/" + tail, test, rate, &reference);
      }
      load.seconds = report.seconds() / 4;
      if (report.wants("bio/memory/" + tail)) {
        add(report, "bio/memory/" + tail, test, runMedia(*reactor, *pool, *memory, load), nullptr);
      }
    }
  }
  unlink(path.c_str());
  return report.finish();
}

}  // namespace
}  // namespace daos::bio

int main(int argc, char** argv) { return daos::bio::run(argc, argv); }
