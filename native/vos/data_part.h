// A part of the data of a version, for who copies it: it is verified first, by the chunks it lies
// in.
#pragma once

#include <vector>

#include "vos/record_data.h"

namespace daos::vos {

struct DataPart {
  StoredData data;      // all of the version's; its checksums lie in the arena
  uint64_t offset = 0;  // of the part within
  uint64_t size = 0;

  // Whole chunks: what is needed to verify the part. All of it without checksums.
  uint64_t coverBegin() const;
  uint64_t coverEnd() const;
  uint64_t coverSize() const { return coverEnd() - coverBegin(); }
};

// Of a part with checksums whose bytes [coverBegin, coverEnd) are `cover`: whether its `number`th
// chunk matches, and the size of that one.
bool isChunkIntact(const DataPart& part, Bytes cover, uint64_t number, size_t* size);
// Whether all do. True without checksums.
bool isIntact(const DataPart& part, Bytes cover);

// Room for checksums of `size` bytes in the form of `form`, and the one of the `number`th chunk of
// `bytes` into it.
std::vector<std::byte> checksumRoom(uint64_t size, const Checksums& form);
void putChecksum(Bytes bytes, const Checksums& form, uint64_t number, MutableBytes sums);
// All of them.
std::vector<std::byte> checksumsOf(Bytes bytes, const Checksums& form);

inline bool isSameForm(const Checksums& left, const Checksums& right) {
  return left.type == right.type && left.chunkSize == right.chunkSize;
}

}  // namespace daos::vos
