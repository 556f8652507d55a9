// Operations on one object, so many at a time: what the benchmarks of the object path measure.
//
// Thread: the client's.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "bench/latency_histogram.h"
#include "codec/checksum.h"
#include "runtime/random.h"
#include "system/loopback.h"

namespace daos::system {

// The value, or the end of the program, which says why.
template <typename T>
T orExit(const std::string& what, Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s: %s\n", what.c_str(), result.error().describe().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Case {
  std::string name;  // "sv64-update"
  bool isUpdate;
  ValueType type;
  size_t size;
  ChecksumType checksums = ChecksumType::kNone;

  bool isLarge() const { return size >= (1 << 20); }
  // 1 MiB values are few, so that they fit.
  uint64_t keyCount() const { return isLarge() ? 64 : 4096; }
  // Versions of what is written pile up.
  uint64_t poolBytes() const { return uint64_t{isUpdate ? 4u : 1u} << 30; }
  uint64_t writeCountMax() const { return poolBytes() * 3 / 4 / (size + 256); }
};

// Operations on one object, `depth` at a time.
class CaseRun {
 public:
  CaseRun(LoopbackClient& client, client::Object& object, const Case& test)
      : client_(client), object_(object), test_(test) {}

  // Writes the first keys once, so that fetches find data.
  void fill(uint64_t keyCount) {
    client_.reactor().spawn([](CaseRun& self, uint64_t count) -> Task<void> {
      std::vector<std::byte> buffer(self.test_.size, std::byte{7});
      for (uint64_t key = 0; key < count; ++key) {
        orExit(self.test_.name, co_await self.update(key, buffer));
      }
      self.isFilled_ = true;
    }(*this, keyCount));
    client_.reactor().runUntil([&] { return isFilled_; });
  }

  void measure(size_t depth, double seconds) {
    const uint64_t startNs = now();
    endNs_ = startNs + static_cast<uint64_t>(seconds * 1e9);
    for (size_t i = 0; i < depth; ++i) client_.reactor().spawn(worker(i));
    client_.reactor().runUntil([&] { return runningCount_ == 0; });
    elapsedSeconds_ = static_cast<double>(now() - startNs) / 1e9;
  }

  double rate() const { return static_cast<double>(latencies_.count()) / elapsedSeconds_; }
  const bench::LatencyHistogram& latencies() const { return latencies_; }

 private:
  uint64_t now() const { return client_.reactor().clock().nowNs(); }
  IoDescriptor describe(const Extent& extent) const {
    if (test_.type == ValueType::kSingle) return {.akey = bytesOf("a"), .recordSize = test_.size};
    return {.akey = bytesOf("a"), .type = test_.type, .recordSize = 1, .extents = {&extent, 1}};
  }
  Task<Result<Epoch>> update(uint64_t key, std::span<const std::byte> value) {
    const Extent extent{0, test_.size};
    const IoDescriptor akey = describe(extent);
    const Bytes data[] = {value};
    co_return co_await client::update(
        object_, {.dkey = bytesOf(&key, sizeof(key)), .akeys = {&akey, 1}, .data = data});
  }

  Task<Result<Epoch>> fetch(uint64_t key, std::span<std::byte> room, client::AkeyResult& result) {
    const Extent extent{0, test_.size};
    const IoDescriptor akey = describe(extent);
    const MutableBytes buffers[] = {room};
    auto epoch = co_await client::fetch(object_, {.dkey = bytesOf(&key, sizeof(key)),
                                                  .akeys = {&akey, 1},
                                                  .buffers = buffers,
                                                  .results = {&result, 1}});
    if (epoch.ok() && result.dataSize != test_.size) co_return Error(ErrorCode::kIo, "short fetch");
    co_return epoch;
  }

  bool isFull() const { return test_.isUpdate && latencies_.count() >= test_.writeCountMax(); }

  Task<void> worker(size_t index) {
    ++runningCount_;
    std::vector<std::byte> buffer(test_.size, std::byte{7});
    client::AkeyResult result;
    SeededRandom random(index + 1);
    for (uint64_t startNs = now(); startNs < endNs_ && !isFull();) {
      const uint64_t key = random.below(test_.keyCount());
      // Not by ?: — gcc 12 awaits both of its branches.
      if (test_.isUpdate) {
        orExit(test_.name, co_await update(key, buffer));
      } else {
        orExit(test_.name, co_await fetch(key, buffer, result));
      }
      const uint64_t nextNs = now();
      latencies_.record(nextNs - startNs);
      startNs = nextNs;
    }
    --runningCount_;
  }

  LoopbackClient& client_;
  client::Object& object_;
  const Case& test_;
  bool isFilled_ = false;
  uint64_t endNs_ = 0;
  size_t runningCount_ = 0;
  double elapsedSeconds_ = 0;
  bench::LatencyHistogram latencies_;
};

}  // namespace daos::system
