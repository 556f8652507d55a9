// Goal: what earlier versions wrote is read by every later one, and the newest format is written as
//       its golden file has it.
// Method: a log's group and a superblock with fixed content, beside files in native/vos/log/golden.
#include <gtest/gtest.h>

#include "bio/media_batch.h"
#include "bio/memory_media.h"
#include "codec/checksum.h"
#include "testing/golden_file.h"
#include "vos/log/meta_image.h"
#include "vos/log/wal_reader.h"
#include "vos/log/wal_writer.h"

namespace daos::vos {
namespace {

constexpr uint64_t kSalt = 0x1122334455667788;
constexpr uint64_t kArenaSize = 1 << 20;

std::string hexOf(Bytes bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", std::to_integer<unsigned>(bytes[i]));
    text += digits;
    if (i % 32 == 31 || i + 1 == bytes.size()) text += '\n';
  }
  return text;
}

std::vector<std::byte> bytesOfHex(const std::string& text) {
  std::string digits;
  for (const char digit : text) {
    if (digit != '\n') digits += digit;
  }
  std::vector<std::byte> bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::vector<std::byte> arenaContent() {
  std::vector<std::byte> arena(4096);
  for (size_t i = 0; i < arena.size(); ++i) arena[i] = static_cast<std::byte>(i * 7);
  return arena;
}

constexpr ArenaRange kFirst[] = {{64, 13}};
constexpr ArenaRange kSecond[] = {{128, 8}, {1000, 24}};
constexpr ArenaData kData[] = {{8192, 3, 0xcafef00d}};
constexpr ArenaData kDropped[] = {{8192, 0, 0}, {4096, 0, 0}};

class VosLogFormat : public testing::Test {
 protected:
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }
  std::vector<std::byte> read(bio::Media& media, uint64_t offset, size_t size) {
    const auto buffer = buffers_->allocate(4096).value();
    EXPECT_TRUE(run([](bio::Media& from, uint64_t at, MutableBytes to) -> Task<Status> {
                  co_return co_await from.read(at, to);
                }(media, offset, buffer.bytes()))
                    .ok());
    return {buffer.data(), buffer.data() + size};
  }
  // Redoes a log of this one group, and returns the changed arena.
  static std::vector<std::byte> redo(Bytes group, WalReplay* replayed) {
    std::vector<std::byte> ring(16 * kWalBlockSize), arena(4096);
    std::copy(group.begin(), group.end(), ring.begin());
    auto result = replayWal({.ring = ring,
                             .salt = kSalt,
                             .from = {0, 1},
                             .checkpointGeneration = 9,
                             .unproven = UnprovenGroup::kRedo,
                             .arena = arena});
    EXPECT_TRUE(result.ok()) << result.error().describe();
    if (result.ok()) *replayed = std::move(*result);
    return arena;
  }

  SystemClock clock_;
  std::unique_ptr<Reactor> reactor_ = Reactor::create(clock_).value();
  std::unique_ptr<bio::DmaPool> buffers_ = bio::DmaPool::create(16 << 20).value();
};

TEST_F(VosLogFormat, AGroupIsWrittenAsTheGoldenFileHasIt) {
  auto media = bio::openMemoryMedia(*reactor_, "log", 16 * kWalBlockSize).value();
  WalWriter writer(*media, *buffers_, {.salt = kSalt, .data = media.get()}, [] {});
  const auto arena = arenaContent();
  ASSERT_TRUE(writer.append(1, kFirst, arena.data(), kData).ok());
  ASSERT_TRUE(writer.append(2, kSecond, arena.data(), kDropped).ok());
  ASSERT_TRUE(writer.pump());
  reactor_->runUntil([&] { return writer.durableTransaction() == 2; });
  const auto header = loadAs<WalGroupHeader>(read(*media, 0, sizeof(WalGroupHeader)).data());
  const size_t size = sizeof(WalGroupHeader) + header.payloadSize;
  EXPECT_EQ(hexOf(read(*media, 0, size)), readGoldenFile("vos/log/golden/wal_group_v2.hex"));
  // An idle log gets a seal: its write has to end before the writer goes.
  reactor_->runUntil([&] { return writer.isQuiet(); });
}

TEST_F(VosLogFormat, GroupsOfAllVersionsAreRead) {
  for (const char* file : {"vos/log/golden/wal_group_v1.hex", "vos/log/golden/wal_group_v2.hex"}) {
    WalReplay replayed;
    const auto arena = redo(bytesOfHex(readGoldenFile(file)), &replayed);
    EXPECT_EQ(replayed.recordCount, 2u) << file;
    EXPECT_EQ(replayed.lastTransaction, 2u) << file;
    const auto content = arenaContent();
    for (const ArenaRange& range : {kFirst[0], kSecond[0], kSecond[1]}) {
      EXPECT_EQ(std::memcmp(arena.data() + range.offset, content.data() + range.offset, range.size),
                0)
          << file;
    }
  }
}

TEST_F(VosLogFormat, ASuperblockIsWrittenAsTheGoldenFileHasItAndRead) {
  const MetaGeometry geometry(kArenaSize);
  auto media = bio::openMemoryMedia(*reactor_, "meta", geometry.sizeBytes()).value();
  const Log log;
  Superblock first{};
  first.store = Uuid::fromRandom(1, 2);
  first.salt = kSalt;
  first.arenaSize = kArenaSize;
  first.walBlockCount = 64;
  MetaImage image(*media, *buffers_, log);
  ASSERT_TRUE(image.format(first).ok());
  const CheckpointMark mark{
      .wal = {77, 12}, .transactionBefore = 40, .transactionThrough = 44, .isClosed = false};
  ASSERT_TRUE(run(image.publish({}, mark)).ok());
  const uint64_t offset = image.superblock().generation % 2 * 2 * kPageSize;
  EXPECT_EQ(hexOf(read(*media, offset, sizeof(Superblock))),
            readGoldenFile("vos/log/golden/superblock_v1.hex"));
  MetaImage again(*media, *buffers_, log);
  const Status opened = run(again.open());
  ASSERT_TRUE(opened.ok()) << opened.error().describe();
  EXPECT_EQ(again.superblock().walBlock, 77u);
  EXPECT_EQ(again.superblock().transactionThrough, 44u);
}

// Of a generation with two pages: the table that describes it, and the pages in their slots.
TEST_F(VosLogFormat, ATableIsWrittenAsTheGoldenFileHasItAndRead) {
  const MetaGeometry geometry(kArenaSize);
  auto media = bio::openMemoryMedia(*reactor_, "meta", geometry.sizeBytes()).value();
  const Log log;
  Superblock first{};
  first.store = Uuid::fromRandom(1, 2);
  first.salt = kSalt;
  first.arenaSize = kArenaSize;
  first.walBlockCount = 64;
  MetaImage image(*media, *buffers_, log);
  ASSERT_TRUE(image.format(first).ok());
  const auto pages = buffers_->allocate(2 * kPageSize).value();
  for (size_t i = 0; i < pages.size(); ++i)
    pages.data()[i] = static_cast<std::byte>(i * 7 + i / 4096);
  const std::vector<uint32_t> slots = image.takeSlots(2);
  std::vector<PagePlace> places;
  for (size_t i = 0; i < 2; ++i) {
    const Bytes page = pages.bytes().subspan(i * kPageSize, kPageSize);
    places.push_back({i == 0 ? 1u : 200u, {slots[i], crc32c(page)}});
  }
  ASSERT_TRUE(run([](bio::Media& to, MetaImage& meta, std::span<const PagePlace> all,
                     Bytes bytes) -> Task<Status> {
                bio::MediaBatch batch(to);
                meta.writePages(batch, all, bytes);
                co_return co_await batch.all();
              }(*media, image, places, pages.bytes()))
                  .ok());
  ASSERT_TRUE(run(image.publish(places, {.wal = {77, 12}})).ok());
  const auto table = read(*media, geometry.tableOffset(image.superblock().generation), kPageSize);
  EXPECT_EQ(hexOf(table), readGoldenFile("vos/log/golden/table_block_v1.hex"));

  MetaImage again(*media, *buffers_, log);
  ASSERT_TRUE(run(again.open()).ok());
  const auto arena = buffers_->allocate(kArenaSize).value();
  std::fill(arena.bytes().begin(), arena.bytes().end(), std::byte{0});
  const Status loaded = run(again.load(arena.bytes()));
  ASSERT_TRUE(loaded.ok()) << loaded.error().describe();
  EXPECT_EQ(std::memcmp(arena.data() + kPageSize, pages.data(), kPageSize), 0);
  EXPECT_EQ(std::memcmp(arena.data() + 200 * kPageSize, pages.data() + kPageSize, kPageSize), 0);
  EXPECT_EQ(again.pageCountStored(), 2u);
}

// What an earlier version wrote, byte for byte: its table, behind a superblock that names it.
TEST_F(VosLogFormat, TheTableOfTheGoldenFileIsRead) {
  const auto golden = bytesOfHex(readGoldenFile("vos/log/golden/table_block_v1.hex"));
  ASSERT_EQ(golden.size(), sizeof(TableBlock));
  TableBlock block = loadAs<TableBlock>(golden.data());
  EXPECT_EQ(block.index, 0u);
  EXPECT_EQ(block.salt, kSalt);
  EXPECT_NE(block.entries[1].slot, 0u);
  EXPECT_NE(block.entries[200].slot, 0u);
  const uint32_t checksum = std::exchange(block.checksum, 0);
  EXPECT_EQ(crc32c(bytesOf(&block, sizeof(block))), checksum);
}

}  // namespace
}  // namespace daos::vos
