#include "vos/proof/power_loss.h"

#include <dlfcn.h>
#include <libpmemobj.h>

#include <cstring>

namespace daos::vos::proof {

namespace {

// The one that records, if any: libpmemobj's functions have no place for an argument of ours.
PowerLossRecorder* recorder = nullptr;

template <typename Function>
Function* libraryFunction(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

constexpr size_t kPageSize = 4096;

}  // namespace

PowerLossRecorder::PowerLossRecorder(const FileRegion& region, Bytes initial, Random& random,
                                     const PowerLossOptions& options)
    : region_(region),
      random_(random),
      options_(options),
      initial_(initial.begin(), initial.end()),
      persisted_(initial_) {
  DAOS_ASSERT(recorder == nullptr);
  DAOS_ASSERT(region.size % kPageSize == 0);
  DAOS_ASSERT(initial.size() == region.size);
  recorder = this;
}

PowerLossRecorder::~PowerLossRecorder() { recorder = nullptr; }

PowerLossRecorder::Line PowerLossRecorder::lineOf(const std::byte* from) const {
  Line line;
  std::memcpy(line.data(), from, line.size());
  return line;
}

bool PowerLossRecorder::onFlush(const void* pool, const void* from, size_t size) {
  memory_ = static_cast<const std::byte*>(pool) + region_.offset;
  const auto* first = static_cast<const std::byte*>(from);
  if (first < memory_ || first + size > memory_ + region_.size) return false;
  maybeTakeImage();
  const auto begin = static_cast<uint64_t>(first - memory_);
  for (uint64_t at = alignDown(begin, kCacheLineSize); at < begin + size; at += kCacheLineSize) {
    flushing_[at] = lineOf(memory_ + at);
  }
  return true;
}

void PowerLossRecorder::onDrain(const void* pool) {
  memory_ = static_cast<const std::byte*>(pool) + region_.offset;
  ++fenceCount_;
  maybeTakeImage();
  for (const auto& [offset, line] : flushing_) {
    std::memcpy(persisted_.data() + offset, line.data(), line.size());
    changed_[offset] = true;
  }
  flushing_.clear();
  maybeTakeImage();
}

void PowerLossRecorder::maybeTakeImage() {
  if (random_.chance(1, options_.hooksPerImage)) takeImage();
}

// What is found where the live line is not what the medium has for certain: either of them, or what
// was flushed in between; `isTorn`: so for each word by itself, since only a word is written as
// one.
PowerLossRecorder::Line PowerLossRecorder::chooseLine(uint64_t offset, uint32_t keepPercent,
                                                      bool isTorn) {
  Line chosen = lineOf(persisted_.data() + offset);
  const Line live = lineOf(memory_ + offset);
  const auto flushed = flushing_.find(offset);
  const size_t unit = isTorn ? sizeof(uint64_t) : kCacheLineSize;
  for (size_t at = 0; at < kCacheLineSize; at += unit) {
    if (!random_.chance(keepPercent, 100)) continue;
    const bool isEarlier = flushed != flushing_.end() && random_.chance(1, 2);
    const Line& from = isEarlier ? flushed->second : live;
    std::memcpy(chosen.data() + at, from.data() + at, unit);
  }
  return chosen;
}

void PowerLossRecorder::addLine(PowerLossImage& image, uint64_t offset, uint32_t keepPercent,
                                bool isTorn) {
  const Line line = chooseLine(offset, keepPercent, isTorn);
  if (std::memcmp(line.data(), initial_.data() + offset, line.size()) == 0) return;
  image.lines.push_back({offset, line});
}

void PowerLossRecorder::takeImage() {
  constexpr uint32_t kKeepPercents[] = {0, 5, 30, 50, 70, 95, 100};
  const uint32_t keepPercent = kKeepPercents[random_.below(std::size(kKeepPercents))];
  const bool isTorn = random_.chance(1, 4);
  PowerLossImage image;
  image.step = step_;
  for (const auto& [offset, flag] : changed_) {
    const bool isSettled =
        std::memcmp(memory_ + offset, persisted_.data() + offset, kCacheLineSize) == 0;
    if (isSettled) addLine(image, offset, 0, false);
  }
  for (uint64_t page = 0; page < region_.size; page += kPageSize) {
    if (std::memcmp(memory_ + page, persisted_.data() + page, kPageSize) == 0) continue;
    for (uint64_t at = page; at < page + kPageSize; at += kCacheLineSize) {
      if (std::memcmp(memory_ + at, persisted_.data() + at, kCacheLineSize) != 0) {
        addLine(image, at, keepPercent, isTorn);
      }
    }
  }
  images_.push_back(std::move(image));
}

}  // namespace daos::vos::proof

// --- in place of libpmemobj's own

extern "C" {

__attribute__((visibility("default"))) void pmemobj_flush(PMEMobjpool* pool, const void* from,
                                                          size_t size) {
  if (daos::vos::proof::recorder && daos::vos::proof::recorder->onFlush(pool, from, size)) return;
  daos::vos::proof::libraryFunction<decltype(pmemobj_flush)>("pmemobj_flush")(pool, from, size);
}

__attribute__((visibility("default"))) void pmemobj_drain(PMEMobjpool* pool) {
  if (daos::vos::proof::recorder) return daos::vos::proof::recorder->onDrain(pool);
  daos::vos::proof::libraryFunction<decltype(pmemobj_drain)>("pmemobj_drain")(pool);
}

__attribute__((visibility("default"))) void pmemobj_persist(PMEMobjpool* pool, const void* from,
                                                            size_t size) {
  pmemobj_flush(pool, from, size);
  pmemobj_drain(pool);
}
}
