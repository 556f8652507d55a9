// Time as an argument.
#pragma once

#include <cstdint>

namespace daos {

class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic nanoseconds since an arbitrary point.
  virtual uint64_t nowNs() const = 0;
  // Nanoseconds since 1970-01-01 UTC; may step.
  virtual uint64_t wallNs() const = 0;
};

class SystemClock final : public Clock {
 public:
  uint64_t nowNs() const override;
  uint64_t wallNs() const override;
};

// A clock that moves only when told: tests and the simulator.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(uint64_t wallNs = 1700000000ull * 1000000000ull) : wallNs_(wallNs) {}
  uint64_t nowNs() const override { return nowNs_; }
  uint64_t wallNs() const override { return wallNs_; }
  void advance(uint64_t ns) {
    nowNs_ += ns;
    wallNs_ += ns;
  }
  void stepWall(int64_t ns) { wallNs_ = static_cast<uint64_t>(static_cast<int64_t>(wallNs_) + ns); }

 private:
  uint64_t nowNs_ = 1;
  uint64_t wallNs_;
};

}  // namespace daos
