// Arguments and results of VOS calls: plain values, and the reusable results that own their
// capacity.
#pragma once

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/hybrid_clock.h"
#include "base/uuid.h"
#include "model/io.h"
#include "model/object_id.h"
#include "runtime/task.h"
#include "vos/heap.h"
#include "vos/media_area.h"

namespace daos::vos {

// Checksums of one value as the client made them: opaque to VOS but for their geometry. A value (or
// each extent, on its own) is cut into chunks of `chunkSize` bytes; the last may be shorter. A
// chunk is a whole number of records.
struct Checksums {
  uint16_t type = 0;          // 0: none
  uint16_t checksumSize = 0;  // bytes per chunk
  uint32_t chunkSize = 0;
  Bytes bytes;                // checksumSize per chunk, extents back to back
};

// The identity of a transaction: chosen by its leader, unique in the container.
using TransactionId = Uuid;

// What all writes have in common.
struct WriteContext {
  Epoch epoch = 0;
  uint16_t minor = 0;  // order of operations of one transaction at one epoch
  // Not nil: the write is prepared with this transaction; others do not see it before its commit.
  TransactionId transaction{};
  // DER_INVAL where they contradict each other.
  Conditions conditions = 0;
  // With a transaction: it consists of this write alone and is committed with it. A transaction
  // that was committed before is refused with DER_ALREADY, so that a repeated request is known.
  bool commitsTransaction = false;
  // Unless none: kept with what is written, in place of the last one of its slot. A repetition is
  // refused with DER_ALREADY, see Container::operationEpoch; one whose slot was used since, with
  // DER_CANCELED.
  OperationId operation{};
};

struct UpdateRequest {
  ObjectId oid;
  Bytes dkey;
  std::span<const IoDescriptor> descriptors;
  std::span<const Checksums> checksums;  // empty, or one per descriptor
  WriteContext write;
};

// Punches the akeys given, or the dkey when there are none, or the object when `dkey` is empty.
// Ranges of an array are punched by an update with recordSize 0.
struct PunchRequest {
  ObjectId oid;
  Bytes dkey;
  std::span<const Bytes> akeys;
  WriteContext write;
};

// What a read does when an uncommitted write of another transaction would decide its answer.
enum class InDoubt : uint8_t { kRefuse, kSkip };

struct ReadContext {
  Epoch epoch = kEpochMax;
  // The reader's own uncommitted writes are visible to it.
  TransactionId transaction{};
  InDoubt inDoubt = InDoubt::kRefuse;
  // Remember the read, so that a later write below its epoch is refused with DER_TX_RESTART.
  bool isTracked = false;
  Conditions conditions = 0;
};

struct FetchRequest {
  ObjectId oid;
  Bytes dkey;
  std::span<const IoDescriptor> descriptors;
  ReadContext read;
  bool sizesOnly = false;  // only record and value sizes are wanted
};

enum class SegmentKind : uint8_t { kMemory, kMedia, kHole };

// A run of bytes of a fetched value, in the order asked for.
struct Segment {
  SegmentKind kind;
  uint16_t checksumType;           // 0: none
  uint16_t checksumSize;
  uint32_t chunkSize;
  uint64_t size;                   // bytes
  const std::byte* memory;         // kMemory
  uint64_t mediaOffset;            // kMedia
  // Checksums of the chunks of the stored extent that the segment overlaps; the segment begins
  // `chunkSkip` bytes into the first of them and the stored data continues `chunkTail` bytes after
  // the segment's end to the end of the last chunk (readable at the same place).
  Bytes checksums;
  uint32_t chunkSkip;
  uint32_t chunkTail;
  Epoch epoch;                     // of the write; 0 for a hole never written
};

struct FetchedValue {
  uint64_t recordSize = 0;  // 0: nothing is visible in what was asked for
  uint64_t size = 0;        // bytes of the segments, holes included
  uint32_t segmentIndex = 0;
  uint32_t segmentCount = 0;
};

// Reusable; pins the memory its segments point to from fetch() until release().
class FetchResult {
 public:
  FetchResult() = default;
  FetchResult(const FetchResult&) = delete;
  FetchResult& operator=(const FetchResult&) = delete;
  ~FetchResult() { release(); }

  // One per descriptor.
  std::span<const FetchedValue> values() const { return values_; }
  std::span<const Segment> segments(const FetchedValue& value) const {
    return std::span(segments_).subspan(value.segmentIndex, value.segmentCount);
  }
  // Copies a value whose segments are all memory or holes (left as they are) to `to`.
  void copyTo(const FetchedValue& value, MutableBytes to) const;
  bool hasMedia() const { return hasMedia_; }
  // Reads what is on Media, whole chunks where there are checksums; afterwards all segments are
  // memory or holes. DER_IO names device and offset; DER_NOMEM.
  Task<Status> readMedia();
  // The answer may leave the target when this is durable.
  uint64_t ticket() const { return ticket_; }
  // With DER_TX_BUSY: the transaction in the way.
  const TransactionId& blocker() const { return blocker_; }
  void release();

 private:
  friend class FetchOperation;
  friend class Container;
  std::vector<FetchedValue> values_;
  std::vector<Segment> segments_;
  bool hasMedia_ = false;
  uint64_t ticket_ = 0;
  TransactionId blocker_{};
  Arena* arena_ = nullptr;  // pinned
  uint64_t pin_ = 0;
  MediaArea* area_ = nullptr;  // with hasMedia_
  std::vector<bio::DmaBuffer> mediaBuffers_;
};

// Space and buffers of an update between updateBegin and updateEnd. Movable; gives back what was
// not ended.
class PendingUpdate {
 public:
  PendingUpdate() = default;
  PendingUpdate(PendingUpdate&& other) noexcept;
  PendingUpdate& operator=(PendingUpdate&& other) noexcept;
  ~PendingUpdate() { cancel(); }

