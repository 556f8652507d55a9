// The persistent records of VOS: what the blocks of the arena hold.
//
// Format: docs/format/vos_records.md, version 1. All little-endian, no padding, offsets from the
//         arena's start.
#pragma once

#include <cstdint>

#include "base/hybrid_clock.h"
#include "base/uuid.h"
#include "model/object_id.h"
#include "vos/heap.h"

namespace daos::vos {

inline constexpr uint64_t kPoolMagic = 0x6c6f6f70736f7664;  // "dvospool"
inline constexpr uint32_t kPoolVersion = 1;

// The arena's root block.
struct PoolRecord {
  uint64_t magic;
  uint32_t version;
  uint32_t targetIndex;
  Uuid pool;
  Offset containers;     // list of ContainerRecords
  Offset garbage;        // list of ContainerRecords destroyed, whose trees wait to be freed
  Offset mediaBitmap;    // used blocks of the data area; 0 without one
  uint64_t mediaBlocks;
  Epoch epochCeiling;    // at or after every epoch written
};
static_assert(sizeof(PoolRecord) == 72);

inline constexpr uint32_t kContainerKind = 0x746e6f63;

struct ContainerRecord {
  uint32_t kind;
  uint32_t zero;
  Offset next;
  Uuid uuid;
  uint64_t objects;         // tree of ObjectRecords
  Offset transactions;      // TransactionTable; 0 before the first
  uint64_t committed;       // tree of CommittedRecords
  uint64_t arenaBytes;
  uint64_t mediaBytes;
  uint64_t objectCount;
  Epoch aggregatedEpoch;    // what is at or below has been merged: reads below may be refused
  Offset snapshots;         // SnapshotTable; 0 before the first
};
static_assert(sizeof(ContainerRecord) == 96);

// What transactions have prepared; version records name a transaction by its place here, from 1 on.
struct TransactionTable {
  uint32_t capacity;
  uint32_t count;  // places in use
  // Offset records[capacity]; 0: free
  Offset* records() { return reinterpret_cast<Offset*>(this + 1); }
};
static_assert(sizeof(TransactionTable) == 8);

enum class TransactionPhase : uint32_t { kPrepared = 1, kCommitting = 2, kAborting = 3 };

struct TransactionRecord {
  Uuid id;
  Epoch epoch;             // the least it has written at
  uint32_t number;         // place in the table + 1
  TransactionPhase phase;  // the last two only while its records are being settled
  Offset chunks;           // list of TransactionChunks
};
static_assert(sizeof(TransactionRecord) == 40);

enum class TouchedKind : uint64_t { kSingle = 1, kExtent = 2, kKeyPunch = 3, kObjectPunch = 4 };

// A version that a transaction has prepared, and the record it belongs to.
struct Touched {
  Offset version;
  Offset owner;  // KeyRecord or ObjectRecord
  TouchedKind kind;
};
static_assert(sizeof(Touched) == 24);

struct TransactionChunk {
  static constexpr size_t kCountMax = 10;
  Offset next;
  uint64_t count;
  Touched touched[kCountMax];
};
static_assert(sizeof(TransactionChunk) == 256);

struct CommittedRecord {
  Uuid id;
  Epoch epoch;
};
static_assert(sizeof(CommittedRecord) == 24);

// Pinned epochs, ascending; replaced as a whole.
struct SnapshotTable {
  uint64_t count;
  // Epoch epochs[count]
  Epoch* epochs() { return &count + 1; }
};
static_assert(sizeof(SnapshotTable) == 8);

// Anything with a stamp: a version of a value, an extent, a punch.
//
// Before `data` follows, in this order: size (single value not inline), checksums, inline data.
struct VersionRecord {
  Epoch epoch;
  uint32_t transaction;  // 0: committed; else its place in the transaction table
  uint16_t minor;
  uint16_t zero;
  uint64_t data;         // DataWord
};
static_assert(sizeof(VersionRecord) == 24);

struct ExtentRecord {
  VersionRecord version;
  uint64_t index;
  uint64_t count;
};
static_assert(sizeof(ExtentRecord) == 40);

// Several versions of exactly one extent.
struct ExtentSetRecord {
  uint64_t versions;  // version set of ExtentRecords
  uint64_t zero[2];
  uint64_t index;     // at the same place as in ExtentRecord
  uint64_t count;
};
static_assert(sizeof(ExtentSetRecord) == 40);

enum class DataKind : uint8_t { kHole = 0, kInline = 1, kBlock = 2, kMedia = 3 };

// Where the data of a version is.
struct DataWord {
  static constexpr uint64_t kAddressMask = (uint64_t{1} << 48) - 1;
  static constexpr uint64_t kChecksums = uint64_t{1} << 59;
  // `address`: of the block, of the bytes on Media; of a single value kept inline, its size.
  static constexpr uint64_t make(DataKind kind, uint64_t address, bool hasChecksums) {
    return static_cast<uint64_t>(kind) << 60 | address | (hasChecksums ? kChecksums : 0);
  }
  static DataKind kind(uint64_t word) { return static_cast<DataKind>(word >> 60 & 3); }
  static uint64_t address(uint64_t word) { return word & kAddressMask; }
  static bool hasChecksums(uint64_t word) { return (word & kChecksums) != 0; }
};

// Before the checksum bytes.
struct ChecksumHead {
  uint8_t type;
  uint8_t checksumSize;
  // Chunks are 1 << chunkShift bytes; kExplicitChunk: a uint32 with the size follows.
  uint8_t chunkShift;
  uint8_t zero;
  static constexpr uint8_t kExplicitChunk = 255;
};
static_assert(sizeof(ChecksumHead) == 4);

enum class RecordKind : uint8_t { kObject = 0x4f, kDkey = 0x44, kSingle = 0x53, kArray = 0x41 };

// A dkey or akey; the key's bytes follow.
struct KeyRecord {
  // dkey: tree of akeys. kSingle: version set. kArray: tree of extents, or with kSeveralClasses a
  // ClassTable. With kPunched: a PunchedChild that holds it.
  uint64_t child;
  uint32_t recordSize;     // kArray
  uint16_t keySizeLess1;
  RecordKind kind;
  uint8_t flags;
  static constexpr uint8_t kPunched = 1;
  static constexpr uint8_t kSeveralClasses = 2;
  static constexpr unsigned kClassShift = 2;  // kArray with one class: which

  size_t keySize() const { return size_t{keySizeLess1} + 1; }
  std::byte* key() { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* key() const { return reinterpret_cast<const std::byte*>(this + 1); }
  bool isAkey() const { return kind == RecordKind::kSingle || kind == RecordKind::kArray; }
};
static_assert(sizeof(KeyRecord) == 16);

struct PunchedChild {
  uint64_t punches;  // version set of VersionRecords
  uint64_t child;
};
static_assert(sizeof(PunchedChild) == 16);

// Roots of extent trees, one for each class of extent lengths that occurs.
struct ClassTable {
  uint64_t mask;  // bit c: class c is there
  // uint64_t roots[popcount(mask)], by class
  uint64_t* roots() { return &mask + 1; }
};
static_assert(sizeof(ClassTable) == 8);

struct ObjectRecord {
  uint64_t dkeys;    // tree of KeyRecords
  uint64_t punches;  // version set
  ObjectId oid;
  RecordKind kind;
  uint8_t zero[7];
};
static_assert(sizeof(ObjectRecord) == 40);

}  // namespace daos::vos
