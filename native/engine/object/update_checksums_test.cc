#include "engine/object/update_checksums.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/checksum.h"

namespace daos::engine {
namespace {

// An update of one single value and of two extents, with checksums of 100 bytes each.
class EngineUpdateChecksums : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    for (size_t i = 0; i < data_.size(); ++i) data_[i] = static_cast<std::byte>(i * 7);
    addChecksums(250, 0);
    checksums_.push_back({.type = kType, .chunkSize = 100, .values = values_[0]});
    addChecksums(130, 250);
    addChecksums(20, 380);
    values_[1].insert(values_[1].end(), values_[2].begin(), values_[2].end());
    checksums_.push_back({.type = kType, .chunkSize = 100, .values = values_[1]});
    protocol::WireWriter writer(body_);
    const Extent extents[] = {{0, 13}, {50, 2}};
    const IoDescriptor akeys[] = {{.akey = bytesOf("single"), .recordSize = 250},
                                  {.akey = bytesOf("array"),
                                   .type = ValueType::kArray,
                                   .recordSize = 10,
                                   .extents = extents}};
    encode(writer, {.head = {.flags = GetParam() ? protocol::kVerify : 0u,
                             .oid = ObjectId::make({1, 0}, ObjectType::kMultiHashed, 1, 1)},
                    .dkey = bytesOf("d"),
                    .akeys = akeys,
                    .checksums = checksums_});
    ASSERT_TRUE(io_.decode(body_).ok());
  }
  void addChecksums(size_t size, size_t at) {
    std::vector<std::byte> values;
    for (size_t done = 0; done < size; done += 100) {
      values.resize(values.size() + 4);
      checksumOf(ChecksumType::kCrc32c,
                 Bytes(data_).subspan(at + done, std::min<size_t>(100, size - done)),
                 MutableBytes(values).last(4));
    }
    values_.push_back(values);
  }
  Status inlineStatus() { return verifyInline(io_, data_); }
  Status pulledStatus() {
    const MutableBytes all(data_);
    const MutableBytes buffers[] = {all.first(250), all.subspan(250, 130), all.subspan(380, 20)};
    return verifyPulled(io_, buffers);
  }

  static constexpr uint8_t kType = static_cast<uint8_t>(ChecksumType::kCrc32c);
  std::vector<std::byte> data_ = std::vector<std::byte>(400);
  std::vector<std::vector<std::byte>> values_;
  std::vector<protocol::AkeyChecksums> checksums_;
  std::vector<std::byte> body_;
  protocol::DecodedIo io_;
};

TEST_P(EngineUpdateChecksums, EachDamagedByteIsNoticedWhenThatIsAskedFor) {
  EXPECT_TRUE(inlineStatus().ok());
  EXPECT_TRUE(pulledStatus().ok());
  const ErrorCode expected = GetParam() ? ErrorCode::kCsum : ErrorCode::kOk;
  for (std::byte& byte : data_) {
    byte ^= std::byte{4};
    EXPECT_EQ(inlineStatus().code(), expected);
    EXPECT_EQ(pulledStatus().code(), expected);
    byte ^= std::byte{4};
  }
}

INSTANTIATE_TEST_SUITE_P(Verify, EngineUpdateChecksums, testing::Bool());

}  // namespace
}  // namespace daos::engine
