// Messages as a hostile peer might send them: frames back to back. The first byte says whether the
// checksums are made right first, as an attacker would, so that what is behind them is reached.
//
// Goal: a frame that was parsed lies wholly in its message, with every length in it checked, and a
// frame that is sealed again is parsed to the same.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "codec/frame.h"

namespace daos {
namespace {

volatile uint8_t sink;

void readAll(Bytes bytes) {
  uint8_t sum = 0;
  for (const std::byte each : bytes) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(each));
  sink = sum;
}

bool isWithin(Bytes part, Bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// The size of the frame at the front of `message`, 0 where there is none.
size_t tryFrame(std::vector<std::byte>& message, size_t at, bool isSealed) {
  const Bytes rest = Bytes(message).subspan(at);
  FrameView frame;
  if (isSealed) {
    FrameView unsealed;
    if (parseFrameUnsealed(rest, unsealed) != ErrorCode::kOk) return 0;
    sealFrame(message.data() + at, unsealed.header);
  }
  if (parseFrame(rest, frame) != ErrorCode::kOk) {
    // What was only just sealed differs from a good frame in nothing a checksum covers.
    return 0;
  }
  DAOS_ASSERT(frame.size <= rest.size() && frame.size >= sizeof(FrameHeader));
  const size_t descriptorCount = frame.descriptors.size() / sizeof(FrameDescriptor);
  DAOS_ASSERT(descriptorCount == size_t{frame.header.sourceCount} + frame.header.sinkCount);
  for (size_t i = 0; i < descriptorCount; ++i) {
    sink = static_cast<uint8_t>(descriptorAt(frame.descriptors, i).size);
  }
  for (const Bytes part : {frame.descriptors, frame.body, frame.data}) {
    DAOS_ASSERT(isWithin(part, rest));
    readAll(part);
  }
  return frame.size;
}

}  // namespace
}  // namespace daos

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace daos;
  if (size < 1) return 0;
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> message(begin + 1, begin + size);
  const bool isSealed = (data[0] & 1) != 0;
  for (size_t at = 0; at < message.size();) {
    const size_t taken = tryFrame(message, at, isSealed);
    if (taken == 0) break;
    at += taken;
  }
  return 0;
}
