#include "codec/seal.h"

#include <gtest/gtest.h>

namespace daos {
namespace {

TEST(Seal, MatchesThePublishedTestVector) {
  // RFC 4231, test case 2.
  const Seal seal = sealOf(bytesOf("Jefe"), bytesOf("what do ya want for nothing?"));
  const uint8_t expected[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e};
  EXPECT_TRUE(std::equal(std::begin(expected), std::end(expected), seal.begin()));
}

TEST(Seal, EveryAlteredBitBreaksIt) {
  std::string data = "a capability";
  Seal seal = sealOf(bytesOf("key"), bytesOf(data));
  EXPECT_TRUE(isSealOf(seal, bytesOf("key"), bytesOf(data)));
  EXPECT_FALSE(isSealOf(seal, bytesOf("kez"), bytesOf(data)));
  for (size_t bit = 0; bit < data.size() * 8; ++bit) {
    data[bit / 8] = static_cast<char>(data[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(isSealOf(seal, bytesOf("key"), bytesOf(data)));
    data[bit / 8] = static_cast<char>(data[bit / 8] ^ (1 << bit % 8));
  }
  for (size_t bit = 0; bit < kSealSize * 8; ++bit) {
    seal[bit / 8] = static_cast<uint8_t>(seal[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(isSealOf(seal, bytesOf("key"), bytesOf(data)));
    seal[bit / 8] = static_cast<uint8_t>(seal[bit / 8] ^ (1 << bit % 8));
  }
}

}  // namespace
}  // namespace daos
