// Calls by the time at which something has to be done about them: O(1) to add and to remove.
//
// A hashed wheel of 1 ms buckets; an entry more than a turn ahead stays in its bucket for the next
// turn. (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987.)
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "rpc/call.h"

namespace daos::rpc {

class DeadlineWheel {
 public:
  explicit DeadlineWheel(uint64_t nowNs) : tick_(nowNs / kTickNs) {}

  // Puts the call, which is in no wheel, where advance() finds it at `wakeNs` or up to a tick
  // later.
  void add(Call& call, uint64_t wakeNs) {
    const uint64_t tick = std::max(wakeNs / kTickNs + 1, tick_ + 1);
    buckets_[tick % kBucketCount].pushBack(call);
    used_[tick % kBucketCount / 64] |= uint64_t{1} << (tick % 64);
  }
  static void remove(Call& call) { static_cast<IntrusiveLink<DeadlineTag>&>(call).unlink(); }

  // Calls `due(call)` for every call whose wakeNs(call) has come, after taking it out.
  template <typename WakeNs, typename Due>
  void advance(uint64_t nowNs, WakeNs wakeNs, Due due) {
    const uint64_t tickNow = nowNs / kTickNs;
    if (tickNow <= tick_) return;
    const uint64_t first =
        std::max(tick_ + 1, tickNow >= kBucketCount ? tickNow - kBucketCount + 1 : 0);
    tick_ = tickNow;
    for (uint64_t tick = first; tick <= tickNow; ++tick) {
      if (isUsed(tick)) sweep(tick % kBucketCount, nowNs, wakeNs, due);
    }
  }
  // No call is due before this time; UINT64_MAX for an empty wheel.
  uint64_t nextNs() {
    for (uint64_t tick = tick_ + 1; tick <= tick_ + kBucketCount; ++tick) {
      if (!isUsed(tick)) {
        if (tick % 64 == 0 && used_[tick % kBucketCount / 64] == 0) tick += 63;
        continue;
      }
      if (!buckets_[tick % kBucketCount].empty()) return tick * kTickNs;
      clear(tick % kBucketCount);
    }
    return std::numeric_limits<uint64_t>::max();
  }

 private:
  static constexpr uint64_t kTickNs = 1'000'000;
  static constexpr uint64_t kBucketCount = 4096;
  using Bucket = IntrusiveList<Call, DeadlineTag>;

  bool isUsed(uint64_t tick) const {
    return used_[tick % kBucketCount / 64] >> (tick % 64) & 1;
  }
  void clear(uint64_t bucket) { used_[bucket / 64] &= ~(uint64_t{1} << (bucket % 64)); }

  template <typename WakeNs, typename Due>
  void sweep(uint64_t index, uint64_t nowNs, WakeNs wakeNs, Due due) {
    Bucket& bucket = buckets_[index];
    Bucket later;
    // What `due` ends or starts may change the bucket, so it is emptied from the front.
    while (Call* call = bucket.popFront()) {
      if (wakeNs(*call) <= nowNs) {
        due(*call);
      } else {
        later.pushBack(*call);
      }
    }
    clear(index);
    while (Call* call = later.popFront()) {
      bucket.pushBack(*call);
      used_[index / 64] |= uint64_t{1} << (index % 64);
    }
  }

  uint64_t tick_;
  std::array<Bucket, kBucketCount> buckets_;
  std::array<uint64_t, kBucketCount / 64> used_{};
};

}  // namespace daos::rpc
