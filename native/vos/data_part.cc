#include "vos/data_part.h"

#include <algorithm>

#include "codec/checksum.h"
#include "vos/planted_fault.h"

namespace daos::vos {

uint64_t DataPart::coverBegin() const {
  if (data.checksums.type == 0) return offset;
  return offset / data.checksums.chunkSize * data.checksums.chunkSize;
}

uint64_t DataPart::coverEnd() const {
  if (data.checksums.type == 0) return offset + size;
  const uint64_t chunk = data.checksums.chunkSize;
  return std::min(data.size, chunkCount(offset + size, chunk) * chunk);
}

bool isChunkIntact(const DataPart& part, Bytes cover, uint64_t number, size_t* size) {
  const Checksums& sums = part.data.checksums;
  const uint64_t begin = number * sums.chunkSize;
  *size = std::min<size_t>(sums.chunkSize, cover.size() - begin);
  const auto type = checksumTypeFrom(static_cast<uint8_t>(sums.type));
  if (!type.ok() || checksumSize(*type) != sums.checksumSize) return false;
  const uint64_t chunk = part.coverBegin() / sums.chunkSize + number;
  return verifyChecksum(*type, cover.subspan(begin, *size),
                        sums.bytes.subspan(chunk * sums.checksumSize, sums.checksumSize))
      .ok();
}

bool isIntact(const DataPart& part, Bytes cover) {
  if (part.data.checksums.type == 0) return true;
  size_t size = 0;
  uint64_t number = 0;
  for (size_t at = 0; at < cover.size(); at += size) {
    if (!isChunkIntact(part, cover, number++, &size)) return false;
  }
  return true;
}

std::vector<std::byte> checksumRoom(uint64_t size, const Checksums& form) {
  if (form.type == 0) return {};
  return std::vector<std::byte>(chunkCount(size, form.chunkSize) * form.checksumSize);
}

void putChecksum(Bytes bytes, const Checksums& form, uint64_t number, MutableBytes sums) {
  if (number != 0 && isPlanted(PlantedFault::kMergeLosesChecksum)) return;
  const uint64_t begin = number * form.chunkSize;
  const uint64_t size = std::min<uint64_t>(form.chunkSize, bytes.size() - begin);
  checksumOf(static_cast<ChecksumType>(form.type), bytes.subspan(begin, size),
             sums.subspan(number * form.checksumSize, form.checksumSize));
}

std::vector<std::byte> checksumsOf(Bytes bytes, const Checksums& form) {
  std::vector<std::byte> sums = checksumRoom(bytes.size(), form);
  for (uint64_t i = 0; i * form.checksumSize < sums.size(); ++i) {
    putChecksum(bytes, form, i, sums);
  }
  return sums;
}

}  // namespace daos::vos
