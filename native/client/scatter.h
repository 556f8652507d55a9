// Copies packed data into a caller's buffers, leaving holes untouched.
#pragma once

#include <span>

#include "client/object.h"

namespace daos::client {

class Scatter {
 public:
  Scatter(std::span<const MutableBytes> buffers, Bytes packed)
      : buffers_(buffers), packed_(packed) {}
  // Consumes the data of the next akey and moves past its room. False when answer and data
  // disagree.
  bool takeAkey(const IoDescriptor& akey, const AkeyResult& result);

 private:
  bool copy(uint64_t size);
  void skip(uint64_t size);
  bool takeMapped(const IoDescriptor& akey, const AkeyResult& result);

  std::span<const MutableBytes> buffers_;  // what is left of the room
  uint64_t offset_ = 0;                    // within buffers_.front()
  Bytes packed_;
};

}  // namespace daos::client
