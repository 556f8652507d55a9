// The data of a version: where it is, how large, and its checksums; reading and making of version
// records.
#pragma once

#include "vos/requests.h"
#include "vos/state.h"
#include "vos/version_set.h"

namespace daos::vos {

// Values up to this size stand in the version's own block.
inline constexpr uint64_t kInlineSizeMax = 1024;

// The data of a stored version.
struct StoredData {
  DataKind kind = DataKind::kHole;
  uint64_t size = 0;
  const std::byte* memory = nullptr;  // kInline, kBlock
  uint64_t mediaAddress = 0;          // kMedia
  Checksums checksums;
};

// Of a single value. False when damaged.
bool readSingle(const Arena& arena, const VersionRecord& version, StoredData* data);
// Of an extent of records of `recordSize` bytes.
bool readExtent(const Arena& arena, const ExtentRecord& extent, uint64_t recordSize,
                StoredData* data);

// What a new version is made of.
struct NewData {
  uint64_t size = 0;      // 0: a hole
  Bytes bytes;            // to be copied; unless
  Offset block = 0;       // a reserved block is filled with it already
  uint64_t mediaAddress = 0;  // or it is on Media (never at 0), and WriteScope::useMedia knows
  Checksums checksums;
};

struct NewVersion {
  Stamp stamp;
  uint32_t transaction = 0;
};

// The block of a new version; 0 without space.
Offset makeSingle(WriteScope& scope, const NewVersion& version, const NewData& data);
Offset makeExtent(WriteScope& scope, const NewVersion& version, Extent extent, const NewData& data);
Offset makePunch(WriteScope& scope, const NewVersion& version);

// Frees a version and its data. `extentSize`: the size of an extent's data; 0 for a single value or
// a punch. DER_DF_INVAL.
Status freeVersion(WriteScope& scope, VersionRecord& version, uint64_t extentSize);

// Puts `record` into a version set. One of the same stamp is replaced; `extentSize` as
// above. DER_NOSPACE, or sameStampError.
Status addVersion(WriteScope& scope, uint64_t* root, Offset record, uint64_t extentSize);
// DER_TX_BUSY or DER_TX_RESTART: what has the stamp of a new version is not its own transaction's.
Error sameStampError(const VersionRecord& present);
// Takes a version out of a set and frees it with its data. DER_DF_INVAL when it is not there.
Status removeVersion(WriteScope& scope, uint64_t* root, VersionRecord& version,
                     uint64_t extentSize);
// A key without punches does without the block for them.
void tidyPunches(WriteScope& scope, KeyRecord& key);

inline uint64_t chunkCount(uint64_t size, uint64_t chunkSize) {
  return chunkSize == 0 ? 0 : (size + chunkSize - 1) / chunkSize;
}

}  // namespace daos::vos
