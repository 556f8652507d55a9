#include "client/scatter.h"

#include <algorithm>

namespace daos::client {

void Scatter::skip(uint64_t size) {
  offset_ += size;
  while (!buffers_.empty() && offset_ >= buffers_.front().size()) {
    offset_ -= buffers_.front().size();
    buffers_ = buffers_.subspan(1);
  }
}

bool Scatter::copy(uint64_t size) {
  if (size > packed_.size()) return false;
  while (size > 0) {
    if (buffers_.empty()) return false;
    const MutableBytes room = buffers_.front().subspan(offset_);
    const uint64_t piece = std::min<uint64_t>(size, room.size());
    std::memcpy(room.data(), packed_.data(), piece);
    packed_ = packed_.subspan(piece);
    size -= piece;
    skip(piece);
  }
  return true;
}

// The mapped extents come in the order of the extents that were asked for, each inside of one.
bool Scatter::takeMapped(const IoDescriptor& akey, const AkeyResult& result) {
  size_t next = 0;
  for (const Extent& wanted : akey.extents) {
    uint64_t at = wanted.index;
    for (; next < result.mapped.size(); ++next) {
      const Extent& found = result.mapped[next];
      if (found.index < at || found.count > wanted.end() - std::min(found.index, wanted.end()))
        break;
      skip((found.index - at) * akey.recordSize);
      if (!copy(found.count * akey.recordSize)) return false;
      at = found.end();
    }
    skip((wanted.end() - at) * akey.recordSize);
  }
  return next == result.mapped.size();
}

bool Scatter::takeAkey(const IoDescriptor& akey, const AkeyResult& result) {
  const uint64_t room = dataSize(akey);
  if (akey.type == ValueType::kArray) {
    if (!result.isWhole) return takeMapped(akey, result);
    return copy(room);
  }
  // A value that doesn't fit is not sent; its size is.
  const uint64_t size = result.recordSize <= room ? result.recordSize : 0;
  if (!copy(size)) return false;
  skip(room - size);
  return true;
}

}  // namespace daos::client
