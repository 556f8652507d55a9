#include "engine/object/checksum_runs.h"

#include <algorithm>

namespace daos::engine {

using protocol::ChecksumRun;

void ChecksumRuns::put(const ChecksumRun& run, Bytes values, uint32_t& count) {
  const size_t at = body_.size();
  body_.resize(at + sizeof(run) + alignUp(values.size(), protocol::kWireAlignment));
  storeAs(body_.data() + at, run);
  if (!values.empty()) std::memcpy(body_.data() + at + sizeof(run), values.data(), values.size());
  ++count;
}

// Bytes [from, to) of the chunk at `chunkAt`, all counted from the start of the first chunk.
Status ChecksumRuns::addPart(const vos::Segment& segment, ChecksumType type, uint64_t chunkAt,
                             uint64_t from, uint64_t to, uint32_t& count) {
  const uint64_t storedSize = segment.chunkSkip + segment.size + segment.chunkTail;
  const uint64_t chunkSize = std::min<uint64_t>(segment.chunkSize, storedSize - chunkAt);
  const std::byte* const first = segment.memory - segment.chunkSkip;
  const Bytes stored = segment.checksums.subspan(chunkAt / segment.chunkSize * segment.checksumSize,
                                                 segment.checksumSize);
  DAOS_CHECK(verifyChecksum(type, bytesOf(first + chunkAt, chunkSize), stored));
  std::byte made[kChecksumSizeMax];
  checksumOf(type, bytesOf(first + from, to - from), made);
  put({to - from, static_cast<uint32_t>(to - from), static_cast<uint32_t>(type)},
      Bytes(made).first(segment.checksumSize), count);
  return {};
}

Status ChecksumRuns::addSegment(const vos::Segment& segment, uint32_t& count) {
  if (segment.checksumType == 0) {
    put({segment.size, 0, 0}, {}, count);
    return {};
  }
  DAOS_TRY(const ChecksumType type, checksumTypeFrom(static_cast<uint8_t>(segment.checksumType)));
  const uint64_t chunk = segment.chunkSize;
  const uint64_t begin = segment.chunkSkip;
  const uint64_t end = begin + segment.size;
  // Whole chunks: from the first boundary in the segment to the last one, or to the end of the
  // data.
  const uint64_t wholeBegin = alignUp(begin, chunk);
  const uint64_t wholeEnd = segment.chunkTail == 0 ? end : alignDown(end, chunk);
  if (wholeBegin >= wholeEnd) {
    for (uint64_t at = alignDown(begin, chunk); at < end; at += chunk) {
      DAOS_CHECK(addPart(segment, type, at, std::max(at, begin), std::min(at + chunk, end), count));
    }
    return {};
  }
  if (begin < wholeBegin) {
    DAOS_CHECK(addPart(segment, type, alignDown(begin, chunk), begin, wholeBegin, count));
  }
  const uint64_t chunkCount = (wholeEnd - wholeBegin + chunk - 1) / chunk;
  put({wholeEnd - wholeBegin, segment.chunkSize, segment.checksumType},
      segment.checksums.subspan(wholeBegin / chunk * segment.checksumSize,
                                chunkCount * segment.checksumSize),
      count);
  if (wholeEnd < end) DAOS_CHECK(addPart(segment, type, wholeEnd, wholeEnd, end, count));
  return {};
}

Result<ChecksumRuns::Added> ChecksumRuns::add(std::span<const vos::Segment> segments) {
  const auto isChecked = [](const vos::Segment& segment) {
    return segment.kind != vos::SegmentKind::kHole && segment.checksumType != 0;
  };
  Added added;
  if (std::none_of(segments.begin(), segments.end(), isChecked)) return added;
  const size_t before = body_.size();
  for (const vos::Segment& segment : segments) {
    if (segment.kind != vos::SegmentKind::kHole) DAOS_CHECK(addSegment(segment, added.count));
  }
  added.size = static_cast<uint32_t>(body_.size() - before);
  return added;
}

}  // namespace daos::engine
