// The bytes of the write-ahead log: a ring of groups, each one aligned write. docs/format/wal.md,
// version 2.
#pragma once

#include <cstdint>

namespace daos::vos {

inline constexpr uint64_t kWalMagic = 0x31304c4157534f44;  // "DOSWAL01"
inline constexpr uint32_t kWalVersion = 2;
// Its records know no bulk data.
inline constexpr uint32_t kWalVersionFirst = 1;
inline constexpr uint64_t kWalBlockSize = 4096;

// At the start of a block; records follow it without gap; zeros fill the last block.
struct WalGroupHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t headerChecksum;  // CRC32C of this header with zero here
  uint64_t salt;            // the store's: groups of an earlier store on this device are not ours
  uint64_t sequence;        // 1, 2, 3 … without gaps
  uint64_t firstTransaction;
  uint64_t checkpointGeneration;  // the newest that was durable when the group was written
  uint32_t recordCount;  // 0: a seal, written when the log is idle, overwritten by the next group
  uint32_t payloadSize;  // bytes of all records
  uint32_t payloadChecksum;  // that of the last record
  uint32_t startMark;        // of the machine's running that it was written in; 0: not known
};
static_assert(sizeof(WalGroupHeader) == 64);

// Ranges follow, each a WalRange and its bytes, padded to 8; then WalDatas.
struct WalRecordHeader {
  uint32_t size;      // of the whole record, multiple of 8
  uint32_t checksum;  // CRC32C of what follows this field, continuing the record before (first: of
                      // the sequence)
  uint64_t transaction;  // 1, 2, 3 … over the life of the store
  uint32_t rangeCount;
  uint32_t dataCount;  // 0 in version 1
};
static_assert(sizeof(WalRecordHeader) == 24);

struct WalRange {
  uint64_t offset;
  uint32_t size;
  uint32_t reserved;
};
static_assert(sizeof(WalRange) == 16);

// Bulk data that the transaction made visible, which was written but perhaps not flushed before the
// group; or, with blockCount 0, what a transaction before it in the same group had there is
// dropped.
struct WalData {
  uint64_t offset;      // on DATA
  uint32_t blockCount;  // of kWalBlockSize bytes
  uint32_t checksum;    // CRC32C of the blocks
};
static_assert(sizeof(WalData) == 16);

// Where a group is or will be. `block` counts without end; in the ring it is block % capacity.
struct WalPosition {
  uint64_t block = 0;
  uint64_t sequence = 1;
};

}  // namespace daos::vos
