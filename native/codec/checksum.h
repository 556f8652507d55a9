// Checksums of wire and disk formats: CRC32C and CRC64 by ISA-L, SHA-256 by OpenSSL.
//
// A checksum is a value of checksumSize(type) bytes, little-endian for the CRCs.
#pragma once

#include <nmmintrin.h>

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace daos {

enum class ChecksumType : uint8_t {
  kNone = 0,
  kCrc32c = 1,  // Castagnoli, as in iSCSI and ext4
  kCrc64 = 2,   // ECMA-182, reflected, as in XZ
  kSha256 = 3,
};
inline constexpr size_t kChecksumSizeMax = 32;

// Bytes from a peer or a disk: DER_INVAL for a number that is none of the types.
Result<ChecksumType> checksumTypeFrom(uint8_t value);
size_t checksumSize(ChecksumType type);

// CRC32C of `data`, continuing `previous` (the value of what comes before it; 0 at the start).
inline uint32_t crc32c(Bytes data, uint32_t previous = 0);
// CRC64 likewise.
uint64_t crc64(Bytes data, uint64_t previous = 0);

// For the inline function below.
uint32_t crc32cLong(Bytes data, uint32_t previous);

inline uint32_t crc32c(Bytes data, uint32_t previous) {
  // Up to this size the CPU's own instruction is faster than ISA-L's set-up.
  constexpr size_t kShortSize = 256;
  if (data.size() >= kShortSize) return crc32cLong(data, previous);
  const std::byte* at = data.data();
  size_t size = data.size();
  uint64_t crc = ~previous;
  for (; size >= 8; at += 8, size -= 8) crc = _mm_crc32_u64(crc, loadAs<uint64_t>(at));
  auto rest = static_cast<uint32_t>(crc);
  for (; size > 0; ++at, --size) rest = _mm_crc32_u8(rest, static_cast<uint8_t>(*at));
  return ~rest;
}

// A checksum over data that comes in pieces.
class Checksum {
 public:
  explicit Checksum(ChecksumType type);
  ~Checksum();
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;
  void update(Bytes data);
  // Writes checksumSize(type) bytes to the front of `out` and starts anew.
  void finish(MutableBytes out);

 private:
  void reset();
  ChecksumType type_;
  uint64_t crc_ = 0;
  void* digest_ = nullptr;
};

// checksumSize(type) bytes of the whole of `data` into the front of `out`.
void checksumOf(ChecksumType type, Bytes data, MutableBytes out);
// DER_CSUM unless `expected` is the checksum of `data`.
Status verifyChecksum(ChecksumType type, Bytes data, Bytes expected);

}  // namespace daos
