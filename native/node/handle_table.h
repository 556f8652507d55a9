// The handles JavaScript holds: numbers that name resources of one environment.
//
// A number is cheaper to pass than a wrapped object (one conversion instead of a property look-up
// and a tag comparison) and as safe: each entry carries a type tag and a generation, so that a
// closed handle, a handle of another type or a made-up number finds nothing.
//
// Thread: the JavaScript thread of the environment.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace daos::node {

// Something a handle names. A core (a resource with a thread) overrides stop().
class Resource {
 public:
  virtual ~Resource() = default;
  // Returns when no thread uses the resource any more and every operation it had was completed.
  virtual void stop() {}
  // Begins what JavaScript submitted in this turn of its own: see Environment::wakeLater.
  virtual void wake() {}
  // A turn of the core's loop on this thread, in place of the core's own, until giveBack(). False:
  // the core's thread has the loop still, and was asked for it.
  virtual bool turn() { return false; }
  virtual void giveBack() {}
};

enum class HandleType : uint8_t {
  kNone,
  kVosPool,
  kVosContainer,
  kMedia,
  kRpcEndpoint,
  kClient,
  kPool,
  kContainer,
  kNetwork,
  kEngine,
};

class HandleTable {
 public:
  // At most 2^53: exact as a JavaScript number; never 0.
  using Handle = uint64_t;

  Handle add(HandleType type, std::shared_ptr<Resource> resource) {
    uint32_t index;
    if (free_.empty()) {
      index = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    Entry& entry = entries_[index];
    entry.type = type;
    entry.resource = std::move(resource);
    return static_cast<Handle>(entry.generation) << kIndexBits | index;
  }

  // nullptr unless `handle` is open and of this type. `T` is the class that `type` stands for.
  template <typename T>
  std::shared_ptr<T> find(HandleType type, Handle handle) const {
    const Entry* entry = entryOf(handle);
    if (!entry || entry->type != type) return nullptr;
    return std::static_pointer_cast<T>(entry->resource);
  }

  // The resource that was named, or nullptr; the handle is closed.
  std::shared_ptr<Resource> remove(HandleType type, Handle handle) {
    Entry* entry = const_cast<Entry*>(entryOf(handle));
    if (!entry || entry->type != type) return nullptr;
    entry->type = HandleType::kNone;
    entry->generation = (entry->generation + 1) & kGenerationMask;
    if (entry->generation == 0) entry->generation = 1;
    free_.push_back(static_cast<uint32_t>(handle & kIndexMask));
    return std::move(entry->resource);
  }

  // Stops and releases everything, the youngest first.
  void clear() {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
      if (entry->resource) entry->resource->stop();
    }
    while (!entries_.empty()) entries_.pop_back();
    free_.clear();
  }

 private:
  static constexpr uint32_t kIndexBits = 24;
  static constexpr uint64_t kIndexMask = (uint64_t{1} << kIndexBits) - 1;
  static constexpr uint32_t kGenerationMask = (uint32_t{1} << 29) - 1;
  struct Entry {
    uint32_t generation = 1;
    HandleType type = HandleType::kNone;
    std::shared_ptr<Resource> resource;
  };

  const Entry* entryOf(Handle handle) const {
    const uint64_t index = handle & kIndexMask;
    if (index >= entries_.size()) return nullptr;
    const Entry& entry = entries_[index];
    return entry.generation == handle >> kIndexBits && entry.resource ? &entry : nullptr;
  }

  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
};

}  // namespace daos::node
