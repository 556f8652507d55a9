// What VOS costs on one core, in memory: docs/vos.md explains the cases, docs/performance.md lists
// the names.
//
// The arena lies on /dev/shm (or $TMPDIR-less: the directory given by --directory is not a flag:
// tmpfs is the point). Flushing is as libpmemobj finds right: PMEM_IS_PMEM_FORCE=1 makes it treat
// tmpfs as persistent memory.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "bench/measure.h"
#include "bench/report.h"
#include "runtime/random.h"
#include "vos/pmem_arena.h"
#include "vos/vos.h"

namespace daos::vos {
namespace {

using bench::Report;

constexpr uint64_t kArenaSize = 3ull << 30;
const char* const kPath = "/dev/shm/daos_vos_bench.arena";

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "vos_bench: %s\n", result.error().describe().c_str());
    std::exit(1);
  }
  return std::move(result).value();
}
void must(Status status) {
  if (status.ok()) return;
  std::fprintf(stderr, "vos_bench: %s\n", status.error().describe().c_str());
  std::exit(1);
}

// A pool with one container on tmpfs; gone at the end.
struct Store {
  std::unique_ptr<Pool> pool;
  Container* container;

  explicit Store(uint64_t size = kArenaSize) {
    unlink(kPath);
    auto arena = must(PmemArena::create(kPath, size));
    pool = must(Pool::create(std::move(arena), nullptr, {}, {}));
    const Uuid uuid = Uuid::fromRandom(1, 2);
    must(pool->createContainer(uuid));
    container = must(pool->openContainer(uuid));
  }
  ~Store() {
    pool->closeContainer(container);
    pool.reset();
    unlink(kPath);
  }
};

const ObjectId kObject = ObjectId::make({1, 1}, ObjectType::kMultiHashed, 1, 1);

std::vector<uint32_t> shuffled(uint32_t count) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  SeededRandom random(42);
  for (uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

// 16 bytes of key out of a number.
struct KeyText {
  char text[17];
  explicit KeyText(uint64_t number) {
    text[0] = 'k';
    for (int i = 15; i > 0; --i, number /= 10) text[i] = static_cast<char>('0' + number % 10);
  }
  Bytes bytes() const { return bytesOf(text, 16); }
};

class SingleValues {
 public:
  explicit SingleValues(Container& container) : container_(container) {
    descriptor_.akey = bytesOf("data");
    descriptor_.type = ValueType::kSingle;
    descriptor_.recordSize = sizeof value_;
    update_.oid = fetch_.oid = kObject;
    update_.descriptors = fetch_.descriptors = {&descriptor_, 1};
  }
  void update(uint64_t key) {
    const KeyText text(key);
    update_.dkey = text.bytes();
    update_.write.epoch = ++epoch_;
    value_[0] = static_cast<std::byte>(key);
    const Bytes data(value_);
    must(container_.update(update_, {&data, 1}));
  }
  void fetch(uint64_t key) {
    const KeyText text(key);
    fetch_.dkey = text.bytes();
    must(container_.fetch(fetch_, result_));
    if (result_.values()[0].size != sizeof value_)
      must(Status(Error(ErrorCode::kMisc, "a key is missing")));
    result_.copyTo(result_.values()[0], value_);
  }
  void punch(uint64_t key) {
    const KeyText text(key);
    PunchRequest request;
    request.oid = kObject;
    request.dkey = text.bytes();
    request.write.epoch = ++epoch_;
    must(container_.punch(request));
  }

 private:
  Container& container_;
  std::byte value_[64] = {};
  IoDescriptor descriptor_;
  UpdateRequest update_;
  FetchRequest fetch_;
  FetchResult result_;
  Epoch epoch_ = 1;
};

// Runs `operation(order[i])` for all i once and reports the rate.
template <typename Operation>
void timeAll(Report& report, const std::string& name, const std::vector<uint32_t>& order,
             Operation&& operation) {
  const uint64_t start = bench::nowNs();
  for (const uint32_t i : order) operation(i);
  const double seconds = static_cast<double>(bench::nowNs() - start) / 1e9;
  report.addRate(name + "/rate", static_cast<double>(order.size()) / seconds);
}

void benchSingleValues(Report& report, const std::string& prefix, uint32_t count) {
  const std::vector<uint32_t> order = shuffled(count);
  const std::string name = prefix + "/sv64";
  Store store;
  SingleValues values(*store.container);
  values.update(count);  // the object is there
  const uint64_t before = store.pool->space().arena.usedBytes;
  timeAll(report, name + "-random-update", order, [&](uint32_t i) { values.update(i); });
  const uint64_t after = store.pool->space().arena.usedBytes;
  report.add(name + "/bytes-per-key", static_cast<double>(after - before) / count, "bytes");
  timeAll(report, name + "-random-fetch", order, [&](uint32_t i) { values.fetch(i); });
  timeAll(report, name + "-overwrite-update", order, [&](uint32_t i) { values.update(i); });
  timeAll(report, name + "-overwritten-fetch", order, [&](uint32_t i) { values.fetch(i); });
  timeAll(report, name + "-punch", order, [&](uint32_t i) { values.punch(i); });
}

}  // namespace
}  // namespace daos::vos

int main(int argc, char** argv) {
  daos::bench::Report report(argc, argv);
  daos::vos::benchSingleValues(report, "vos/pmem", 1000000);
  return report.finish();
}
