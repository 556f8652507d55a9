#include "client/data_checksums.h"

#include <gtest/gtest.h>

#include <string>

#include "client/scatter.h"

namespace daos::client {
namespace {

// What an engine would answer for data that it has whole, under the writer's checksums.
std::vector<std::byte> runsOf(const protocol::AkeyChecksums& checksums, uint64_t size) {
  std::vector<std::byte> body;
  protocol::WireWriter writer(body);
  writer.put(protocol::ChecksumRun{size, checksums.chunkSize, checksums.type});
  writer.putPadded(checksums.values);
  return body;
}

class ClientChecksums : public testing::TestWithParam<ChecksumType> {};

TEST_P(ClientChecksums, AFlippedBitAnywhereInTheDataIsAnError) {
  std::string value(1000, 'v');
  const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
  const Bytes pieces[] = {bytesOf(value).first(333), bytesOf(value).subspan(333)};
  const UpdateChecksums made({GetParam(), 256}, {&akey, 1}, pieces);
  const auto body = runsOf(made.akeys()[0], value.size());
  const auto verify = [&] {
    protocol::WireReader reader(body);
    const MutableBytes found[] = {bytesOf(value.data(), 10), bytesOf(value.data() + 10, 990)};
    return verifyRuns(reader, 1, found).code();
  };
  EXPECT_EQ(verify(), ErrorCode::kOk);
  for (size_t at = 0; at < value.size(); at += 7) {
    value[at] ^= 16;
    EXPECT_EQ(verify(), ErrorCode::kCsum) << at;
    value[at] ^= 16;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, ClientChecksums,
                         testing::Values(ChecksumType::kCrc32c, ChecksumType::kCrc64,
                                         ChecksumType::kSha256));

TEST(ClientChecksums, AChunkIsAWholeNumberOfRecordsAndExtentsAreCutOnTheirOwn) {
  const std::string data(7 * 12, 'x');
  const Extent extents[] = {{0, 5}, {100, 2}};
  const IoDescriptor akey{
      .akey = bytesOf("a"), .type = ValueType::kArray, .recordSize = 12, .extents = extents};
  const Bytes pieces[] = {bytesOf(data)};
  const UpdateChecksums made({ChecksumType::kCrc32c, 30}, {&akey, 1}, pieces);
  EXPECT_EQ(made.akeys()[0].chunkSize, 24u);
  EXPECT_EQ(made.akeys()[0].values.size(), (3 + 1) * 4u);
}

TEST(ClientChecksums, RunsThatDoNotCoverTheDataAreRefused) {
  std::string value(100, 'v');
  const protocol::AkeyChecksums none{};
  const MutableBytes found[] = {bytesOf(value.data(), value.size())};
  for (uint64_t size : {99u, 101u}) {
    const auto body = runsOf(none, size);
    protocol::WireReader reader(body);
    EXPECT_EQ(verifyRuns(reader, 1, found).code(), ErrorCode::kProto);
  }
}

TEST(ClientScatter, MappedExtentsOutsideOfWhatWasAskedForAreRefused) {
  std::string room(80, '.');
  const MutableBytes buffers[] = {bytesOf(room.data(), room.size())};
  const Extent wanted[] = {{10, 10}};
  const IoDescriptor akey{
      .akey = bytesOf("a"), .type = ValueType::kArray, .recordSize = 8, .extents = wanted};
  for (const Extent& bad : {Extent{9, 2}, Extent{19, 2}, Extent{20, 1}, Extent{12, ~0ull}}) {
    Scatter scatter(buffers);
    std::vector<MutableBytes> found;
    EXPECT_FALSE(scatter.takeAkey(akey, {.recordSize = 8, .mapped = {bad}}, found));
  }
}

}  // namespace
}  // namespace daos::client
