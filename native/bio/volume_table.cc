#include "bio/volume_table.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "bio/media.h"
#include "codec/checksum.h"

namespace daos::bio {
namespace {

constexpr size_t kChecksumOffset = offsetof(VolumeTableHeader, checksum);

uint32_t checksumOf(Bytes table) {
  constexpr uint32_t kZero = 0;
  const uint32_t head = crc32c(table.first(kChecksumOffset));
  const uint32_t middle = crc32c(bytesOf(&kZero, sizeof(kZero)), head);
  return crc32c(table.subspan(kChecksumOffset + sizeof(kZero)), middle);
}

Error damaged(const std::string& what) {
  return Error(ErrorCode::kDfInval, "a table of volumes that is damaged: " + what);
}

Error noSpace(uint64_t wantedBytes, uint64_t freeBytes) {
  return Error(ErrorCode::kNospace, std::to_string(wantedBytes >> 20) + " MiB are wanted; " +
                                        std::to_string(freeBytes >> 20) + " MiB are free");
}

uint64_t granulesOf(const Volume& volume) { return volume.sizeBytes() / kGranuleBytes; }

}  // namespace

uint64_t Volume::sizeBytes() const {
  uint64_t count = 0;
  for (const VolumeExtent& extent : extents) count += extent.granuleCount;
  return count * kGranuleBytes;
}

const Volume* VolumeTable::find(const Uuid& share, MediaRole role) const {
  for (const Volume& volume : volumes_) {
    if (volume.share == share && volume.role == role) return &volume;
  }
  return nullptr;
}

uint64_t VolumeTable::totalBytes() const { return identity_.regionBytes - kGranuleBytes; }

uint64_t VolumeTable::freeBytes() const {
  uint64_t used = 0;
  for (const Volume& volume : volumes_) used += volume.sizeBytes();
  return totalBytes() - used;
}

// --- bytes

Result<VolumeTable> VolumeTable::decode(Bytes copy, const RegionIdentity& identity) {
  DAOS_ASSERT(copy.size() == kVolumeTableBytesMax);
  const auto header = loadAs<VolumeTableHeader>(copy.data());
  if (header.magic != kVolumeTableMagic) return damaged("there is none");
  if (header.sizeBytes < sizeof(header) || header.sizeBytes > copy.size()) {
    return damaged("of " + std::to_string(header.sizeBytes) + " bytes");
  }
  if (checksumOf(copy.first(header.sizeBytes)) != header.checksum) return damaged("its checksum");
  if (header.version != kVolumeTableVersion) {
    return Error(ErrorCode::kDfIncompt, "a table of volumes of version " +
                                            std::to_string(header.version) +
                                            "; this is version " +
                                            std::to_string(kVolumeTableVersion));
  }
  if (header.device != identity.device || header.targetIndex != identity.targetIndex ||
      header.regionBytes != identity.regionBytes) {
    return damaged("it is that of another region");
  }
  VolumeTable table(identity);
  table.sequence_ = header.sequence;
  DAOS_CHECK(table.decodeVolumes(copy.first(header.sizeBytes).subspan(sizeof(header)),
                                 header.volumeCount));
  DAOS_CHECK(table.checkOverlaps());
  return table;
}

Status VolumeTable::decodeVolumes(Bytes rest, uint32_t count) {
  const uint64_t granuleCount = identity_.regionBytes / kGranuleBytes;
  for (uint32_t i = 0; i < count; ++i) {
    if (rest.size() < sizeof(VolumeEntry)) return damaged("it ends in a volume");
    const auto entry = loadAs<VolumeEntry>(rest.data());
    rest = rest.subspan(sizeof(entry));
    if (entry.role < 1 || entry.role > 3) return damaged("a volume's role");
    if (entry.extentCount == 0 || entry.extentCount > rest.size() / sizeof(VolumeExtent)) {
      return damaged("a volume of " + std::to_string(entry.extentCount) + " extents");
    }
    Volume volume{entry.share, MediaRole{entry.role}, {}};
    if (find(volume.share, volume.role)) return damaged("a volume twice");
    for (uint32_t e = 0; e < entry.extentCount; ++e) {
      const auto extent = loadAs<VolumeExtent>(rest.data());
      rest = rest.subspan(sizeof(extent));
      if (extent.granule == 0 || extent.granuleCount == 0 || extent.granule > granuleCount ||
          extent.granuleCount > granuleCount - extent.granule) {
        return damaged("an extent outside of the region");
      }
      volume.extents.push_back(extent);
    }
    volumes_.push_back(std::move(volume));
  }
  if (!rest.empty()) return damaged("something follows its volumes");
  return {};
}

Status VolumeTable::checkOverlaps() const {
  std::vector<VolumeExtent> all;
  for (const Volume& volume : volumes_) {
    all.insert(all.end(), volume.extents.begin(), volume.extents.end());
  }
  std::sort(all.begin(), all.end(),
            [](const VolumeExtent& a, const VolumeExtent& b) { return a.granule < b.granule; });
  for (size_t i = 1; i < all.size(); ++i) {
    if (all[i].granule < all[i - 1].end()) return damaged("extents overlap");
  }
  return {};
}

uint64_t VolumeTable::encodedBytes() const {
  uint64_t size = sizeof(VolumeTableHeader);
  for (const Volume& volume : volumes_) {
    size += sizeof(VolumeEntry) + volume.extents.size() * sizeof(VolumeExtent);
  }
  return size;
}

std::vector<std::byte> VolumeTable::encode() const {
  const uint64_t size = encodedBytes();
  std::vector<std::byte> bytes(alignUp(size, kMediaBlockSize));
  DAOS_ASSERT(bytes.size() <= kVolumeTableBytesMax);
  std::byte* at = bytes.data() + sizeof(VolumeTableHeader);
  for (const Volume& volume : volumes_) {
    storeAs(at, VolumeEntry{volume.share, static_cast<uint32_t>(volume.role),
                            static_cast<uint32_t>(volume.extents.size())});
    at += sizeof(VolumeEntry);
    for (const VolumeExtent& extent : volume.extents) {
      storeAs(at, extent);
      at += sizeof(extent);
    }
  }
  storeAs(bytes.data(),
          VolumeTableHeader{kVolumeTableMagic, kVolumeTableVersion, 0, identity_.device, sequence_,
                            identity_.targetIndex, static_cast<uint32_t>(volumes_.size()), size,
                            identity_.regionBytes});
  storeAs(bytes.data() + kChecksumOffset, checksumOf(Bytes(bytes).first(size)));
  return bytes;
}

// --- space

std::vector<VolumeExtent> VolumeTable::freeExtents() const {
  std::vector<VolumeExtent> used;
  for (const Volume& volume : volumes_) {
    used.insert(used.end(), volume.extents.begin(), volume.extents.end());
  }
  std::sort(used.begin(), used.end(),
            [](const VolumeExtent& a, const VolumeExtent& b) { return a.granule < b.granule; });
  used.push_back({static_cast<uint32_t>(identity_.regionBytes / kGranuleBytes), 0});
  std::vector<VolumeExtent> free;
  uint32_t next = 1;
  for (const VolumeExtent& extent : used) {
    if (extent.granule > next) free.push_back({next, extent.granule - next});
    next = extent.end();
  }
  return free;
}

void VolumeTable::append(Volume& volume, VolumeExtent extent) {
  if (!volume.extents.empty() && volume.extents.back().end() == extent.granule) {
    volume.extents.back().granuleCount += extent.granuleCount;
  } else {
    volume.extents.push_back(extent);
  }
}

// What lies behind the volume first, so that it stays in one piece; then the smallest piece that is
// large enough; where none is, the largest ones.
void VolumeTable::take(Volume& volume, uint64_t granuleCount) {
  auto free = freeExtents();
  const auto use = [&](VolumeExtent& from) {
    const auto count = static_cast<uint32_t>(std::min<uint64_t>(from.granuleCount, granuleCount));
    append(volume, {from.granule, count});
    from = {from.granule + count, from.granuleCount - count};
    granuleCount -= count;
  };
  for (VolumeExtent& extent : free) {
    const bool isBehind = !volume.extents.empty() && volume.extents.back().end() == extent.granule;
    if (isBehind) use(extent);
  }
  std::stable_sort(free.begin(), free.end(), [](const VolumeExtent& a, const VolumeExtent& b) {
    return a.granuleCount < b.granuleCount;
  });
  while (granuleCount > 0 && !free.empty()) {
    auto best = std::find_if(free.begin(), free.end(), [&](const VolumeExtent& extent) {
      return extent.granuleCount >= granuleCount;
    });
    if (best == free.end()) --best;
    if (best->granuleCount > 0) use(*best);
    free.erase(best);
  }
  DAOS_ASSERT(granuleCount == 0);
}

void VolumeTable::cut(Volume& volume, uint64_t granuleCount) {
  while (granuleCount > 0) {
    VolumeExtent& last = volume.extents.back();
    const auto count = static_cast<uint32_t>(std::min<uint64_t>(last.granuleCount, granuleCount));
    last.granuleCount -= count;
    granuleCount -= count;
    if (last.granuleCount == 0) volume.extents.pop_back();
  }
}

Status VolumeTable::checkSize(uint64_t sizeBytes) const {
  if (sizeBytes > 0 && sizeBytes % kGranuleBytes == 0) return {};
  return invalid("a volume of " + std::to_string(sizeBytes) + " bytes, not in whole MiB");
}

Status VolumeTable::add(const Uuid& share, MediaRole role, uint64_t sizeBytes) {
  DAOS_CHECK(checkSize(sizeBytes));
  if (find(share, role)) {
    return Error(ErrorCode::kExist, "share " + share.toString() + " has a volume for " +
                                        roleName(role) + " already");
  }
  if (sizeBytes > freeBytes()) return noSpace(sizeBytes, freeBytes());
  Volume volume{share, role, {}};
  take(volume, sizeBytes / kGranuleBytes);
  volumes_.push_back(std::move(volume));
  if (encodedBytes() <= kVolumeTableBytesMax) return {};
  volumes_.pop_back();
  return Error(ErrorCode::kNospace, "the table of volumes is full: " +
                                        std::to_string(volumes_.size()) + " are there");
}

Status VolumeTable::resize(const Uuid& share, MediaRole role, uint64_t sizeBytes) {
  DAOS_CHECK(checkSize(sizeBytes));
  const Volume* const found = find(share, role);
  if (!found) {
    return Error(ErrorCode::kNonexist, "share " + share.toString() + " has no volume for " +
                                           roleName(role));
  }
  Volume& volume = volumes_[static_cast<size_t>(found - volumes_.data())];
  const uint64_t before = granulesOf(volume);
  const uint64_t wanted = sizeBytes / kGranuleBytes;
  if (wanted <= before) {
    cut(volume, before - wanted);
    return {};
  }
  if ((wanted - before) * kGranuleBytes > freeBytes()) {
    return noSpace((wanted - before) * kGranuleBytes, freeBytes());
  }
  const Volume kept = volume;
  take(volume, wanted - before);
  if (encodedBytes() <= kVolumeTableBytesMax) return {};
  volume = kept;
  return Error(ErrorCode::kNospace, "the table of volumes has no room for more extents");
}

bool VolumeTable::remove(const Uuid& share) {
  return std::erase_if(volumes_, [&](const Volume& volume) { return volume.share == share; }) > 0;
}

}  // namespace daos::bio
