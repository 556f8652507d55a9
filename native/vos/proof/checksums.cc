#include "vos/proof/checksums.h"

#include <algorithm>

#include "codec/checksum.h"
#include "vos/proof/pattern.h"
#include "vos/proof/reference_model.h"

namespace daos::vos::proof {

namespace {

// Appends the checksums of `data`, chunk by chunk, as a client makes them.
void appendChecksums(const ChecksumForm& form, Bytes data, std::vector<std::byte>& to) {
  const auto type = static_cast<ChecksumType>(form.type);
  for (size_t at = 0; at < data.size(); at += form.chunkSize) {
    const size_t size = std::min<size_t>(form.chunkSize, data.size() - at);
    to.resize(to.size() + checksumSize(type));
    const MutableBytes made = MutableBytes(to).last(checksumSize(type));
    checksumOf(type, data.subspan(at, size), made);
    if (form.isWrong) made[0] ^= std::byte{1};
  }
}

std::vector<std::byte> checksumsOf(const Operation& operation, size_t index) {
  const AkeyPart& part = operation.akeys[index];
  std::vector<std::byte> all;
  uint64_t offset = 0;
  const size_t count = part.isArray() ? part.extents.size() : 1;
  for (size_t i = 0; i < count && part.recordSize != 0; ++i) {
    std::vector<std::byte> data(part.recordSize * (part.isArray() ? part.extents[i].count : 1));
    fillPattern(part.value, offset, data);
    appendChecksums(part.checksums, data, all);
    offset += data.size();
  }
  return all;
}

std::string formText(uint32_t type, uint32_t chunkSize) {
  return "checksums of type " + std::to_string(type) + ", chunks of " + std::to_string(chunkSize);
}

uint64_t sizeOf(const ModelWrite& write) {
  return write.recordSize * (write.extent.count == 0 ? 1 : write.extent.count);
}

}  // namespace

std::optional<std::string> compareChecksumForm(const Segment& segment, const ModelWrite& write) {
  const ChecksumForm& form = write.checksums;
  const size_t size = form.type == 0 ? 0 : checksumSize(static_cast<ChecksumType>(form.type));
  const bool isSame = segment.checksumType == form.type && segment.checksumSize == size &&
                      segment.chunkSize == form.chunkSize;
  if (isSame) return {};
  return formText(segment.checksumType, segment.chunkSize) + ", expected " +
         formText(form.type, form.chunkSize);
}

UpdateChecksums::UpdateChecksums(const Operation& operation) {
  const auto has = [](const AkeyPart& part) { return part.checksums.type != 0; };
  if (std::none_of(operation.akeys.begin(), operation.akeys.end(), has)) return;
  for (size_t i = 0; i < operation.akeys.size(); ++i) {
    const ChecksumForm& form = operation.akeys[i].checksums;
    bytes_.push_back(has(operation.akeys[i]) ? checksumsOf(operation, i)
                                             : std::vector<std::byte>());
    const auto type = static_cast<ChecksumType>(form.type);
    const size_t size = form.type == 0 ? 0 : checksumSize(type);
    all_.push_back({form.type, static_cast<uint16_t>(size), form.chunkSize, bytes_.back()});
  }
}

std::optional<std::string> compareGivenChecksums(const Segment& segment, const ModelWrite& write,
                                                 uint64_t offset) {
  if (auto difference = compareChecksumForm(segment, write)) return difference;
  if (write.checksums.type == 0) return {};
  const uint64_t chunk = write.checksums.chunkSize;
  const uint64_t begin = offset / chunk * chunk;
  const uint64_t end =
      std::min((offset + segment.size + chunk - 1) / chunk * chunk, sizeOf(write));
  if (segment.chunkSkip != offset - begin || segment.chunkTail != end - offset - segment.size) {
    return "the chunks of bytes " + std::to_string(offset) + " to " +
           std::to_string(offset + segment.size) + " begin " + std::to_string(segment.chunkSkip) +
           " before and end " + std::to_string(segment.chunkTail) + " after";
  }
  std::vector<std::byte> data(end - begin);
  fillPattern(write.value, write.offset + begin, data);
  std::vector<std::byte> expected;
  appendChecksums(write.checksums, data, expected);
  if (std::ranges::equal(expected, segment.checksums)) return {};
  return "other checksums than value " + std::to_string(write.value) + " came with, of bytes " +
         std::to_string(begin) + " to " + std::to_string(end);
}

std::optional<std::string> compareMergedChecksums(const Segment& segment, const ModelWrite& write) {
  if (auto difference = compareChecksumForm(segment, write)) return difference;
  if (segment.checksumType == 0 || segment.kind != SegmentKind::kMemory) return {};
  const Bytes cover(segment.memory - segment.chunkSkip,
                    segment.chunkSkip + segment.size + segment.chunkTail);
  std::vector<std::byte> expected;
  appendChecksums({write.checksums.type, segment.chunkSize}, cover, expected);
  if (std::ranges::equal(expected, segment.checksums)) return {};
  return "checksums that do not match the data they are returned with";
}

}  // namespace daos::vos::proof
