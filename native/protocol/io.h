// Bodies of object.update and object.fetch.
//
// Request:  IoHead | dkey | per akey: AkeyHead, akey, extents, checksums | an update's OperationId,
//           where it has one.
// Reply to an update: UpdateReply. To a fetch: FetchReplyHead | per akey: AkeyReply, mapped
// extents,
//           checksums.
// Data:     beside the body, as the frame's payload or by RMA: the bytes of all akeys and their
// extents in
//           order. An update's has no gaps. A fetch's payload holds only what is there, packed; by
//           RMA each byte goes to the place it has when nothing is missing, and holes are left
//           untouched.
// Format:   docs/format/object_protocol.md, version 1.
#pragma once

#include <span>
#include <vector>

#include "model/io.h"
#include "protocol/wire.h"

namespace daos::protocol {

struct IoHead {
  uint64_t container = 0;  // handle that container.open answered
  uint32_t conditions = 0;
  uint32_t flags = 0;
  ObjectId oid;
  Epoch epoch = 0;  // 0: the server chooses (update), the newest (fetch)
  uint32_t akeyCount = 0;
  uint32_t dkeySize = 0;
};
static_assert(sizeof(IoHead) == 48);

enum IoFlag : uint32_t {
  kSizesOnly = 1u << 0,     // fetch: no data, only sizes
  kWantsMapping = 1u << 1,  // fetch: mapped extents even where nothing is missing
  kVerify = 1u << 2,        // update: the server verifies the checksums before it answers
};
inline constexpr uint32_t kIoFlagMask = kSizesOnly | kWantsMapping | kVerify;

struct AkeyHead {
  uint8_t type = 0;
  uint8_t checksumType = 0;
  uint16_t reserved = 0;
  uint32_t akeySize = 0;
  uint32_t extentCount = 0;
  uint32_t conditions = 0;
  uint64_t recordSize = 0;
  uint32_t checksumChunkSize = 0;
  uint32_t checksumSize = 0;
};
static_assert(sizeof(AkeyHead) == 32);

// Checksums of one akey's data, one per chunk of chunkSize bytes of each extent or of the value.
struct AkeyChecksums {
  uint8_t type = 0;  // 0: none
  uint32_t chunkSize = 0;
  Bytes values;
};

// A request as the caller has it (encoding) or as views into the body (decoding).
struct IoCall {
  IoHead head;
  Bytes dkey;
  std::span<const IoDescriptor> akeys;
  std::span<const AkeyChecksums> checksums;  // empty, or one for each akey
  OperationId operation{};                   // none for a fetch
};

// Counts in `call.head` are filled in from the spans.
void encode(WireWriter& writer, const IoCall& call);

// Owns the descriptor arrays; everything else borrows the body. Reusable: decode() clears it.
class DecodedIo {
 public:
  // DER_PROTO for a body that contradicts itself; DER_INVAL, DER_KEY2BIG … for values over limits.
  Status decode(Bytes body);
  const IoHead& head() const { return head_; }
  Bytes dkey() const { return dkey_; }
  std::span<const IoDescriptor> akeys() const { return akeys_; }
  std::span<const AkeyChecksums> checksums() const { return checksums_; }
  const OperationId& operation() const { return operation_; }

 private:
  Status decodeAkey(WireReader& reader, KeyType keyType);
  IoHead head_;
  Bytes dkey_;
  std::vector<IoDescriptor> akeys_;
  std::vector<AkeyChecksums> checksums_;
  uint64_t extentCount_ = 0;
  OperationId operation_;
};

struct UpdateReply {
  Epoch epoch = 0;
};
static_assert(sizeof(UpdateReply) == 8);

struct FetchReplyHead {
  Epoch epoch = 0;        // the epoch that was read
  uint64_t dataSize = 0;  // bytes found, over all akeys
  uint32_t akeyCount = 0;
  uint32_t flags = 0;
};
static_assert(sizeof(FetchReplyHead) == 24);

enum AkeyReplyFlag : uint32_t {
  kWhole = 1u << 0,  // all that was asked for is there; no mapped extents follow
};

struct AkeyReply {
  uint64_t recordSize = 0;  // of the value or the records; 0: nothing is there
  uint64_t dataSize = 0;    // bytes of data found
  uint32_t extentCount = 0;
  uint32_t flags = 0;
  uint32_t checksumRunCount = 0;  // 0: nothing was stored with checksums
  uint32_t checksumSize = 0;      // bytes of all runs and their checksums
};
static_assert(sizeof(AkeyReply) == 32);

// The runs of an akey cover the bytes found, in order, one after another. Each is followed by the
// checksums of its chunks (the last chunk may be shorter), padded to 8. Chunks that were asked for
// whole carry the checksums the writer made; a part of a chunk carries one that the engine made
// after it had verified the whole.
struct ChecksumRun {
  uint64_t size = 0;
  uint32_t chunkSize = 0;
  uint32_t type = 0;  // ChecksumType; 0: these bytes have none
};
static_assert(sizeof(ChecksumRun) == 16);

}  // namespace daos::protocol
