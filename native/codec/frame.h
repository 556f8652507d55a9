// The frame: what carries one request, one answer, or one sign between endpoints.
//
//   header (64 bytes) | descriptors of client memory | body, padded to 8 | inline data, padded to 8
//
// The checksum covers all but inline data, and that as well where a frame leaves the host: what is
// damaged on the way is sent again, rather than stored or answered. A message of a transport holds
// one or more frames back to back. A frame too large for a message goes as fragments, each a frame
// of its own.
//
// Invariant: a frame that was parsed lies wholly in its input, and every length in it has been
//            checked.
// Format:    docs/format/frame.md, version 1.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace daos {

inline constexpr uint32_t kFrameMagic = 0x46524144;  // "DARF"
inline constexpr uint8_t kFrameVersion = 1;
inline constexpr size_t kFrameAlignment = 8;
inline constexpr size_t kDescriptorCountMax = 1024;  // of one frame, both directions
// Largest frame there can be, fragmented where a message is smaller: header, descriptors, body,
// data.
inline constexpr size_t kWholeFrameSizeMax = 64 + 1024 * 24 + 1048576 + 67108864;

enum class FrameKind : uint8_t {
  kRequest = 1,
  kReply = 2,
  kFragment = 3,  // a slice of a larger request or reply
  kHello = 4,     // client → server: session is the client's id, epoch the name it gives to this
                  // server, body its address
  kWelcome = 5,   // server → client: epoch is the session to use, body a WelcomeBody
  kRefuse = 6,    // server → client: no session for you, `result` says why
  kPing = 7,      // either way: answer with kPong
  kPong = 8,
  kGoodbye = 9,  // either way: the session ends
  kCancel = 10,  // client → server: nobody waits for this request any more
};

enum FrameFlag : uint32_t {
  kFrameModification = 1u << 0,  // request: remember the answer
  kFrameRepeated = 1u << 1,      // request: sent before
  kFrameDataRemote =
      1u << 2,  // request: data is at the source descriptors; reply: data was written to the sink
  kFrameOfReply = 1u << 3,   // fragment: of a reply, else of a request
  kFrameToClient = 1u << 4,  // ping, pong, goodbye: for the client's side of the session
  kFrameDataCovered = 1u << 5,  // the checksum covers inline data
  kFrameTraced = 1u << 6,       // request: a TraceContext ends its body
};
inline constexpr uint32_t kFrameFlagMask = (1u << 7) - 1;

// What a server of this version takes beyond the first: it says so in its welcome, and is sent
// nothing else. One that knows none says 0.
enum FrameFeature : uint32_t {
  kFeatureTraced = 1u << 0,  // requests with kFrameTraced
};
inline constexpr uint32_t kFrameFeatureMask = (1u << 1) - 1;

struct FrameHeader {
  uint32_t magic = kFrameMagic;
  uint8_t version = kFrameVersion;
  FrameKind kind = FrameKind::kRequest;
  uint16_t opcode = 0;
  // CRC32C of the header, with that of descriptors, body and covered data in this field.
  uint32_t checksum = 0;
  uint32_t flags = 0;
  uint64_t session = 0;
  uint64_t requestId = 0;   // slot in the low half, the slot's use counter in the high half
  uint64_t epoch = 0;       // fragment: offset of the slice
  uint32_t mapVersion = 0;
  uint32_t timeoutUs = 0;   // request: time left; reply DER_BUSY: when to repeat
  // Request: room for data in the sink; reply, refuse: error code, 0 is success; welcome:
  // FrameFeatures of the server.
  uint32_t result = 0;
  uint32_t bodySize = 0;    // fragment: size of the whole frame
  // Inline, or in client memory with kFrameDataRemote; fragment: size of the slice.
  uint32_t dataSize = 0;
  uint16_t sourceCount = 0; // descriptors: memory to read data from
  uint16_t sinkCount = 0;   // then memory to write data to
};
static_assert(sizeof(FrameHeader) == 64);

// Memory of the client that the server may reach for the length of the request.
struct FrameDescriptor {
  uint64_t key = 0;
  uint64_t address = 0;
  uint64_t size = 0;
};
static_assert(sizeof(FrameDescriptor) == 24);

// Body of kWelcome.
struct WelcomeBody {
  uint32_t creditCount = 0;      // requests the client may have at the server at a time
  uint32_t messageSizeMax = 0;   // of the server's transport
  uint64_t incarnation = 0;      // of the server; another one has forgotten everything
  uint32_t isResumed = 0;        // 1: the server still knows this client's modifications
  uint32_t canReachMemory = 0;   // 1: the server can read and write the client's memory
};
static_assert(sizeof(WelcomeBody) == 24);

// A parsed frame; everything lies in the parsed bytes.
struct FrameView {
  FrameHeader header;
  Bytes descriptors;  // of sources, then of sinks
  Bytes body;
  Bytes data;         // inline data, or the slice of a fragment
  size_t size = 0;    // of the frame, padding included
};

// Bytes of a frame with these lengths in its header.
inline size_t frameSize(const FrameHeader& header) {
  const bool isFragment = header.kind == FrameKind::kFragment;
  const bool carriesData = isFragment || !(header.flags & kFrameDataRemote);
  const uint64_t descriptorCount = uint64_t{header.sourceCount} + header.sinkCount;
  // The body that a fragment's header speaks of is in the frame it is a slice of.
  const uint64_t bodySpace = isFragment ? 0 : alignUp(header.bodySize, kFrameAlignment);
  const uint64_t dataSpace = carriesData ? alignUp(header.dataSize, kFrameAlignment) : 0;
  return sizeof(FrameHeader) + descriptorCount * sizeof(FrameDescriptor) + bodySpace + dataSpace;
}

// Writes the header, with the checksum of the frame that starts at `frame`, to its front. Body,
// data and zero padding must be in place.
void sealFrame(std::byte* frame, const FrameHeader& header);

// Parses the frame at the front of `bytes`, which must be aligned to 8. DER_PROTO for what is no
// frame, DER_CSUM for a damaged one. Allocates nothing.
ErrorCode parseFrame(Bytes bytes, FrameView& frame);
// The same without a look at the checksum, for bytes that others vouch for.
ErrorCode parseFrameUnsealed(Bytes bytes, FrameView& frame);

// The descriptor at `index` of `descriptors`.
inline FrameDescriptor descriptorAt(Bytes descriptors, size_t index) {
  return loadAs<FrameDescriptor>(descriptors.data() + index * sizeof(FrameDescriptor));
}

}  // namespace daos
