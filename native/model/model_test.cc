#include <gtest/gtest.h>

#include "base/generated/limits.h"
#include "model/io.h"
#include "model/object_class.h"
#include "model/object_id.h"

namespace daos {
namespace {

TEST(ModelObjectId, TypeAndClassSitInTheTop32Bits) {
  const ObjectId oid = ObjectId::make({42, 0xaabbccdd00000007}, ObjectType::kKvLexical, 1, 3);
  EXPECT_EQ(oid.type(), ObjectType::kKvLexical);
  EXPECT_EQ(oid.redundancy(), 1);
  EXPECT_EQ(oid.groupCount(), 3);
  EXPECT_EQ(oid.high & 0xffffffff, 7u);
  EXPECT_EQ(oid.low, 42u);
  EXPECT_EQ(oid.dkeyType(), KeyType::kLexical);
  EXPECT_EQ(oid.akeyType(), KeyType::kHashed);
}

TEST(ModelObjectId, AnUnknownTypeIsRefusedByName) {
  const auto status = ObjectId{1, uint64_t{200} << 56}.validate();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message().find("200"), std::string_view::npos);
}

TEST(ModelObjectClass, NamesAndNumbersAreThoseOfTheCApi) {
  ASSERT_NE(findObjectClass("EC_16P2GX"), nullptr);
  EXPECT_EQ(findObjectClass("EC_16P2GX")->id(), 39u << 24 | 65535u);
  EXPECT_EQ(findObjectClass("S1")->id(), 16777217u);
  EXPECT_EQ(findObjectClass("RP_3G2")->groupSize(), 3u);
  EXPECT_EQ(findObjectClass("EC_8P2G1")->groupSize(), 10u);
  for (const ObjectClass& each : kObjectClasses) {
    EXPECT_EQ(findObjectClass(each.name), &each);
    EXPECT_EQ(findObjectClass(each.redundancy, each.groupCount), &each);
  }
}

TEST(ModelObjectClass, AnUnknownClassIsNotFound) {
  EXPECT_EQ(findObjectClass("S3"), nullptr);
  EXPECT_EQ(findObjectClass(""), nullptr);
  EXPECT_EQ(findObjectClass(7, 1), nullptr);
  EXPECT_EQ(findObjectClass(1, 3), nullptr);
}

IoDescriptor arrayOf(std::span<const Extent> extents, uint64_t recordSize) {
  return {.akey = bytesOf("a"),
          .type = ValueType::kArray,
          .recordSize = recordSize,
          .extents = extents};
}

TEST(ModelIo, KeysOfTheWrongSizeAreRefused) {
  EXPECT_EQ(validateKey({}, KeyType::kHashed, "dkey").code(), ErrorCode::kInval);
  EXPECT_EQ(validateKey(bytesOf("abc"), KeyType::kUint64, "dkey").code(), ErrorCode::kInval);
  const std::string longKey(kKeySizeMax + 1, 'x');
  EXPECT_EQ(validateKey(bytesOf(longKey), KeyType::kHashed, "dkey").code(), ErrorCode::kKey2big);
  EXPECT_TRUE(validateKey(bytesOf("12345678"), KeyType::kUint64, "dkey").ok());
}

TEST(ModelIo, ExtentsThatOverflowAreRefused) {
  const Extent past[] = {{kExtentEndMax - 1, 2}};
  EXPECT_EQ(validate(arrayOf(past, 1), KeyType::kHashed).code(), ErrorCode::kOverflow);
  const Extent wide[] = {{0, kTransferSizeMax}, {kTransferSizeMax, 1}};
  EXPECT_EQ(validate(arrayOf(wide, 1), KeyType::kHashed).code(), ErrorCode::kOverflow);
  EXPECT_TRUE(validate(arrayOf(wide, 0), KeyType::kHashed).ok());
  const Extent none[] = {{0, 0}};
  EXPECT_EQ(validate(arrayOf(none, 1), KeyType::kHashed).code(), ErrorCode::kInval);
}

TEST(ModelIo, DataSizeCountsAllExtents) {
  const Extent extents[] = {{0, 2}, {10, 3}};
  EXPECT_EQ(dataSize(arrayOf(extents, 8)), 40u);
}

}  // namespace
}  // namespace daos
