#include "codec/checksum.h"

#include <isa-l/crc.h>
#include <isa-l/crc64.h>
#include <openssl/evp.h>

namespace daos {

Result<ChecksumType> checksumTypeFrom(uint8_t value) {
  if (value > static_cast<uint8_t>(ChecksumType::kSha256)) {
    return invalid("no checksum type " + std::to_string(value));
  }
  return static_cast<ChecksumType>(value);
}

size_t checksumSize(ChecksumType type) {
  switch (type) {
    case ChecksumType::kNone: return 0;
    case ChecksumType::kCrc32c: return 4;
    case ChecksumType::kCrc64: return 8;
    case ChecksumType::kSha256: return 32;
  }
  return 0;
}

uint32_t crc32cLong(Bytes data, uint32_t previous) {
  // ISA-L takes an int length; CRCs of longer ranges are made in pieces.
  constexpr size_t kPieceSize = size_t{1} << 30;
  uint32_t state = ~previous;
  while (!data.empty()) {
    const size_t size = std::min(data.size(), kPieceSize);
    auto* bytes = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(data.data()));
    state = crc32_iscsi(bytes, static_cast<int>(size), state);
    data = data.subspan(size);
  }
  return ~state;
}

uint64_t crc64(Bytes data, uint64_t previous) {
  if (data.empty()) return previous;
  return crc64_ecma_refl(previous, reinterpret_cast<const unsigned char*>(data.data()),
                         data.size());
}

Checksum::Checksum(ChecksumType type) : type_(type) {
  if (type_ == ChecksumType::kSha256) digest_ = EVP_MD_CTX_new();
  reset();
}

Checksum::~Checksum() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(digest_)); }

void Checksum::reset() {
  crc_ = 0;
  if (!digest_) return;
  const int isReady = EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(digest_), EVP_sha256(), nullptr);
  DAOS_ASSERT(isReady == 1);
}

void Checksum::update(Bytes data) {
  if (data.empty()) return;
  switch (type_) {
    case ChecksumType::kNone: break;
    case ChecksumType::kCrc32c: crc_ = crc32c(data, static_cast<uint32_t>(crc_)); break;
    case ChecksumType::kCrc64: crc_ = crc64(data, crc_); break;
    case ChecksumType::kSha256:
      EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(digest_), data.data(), data.size());
      break;
  }
}

void Checksum::finish(MutableBytes out) {
  DAOS_ASSERT(out.size() >= checksumSize(type_));
  if (type_ == ChecksumType::kSha256) {
    EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(digest_),
                       reinterpret_cast<unsigned char*>(out.data()), nullptr);
  } else if (type_ != ChecksumType::kNone) {
    std::memcpy(out.data(), &crc_, checksumSize(type_));
  }
  reset();
}

void checksumOf(ChecksumType type, Bytes data, MutableBytes out) {
  DAOS_ASSERT(out.size() >= checksumSize(type));
  switch (type) {
    case ChecksumType::kNone: return;
    case ChecksumType::kCrc32c: return storeAs(out.data(), crc32c(data));
    case ChecksumType::kCrc64: return storeAs(out.data(), crc64(data));
    case ChecksumType::kSha256: {
      Checksum checksum(type);
      checksum.update(data);
      checksum.finish(out);
    }
  }
}

Status verifyChecksum(ChecksumType type, Bytes data, Bytes expected) {
  std::byte actual[kChecksumSizeMax];
  const size_t size = checksumSize(type);
  if (expected.size() != size) return Error(ErrorCode::kCsum, "a checksum of the wrong size");
  checksumOf(type, data, actual);
  if (size > 0 && std::memcmp(actual, expected.data(), size) != 0) return Error(ErrorCode::kCsum);
  return {};
}

}  // namespace daos
