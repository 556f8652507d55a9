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

// Space of the body: that of a fragment is in the frame it is a slice of.
static uint64_t bodySpace(const FrameHeader& header) {
  return header.kind == FrameKind::kFragment ? 0 : alignUp(header.bodySize, kFrameAlignment);
}

size_t frameSize(const FrameHeader& header) {
  const uint64_t descriptorCount = uint64_t{header.sourceCount} + header.sinkCount;
  const uint64_t dataSpace = carriesData(header) ? alignUp(header.dataSize, kFrameAlignment) : 0;
  return sizeof(FrameHeader) + descriptorCount * sizeof(FrameDescriptor) + bodySpace(header) +
         dataSpace;
}

void sealFrame(std::byte* frame, FrameHeader header) {
  header.checksum = 0;
  storeAs(frame, header);
  header.checksum = crc32c({frame, frameSize(header)});
  storeAs(frame + offsetof(FrameHeader, checksum), header.checksum);
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
  const size_t bodySize = header.kind == FrameKind::kFragment ? 0 : header.bodySize;
  frame.descriptors = payload.first(descriptorSize);
  frame.body = payload.subspan(descriptorSize, bodySize);
  frame.data = payload.subspan(descriptorSize + bodySpace(header),
                               carriesData(header) ? header.dataSize : 0);
  return ErrorCode::kOk;
}

ErrorCode parseFrame(Bytes bytes, FrameView& frame) {
  const ErrorCode code = parseFrameUnsealed(bytes, frame);
  if (code != ErrorCode::kOk) return code;
  FrameHeader unsealed = frame.header;
  unsealed.checksum = 0;
  const uint32_t headerSum = crc32c(bytesOf(&unsealed, sizeof(unsealed)));
  const Bytes payload = bytes.subspan(sizeof(FrameHeader), frame.size - sizeof(FrameHeader));
  const bool isSound = crc32c(payload, headerSum) == frame.header.checksum;
  return isSound || isPlanted(Planted::kSkipChecksum) ? ErrorCode::kOk : ErrorCode::kCsum;
}

}  // namespace daos
