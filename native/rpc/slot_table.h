// A table whose entries are named by slot and generation: O(1), and an old name never finds a new
// entry.
//
// Thread: one.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace daos::rpc {

template <typename T>
class SlotTable {
 public:
  struct Name {
    uint32_t slot = 0;
    uint32_t generation = 0;
  };

  Name add(std::unique_ptr<T> value) {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(entries_.size()));
      entries_.emplace_back();
    }
    const uint32_t slot = free_.back();
    free_.pop_back();
    Entry& entry = entries_[slot];
    entry.value = std::move(value);
    ++count_;
    return {slot, entry.generation};
  }
  // Null for a name that isn't in use any more, or never was.
  T* find(uint32_t slot, uint32_t generation) const {
    if (slot >= entries_.size() || entries_[slot].generation != generation) return nullptr;
    return entries_[slot].value.get();
  }
  std::unique_ptr<T> remove(uint32_t slot) {
    Entry& entry = entries_[slot];
    DAOS_ASSERT(entry.value);
    if (++entry.generation == 0) entry.generation = 1;
    free_.push_back(slot);
    --count_;
    return std::exchange(entry.value, nullptr);
  }
  size_t count() const { return count_; }
  // Calls `visit(slot, entry)` in order of slots; it may remove the entry it is shown.
  template <typename Visit>
  void forEach(Visit visit) {
    for (uint32_t slot = 0; slot < entries_.size(); ++slot) {
      if (entries_[slot].value) visit(slot, *entries_[slot].value);
    }
  }

 private:
  struct Entry {
    std::unique_ptr<T> value;
    uint32_t generation = 1;
  };
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
  size_t count_ = 0;
};

}  // namespace daos::rpc
