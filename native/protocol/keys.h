// Bodies of object.punch, object.enumerate and object.query, and of container.open.
//
// Format: docs/format/object_protocol.md, version 1.
#pragma once

#include <array>
#include <vector>

#include "base/uuid.h"
#include "model/io.h"
#include "protocol/wire.h"

namespace daos::protocol {

struct ContainerOpenRequest {
  Uuid pool;
  Uuid container;
  uint32_t flags = 0;           // bit 0: read and write; otherwise read only
  uint32_t capabilitySize = 0;  // sealed capability, follows
};
static_assert(sizeof(ContainerOpenRequest) == 40);
inline constexpr uint32_t kOpenReadWrite = 1;

// A handle is unique over all sessions of a target, also over its restarts: a stale one is noticed.
struct ContainerOpenReply {
  uint64_t handle = 0;
};
static_assert(sizeof(ContainerOpenReply) == 8);

struct ContainerCloseRequest {
  uint64_t handle = 0;
};
static_assert(sizeof(ContainerCloseRequest) == 8);

enum class PunchLevel : uint32_t { kObject = 0, kDkey = 1, kAkeys = 2 };

// Followed by the dkey (kDkey, kAkeys) and, per akey, its size as u64 and its bytes; then an
// OperationId, where it has one.
struct PunchHead {
  uint64_t container = 0;
  uint32_t conditions = 0;
  PunchLevel level = PunchLevel::kObject;
  ObjectId oid;
  Epoch epoch = 0;
  uint32_t dkeySize = 0;
  uint32_t akeyCount = 0;
};
static_assert(sizeof(PunchHead) == 48);

struct PunchCall {
  PunchHead head;
  Bytes dkey;
  std::vector<Bytes> akeys;
  OperationId operation{};
};
void encode(WireWriter& writer, const PunchCall& call);
Result<PunchCall> decodePunch(Bytes body);

// Where an enumeration goes on: plain bytes, the server's; zeros at the start.
inline constexpr size_t kAnchorSize = 120;
struct Anchor {
  std::array<uint8_t, kAnchorSize> bytes{};
  bool operator==(const Anchor&) const = default;
};
static_assert(sizeof(Anchor) == 120);

enum class EnumerateLevel : uint32_t { kObjects = 0, kDkeys = 1, kAkeys = 2, kExtents = 3 };

// Followed by the dkey (kAkeys, kExtents), the akey (kExtents) and, unless all are listed, the
// range of epochs in which what is listed may have changed.
struct EnumerateHead {
  uint64_t container = 0;
  ObjectId oid;
  Epoch epoch = 0;  // as of this epoch; 0: the newest
  EnumerateLevel level = EnumerateLevel::kDkeys;
  uint32_t reserved = 0;
  uint32_t dkeySize = 0;
  uint32_t akeySize = 0;
  uint32_t countMax = 0;  // entries in one answer, > 0
  uint32_t sizeMax = 0;   // bytes of keys in one answer, > 0
  Anchor anchor;
};
static_assert(sizeof(EnumerateHead) == 176);

// From `low` to `high`, both included. An empty one, as by default, stands for no range.
struct ChangedEpochs {
  Epoch low = 1;
  Epoch high = 0;
  bool isNone() const { return low > high; }
};
static_assert(sizeof(ChangedEpochs) == 16);

struct EnumerateCall {
  EnumerateHead head;
  Bytes dkey;
  Bytes akey;
  ChangedEpochs changed;  // not of extents
};
void encode(WireWriter& writer, const EnumerateCall& call);
Result<EnumerateCall> decodeEnumerate(Bytes body);

// Followed by the entries: ObjectId × count (objects); u64 size, key (dkeys, akeys); ExtentEntry.
struct EnumerateReplyHead {
  Anchor anchor;
  uint32_t count = 0;
  uint32_t isEnd = 0;
};
static_assert(sizeof(EnumerateReplyHead) == 128);

struct ExtentEntry {
  Extent extent;
  Epoch epoch = 0;
  uint64_t recordSize = 0;
};
static_assert(sizeof(ExtentEntry) == 32);

enum QueryFlag : uint32_t {
  kQueryMax = 1u << 0,
  kQueryMin = 1u << 1,
  kQueryDkey = 1u << 2,
  kQueryAkey = 1u << 3,
  kQueryExtent = 1u << 4,
};

// Followed by the dkey and the akey where they are given rather than asked for.
struct QueryHead {
  uint64_t container = 0;
  ObjectId oid;
  Epoch epoch = 0;
  uint32_t flags = 0;
  uint32_t reserved = 0;
  uint32_t dkeySize = 0;
  uint32_t akeySize = 0;
};
static_assert(sizeof(QueryHead) == 48);

struct QueryCall {
  QueryHead head;
  Bytes dkey;
  Bytes akey;
};
void encode(WireWriter& writer, const QueryCall& call);
Result<QueryCall> decodeQuery(Bytes body);

// DER_NONEXIST instead where there is nothing. Integer keys only.
struct QueryReply {
  uint64_t dkey = 0;
  uint64_t akey = 0;
  Extent extent;
  uint64_t recordSize = 0;
  Epoch epochMax = 0;  // of the object's last change
};
static_assert(sizeof(QueryReply) == 48);

}  // namespace daos::protocol
