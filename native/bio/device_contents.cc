#include "bio/device_contents.h"

#include <algorithm>
#include <string_view>

namespace daos::bio {
namespace {

// Bytes that only this has in this place.
struct Signature {
  size_t offset;
  std::string_view bytes;
  const char* what;
};

constexpr Signature kSignatures[] = {
    {512, "EFI PART", "a partition table (GPT)"},
    {1080, std::string_view("\x53\xef", 2), "an ext file system"},
    {0, "XFSB", "an XFS file system"},
    {65600, "_BHRfS_M", "a Btrfs file system"},
    {512, "LABELONE", "an LVM volume"},
    {0, std::string_view("LUKS\xba\xbe", 6), "an encrypted volume (LUKS)"},
    {4086, "SWAPSPACE2", "swap space"},
    {0, "DAOSDEV1", "a share of a pool"},
    {510, std::string_view("\x55\xaa", 2), "a partition table or boot sector"},
};

bool has(Bytes begin, const Signature& signature) {
  if (begin.size() < signature.offset + signature.bytes.size()) return false;
  return textOf(begin.subspan(signature.offset, signature.bytes.size())) == signature.bytes;
}

std::string nameOf(const EngineLabel& label) {
  return "device " + std::to_string(label.deviceIndex) + " of engine " + label.engine.toString() +
         " (rank " + std::to_string(label.rank) + ")";
}

}  // namespace

DeviceContents contentsOf(Bytes begin) {
  if (begin.size() >= kEngineLabelBytes) {
    const auto label = decodeEngineLabel(begin.first(kEngineLabelBytes));
    if (label.ok()) return {.what = nameOf(*label), .label = *label};
  }
  for (const Signature& signature : kSignatures) {
    if (has(begin, signature)) return {.what = signature.what};
  }
  const bool isBlank =
      std::all_of(begin.begin(), begin.end(), [](std::byte each) { return each == std::byte{0}; });
  return {.isBlank = isBlank, .what = isBlank ? "blank" : "data of an unknown kind"};
}

Task<Result<DeviceContents>> readContents(Media& device, DmaPool& pool) {
  const uint64_t size = std::min(device.sizeBytes(), kRegionsOffset);
  DAOS_CO_TRY(const DmaBuffer buffer, pool.allocate(size));
  DAOS_CO_CHECK(co_await device.read(0, buffer.bytes().first(size)));
  co_return contentsOf(buffer.bytes().first(size));
}

}  // namespace daos::bio
