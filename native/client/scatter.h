// Where the data of a fetch belongs in the caller's buffers: what is there gets its place, holes
// are skipped.
#pragma once

#include <span>
#include <vector>

#include "client/object.h"

namespace daos::client {

class Scatter {
 public:
  explicit Scatter(std::span<const MutableBytes> buffers) : buffers_(buffers) {}
  // Appends the places of the bytes that were found of the next akey to `found`, and moves past its
  // room. False when the answer contradicts what was asked for.
  bool takeAkey(const IoDescriptor& akey, const AkeyResult& result,
                std::vector<MutableBytes>& found);

 private:
  bool take(uint64_t size, std::vector<MutableBytes>& found);
  void skip(uint64_t size);
  bool takeMapped(const IoDescriptor& akey, const AkeyResult& result,
                  std::vector<MutableBytes>& found);

  std::span<const MutableBytes> buffers_;  // what is left of the room
  uint64_t offset_ = 0;                    // within buffers_.front()
};

// Copies packed bytes to their places. False when there are fewer; takes them off the front of
// `packed`.
bool copyTo(std::span<const MutableBytes> places, Bytes& packed);

}  // namespace daos::client
