// Which parts of a region are volumes of which shares: what the table of a region says, and the
// choice of space for new ones. Pure: region.h keeps it on a device.
//
// Space is counted in granules of 1 MiB from the region's start; the table itself has granule 0.
//
// Invariant: extents lie within the region and do not overlap, and no share has two volumes of one
//            role, whatever bytes a table was decoded from.
// Format:    docs/format/volume_table.md, version 1.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "bio/device_roles.h"

namespace daos::bio {

inline constexpr uint64_t kGranuleBytes = 1 << 20;
// Room for each of the two copies of a table.
inline constexpr uint64_t kVolumeTableBytesMax = kGranuleBytes / 2;
inline constexpr uint64_t kVolumeTableMagic = 0x314c4f56534f4144;  // "DAOSVOL1"
inline constexpr uint32_t kVolumeTableVersion = 1;

struct VolumeTableHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t checksum;  // CRC32C of `sizeBytes` bytes from the header's start, with zero here
  Uuid device;
  uint64_t sequence;  // the copy with the greater one counts
  uint32_t targetIndex;
  uint32_t volumeCount;
  uint64_t sizeBytes;  // of the table, header included
  uint64_t regionBytes;
};
static_assert(sizeof(VolumeTableHeader) == 64);

// As often as there are volumes, each followed by its extents.
struct VolumeEntry {
  Uuid share;
  uint32_t role;
  uint32_t extentCount;
};
static_assert(sizeof(VolumeEntry) == 24);

struct VolumeExtent {
  uint32_t granule = 0;
  uint32_t granuleCount = 0;
  uint32_t end() const { return granule + granuleCount; }
  bool operator==(const VolumeExtent&) const = default;
};
static_assert(sizeof(VolumeExtent) == 8);

struct Volume {
  Uuid share;
  MediaRole role = MediaRole::kData;
  std::vector<VolumeExtent> extents;  // in the order of the volume's bytes
  uint64_t sizeBytes() const;
};

// Whose region a table describes. One of an earlier device in the same place is no table.
struct RegionIdentity {
  Uuid device;
  uint32_t targetIndex = 0;
  uint64_t regionBytes = 0;  // in whole granules
};

class VolumeTable {
 public:
  explicit VolumeTable(const RegionIdentity& identity) : identity_(identity) {}

  // `copy`: kVolumeTableBytesMax bytes. DER_DF_INVAL: no table, damaged, or of another region;
  // DER_DF_INCOMPT.
  static Result<VolumeTable> decode(Bytes copy, const RegionIdentity& identity);
  // As many bytes as it takes, at most kVolumeTableBytesMax, in whole blocks.
  std::vector<std::byte> encode() const;

  uint64_t sequence() const { return sequence_; }
  void setSequence(uint64_t sequence) { sequence_ = sequence; }
  const std::vector<Volume>& volumes() const { return volumes_; }
  const Volume* find(const Uuid& share, MediaRole role) const;
  // For volumes, and of that what no volume has.
  uint64_t totalBytes() const;
  uint64_t freeBytes() const;
  // Ascending, apart from each other.
  std::vector<VolumeExtent> freeExtents() const;

  // Sizes in whole granules. DER_EXIST; DER_NOSPACE says what is free, or that the table is full.
  Status add(const Uuid& share, MediaRole role, uint64_t sizeBytes);
  // What it holds up to the smaller size stays where it is. DER_NONEXIST, DER_NOSPACE.
  Status resize(const Uuid& share, MediaRole role, uint64_t sizeBytes);
  // All volumes of a share. True: there were some.
  bool remove(const Uuid& share);

 private:
  // There is that much free.
  void take(Volume& volume, uint64_t granuleCount);
  static void append(Volume& volume, VolumeExtent extent);
  static void cut(Volume& volume, uint64_t granuleCount);
  uint64_t encodedBytes() const;
  Status checkSize(uint64_t sizeBytes) const;
  Status decodeVolumes(Bytes rest, uint32_t count);
  Status checkOverlaps() const;

  RegionIdentity identity_;
  uint64_t sequence_ = 0;
  std::vector<Volume> volumes_;
};

}  // namespace daos::bio
