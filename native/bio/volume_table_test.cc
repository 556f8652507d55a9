#include "bio/volume_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "bio/engine_label.h"
#include "runtime/random.h"
#include "testing/golden_file.h"

namespace daos::bio {
namespace {

constexpr uint64_t kMiB = 1 << 20;
const Uuid kDevice = Uuid::fromRandom(1, 2);
const Uuid kShare = Uuid::fromRandom(3, 4);
const Uuid kOther = Uuid::fromRandom(5, 6);

RegionIdentity identityOf(uint64_t mebibytes) { return {kDevice, 1, mebibytes * kMiB}; }

std::vector<std::byte> copyOf(const VolumeTable& table) {
  std::vector<std::byte> bytes = table.encode();
  bytes.resize(kVolumeTableBytesMax);
  return bytes;
}

std::string hexOf(Bytes bytes) {
  std::string hex;
  for (size_t i = 0; i < bytes.size(); ++i) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", std::to_integer<unsigned>(bytes[i]));
    hex += digits;
    if (i % 32 == 31 || i + 1 == bytes.size()) hex += '\n';
  }
  return hex;
}

// Of the volumes, in order: "granule+count granule+count".
std::string extentsOf(const VolumeTable& table, const Uuid& share, MediaRole role) {
  std::string text;
  const Volume* volume = table.find(share, role);
  if (!volume) return "none";
  for (const VolumeExtent& extent : volume->extents) {
    text += (text.empty() ? "" : " ") + std::to_string(extent.granule) + "+" +
            std::to_string(extent.granuleCount);
  }
  return text;
}

TEST(BioVolumeTable, AVolumeTakesTheSmallestPieceThatIsLargeEnough) {
  VolumeTable table(identityOf(64));
  ASSERT_TRUE(table.add(kShare, MediaRole::kWal, 4 * kMiB).ok());
  ASSERT_TRUE(table.add(kOther, MediaRole::kWal, 8 * kMiB).ok());
  ASSERT_TRUE(table.add(kShare, MediaRole::kMeta, 2 * kMiB).ok());
  ASSERT_TRUE(table.remove(kOther));
  ASSERT_TRUE(table.add(kOther, MediaRole::kData, 8 * kMiB).ok());
  EXPECT_EQ(extentsOf(table, kShare, MediaRole::kWal), "1+4");
  EXPECT_EQ(extentsOf(table, kOther, MediaRole::kData), "5+8");
  EXPECT_EQ(table.freeBytes(), (63 - 14) * kMiB);
}

TEST(BioVolumeTable, WhereNoPieceIsLargeEnoughAVolumeHasSeveral) {
  VolumeTable table(identityOf(17));
  std::vector<Uuid> shares;
  for (int i = 0; i < 8; ++i) {
    shares.push_back(Uuid::fromRandom(10 + i, 0));
    ASSERT_TRUE(table.add(shares.back(), MediaRole::kData, 2 * kMiB).ok());
  }
  EXPECT_EQ(table.freeBytes(), 0u);
  for (int i = 1; i < 8; i += 2) ASSERT_TRUE(table.remove(shares[i]));
  ASSERT_TRUE(table.add(kShare, MediaRole::kData, 5 * kMiB).ok());
  EXPECT_EQ(table.find(kShare, MediaRole::kData)->sizeBytes(), 5 * kMiB);
  EXPECT_EQ(table.find(kShare, MediaRole::kData)->extents.size(), 3u);
  EXPECT_EQ(table.freeBytes(), 3 * kMiB);
}

TEST(BioVolumeTable, AFullRegionSaysWhatIsFree) {
  VolumeTable table(identityOf(9));
  ASSERT_TRUE(table.add(kShare, MediaRole::kData, 5 * kMiB).ok());
  const Status refused = table.add(kOther, MediaRole::kData, 4 * kMiB);
  EXPECT_EQ(refused.code(), ErrorCode::kNospace);
  EXPECT_NE(refused.error().message().find("3 MiB are free"), std::string::npos);
  EXPECT_EQ(table.find(kOther, MediaRole::kData), nullptr);
  EXPECT_TRUE(table.add(kOther, MediaRole::kData, 3 * kMiB).ok());
  EXPECT_EQ(table.resize(kShare, MediaRole::kData, 6 * kMiB).code(), ErrorCode::kNospace);
  EXPECT_EQ(table.find(kShare, MediaRole::kData)->sizeBytes(), 5 * kMiB);
  EXPECT_EQ(table.add(kShare, MediaRole::kData, kMiB).code(), ErrorCode::kExist);
  EXPECT_EQ(table.add(kShare, MediaRole::kWal, kMiB + 4096).code(), ErrorCode::kInval);
  EXPECT_EQ(table.resize(kShare, MediaRole::kWal, kMiB).code(), ErrorCode::kNonexist);
}

TEST(BioVolumeTable, AVolumeGrowsInPlaceAndIsCutAtItsEnd) {
  VolumeTable table(identityOf(32));
  ASSERT_TRUE(table.add(kShare, MediaRole::kData, 4 * kMiB).ok());
  ASSERT_TRUE(table.resize(kShare, MediaRole::kData, 8 * kMiB).ok());
  EXPECT_EQ(extentsOf(table, kShare, MediaRole::kData), "1+8");
  ASSERT_TRUE(table.add(kOther, MediaRole::kData, 2 * kMiB).ok());
  ASSERT_TRUE(table.resize(kShare, MediaRole::kData, 10 * kMiB).ok());
  EXPECT_EQ(extentsOf(table, kShare, MediaRole::kData), "1+8 11+2");
  ASSERT_TRUE(table.resize(kShare, MediaRole::kData, 5 * kMiB).ok());
  EXPECT_EQ(extentsOf(table, kShare, MediaRole::kData), "1+5");
}

// A table that has room for no more is refused, not cut.
TEST(BioVolumeTable, ATableThatIsFullTakesNoMoreVolumes) {
  VolumeTable table(identityOf(100'000));
  uint64_t count = 0;
  Status added;
  for (; added.ok(); ++count) {
    added = table.add(Uuid::fromRandom(count, 9), MediaRole::kData, kMiB);
    if (count > 40'000) break;
  }
  EXPECT_EQ(added.code(), ErrorCode::kNospace);
  EXPECT_NE(added.error().message().find("full"), std::string::npos);
  EXPECT_LE(table.encode().size(), kVolumeTableBytesMax);
  EXPECT_TRUE(VolumeTable::decode(copyOf(table), identityOf(100'000)).ok());
}

// Goal: whatever is done to a table, no two volumes share a granule, and bytes give it back.
TEST(BioVolumeTable, RandomChangesKeepVolumesApart) {
  SeededRandom random(7);
  VolumeTable table(identityOf(200));
  std::map<Uuid, uint64_t> sizes;
  for (int step = 0; step < 3000; ++step) {
    const Uuid share = Uuid::fromRandom(random.below(24), 1);
    const uint64_t size = (1 + random.below(30)) * kMiB;
    const uint64_t kind = random.below(3);
    if (kind == 0 && table.add(share, MediaRole::kData, size).ok()) sizes[share] = size;
    if (kind == 1 && table.resize(share, MediaRole::kData, size).ok()) sizes[share] = size;
    if (kind == 2 && table.remove(share)) sizes.erase(share);
    table.setSequence(step);
    const auto decoded = VolumeTable::decode(copyOf(table), identityOf(200));
    ASSERT_TRUE(decoded.ok()) << decoded.error().describe();
    uint64_t used = 0;
    for (const auto& [uuid, bytes] : sizes) {
      ASSERT_EQ(decoded->find(uuid, MediaRole::kData)->sizeBytes(), bytes);
      used += bytes;
    }
    ASSERT_EQ(decoded->freeBytes(), decoded->totalBytes() - used);
    ASSERT_EQ(decoded->volumes().size(), sizes.size());
  }
}

TEST(BioVolumeTable, ATableOfAnotherRegionIsNone) {
  VolumeTable table(identityOf(64));
  const auto bytes = copyOf(table);
  EXPECT_TRUE(VolumeTable::decode(bytes, identityOf(64)).ok());
  EXPECT_EQ(VolumeTable::decode(bytes, identityOf(65)).code(), ErrorCode::kDfInval);
  EXPECT_EQ(VolumeTable::decode(bytes, {kDevice, 2, 64 * kMiB}).code(), ErrorCode::kDfInval);
  EXPECT_EQ(VolumeTable::decode(bytes, {kOther, 1, 64 * kMiB}).code(), ErrorCode::kDfInval);
}

TEST(BioVolumeTable, EveryFlippedByteIsNoticed) {
  VolumeTable table(identityOf(64));
  ASSERT_TRUE(table.add(kShare, MediaRole::kWal, 4 * kMiB).ok());
  ASSERT_TRUE(table.add(kShare, MediaRole::kData, 4 * kMiB).ok());
  auto bytes = copyOf(table);
  for (size_t at = 0; at < sizeof(VolumeTableHeader) + 2 * (24 + 8); ++at) {
    bytes[at] ^= std::byte{1};
    EXPECT_FALSE(VolumeTable::decode(bytes, identityOf(64)).ok()) << at;
    bytes[at] ^= std::byte{1};
  }
}

TEST(BioVolumeTable, ATableIsWrittenAsTheGoldenFileHasIt) {
  VolumeTable table(identityOf(64));
  ASSERT_TRUE(table.add(kShare, MediaRole::kWal, 4 * kMiB).ok());
  ASSERT_TRUE(table.add(kOther, MediaRole::kMeta, kMiB).ok());
  ASSERT_TRUE(table.add(kShare, MediaRole::kData, 8 * kMiB).ok());
  ASSERT_TRUE(table.resize(kShare, MediaRole::kWal, 5 * kMiB).ok());
  table.setSequence(9);
  const auto bytes = table.encode();
  const size_t size = loadAs<VolumeTableHeader>(bytes.data()).sizeBytes;
  EXPECT_EQ(hexOf(Bytes(bytes).first(size)), readGoldenFile("bio/golden/volume_table_v1.hex"));
}

// --- the label of the device that regions lie on

EngineLabel exampleLabel() {
  EngineLabel label{};
  label.engine = Uuid::fromRandom(7, 8);
  label.rank = 3;
  label.deviceIndex = 1;
  label.deviceCount = 2;
  label.roles = DeviceRoles{MediaRole::kData}.bits();
  label.targetCount = 4;
  label.regionCount = 2;
  label.deviceBytes = 100 * kMiB;
  label.regionBytes = 49 * kMiB;
  label.setUsedBy(1);
  label.setUsedBy(3);
  label.devices[0] = kDevice;
  label.devices[1] = kOther;
  return label;
}

std::vector<std::byte> blocksOf(const EngineLabel& label) {
  std::vector<std::byte> blocks(kEngineLabelBytes);
  encodeEngineLabel(label, MutableBytes(blocks).first(kMediaBlockSize));
  std::memcpy(blocks.data() + kMediaBlockSize, blocks.data(), kMediaBlockSize);
  return blocks;
}

TEST(BioEngineLabel, ALabelIsWrittenAsTheGoldenFileHasIt) {
  const auto blocks = blocksOf(exampleLabel());
  EXPECT_EQ(hexOf(Bytes(blocks).first(sizeof(EngineLabel))),
            readGoldenFile("bio/golden/engine_label_v1.hex"));
}

TEST(BioEngineLabel, SaysWhereTheRegionOfATargetBegins) {
  const auto label = decodeEngineLabel(blocksOf(exampleLabel()));
  ASSERT_TRUE(label.ok()) << label.error().describe();
  EXPECT_EQ(label->users(), (std::vector<uint32_t>{1, 3}));
  EXPECT_EQ(label->regionOffset(1), kMiB);
  EXPECT_EQ(label->regionOffset(3), 50 * kMiB);
  EXPECT_EQ(label->device(), kOther);
}

TEST(BioEngineLabel, OneWholeCopyOfTwoIsEnough) {
  for (const size_t copy : {size_t{0}, kMediaBlockSize}) {
    auto blocks = blocksOf(exampleLabel());
    blocks[copy + 30] ^= std::byte{1};
    EXPECT_TRUE(decodeEngineLabel(blocks).ok());
    blocks[kMediaBlockSize - copy + 30] ^= std::byte{1};
    EXPECT_EQ(decodeEngineLabel(blocks).code(), ErrorCode::kDfInval);
  }
}

// The checksum of each is right: somebody else's program, or one of ours with a bug, wrote it.
TEST(BioEngineLabel, WhatDoesNotFitTogetherIsRefused) {
  const std::vector<void (*)(EngineLabel&)> mistakes = {
      [](EngineLabel& label) { label.deviceIndex = 2; },
      [](EngineLabel& label) { label.deviceCount = 65; },
      [](EngineLabel& label) { label.targetCount = 257; },
      [](EngineLabel& label) { label.targetCount = 3; },
      [](EngineLabel& label) { label.regionCount = 3; },
      [](EngineLabel& label) { label.regionCount = 0; },
      [](EngineLabel& label) { label.roles = 8; },
      [](EngineLabel& label) { label.roles = 0; },
      [](EngineLabel& label) { label.regionBytes = 50 * kMiB; },
      [](EngineLabel& label) { label.regionBytes = kMiB + 1; },
      [](EngineLabel& label) { label.regionBytes = 0; },
      [](EngineLabel& label) { label.deviceBytes = 0; }};
  for (size_t i = 0; i < mistakes.size(); ++i) {
    EngineLabel label = exampleLabel();
    mistakes[i](label);
    EXPECT_EQ(decodeEngineLabel(blocksOf(label)).code(), ErrorCode::kDfInval) << i;
  }
}

}  // namespace
}  // namespace daos::bio
