#include "codec/frame.h"

#include "base/generated/limits.h"
#include "base/planted.h"
#include "codec/checksum.h"

namespace daos {

static_assert(kWholeFrameSizeMax == sizeof(FrameHeader) +
                                        kDescriptorCountMax * sizeof(FrameDescriptor) +
                                        kFrameSizeMax + kTransferSizeMax);

static bool carriesData(const FrameHeader& header) {
  return header.kind == FrameKind::kFragment || !(header.flags & kFrameDataRemote);
}

// What the checksum covers, beside the header.
static size_t coveredSize(const FrameHeader& header) {
  if (header.kind == FrameKind::kFragment) return alignUp(header.dataSize, kFrameAlignment);
  const size_t descriptorCount = size_t{header.sourceCount} + header.sinkCount;
  const bool isDataCovered = (header.flags & kFrameDataCovered) && carriesData(header);
  return descriptorCount * sizeof(FrameDescriptor) + alignUp(header.bodySize, kFrameAlignment) +
         (isDataCovered ? alignUp(header.dataSize, kFrameAlignment) : 0);
}

// The words of a header, made one by one in registers: what was stored in small parts is slow to
// load in larger ones.
template <typename Take>
static inline __attribute__((always_inline)) void forEachWord(const FrameHeader& header,
                                                              uint32_t checksum, Take take) {
  take(0, header.magic | uint64_t{header.version} << 32 |
              uint64_t{static_cast<uint8_t>(header.kind)} << 40 | uint64_t{header.opcode} << 48);
  take(1, checksum | uint64_t{header.flags} << 32);
  take(2, header.session);
  take(3, header.requestId);
  take(4, header.epoch);
  take(5, header.mapVersion | uint64_t{header.timeoutUs} << 32);
  take(6, header.result | uint64_t{header.bodySize} << 32);
  take(7, header.dataSize | uint64_t{header.sourceCount} << 32 | uint64_t{header.sinkCount} << 48);
}

// Two sums rather than one over all: header and body are summed side by side, and a CPU is twice as
// fast at that.
static uint32_t checksumOf(const FrameHeader& header, const std::byte* rest) {
  const uint32_t restSum = crc32c({rest, coveredSize(header)});
  uint64_t crc = 0xffffffff;
  forEachWord(header, restSum, [&crc](size_t, uint64_t word) { crc = _mm_crc32_u64(crc, word); });
  return ~static_cast<uint32_t>(crc);
}

void sealFrame(std::byte* frame, const FrameHeader& header) {
  const uint32_t checksum = checksumOf(header, frame + sizeof(FrameHeader));
  forEachWord(header, checksum,
              [frame](size_t i, uint64_t word) { storeAs(frame + i * sizeof(uint64_t), word); });
}

static bool isKnown(const FrameHeader& header) {
  return header.magic == kFrameMagic && header.version == kFrameVersion &&
         header.kind >= FrameKind::kRequest && header.kind <= FrameKind::kCancel &&
         (header.flags & ~kFrameFlagMask) == 0;
}

static bool isWithinLimits(const FrameHeader& header) {
  if (size_t{header.sourceCount} + header.sinkCount > kDescriptorCountMax) return false;
  if (header.kind != FrameKind::kFragment) {
    return header.dataSize <= kTransferSizeMax && header.bodySize <= kFrameSizeMax;
  }
  return header.sourceCount == 0 && header.sinkCount == 0 &&
         header.bodySize <= kWholeFrameSizeMax && header.epoch <= header.bodySize &&
         header.dataSize <= header.bodySize - header.epoch;
}

ErrorCode parseFrameUnsealed(Bytes bytes, FrameView& frame) {
  if (bytes.size() < sizeof(FrameHeader)) return ErrorCode::kProto;
  frame.header = loadAs<FrameHeader>(bytes.data());
  const FrameHeader& header = frame.header;
  if (!isKnown(header) || !isWithinLimits(header)) return ErrorCode::kProto;
  frame.size = frameSize(header);
  if (frame.size > bytes.size()) return ErrorCode::kProto;
  const Bytes payload = bytes.subspan(sizeof(FrameHeader), frame.size - sizeof(FrameHeader));
  const size_t descriptorSize =
      (size_t{header.sourceCount} + header.sinkCount) * sizeof(FrameDescriptor);
  const bool isFragment = header.kind == FrameKind::kFragment;
  const size_t bodySize = isFragment ? 0 : header.bodySize;
  frame.descriptors = payload.first(descriptorSize);
  frame.body = payload.subspan(descriptorSize, bodySize);
  const size_t dataAt = descriptorSize + alignUp(bodySize, kFrameAlignment);
  frame.data = payload.subspan(dataAt, carriesData(header) ? header.dataSize : 0);
  return ErrorCode::kOk;
}

ErrorCode parseFrame(Bytes bytes, FrameView& frame) {
  const ErrorCode code = parseFrameUnsealed(bytes, frame);
  if (code != ErrorCode::kOk) return code;
  const uint32_t checksum = checksumOf(frame.header, bytes.data() + sizeof(FrameHeader));
  const bool isSound = checksum == frame.header.checksum;
  return isSound || isPlanted(Planted::kSkipChecksum) ? ErrorCode::kOk : ErrorCode::kCsum;
}

}  // namespace daos
