// Labels of engines and tables of volumes as a damaged or hostile device might hold them. The first
// byte says which, and whether the checksum is made right first, so that what is behind it is
// reached.
//
// Goal: what is decoded lies within its device and region, no two volumes overlap, and it is
// decoded to the same once it is encoded again.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/assert.h"
#include "bio/engine_label.h"
#include "bio/volume_table.h"
#include "codec/checksum.h"

namespace daos::bio {
namespace {

constexpr RegionIdentity kIdentity{Uuid{}, 0, 64 * kGranuleBytes};

void seal(MutableBytes bytes) {
  storeAs(bytes.data() + 12, uint32_t{0});
  storeAs(bytes.data() + 12, crc32c(bytes));
}

void tryTable(Bytes input, bool isSealed) {
  std::vector<std::byte> copy(kVolumeTableBytesMax);
  std::copy_n(input.begin(), std::min(input.size(), copy.size()), copy.begin());
  if (isSealed) {
    auto header = loadAs<VolumeTableHeader>(copy.data());
    header.magic = kVolumeTableMagic;
    header.version = kVolumeTableVersion;
    header.device = kIdentity.device;
    header.targetIndex = kIdentity.targetIndex;
    header.regionBytes = kIdentity.regionBytes;
    header.sizeBytes = sizeof(header) + header.sizeBytes % 4096;
    storeAs(copy.data(), header);
    seal(MutableBytes(copy).first(header.sizeBytes));
  }
  const auto table = VolumeTable::decode(copy, kIdentity);
  if (!table.ok()) return;
  uint64_t used = 0;
  for (const Volume& volume : table->volumes()) {
    for (const VolumeExtent& extent : volume.extents) DAOS_ASSERT(extent.end() <= 64);
    used += volume.sizeBytes();
  }
  DAOS_ASSERT(used + table->freeBytes() == table->totalBytes());
  auto again = table->encode();
  again.resize(kVolumeTableBytesMax);
  const auto second = VolumeTable::decode(again, kIdentity);
  DAOS_ASSERT(second.ok() && second->volumes().size() == table->volumes().size());
}

void tryLabel(Bytes input, bool isSealed) {
  std::vector<std::byte> blocks(kEngineLabelBytes);
  std::copy_n(input.begin(), std::min(input.size(), blocks.size()), blocks.begin());
  if (isSealed) {
    storeAs(blocks.data(), kEngineLabelMagic);
    storeAs(blocks.data() + 8, kEngineLabelVersion);
    seal(MutableBytes(blocks).first(kMediaBlockSize));
  }
  const auto label = decodeEngineLabel(blocks);
  if (!label.ok()) return;
  for (const uint32_t target : label->users()) {
    DAOS_ASSERT(target < label->targetCount);
    DAOS_ASSERT(label->regionOffset(target) + label->regionBytes <= label->deviceBytes);
  }
  DAOS_ASSERT(label->deviceIndex < label->deviceCount);
}

}  // namespace
}  // namespace daos::bio

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace daos;
  if (size < 1) return 0;
  const Bytes input = bytesOf(data + 1, size - 1);
  const bool isSealed = (data[0] & 1) != 0;
  if (data[0] & 2) {
    bio::tryLabel(input, isSealed);
  } else {
    bio::tryTable(input, isSealed);
  }
  return 0;
}
