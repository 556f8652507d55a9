// What random creates and deletes do to the heap of an arena of 256 MiB; --seconds 60 for as many
// as a thousand a second in a day.
//
// heap/soak/{rate,operations}: per second, and in all; reference: 1,000 a second for a day.
// heap/soak/{first,last}/failed: percent of operations that found no room, a third to two thirds in
// use. heap/soak/{first,last,worst}/room-per-used: bytes of the chunks that hold blocks for one
// byte of these: on average in the second cycle of sizes (the first fills the heap), in the last
// one, and at its worst.
#include <unistd.h>

#include "bench/measure.h"
#include "bench/report.h"
#include "vos/heap_soak.h"
#include "vos/pmem_arena.h"

namespace daos::vos {
namespace {

constexpr uint64_t kArenaSize = 256 << 20;
constexpr uint64_t kCycleOperations = 2'500'000;
constexpr double kDayOperations = 86'400'000;

int runAll(int argc, char** argv) {
  bench::Report report(argc, argv);
  const std::string path = "/dev/shm/daos_vos_heap_bench." + std::to_string(getpid());
  auto arena = PmemArena::create(path, kArenaSize, {Flushing::kNone});
  unlink(path.c_str());
  if (!arena.ok()) {
    std::fprintf(stderr, "heap_bench: %s\n", arena.error().describe().c_str());
    return 1;
  }
  HeapSoak soak(**arena, 1, kCycleOperations);
  const uint64_t startNs = bench::nowNs();
  const auto seconds = [&] { return static_cast<double>(bench::nowNs() - startNs) / 1e9; };
  soak.runCycle();
  const HeapSoak::Cycle first = soak.runCycle();
  HeapSoak::Cycle last = first;
  double worst = first.roomPerUsedWorst;
  while (seconds() < report.seconds()) {
    last = soak.runCycle();
    worst = std::max(worst, last.roomPerUsedWorst);
  }
  const auto count = static_cast<double>(soak.operationCount());
  report.addRate("heap/soak/rate", count / seconds());
  report.add("heap/soak/operations", count, "ops", kDayOperations);
  report.add("heap/soak/first/failed", first.failedShare * 100, "%");
  report.add("heap/soak/last/failed", last.failedShare * 100, "%");
  report.add("heap/soak/first/room-per-used", first.roomPerUsed, "x");
  report.add("heap/soak/last/room-per-used", last.roomPerUsed, "x", first.roomPerUsed);
  report.add("heap/soak/worst/room-per-used", worst, "x", first.roomPerUsed);
  report.add("heap/soak/last/used-per-requested", last.usedPerRequested, "x");
  return report.finish();
}

}  // namespace
}  // namespace daos::vos

int main(int argc, char** argv) { return daos::vos::runAll(argc, argv); }
