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

bool Scatter::take(uint64_t size, std::vector<MutableBytes>& found) {
  while (size > 0) {
    if (buffers_.empty()) return false;
    const MutableBytes room = buffers_.front().subspan(offset_);
    const MutableBytes piece = room.first(std::min<uint64_t>(size, room.size()));
    found.push_back(piece);
    size -= piece.size();
    skip(piece.size());
  }
  return true;
}

// The mapped extents come in the order of the extents that were asked for, each inside of one.
bool Scatter::takeMapped(const IoDescriptor& akey, const AkeyResult& result,
                         std::vector<MutableBytes>& found) {
  size_t next = 0;
  for (const Extent& wanted : akey.extents) {
    uint64_t at = wanted.index;
    for (; next < result.mapped.size(); ++next) {
      const Extent& extent = result.mapped[next];
      if (extent.index < at || extent.index >= wanted.end()) break;
      if (extent.count > wanted.end() - extent.index) return false;
      skip((extent.index - at) * akey.recordSize);
      if (!take(extent.count * akey.recordSize, found)) return false;
      at = extent.end();
    }
    skip((wanted.end() - at) * akey.recordSize);
  }
  return next == result.mapped.size();
}

bool Scatter::takeAkey(const IoDescriptor& akey, const AkeyResult& result,
                       std::vector<MutableBytes>& found) {
  const uint64_t room = dataSize(akey);
  if (akey.type == ValueType::kArray) {
    if (!result.isWhole) return takeMapped(akey, result, found);
    return take(room, found);
  }
  // A value that doesn't fit is not sent; its size is.
  const uint64_t size = result.recordSize <= room ? result.recordSize : 0;
  if (!take(size, found)) return false;
  skip(room - size);
  return true;
}

bool copyTo(std::span<const MutableBytes> places, Bytes& packed) {
  for (MutableBytes place : places) {
    if (place.size() > packed.size()) return false;
    std::memcpy(place.data(), packed.data(), place.size());
    packed = packed.subspan(place.size());
  }
  return true;
}

}  // namespace daos::client
