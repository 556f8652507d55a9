#include "vos/migration.h"

#include <algorithm>
#include <cstring>

#include "bio/media_batch.h"
#include "vos/planted_fault.h"

namespace daos::vos {

Result<std::shared_ptr<Migration>> Migration::begin(ContainerState& container,
                                                    const Target& target,
                                                    std::vector<DataPart> parts) {
  uint64_t size = 0;
  for (const DataPart& part : parts) size += part.size;
  DAOS_TRY(MediaPiece piece, container.pool.media->reserve(size, target.akey));
  return std::shared_ptr<Migration>(
      new Migration(container, target, std::move(parts), std::move(piece)));
}

Migration::Migration(ContainerState& container, const Target& target, std::vector<DataPart> parts,
                     MediaPiece piece)
    : arena_(container.arena), area_(*container.pool.media), pin_(arena_.pin()), target_(target),
      parts_(std::move(parts)), form_(parts_.front().data.checksums), piece_(std::move(piece)) {
  for (const DataPart& part : parts_) size_ += part.size;
  form_.bytes = {};
}

NewData Migration::data() const {
  NewData data;
  data.size = size_;
  data.mediaAddress = piece_.address();
  data.checksums = form_;
  data.checksums.bytes = sums_;
  return data;
}

Task<Status> Migration::carryOut() {
  Buffers buffers(parts_.size());
  if (Status read = co_await readParts(buffers); !read.ok()) {
    if (read.code() != ErrorCode::kIo || area_.media().isFailed()) co_return read;
    state_ = State::kDamaged;
    co_return Status{};
  }
  const bool isSound = co_await copyParts(buffers);
  if (!isSound) {
    state_ = State::kDamaged;
    co_return Status{};
  }
  DAOS_CO_CHECK(co_await area_.write({&piece_, 1}));
  state_ = State::kWritten;
  co_return Status{};
}

Task<Status> Migration::readParts(Buffers& buffers) {
  bio::MediaBatch batch(area_.media());
  for (size_t i = 0; i < parts_.size(); ++i) {
    const DataPart& part = parts_[i];
    if (part.data.kind != DataKind::kMedia) continue;
    const uint64_t begin = part.data.mediaAddress + part.coverBegin();
    const uint64_t end = part.data.mediaAddress + part.coverEnd();
    const uint64_t first = alignDown(begin, bio::kMediaBlockSize);
    auto buffer = area_.buffers().allocate(alignUp(end, bio::kMediaBlockSize) - first);
    if (!buffer.ok()) {
      (void)co_await batch.all();
      co_return std::move(buffer).error();
    }
    buffers[i] = std::move(*buffer);
    batch.read(first, buffers[i].bytes());
  }
  co_return co_await batch.all();
}

Bytes Migration::coverOf(const DataPart& part, const bio::DmaBuffer& buffer) const {
  if (part.data.kind != DataKind::kMedia) {
    return {part.data.memory + part.coverBegin(), part.coverSize()};
  }
  const uint64_t skip = (part.data.mediaAddress + part.coverBegin()) % bio::kMediaBlockSize;
  return buffer.bytes().subspan(skip, part.coverSize());
}

// Lets everything else go first when so much was done since the last time.
Task<void> Migration::worked(uint64_t size) {
  untilPause_ -= std::min(untilPause_, size);
  if (untilPause_ != 0) co_return;
  untilPause_ = kTurnSize;
  co_await area_.media().reactor().yield();
}

Task<bool> Migration::verify(const DataPart& part, Bytes cover) {
  if (part.data.checksums.type == 0) co_return true;
  size_t size = 0;
  uint64_t number = 0;
  for (size_t at = 0; at < cover.size(); at += size) {
    if (!isChunkIntact(part, cover, number++, &size)) co_return false;
    co_await worked(size);
  }
  co_return true;
}

Task<bool> Migration::copyParts(const Buffers& buffers) {
  MutableBytes to = piece_.bytes();
  for (size_t i = 0; i < parts_.size(); ++i) {
    const DataPart& part = parts_[i];
    const Bytes cover = coverOf(part, buffers[i]);
    if (i + 1 == parts_.size() && isPlanted(PlantedFault::kMigrateMisplaces)) to = piece_.bytes();
    const bool isSound = co_await verify(part, cover);
    if (!isSound) co_return false;
    Bytes from = cover.subspan(part.offset - part.coverBegin(), part.size);
    while (!from.empty()) {
      const size_t size = std::min<size_t>(from.size(), kTurnSize);
      std::memcpy(to.data(), from.data(), size);
      from = from.subspan(size);
      to = to.subspan(size);
      co_await worked(size);
    }
  }
  sums_ = checksumRoom(size_, form_);
  for (uint64_t i = 0; i * form_.checksumSize < sums_.size(); ++i) {
    putChecksum(piece_.bytes().first(size_), form_, i, sums_);
    co_await worked(form_.chunkSize);
  }
  co_return true;
}

std::shared_ptr<Migration> MigrationState::take(const Migration::Target& target) {
  std::shared_ptr<Migration> made = std::exchange(pending, nullptr);
  if (!made) return nullptr;
  if (made->state() != Migration::State::kBegun && made->target() == target) return made;
  isRefused = true;
  return nullptr;
}

bool MigrationState::begin(ContainerState& container, const Migration::Target& target,
                           std::vector<DataPart> parts) {
  auto made = Migration::begin(container, target, std::move(parts));
  if (!made.ok()) {
    isRefused = true;
    return false;
  }
  pending = std::move(*made);
  return true;
}

}  // namespace daos::vos
