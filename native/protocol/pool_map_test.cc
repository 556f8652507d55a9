#include "protocol/pool_map.h"

#include <gtest/gtest.h>

namespace daos::protocol {
namespace {

placement::PoolMap sampleMap() {
  return {.version = 7,
          .targets = {{.rank = 0, .index = 0, .addresses = {{"shm", "a"}, {"tcp", ""}}},
                      {.rank = 3, .index = 1, .isUp = false, .addresses = {}}}};
}

TEST(ProtocolPoolMap, AnEncodedMapDecodesToTheSame) {
  const auto decoded = decodePoolMap(encodePoolMap(sampleMap()));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->version, 7u);
  ASSERT_EQ(decoded->targets.size(), 2u);
  EXPECT_EQ(decoded->targets[0].addresses, sampleMap().targets[0].addresses);
  EXPECT_EQ(decoded->targets[1].rank, 3u);
  EXPECT_EQ(decoded->targets[1].index, 1u);
  EXPECT_FALSE(decoded->targets[1].isUp);
}

TEST(ProtocolPoolMap, EveryShorterOrLongerBodyIsRefused) {
  auto bytes = encodePoolMap(sampleMap());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(decodePoolMap(Bytes(bytes).first(size)).code(), ErrorCode::kProto) << size;
  }
  bytes.resize(bytes.size() + 8);
  EXPECT_EQ(decodePoolMap(bytes).code(), ErrorCode::kProto);
}

TEST(ProtocolPoolMap, CountsAndSizesThatNobodyHasAreRefused) {
  const auto sound = encodePoolMap(sampleMap());
  // Number of targets; number of addresses; size of a transport's name.
  for (const size_t offset : {4u, 20u, 24u}) {
    auto bytes = sound;
    storeAs<uint32_t>(bytes.data() + offset, 0xffffffff);
    EXPECT_EQ(decodePoolMap(bytes).code(), ErrorCode::kProto) << offset;
  }
}

}  // namespace
}  // namespace daos::protocol
