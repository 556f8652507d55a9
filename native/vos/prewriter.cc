#include "vos/prewriter.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "bio/media_batch.h"
#include "codec/checksum.h"

namespace daos::vos {

static constexpr uint64_t kZerosSize = 1 << 20;

// Blocks that are reserved for as long as zeros are on their way to them.
class Prewriter::Taken {
 public:
  explicit Taken(Prewriter& owner) : owner_(owner) {}
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  ~Taken() {
    for (const bio::BlockExtent& extent : extents_) owner_.space_.cancel(extent);
    owner_.takenCount_ = 0;
  }
  const std::vector<bio::BlockExtent>& take(bio::BlockExtent range) {
    while (const auto extent = owner_.space_.reserveFirst(range)) {
      extents_.push_back(*extent);
      owner_.takenCount_ += extent->count;
    }
    return extents_;
  }

 private:
  Prewriter& owner_;
  std::vector<bio::BlockExtent> extents_;
};

static uint32_t checksumOf(PrewriteNote note) {
  note.checksum = 0;
  return crc32c(bytesOf(&note, sizeof(note)));
}

Task<Status> Prewriter::begin() {
  DAOS_CO_TRY(const bio::DmaBuffer block, buffers_.allocate(bio::kMediaBlockSize));
  DAOS_CO_CHECK(co_await media_.read(0, block.bytes()));
  const auto note = loadAs<PrewriteNote>(block.data());
  if (note.magic == kPrewriteMagic && note.version == kPrewriteVersion &&
      note.checksum == checksumOf(note)) {
    // What lay beyond was cut off since, or has been added.
    const uint64_t known = std::min(note.writtenCount, note.blockCount);
    noted_ = written_ = std::clamp<uint64_t>(known, 1, blockCount_);
    // An area that grows again later must not take the note for what is new then.
    if (note.blockCount != blockCount_) noted_ = 0;
  }
  space_.preferBefore(isDone() ? UINT64_MAX : written_);
  co_return Status{};
}

Status Prewriter::prepareZeros() {
  if (zeros_.size() > 0) return {};
  DAOS_TRY(zeros_, buffers_.allocate(kZerosSize));
  std::memset(zeros_.data(), 0, zeros_.size());
  return {};
}

Task<Status> Prewriter::writeZeros(bio::BlockExtent range) {
  Taken taken(*this);
  bio::MediaBatch batch(media_);
  for (const bio::BlockExtent& extent : taken.take(range)) {
    uint64_t size = 0;
    for (uint64_t at = extent.block; at < extent.end(); at += size / bio::kMediaBlockSize) {
      size = std::min((extent.end() - at) * bio::kMediaBlockSize, kZerosSize);
      batch.write(at * bio::kMediaBlockSize, zeros_.bytes().first(size));
    }
  }
  co_return co_await batch.all();
}

Task<Result<bool>> Prewriter::step(uint64_t sizeBytes) {
  const uint64_t start = space_.nextFree(written_);
  const uint64_t count = std::min(sizeBytes / bio::kMediaBlockSize, blockCount_ - start);
  if (count > 0) {
    DAOS_CO_CHECK(prepareZeros());
    DAOS_CO_CHECK(co_await writeZeros({start, count}));
  }
  written_ = start + count;
  space_.preferBefore(isDone() ? UINT64_MAX : written_);
  if (!isDone() && (written_ - noted_) * bio::kMediaBlockSize < kNoteBytes) co_return true;
  DAOS_CO_CHECK(co_await note());
  if (!isDone()) co_return true;
  zeros_ = {};
  co_return false;
}

// What it tells is on the medium before.
Task<Status> Prewriter::note() {
  if (noted_ == written_) co_return Status{};
  const uint64_t written = written_;
  DAOS_CO_TRY(const bio::DmaBuffer block, buffers_.allocate(bio::kMediaBlockSize));
  DAOS_CO_CHECK(co_await media_.flush());
  PrewriteNote note{kPrewriteMagic, kPrewriteVersion, 0, blockCount_, written};
  note.checksum = checksumOf(note);
  std::memset(block.data(), 0, block.size());
  storeAs(block.data(), note);
  DAOS_CO_CHECK(co_await media_.writeDurable(0, block.bytes()));
  noted_ = written;
  co_return Status{};
}

}  // namespace daos::vos
