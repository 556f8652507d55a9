// Where dkeys were found or made last: past the tree of dkeys, whose last levels are in no cache of
// the processor. One for all trees of a pool, in memory of its own; what has no room is not there.
//
// Thread:    owned by one target's pool.
// Invariant: an entry is always right. It is made for what is in its tree and committed, and who
//            takes a dkey out of its tree forgets it first.
// Invariant: of one key's bytes, no two trees have the same name. Of two keys in one tree that
//            have, the bytes in the record tell which it is: whoever finds an entry compares them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/page_maker.h"
#include "vos/heap.h"

namespace daos::vos {

class DkeyCache {
 public:
  // Takes at most a sixty-fourth of `arenaSize`, none of it before the first key is remembered.
  // `pageMaker`: outlives it; null: who remembers a key waits for its page.
  explicit DkeyCache(uint64_t arenaSize, PageMaker* pageMaker = nullptr);
  ~DkeyCache();
  DkeyCache(const DkeyCache&) = delete;
  DkeyCache& operator=(const DkeyCache&) = delete;

  // `root`: where the root of the key's tree is; `hash`: hashKey() of its bytes.
  static uint64_t nameOf(Offset root, uint64_t hash) { return hash + root * kOdd; }

  void prefetch(uint64_t name) const { __builtin_prefetch(&setOf(name)); }
  // The key's word in its tree; 0: not known.
  uint64_t find(uint64_t name) const {
    const Set& set = setOf(name);
    // Which of them it is can't be guessed: no branches.
    uint64_t word = 0;
    for (unsigned i = 0; i < kWays; ++i) word |= set.names[i] == name ? set.words[i] : 0;
    return word;
  }
  void remember(uint64_t name, uint64_t word);
  void forget(uint64_t name);

 private:
  void beginUse();
  static constexpr unsigned kWays = 4;
  static constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;  // so that a product tells its factor
  // One line of the processor's cache; a word of 0 is free. No name stands there twice.
  struct alignas(64) Set {
    uint64_t names[kWays];
    uint64_t words[kWays];
  };
  static_assert(sizeof(Set) == 64);
  Set& setOf(uint64_t name) const { return sets_[name >> shift_]; }

  std::span<std::byte> memory_;  // what is mapped
  PageMaker* const pageMaker_;
  bool isUsed_ = false;
  Set spare_[2] = {};            // where no memory was to be had
  Set* sets_ = spare_;
  unsigned shift_ = 63;
};

}  // namespace daos::vos
