#include "codec/checksum.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace daos {
namespace {

// Check values that the standards give for the nine bytes "123456789".
TEST(CodecChecksum, EveryTypeGivesItsStandardsCheckValue) {
  const Bytes digits = bytesOf(std::string_view("123456789"));
  EXPECT_EQ(crc32c(digits), 0xe3069283u);
  EXPECT_EQ(crc64(digits), 0x995dc9bbdf1939faull);
  std::byte sha[32];
  checksumOf(ChecksumType::kSha256, digits, sha);
  EXPECT_EQ(static_cast<uint8_t>(sha[0]), 0x15);
  EXPECT_EQ(static_cast<uint8_t>(sha[31]), 0x25);
}

TEST(CodecChecksum, PiecesGiveTheChecksumOfTheWhole) {
  std::vector<std::byte> data(10000);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 31 >> 3);
  for (const auto type : {ChecksumType::kCrc32c, ChecksumType::kCrc64, ChecksumType::kSha256}) {
    std::byte whole[kChecksumSizeMax]{}, pieced[kChecksumSizeMax]{};
    checksumOf(type, data, whole);
    Checksum checksum(type);
    for (size_t at = 0, step = 1; at < data.size(); at += step, step = step * 3 + 1) {
      checksum.update(Bytes(data).subspan(at, std::min(step, data.size() - at)));
    }
    checksum.finish(pieced);
    EXPECT_EQ(0, std::memcmp(whole, pieced, checksumSize(type)));
  }
}

TEST(CodecChecksum, AnyFlippedBitIsNoticed) {
  std::vector<std::byte> data(300);
  for (const auto type : {ChecksumType::kCrc32c, ChecksumType::kCrc64, ChecksumType::kSha256}) {
    std::byte expected[kChecksumSizeMax];
    checksumOf(type, data, expected);
    const Bytes sum(expected, checksumSize(type));
    EXPECT_TRUE(verifyChecksum(type, data, sum).ok());
    for (size_t bit = 0; bit < data.size() * 8; ++bit) {
      data[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      EXPECT_EQ(verifyChecksum(type, data, sum).code(), ErrorCode::kCsum);
      data[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    }
  }
}

TEST(CodecChecksum, AnUnknownTypeFromADiskIsAnError) {
  EXPECT_EQ(checksumTypeFrom(3).value(), ChecksumType::kSha256);
  EXPECT_EQ(checksumTypeFrom(4).code(), ErrorCode::kInval);
}

}  // namespace
}  // namespace daos
