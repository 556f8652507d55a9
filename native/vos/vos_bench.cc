// What VOS costs on one core, in memory: docs/vos.md explains the cases, docs/performance.md lists
// the names.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

#include "bench/measure.h"
#include "bench/report.h"
#include "runtime/random.h"
#include "vos/bench_store.h"

namespace daos::vos {
namespace {

using bench::Report;
using MakeStore = std::unique_ptr<BenchStore> (*)(uint64_t arenaSize);
using Order = std::vector<uint32_t>;

constexpr uint64_t kArenaSize = 3ull << 30;
constexpr uint32_t kKeyCount = 1000000;
constexpr uint32_t kExtentCount = 200000;
// The object of the enumeration, the keys and the arrays.
const ObjectId kObject = ObjectId::make({1, 1}, ObjectType::kMultiHashed, 1, 1);

Order inOrder(uint32_t count) {
  Order order(count);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

Order shuffled(uint32_t count) {
  Order order = inOrder(count);
  SeededRandom random(42);
  for (uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

// Of a case that has so many records in the default time: fewer where less time is wanted.
uint32_t scaled(const Report& report, uint32_t count) {
  constexpr double kDefaultSeconds = 3;
  constexpr uint32_t kCountMin = 10000;
  const double share = std::min(1.0, report.seconds() / kDefaultSeconds);
  return std::max(kCountMin, static_cast<uint32_t>(count * share));
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

// A single value of 64 bytes under each dkey.
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
    if (result_.values()[0].size != sizeof value_) {
      must(Status(Error(ErrorCode::kMisc, "a key is missing")));
    }
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
  // How many dkeys an enumeration lists.
  uint64_t iterate() {
    struct Counter final : EntrySink {
      uint64_t count = 0;
      bool take(const Entry&) override {
        ++count;
        return true;
      }
    } counter;
    EnumerateRequest request;
    request.level = Level::kDkey;
    request.oid = kObject;
    Anchor anchor;
    while (!anchor.isEnd) must(container_.enumerate(request, anchor, counter));
    return counter.count;
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

// Extents of 4 KiB of arrays of bytes, 256 under each dkey.
class Extents {
 public:
  explicit Extents(Container& container) : container_(container) {
    descriptor_.akey = bytesOf("data");
    descriptor_.type = ValueType::kArray;
    descriptor_.recordSize = 1;
    descriptor_.extents = {&extent_, 1};
    update_.oid = fetch_.oid = kObject;
    update_.descriptors = fetch_.descriptors = {&descriptor_, 1};
  }
  void update(uint64_t number) {
    const KeyText text(number / kPerKey);
    update_.dkey = text.bytes();
    update_.write.epoch = ++epoch_;
    extent_.index = number % kPerKey * kSize;
    const Bytes data(value_);
    must(container_.update(update_, {&data, 1}));
  }
  void fetch(uint64_t number) {
    const KeyText text(number / kPerKey);
    fetch_.dkey = text.bytes();
    extent_.index = number % kPerKey * kSize;
    must(container_.fetch(fetch_, result_));
    if (result_.values()[0].recordSize != 1) {
      must(Status(Error(ErrorCode::kMisc, "an extent is missing")));
    }
    result_.copyTo(result_.values()[0], value_);
  }
  static constexpr uint64_t kSize = 4096;
  static constexpr uint64_t kPerKey = 256;

 private:
  Container& container_;
  std::vector<std::byte> value_ = std::vector<std::byte>(kSize);
  Extent extent_{0, kSize};
  IoDescriptor descriptor_;
  UpdateRequest update_;
  FetchRequest fetch_;
  FetchResult result_;
  Epoch epoch_ = 1;
};

// Runs `operation(order[i])` for all i once; operations per second.
template <typename Operation>
double rateOf(BenchStore& store, const Order& order, Operation&& operation) {
  const uint64_t start = bench::nowNs();
  uint32_t untilSettled = BenchStore::kWindow;
  for (const uint32_t i : order) {
    operation(i);
    if (--untilSettled == 0) {
      store.settle();
      untilSettled = BenchStore::kWindow;
    }
  }
  store.settle();
  return static_cast<double>(order.size()) * 1e9 / static_cast<double>(bench::nowNs() - start);
}

// The raw limit of extents: copies of 4 KiB to and from the same number of places in memory that
// has been used before.
class BareCopies {
 public:
  explicit BareCopies(uint32_t count) : memory_(uint64_t{count} * Extents::kSize, std::byte{1}) {}
  void write(uint64_t number) { std::memcpy(place(number), value_, sizeof value_); }
  void read(uint64_t number) {
    std::memcpy(value_, place(number), sizeof value_);
    bench::keep(value_[0]);
  }

 private:
  std::byte* place(uint64_t number) { return memory_.data() + number * Extents::kSize; }
  std::vector<std::byte> memory_;
  std::byte value_[Extents::kSize] = {};
};

template <typename Operation>
double bareRateOf(const Order& order, Operation&& operation) {
  const uint64_t start = bench::nowNs();
  for (const uint32_t i : order) operation(i);
  return static_cast<double>(order.size()) * 1e9 / static_cast<double>(bench::nowNs() - start);
}

// Bytes of arena that `fill` takes, beyond `dataBytes`, a record.
template <typename Fill>
void addBytesPer(Report& report, BenchStore& store, const std::string& name, uint32_t count,
                 uint64_t dataBytes, Fill&& fill) {
  const uint64_t before = store.pool().space().arena.usedBytes;
  fill();
  const uint64_t used = store.pool().space().arena.usedBytes - before;
  report.add(name, static_cast<double>(used - dataBytes * count) / count, "bytes");
}

void benchSingleValues(Report& report, const std::string& name, MakeStore makeStore) {
  if (!report.wants(name)) return;
  const uint32_t keyCount = scaled(report, kKeyCount);
  const auto random = shuffled(keyCount);
  const auto sequential = inOrder(keyCount);
  {
    const auto store = makeStore(kArenaSize);
    SingleValues values(store->container());
    report.addRate(name + "-sequential-update/rate",
                   rateOf(*store, sequential, [&](uint32_t i) { values.update(i); }));
    report.addRate(name + "-sequential-fetch/rate",
                   rateOf(*store, sequential, [&](uint32_t i) { values.fetch(i); }));
  }
  const auto store = makeStore(kArenaSize);
  SingleValues values(store->container());
  values.update(keyCount);  // the object is there
  addBytesPer(report, *store, name + "/bytes-per-key", keyCount, 0, [&] {
    report.addRate(name + "-random-update/rate",
                   rateOf(*store, random, [&](uint32_t i) { values.update(i); }));
  });
  report.addRate(name + "-random-fetch/rate",
                 rateOf(*store, random, [&](uint32_t i) { values.fetch(i); }));
  // Records lie in the order of their arrival, and the cases above read in that order.
  report.addRate(name + "-scattered-fetch/rate",
                 rateOf(*store, sequential, [&](uint32_t i) { values.fetch(i); }));
  const uint64_t start = bench::nowNs();
  const uint64_t listed = values.iterate();
  report.addRate(name + "-iterate/rate",
                 static_cast<double>(listed) * 1e9 / static_cast<double>(bench::nowNs() - start));
  report.addRate(name + "-overwrite-update/rate",
                 rateOf(*store, random, [&](uint32_t i) { values.update(i); }));
  report.addRate(name + "-overwritten-fetch/rate",
                 rateOf(*store, random, [&](uint32_t i) { values.fetch(i); }));
  report.addRate(name + "-punch/rate",
                 rateOf(*store, random, [&](uint32_t i) { values.punch(i); }));
}

void benchExtents(Report& report, const std::string& name, MakeStore makeStore) {
  if (!report.wants(name)) return;
  const uint32_t extentCount = scaled(report, kExtentCount);
  const auto random = shuffled(extentCount);
  const auto sequential = inOrder(extentCount);
  BareCopies bare(extentCount);
  const double bareWrites = bareRateOf(random, [&](uint32_t i) { bare.write(i); });
  const double bareReads = bareRateOf(random, [&](uint32_t i) { bare.read(i); });
  {
    const auto store = makeStore(kArenaSize);
    Extents extents(store->container());
    report.addRate(name + "-sequential-update/rate",
                   rateOf(*store, sequential, [&](uint32_t i) { extents.update(i); }),
                   bareRateOf(sequential, [&](uint32_t i) { bare.write(i); }));
  }
  const auto store = makeStore(kArenaSize);
  Extents extents(store->container());
  extents.update(0);
  addBytesPer(report, *store, name + "/bytes-per-extent", extentCount, Extents::kSize, [&] {
    report.addRate(name + "-random-update/rate",
                   rateOf(*store, random, [&](uint32_t i) { extents.update(i); }), bareWrites);
  });
  report.addRate(name + "-random-fetch/rate",
                 rateOf(*store, random, [&](uint32_t i) { extents.fetch(i); }), bareReads);
  report.addRate(name + "-overwrite-update/rate",
                 rateOf(*store, random, [&](uint32_t i) { extents.update(i); }), bareWrites);
}

// What an operation costs in a store of `count` keys: cost grows with the logarithm.
void benchScale(Report& report, const std::string& name, MakeStore makeStore, uint32_t count) {
  if (!report.wants(name)) return;
  if (report.seconds() < 1 && count > kKeyCount) {
    std::fprintf(stderr, "%s: left out, it takes at least --seconds 1\n", name.c_str());
    return;
  }
  const auto store = makeStore(kArenaSize);
  SingleValues values(store->container());
  const auto order = shuffled(count);
  // The last tenth of the insertions, in a store that is nearly full size.
  const auto tenth = static_cast<ptrdiff_t>(count / 10);
  rateOf(*store, Order(order.begin(), order.end() - tenth), [&](uint32_t i) { values.update(i); });
  const Order last(order.end() - tenth, order.end());
  report.addRate(name + "/update/rate",
                 rateOf(*store, last, [&](uint32_t i) { values.update(i); }));
  const Order sample(order.begin(), order.begin() + std::min<ptrdiff_t>(count, 500000));
  report.addRate(name + "/fetch/rate",
                 rateOf(*store, sample, [&](uint32_t i) { values.fetch(i); }));
}

// What a foreground operation may find before it: a step of an aggregation that drops versions and
// punched keys and merges extents.
void benchAggregation(Report& report, const std::string& name, MakeStore makeStore) {
  if (!report.wants(name)) return;
  constexpr uint32_t kBudget = 64;  // what an engine begins with, and comes down from
  const uint32_t aggregatedCount = scaled(report, 200000);
  const uint32_t mergedCount = scaled(report, 20000);
  const auto store = makeStore(kArenaSize);
  SingleValues values(store->container());
  Extents extents(store->container());
  const auto order = shuffled(aggregatedCount);
  for (int round = 0; round < 2; ++round) {
    rateOf(*store, order, [&](uint32_t i) { values.update(i); });
  }
  rateOf(*store, shuffled(aggregatedCount / 4), [&](uint32_t i) { values.punch(i); });
  // Under other dkeys than the values.
  const uint64_t first = uint64_t{aggregatedCount} * Extents::kPerKey;
  rateOf(*store, shuffled(mergedCount), [&](uint32_t i) { extents.update(first + i); });
  must(store->container().beginAggregation(kEpochMax - 1));
  bench::LatencyHistogram steps;
  for (bool isMore = true; isMore;) {
    const uint64_t start = bench::nowNs();
    isMore = must(store->container().reduceStep(kBudget));
    steps.record(bench::nowNs() - start);
    store->settle();
  }
  for (const auto& [kind, fraction] :
       {std::pair{"p50", 0.5}, std::pair{"p99.9", 0.999}, std::pair{"p100", 1.0}}) {
    report.add(name + "/" + kind, steps.percentileUs(fraction), "us");
  }
}

void benchAll(Report& report, const std::string& prefix, MakeStore makeStore) {
  benchSingleValues(report, prefix + "/sv64", makeStore);
  benchExtents(report, prefix + "/array4k", makeStore);
  benchAggregation(report, prefix + "/aggregation-delay", makeStore);
}

template <typename Store>
std::unique_ptr<BenchStore> make(uint64_t arenaSize) {
  return std::make_unique<Store>(arenaSize);
}

}  // namespace
}  // namespace daos::vos

int main(int argc, char** argv) {
  using namespace daos::vos;
  daos::bench::Report report(argc, argv);
  benchAll(report, "vos/pmem", make<PmemBenchStore>);
  benchAll(report, "vos/log", make<LogBenchStore>);
  benchScale(report, "vos/pmem/keys-1e4", make<PmemBenchStore>, 10000);
  benchScale(report, "vos/pmem/keys-1e6", make<PmemBenchStore>, 1000000);
  benchScale(report, "vos/pmem/keys-1e7", make<PmemBenchStore>, 10000000);
  return report.finish();
}
