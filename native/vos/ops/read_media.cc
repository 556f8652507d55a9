// Bringing what a fetch has found on Media into memory.
#include "bio/media_batch.h"
#include "vos/state.h"

namespace daos::vos {

namespace {

// Larger reads gain nothing, and hold buffers longer.
constexpr uint64_t kReadSizeMax = 8 << 20;

// Whole blocks that several segments lie in.
struct Read {
  uint64_t begin;
  uint64_t end;
};

// What is read for a segment: the whole of the chunks it overlaps, so that they can be verified.
Read wantedFor(const Segment& segment) {
  const uint64_t begin = segment.mediaOffset - segment.chunkSkip;
  const uint64_t end = segment.mediaOffset + segment.size + segment.chunkTail;
  return {alignDown(begin, bio::kMediaBlockSize), alignUp(end, bio::kMediaBlockSize)};
}

// Segments come in the order of the value; data that was written together lies together.
bool extend(Read& read, const Read& wanted) {
  if (wanted.begin < read.begin || wanted.begin > read.end) return false;
  if (wanted.end > read.end && wanted.end - read.begin > kReadSizeMax) return false;
  read.end = std::max(read.end, wanted.end);
  return true;
}

}  // namespace

Task<Status> FetchResult::readMedia() {
  if (!hasMedia_) co_return Status{};
  std::vector<Read> reads;
  std::vector<uint32_t> readOf;  // of each segment on Media, in order
  for (const Segment& segment : segments_) {
    if (segment.kind != SegmentKind::kMedia) continue;
    const Read wanted = wantedFor(segment);
    if (reads.empty() || !extend(reads.back(), wanted)) reads.push_back(wanted);
    readOf.push_back(static_cast<uint32_t>(reads.size() - 1));
  }
  for (const Read& read : reads) {
    DAOS_CO_TRY(auto buffer, area_->buffers().allocate(read.end - read.begin));
    mediaBuffers_.push_back(std::move(buffer));
  }
  bio::MediaBatch batch(area_->media());
  for (size_t i = 0; i < reads.size(); ++i) batch.read(reads[i].begin, mediaBuffers_[i].bytes());
  DAOS_CO_CHECK(co_await batch.all());
  const uint32_t* next = readOf.data();
  for (Segment& segment : segments_) {
    if (segment.kind != SegmentKind::kMedia) continue;
    const uint32_t read = *next++;
    segment.kind = SegmentKind::kMemory;
    segment.memory = mediaBuffers_[read].data() + (segment.mediaOffset - reads[read].begin);
  }
  hasMedia_ = false;
  co_return Status{};
}

}  // namespace daos::vos
