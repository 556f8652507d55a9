// Logs whose bytes were changed where they lay, redone.
//
// An input is a list of changes, five bytes each: where (little-endian, 32 bits) and what is xored
// to the byte there, to a ring of three groups. The first byte says whether the checksums are made
// right again, so that what is behind them is reached.
//
// Goal: an error, or memory changed within the arena alone; never a crash or a read outside of the
// ring.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "codec/checksum.h"
#include "vos/log/wal_reader.h"

namespace daos::vos {
namespace {

constexpr uint64_t kBlockCount = 8;
constexpr uint64_t kSalt = 0x1234;
constexpr uint64_t kArenaSize = 64 << 10;

// Checksums of the group at `block`, as the writer makes them, whatever its sizes say.
void sealGroup(std::vector<std::byte>& ring, uint64_t block) {
  std::byte* at = ring.data() + block * kWalBlockSize;
  auto header = loadAs<WalGroupHeader>(at);
  const uint64_t room = ring.size() - block * kWalBlockSize - sizeof header;
  auto checksum = static_cast<uint32_t>(header.sequence);
  uint64_t offset = 0;
  for (uint32_t i = 0; i < header.recordCount && offset + sizeof(WalRecordHeader) <= room; ++i) {
    std::byte* record = at + sizeof header + offset;
    auto head = loadAs<WalRecordHeader>(record);
    constexpr size_t kCovered = 8;  // from behind the checksum on
    if (head.size < sizeof head || head.size > room - offset) break;
    checksum = crc32c(Bytes(record + kCovered, head.size - kCovered), checksum);
    head.checksum = checksum;
    storeAs(record, head);
    offset += head.size;
  }
  header.payloadChecksum = checksum;
  header.headerChecksum = 0;
  header.headerChecksum = crc32c(bytesOf(&header, sizeof header));
  storeAs(at, header);
}

// Three groups of two transactions with two ranges each.
std::vector<std::byte> makeRing() {
  std::vector<std::byte> ring(kBlockCount * kWalBlockSize);
  uint64_t transaction = 0;
  for (uint64_t group = 0; group < 3; ++group) {
    std::byte* at = ring.data() + group * kWalBlockSize;
    WalGroupHeader header{kWalMagic, kWalVersion, 0, kSalt, group + 1, transaction + 1,
                          1,         2,           0, 0,     0};
    std::byte* record = at + sizeof header;
    for (int i = 0; i < 2; ++i) {
      constexpr uint32_t kRangeSize = 40;
      const uint32_t size = sizeof(WalRecordHeader) + 2 * (sizeof(WalRange) + kRangeSize);
      storeAs(record, WalRecordHeader{size, 0, ++transaction, 2, 0});
      std::byte* range = record + sizeof(WalRecordHeader);
      for (uint64_t part = 0; part < 2; ++part) {
        storeAs(range, WalRange{transaction * 1000 + part * 100, kRangeSize, 0});
        std::memset(range + sizeof(WalRange), static_cast<int>(transaction), kRangeSize);
        range += sizeof(WalRange) + kRangeSize;
      }
      record += size;
    }
    header.payloadSize = static_cast<uint32_t>(record - at - sizeof header);
    storeAs(at, header);
    sealGroup(ring, group);
  }
  return ring;
}

void replay(const std::vector<std::byte>& ring, bool isUnchanged) {
  std::vector<std::byte> arena(kArenaSize);
  const auto result = replayWal({.ring = ring,
                                 .salt = kSalt,
                                 .from = {},
                                 .transactionBefore = 0,
                                 .transactionThrough = 0,
                                 .checkpointGeneration = 1,
                                 .arena = arena,
                                 .onRedone = [](const ArenaRange& range) {
                                   DAOS_ASSERT(range.offset <= kArenaSize &&
                                               range.size <= kArenaSize - range.offset);
                                 }});
  // The ring itself must be a good one, or the fuzzer would look at refusals only.
  if (isUnchanged) DAOS_ASSERT(result.ok() && result->recordCount == 6);
}

}  // namespace
}  // namespace daos::vos

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace daos::vos;
  static const std::vector<std::byte> original = makeRing();
  std::vector<std::byte> ring = original;
  const bool isSealed = size > 0 && (data[0] & 1) != 0;
  if (size > 0) ++data, --size;
  const bool isUnchanged = size < 5;
  for (; size >= 5; data += 5, size -= 5) {
    const auto where = daos::loadAs<uint32_t>(data);
    ring[where % ring.size()] ^= static_cast<std::byte>(data[4]);
  }
  for (uint64_t block = 0; isSealed && block < 3; ++block) sealGroup(ring, block);
  replay(ring, isUnchanged);
  return 0;
}
