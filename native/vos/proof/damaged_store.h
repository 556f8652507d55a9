// A small store that has one of everything, its bytes changed where they lie, and then used.
//
// An input is a list of changes, six bytes each: which of the words in use (16 bits,
// little-endian), how it is changed, with what (8 bits each), and another of the words (16 bits).
// Any bytes are an input.
//
// Goal: an error or some answer, never a crash, a hang, or a read outside of the arena.
#pragma once

#include <memory>

#include "base/bytes.h"

namespace daos::vos::proof {

class DamagedStore {
 public:
  DamagedStore();
  ~DamagedStore();

  // Changes the image of the sound store, opens it, and reads, lists, writes and aggregates all of
  // it. True when the pool opened.
  bool use(Bytes input);

  static constexpr size_t kChangeSize = 6;
  // Of the words in use there are so many: the others are never looked at.
  size_t wordCount() const;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace daos::vos::proof
