// The checksums that a history's updates bring, and what a fetch must give back of them.
//
// Invariant: wrong checksums are wrong for every chunk: whatever carries the data on must leave
//            them wrong, or leave the data alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vos/requests.h"

namespace daos::vos::proof {

struct ModelWrite;
struct Operation;

// How the checksums of one akey's data are made.
struct ChecksumForm {
  uint8_t type = 0;  // a ChecksumType; 0: there are none
  uint32_t chunkSize = 0;
  bool isWrong = false;  // they do not match the data: it rotted before it came
  bool operator==(const ChecksumForm&) const = default;
};

// The checksums of an update, one per descriptor, with the room for their bytes.
class UpdateChecksums {
 public:
  explicit UpdateChecksums(const Operation& operation);
  // Empty when no akey has any. Borrows from this.
  std::span<const Checksums> all() const { return all_; }

 private:
  std::vector<std::vector<std::byte>> bytes_;
  std::vector<Checksums> all_;
};

// A segment of what `write` wrote and nothing was done to since, from its byte `offset` on: the
// checksums are those it brought. What differs, in words.
std::optional<std::string> compareGivenChecksums(const Segment& segment, const ModelWrite& write,
                                                 uint64_t offset);
// A segment of what was merged, perhaps, of which `write` is a part: the form is the same.
std::optional<std::string> compareChecksumForm(const Segment& segment, const ModelWrite& write);
// And each chunk matches, unless the data lies on media and was not read.
std::optional<std::string> compareMergedChecksums(const Segment& segment, const ModelWrite& write);

}  // namespace daos::vos::proof
