// Random creates and deletes in an arena for as long as one likes, and what they do to its heap.
//
// An object is one to three small blocks and one for its value, made in one transaction and dropped
// in another. Which object goes is random, so some stay for long among those that come and go; the
// sizes of values, up to where they go to media, change from phase to phase, and the number of
// bytes in use rises and falls: a heap that doesn't find its way back from one size to the next
// needs more and more room for the same bytes.
//
// Thread: the arena's.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "runtime/random.h"
#include "vos/arena.h"

namespace daos::vos {

class HeapSoak {
 public:
  // A cycle has each phase of sizes once, and bytes in use rise and fall so often in it.
  static constexpr uint64_t kPhaseCount = 5, kWaveCount = 4;
  // Of the heap, in use between these.
  static constexpr double kUsedMin = 0.35, kUsedMax = 0.65;

  HeapSoak(Arena& arena, uint64_t seed, uint64_t cycleOperations)
      : arena_(arena), random_(seed), cycleOperations_(cycleOperations) {}

  // A cycle, and what the heap was like in it: on average, and at its worst.
  struct Cycle {
    double roomPerUsed = 0;  // bytes of the chunks that hold blocks, for one byte of these
    double roomPerUsedWorst = 0;
    double usedPerRequested = 0;  // what rounding to sizes of blocks costs
    double failedShare = 0;       // of its operations: creates that found no room
  };
  Cycle runCycle() {
    constexpr uint64_t kSampleCount = 200;
    Cycle cycle;
    const uint64_t failedBefore = failedCount_;
    for (uint64_t sample = 0; sample < kSampleCount; ++sample) {
      for (uint64_t i = 0; i < cycleOperations_ / kSampleCount; ++i) step();
      const Shape now = shape();
      cycle.roomPerUsed += now.roomPerUsed / kSampleCount;
      cycle.usedPerRequested += now.usedPerRequested / kSampleCount;
      cycle.roomPerUsedWorst = std::max(cycle.roomPerUsedWorst, now.roomPerUsed);
    }
    cycle.failedShare = static_cast<double>(failedCount_ - failedBefore) /
                        static_cast<double>(cycleOperations_);
    return cycle;
  }

  uint64_t operationCount() const { return operationCount_; }

 private:
  struct Object {
    std::array<Offset, 4> blocks{};
    uint32_t requested = 0;
  };
  struct Shape {
    double roomPerUsed = 0;
    double usedPerRequested = 0;
  };

  // A create or a delete.
  void step() {
    const uint64_t waveOperations = cycleOperations_ / kWaveCount;
    const double wave = static_cast<double>(operationCount_ % waveOperations) /
                        static_cast<double>(waveOperations);
    const double middle = (kUsedMin + kUsedMax) / 2, height = (kUsedMax - kUsedMin) / 2;
    const double wanted = middle + height * std::sin(wave * 2 * 3.14159265358979);
    const HeapSpace space = arena_.space();
    const double used =
        static_cast<double>(space.usedBytes) / static_cast<double>(space.totalBytes);
    ++operationCount_;
    // Both ways at any time, more often the one that is wanted.
    const bool isCreate = random_.below(100) < (used < wanted ? 75 : 25);
    if (isCreate || objects_.empty()) {
      create();
    } else {
      remove();
    }
  }

  Shape shape() {
    std::vector<Offset> whole;
    while (const Offset block = arena_.reserve(kChunkSize, HeapUse::kReclaim)) {
      whole.push_back(block);
    }
    const uint64_t freeBytes = whole.size() * kChunkSize;
    for (const Offset block : whole) arena_.cancelReservation(block);
    const HeapSpace space = arena_.space();
    const auto used = static_cast<double>(space.usedBytes - usedBefore_);
    return {static_cast<double>(space.totalBytes - freeBytes) / used,
            used / static_cast<double>(requestedBytes_)};
  }

  size_t valueSize() {
    constexpr std::array<std::array<uint64_t, 2>, kPhaseCount> kSizes{
        {{16, 64}, {64, 600}, {600, 4000}, {16, 4000}, {200, 1200}}};
    const auto& [least, most] =
        kSizes[operationCount_ / (cycleOperations_ / kPhaseCount) % kPhaseCount];
    // As many small ones as large ones, by order of magnitude.
    const double ratio = std::log(static_cast<double>(most) / static_cast<double>(least));
    const double at = static_cast<double>(random_.below(1 << 20)) / (1 << 20);
    return static_cast<size_t>(static_cast<double>(least) * std::exp(ratio * at));
  }

  void create() {
    Object object;
    arena_.begin();
    const size_t smallCount = 1 + random_.below(3);
    for (size_t i = 0; i <= smallCount; ++i) {
      const size_t size = i < smallCount ? 40 + random_.below(200) : valueSize();
      object.blocks[i] = arena_.allocate(size);
      if (object.blocks[i] == 0) {
        arena_.abort();
        ++failedCount_;
        return;
      }
      object.requested += static_cast<uint32_t>(size);
    }
    arena_.commit();
    requestedBytes_ += object.requested;
    objects_.push_back(object);
  }

  void remove() {
    Object& object = objects_[random_.below(objects_.size())];
    arena_.begin();
    for (const Offset block : object.blocks) {
      if (block != 0) arena_.free(block);
    }
    arena_.commit();
    requestedBytes_ -= object.requested;
    object = objects_.back();
    objects_.pop_back();
  }

  Arena& arena_;
  SeededRandom random_;
  const uint64_t cycleOperations_;
  const uint64_t usedBefore_ = arena_.space().usedBytes;
  std::vector<Object> objects_;
  uint64_t requestedBytes_ = 0;
  uint64_t operationCount_ = 0;
  uint64_t failedCount_ = 0;
};

}  // namespace daos::vos