  // Where the data goes: in the order of descriptors and their extents, each extent a buffer of its
  // own.
  std::span<const MutableBytes> buffers() const { return buffers_; }
  // When the buffers are filled: makes what belongs on Media durable there. Then updateEnd. DER_IO.
  Task<Status> writeData();
  void cancel();

 private:
  friend class UpdateOperation;
  friend class Container;
  static constexpr Offset kOnMedia = ~Offset{0};
  const UpdateRequest* request_ = nullptr;
  Arena* arena_ = nullptr;
  MediaArea* area_ = nullptr;
  std::vector<MutableBytes> buffers_;
  std::vector<Offset> blocks_;      // a reserved block per buffer; kOnMedia: the next of pieces_
  std::vector<MediaPiece> pieces_;
  bool isWritten_ = false;
};

// A position in an enumeration: opaque bytes, independent of memory and layout.
struct Anchor {
  static constexpr size_t kSizeMax = 112;
  uint8_t size = 0;  // 0: the beginning
  bool isEnd = false;
  std::array<std::byte, kSizeMax> bytes{};
};

// kPunch: the punches of the akey, dkey or object that is named.
enum class Level : uint8_t { kObject, kDkey, kAkey, kExtent, kSingle, kPunch };
enum class Versions : uint8_t {
  kVisible,  // what a read at epochs.high sees and that was written at or after epochs.low
  kAll,  // every stored version in the range; of objects and keys, those with a version or punch in
         // it
};

struct EpochRange {
  Epoch low = 0;
  Epoch high = kEpochMax;  // both inclusive
};

// Lists what is one level below the names given: objects; dkeys of `oid`; akeys of `dkey`; versions
// of `akey`. Names that the level does not need are ignored.
struct EnumerateRequest {
  Level level = Level::kObject;
  ObjectId oid;
  Bytes dkey;
  Bytes akey;
  EpochRange epochs;
  Versions versions = Versions::kVisible;
  // Of visible objects and keys only those that may not be the same before and after this range:
  // beneath them a version or punch of it is stored, or so much that it was not looked through. A
  // call then ends after kVisitsMax records, also when it has found nothing.
  std::optional<EpochRange> changed;
  static constexpr uint64_t kVisitsMax = 4096;
  static constexpr uint64_t kVisitsOfEntryMax = 256;
  TransactionId transaction{};
  InDoubt inDoubt = InDoubt::kSkip;
  bool isReverse = false;  // visible extents only: from the end
  bool isTracked = false;  // as in ReadContext
};

enum class EntryKind : uint8_t { kObject, kDkey, kAkey, kExtent, kSingle, kPunch };

struct Entry {
  EntryKind kind = EntryKind::kObject;
  ValueType valueType = ValueType::kSingle;  // kAkey
  bool isHole = false;      // kExtent, kSingle with all versions: a punched range or value
  bool isInDoubt = false;   // with all versions: not yet committed
  uint16_t minor = 0;       // kExtent, kSingle, kPunch
  ObjectId oid;             // kObject
  Bytes key;                // kDkey, kAkey; valid during the call
  Extent extent;            // kExtent
  Epoch epoch = 0;          // kExtent, kSingle, kPunch
  uint64_t recordSize = 0;  // kExtent, kSingle (its size), kAkey of an array
};

class EntrySink {
 public:
  virtual ~EntrySink() = default;
  // Must not modify the store. False: stop before this entry; the next call with the anchor begins
  // with it.
  virtual bool take(const Entry& entry) = 0;
};

enum class QueryWhat : uint8_t { kMaxDkey, kMinDkey, kMaxAkey, kMinAkey, kMaxExtent, kMinExtent };

// Max or min of the dkeys; of the akeys of `dkey`; of the extents of `akey`. Where `dkey` or `akey`
// is empty for a deeper question, the max (min) dkey or akey is taken for it.
struct QueryRequest {
  ObjectId oid;
  QueryWhat what = QueryWhat::kMaxDkey;
  Bytes dkey;
  Bytes akey;
  ReadContext read;
};

struct QueryResult {
  std::vector<std::byte> dkey;
  std::vector<std::byte> akey;
  Extent extent;
  uint64_t recordSize = 0;
};

enum class TransactionState : uint8_t { kUnknown, kPrepared, kCommitted };

struct TransactionInfo {
  TransactionId id;
  Epoch epoch = 0;  // the least it has written at
};

// What an aggregation or discard has done so far.
struct ReductionCounts {
  uint64_t droppedCount = 0;  // versions and punches
  uint64_t mergedCount = 0;   // extents that became part of another
  // Values and runs of extents left alone because their checksums do not match, or can't be read.
  uint64_t damagedCount = 0;
  uint64_t migratedCount = 0;  // values and parts of extents brought to new blocks of Media
  // The arena was so full that the rest was dropped from only, not merged or migrated.
  bool lacksSpace = false;
};

struct ContainerUsage {
  uint64_t arenaBytes = 0;  // blocks of this container, with rounding
  uint64_t mediaBytes = 0;
  uint64_t objectCount = 0;
};

}  // namespace daos::vos
