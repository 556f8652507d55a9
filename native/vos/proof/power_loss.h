// What persistent memory may hold after the power fails, at any moment of a program that writes to
// it.
//
// A store to persistent memory reaches the medium when its cache line is flushed and a fence has
// passed; before that the processor may write the line out, or not, as it likes. This takes the
// place of libpmemobj's flush and drain in the test program, keeps beside the live memory what is
// on the medium for certain, and makes images of what could be found after a failure: that, and any
// choice of the lines that differ.
//
// Thread: one. One recorder at a time, because there is one libpmemobj.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "runtime/random.h"

namespace daos::vos::proof {

inline constexpr size_t kCacheLineSize = 64;

struct PersistedLine {
  uint64_t offset;  // in the recorded memory
  std::array<std::byte, kCacheLineSize> bytes;
};

// Part of a libpmemobj file, by bytes from its start.
struct FileRegion {
  uint64_t offset = 0;
  uint64_t size = 0;
};

// The recorded memory after a failure: as it was when recording began, but for these lines.
struct PowerLossImage {
  uint64_t step = 0;  // what noteStep() was told last
  std::vector<PersistedLine> lines;
};

struct PowerLossOptions {
  // An image at one of so many flushes and fences.
  uint32_t hooksPerImage = 20;
};

class PowerLossRecorder {
 public:
  // Records what happens from now on to `region` of the file that is open, or is opened next. It
  // holds `initial`, all of it on the medium. `random` is borrowed.
  PowerLossRecorder(const FileRegion& region, Bytes initial, Random& random,
                    const PowerLossOptions& options);
  ~PowerLossRecorder();
  PowerLossRecorder(const PowerLossRecorder&) = delete;
  PowerLossRecorder& operator=(const PowerLossRecorder&) = delete;

  void noteStep(uint64_t step) { step_ = step; }
  std::vector<PowerLossImage> takeImages() { return std::move(images_); }
  // Fences seen: without any, nothing was recorded.
  uint64_t fenceCount() const { return fenceCount_; }

  // Called in place of libpmemobj's functions; the file is mapped from `pool` on. False: not within
  // the region.
  bool onFlush(const void* pool, const void* from, size_t size);
  void onDrain(const void* pool);

 private:
  using Line = std::array<std::byte, kCacheLineSize>;
  void maybeTakeImage();
  void takeImage();
  void addLine(PowerLossImage& image, uint64_t offset, uint32_t keepPercent, bool isTorn);
  Line chooseLine(uint64_t offset, uint32_t keepPercent, bool isTorn);
  Line lineOf(const std::byte* from) const;

  const FileRegion region_;
  const std::byte* memory_ = nullptr;  // where the region is mapped
  Random& random_;
  const PowerLossOptions options_;
  std::vector<std::byte> initial_;
  std::vector<std::byte> persisted_;
  std::map<uint64_t, Line> flushing_;  // by offset: flushed, no fence yet
  std::map<uint64_t, bool> changed_;   // by offset: where persisted_ may differ from initial_
  std::vector<PowerLossImage> images_;
  uint64_t step_ = 0;
  uint64_t fenceCount_ = 0;
};

}  // namespace daos::vos::proof
