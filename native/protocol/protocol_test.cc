#include <gtest/gtest.h>

#include "base/generated/limits.h"
#include "protocol/io.h"
#include "protocol/keys.h"
#include "testing/golden_file.h"

namespace daos::protocol {
namespace {

// Bodies as they lie in a frame: 8-byte aligned (std::vector's storage is).
std::vector<std::byte> encodedUpdate() {
  static const Extent extents[] = {{0, 4}, {8, 4}};
  const IoDescriptor akeys[] = {
      {.akey = bytesOf("single"), .type = ValueType::kSingle, .recordSize = 5},
      {.akey = bytesOf("array"), .type = ValueType::kArray, .recordSize = 2, .extents = extents}};
  const AkeyChecksums checksums[] = {{.type = 1, .chunkSize = 64, .values = bytesOf("abcd")}, {}};
  std::vector<std::byte> body;
  WireWriter writer(body);
  encode(writer, IoCall{.head = {.container = 9,
                                 .oid = ObjectId::make({7, 0}, ObjectType::kMultiHashed, 1, 1),
                                 .epoch = 55},
                        .dkey = bytesOf("dkey-1"),
                        .akeys = akeys,
                        .checksums = checksums});
  return body;
}

TEST(ProtocolIo, AnEncodedRequestDecodesToTheSame) {
  const auto body = encodedUpdate();
  DecodedIo io;
  ASSERT_TRUE(io.decode(body).ok());
  EXPECT_EQ(io.head().container, 9u);
  EXPECT_EQ(io.head().epoch, 55u);
  EXPECT_EQ(textOf(io.dkey()), "dkey-1");
  ASSERT_EQ(io.akeys().size(), 2u);
  EXPECT_EQ(textOf(io.akeys()[1].akey), "array");
  EXPECT_EQ(io.akeys()[1].extents[1], (Extent{8, 4}));
  EXPECT_EQ(textOf(io.checksums()[0].values), "abcd");
}

std::string hexOf(Bytes bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    static constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[static_cast<uint8_t>(bytes[i]) >> 4];
    text += kDigits[static_cast<uint8_t>(bytes[i]) & 15];
    text += i % 32 == 31 ? "\n" : "";
  }
  return text + "\n";
}

TEST(ProtocolIo, TheUpdateRequestOfVersion1StaysAsItIs) {
  EXPECT_EQ(hexOf(encodedUpdate()), readGoldenFile("protocol/golden/update_request_v1.hex"));
}

TEST(ProtocolIo, EveryShorterBodyIsRefused) {
  const auto body = encodedUpdate();
  DecodedIo io;
  for (size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(io.decode(Bytes(body).first(size)).ok()) << size;
  }
}

TEST(ProtocolIo, CountsOverTheLimitAreRefusedBeforeAnythingIsAllocated) {
  auto body = encodedUpdate();
  auto head = loadAs<IoHead>(body.data());
  head.akeyCount = 0xffffffff;
  storeAs(body.data(), head);
  DecodedIo io;
  EXPECT_EQ(io.decode(body).code(), ErrorCode::kOverflow);
  head.akeyCount = 1;
  head.dkeySize = 0x10000000;
  storeAs(body.data(), head);
  EXPECT_EQ(io.decode(body).code(), ErrorCode::kProto);
}

TEST(ProtocolIo, FlippedBytesNeverCrashTheDecoder) {
  const auto good = encodedUpdate();
  DecodedIo io;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto body = good;
      body[at] ^= static_cast<std::byte>(1 << bit);
      if (io.decode(body).ok()) {
        EXPECT_LE(io.akeys().size(), kAkeyCountMax);
      }
    }
  }
}

TEST(ProtocolKeys, PunchEnumerateAndQueryDecodeToTheSame) {
  std::vector<std::byte> body;
  const ObjectId oid = ObjectId::make({7, 0}, ObjectType::kMultiHashed, 1, 1);
  {
    WireWriter writer(body);
    encode(writer, PunchCall{{.level = PunchLevel::kAkeys, .oid = oid},
                             bytesOf("d"),
                             {bytesOf("a1"), bytesOf("akey-two")}});
  }
  const PunchCall punch = decodePunch(body).value();
  EXPECT_EQ(textOf(punch.akeys[1]), "akey-two");
  for (size_t size = 0; size < body.size(); ++size)
    EXPECT_FALSE(decodePunch(Bytes(body).first(size)).ok());
  {
    WireWriter writer(body);
    encode(writer, EnumerateCall{
                       {.oid = oid, .level = EnumerateLevel::kAkeys, .countMax = 5, .sizeMax = 100},
                       bytesOf("d"),
                       {}});
  }
  EXPECT_EQ(decodeEnumerate(body).value().head.countMax, 5u);
  EXPECT_TRUE(decodeEnumerate(body).value().changed.isNone());
  {
    WireWriter writer(body);
    encode(writer, QueryCall{{.oid = oid, .flags = kQueryMax | kQueryDkey}, {}, bytesOf("a")});
  }
  EXPECT_EQ(textOf(decodeQuery(body).value().akey), "a");
}

TEST(ProtocolKeys, AnEnumerationMayNameTheEpochsOfChanges) {
  EnumerateCall call{.head = {.level = EnumerateLevel::kObjects, .countMax = 5, .sizeMax = 100}};
  call.changed = {17, 23};
  std::vector<std::byte> body;
  {
    WireWriter writer(body);
    encode(writer, call);
  }
  const EnumerateCall decoded = decodeEnumerate(body).value();
  EXPECT_EQ(decoded.changed.low, 17u);
  EXPECT_EQ(decoded.changed.high, 23u);
  EXPECT_FALSE(decodeEnumerate(Bytes(body).first(body.size() - 8)).ok());
  // An empty range is none, and none isn't sent.
  const ChangedEpochs empty;
  std::memcpy(body.data() + body.size() - sizeof(empty), &empty, sizeof(empty));
  EXPECT_FALSE(decodeEnumerate(body).ok());
}

TEST(ProtocolKeys, EmptyKeysAndZeroCountsAreRefusedByName) {
  std::vector<std::byte> body;
  const ObjectId oid = ObjectId::make({7, 0}, ObjectType::kMultiHashed, 1, 1);
  WireWriter writer(body);
  encode(writer, PunchCall{{.level = PunchLevel::kDkey, .oid = oid}, {}, {}});
  const auto punch = decodePunch(body);
  ASSERT_FALSE(punch.ok());
  EXPECT_NE(punch.error().message().find("dkey is empty"), std::string_view::npos);
}

}  // namespace
}  // namespace daos::protocol
