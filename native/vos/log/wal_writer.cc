#include "vos/log/wal_writer.h"

#include <algorithm>
#include <cstring>

#include "codec/checksum.h"
#include "vos/planted_fault.h"

namespace daos::vos {

static constexpr uint64_t kGroupSizeFirst = 256 << 10;
// A group waits for bulk data while the device has so many writes of it at least, and as long as
// more than one in so many of the group's operations is missing.
static constexpr uint64_t kAwaitedCountMin = 32;
static constexpr uint64_t kAwaitedShare = 8;
static constexpr uint64_t kDurableSealDelays = 50;
static constexpr uint64_t kGroupSizeKept = 4 << 20;  // a buffer that grew beyond it is given back

WalWriter::WalWriter(bio::Media& media, bio::DmaPool& pool, const WalWriterOptions& options,
                     std::function<void()> onProgress)
    : media_(media),
      pool_(pool),
      options_(options),
      capacityBlocks_(media.sizeBytes() / kWalBlockSize),
      onProgress_(std::move(onProgress)),
      next_(options.next),
      trimmedBlock_(options.trimmedBlock),
      durableTransaction_(options.durableTransaction) {
  for (Request& request : requests_) {
    request.writer = this;
    request.isUrgent = true;
    request.completed = [](bio::MediaRequest& done) {
      static_cast<Request&>(done).writer->ended(done);
    };
  }
  openGroup();
}

WalWriter::~WalWriter() { stopSealing(); }

void WalWriter::stopSealing() {
  if (sealTimer_) media_.reactor().cancelTimer(std::exchange(sealTimer_, 0));
}

void WalWriter::openGroup() {
  if (group_.buffer.size() > kGroupSizeKept) group_.buffer = {};
  group_.used = sizeof(WalGroupHeader);
  group_.recordCount = 0;
  group_.dataOffsets.clear();
  group_.dataBlockCount = 0;
  isWaiting_ = false;
}

void WalWriter::dataWriteBegun(uint64_t size) {
  if (size <= kDataSizeSmall) ++smallWriteCount_;
}

void WalWriter::dataWriteEnded(uint64_t size) {
  if (size > kDataSizeSmall) return;
  --smallWriteCount_;
  if (awaitedCount_ > 0) --awaitedCount_;
}

// Operations that were answered together write their data together. Without waiting, the first few
// of them to be done would leave as a group of their own, and all later groups would stay split in
// the same way: two flushes for what one could serve. What is waited for was submitted before the
// group could leave, and the group's own write would stand behind it in the device's queue.
bool WalWriter::isWorthWaiting() {
  if (group_.dataOffsets.empty() || group_.hasLargeData()) return false;
  if (!isWaiting_) {
    isWaiting_ = smallWriteCount_ >= kAwaitedCountMin;
    awaitedCount_ = smallWriteCount_;
  }
  return isWaiting_ && awaitedCount_ * kAwaitedShare > group_.recordCount;
}

uint64_t WalWriter::usedBlocks() const {
  return next_.block - trimmedBlock_ +
         (group_.recordCount ? alignUp(group_.used, kWalBlockSize) / kWalBlockSize : 0);
}

// Grows the open group's buffer; one block more than its bytes for the zeros at its end.
Status WalWriter::makeRoom(uint64_t size) {
  const uint64_t wanted = group_.used + size + kWalBlockSize;
  if (wanted <= group_.buffer.size()) return {};
  uint64_t grown = std::max(group_.buffer.size(), kGroupSizeFirst);
  while (grown < wanted) grown *= 2;
  DAOS_TRY(bio::DmaBuffer buffer, pool_.allocate(grown));
  if (group_.recordCount) std::memcpy(buffer.data(), group_.buffer.data(), group_.used);
  group_.buffer = std::move(buffer);
  return {};
}

// What is dropped matters only while nothing proves the group durable that has made it visible.
bool WalWriter::isToldInGroup(const ArenaData& data) const {
  if (isPlanted(PlantedFault::kLogDropUntold)) return data.blockCount > 0;
  const auto& offsets = group_.dataOffsets;
  return data.blockCount > 0 ||
         std::find(offsets.begin(), offsets.end(), data.offset) != offsets.end();
}

std::byte* WalWriter::storeData(std::byte* to, std::span<const ArenaData> data) {
  for (const ArenaData& each : data) {
    if (!isToldInGroup(each)) continue;
    storeAs(to, WalData{each.offset, each.blockCount, each.checksum});
    to += sizeof(WalData);
    if (each.blockCount == 0) continue;
    group_.dataOffsets.push_back(each.offset);
    group_.dataBlockCount += each.blockCount;
  }
  return to;
}

Status WalWriter::append(uint64_t transaction, std::span<const ArenaRange> ranges,
                         const std::byte* base, std::span<const ArenaData> data) {
  uint64_t size = sizeof(WalRecordHeader) + data.size() * sizeof(WalData);
  for (const ArenaRange& range : ranges) size += sizeof(WalRange) + alignUp(range.size, 8);
  DAOS_CHECK(makeRoom(size));
  if (group_.recordCount++ == 0) {
    group_.firstTransaction = transaction;
    group_.checksum = static_cast<uint32_t>(next_.sequence);
  }
  group_.lastTransaction = transaction;
  std::byte* const record = group_.buffer.data() + group_.used;
  std::byte* to = record + sizeof(WalRecordHeader);
  for (const ArenaRange& range : ranges) {
    storeAs(to, WalRange{range.offset, static_cast<uint32_t>(range.size), 0});
    to += sizeof(WalRange);
    const uint64_t padded = alignUp(range.size, 8);
    if (padded != range.size) storeAs(to + padded - 8, uint64_t{0});
    std::memcpy(to, base + range.offset, range.size);
    to += padded;
  }
  const std::byte* const dataEnd = storeData(to, data);
  const auto dataCount = static_cast<uint32_t>((dataEnd - to) / ptrdiff_t{sizeof(WalData)});
  size = static_cast<uint64_t>(dataEnd - record);
  WalRecordHeader header{static_cast<uint32_t>(size), 0, transaction,
                         static_cast<uint32_t>(ranges.size()), dataCount};
  storeAs(record, header);
  header.checksum = crc32c({record + 8, size - 8}, group_.checksum);
  storeAs(record, header);
  group_.checksum = header.checksum;
  group_.used += size;
  ++counters_.recordCount;
  counters_.recordBytes += size;
  if (isPlanted(PlantedFault::kLogAnswersUnwritten)) durableTransaction_ = transaction;
  return {};
}

void WalWriter::seal(Group& group) {
  WalGroupHeader header{.magic = kWalMagic,
                        .version = kWalVersion,
                        .headerChecksum = 0,
                        .salt = options_.salt,
                        .sequence = next_.sequence,
                        .firstTransaction = group.firstTransaction,
                        .checkpointGeneration = generation_,
                        .recordCount = group.recordCount,
                        .payloadSize = static_cast<uint32_t>(group.used - sizeof(WalGroupHeader)),
                        .payloadChecksum = group.checksum,
                        .startMark = options_.startMark};
  header.headerChecksum = crc32c(bytesOf(&header, sizeof(header)));
  storeAs(group.buffer.data(), header);
  const uint64_t end = alignUp(group.used, kWalBlockSize);
  std::memset(group.buffer.data() + group.used, 0, end - group.used);
}

bool WalWriter::pump() {
  if (isWriting_ || isResetting_ || failure_ || group_.recordCount == 0) return false;
  if (isWorthWaiting()) return false;
  const uint64_t blocks = alignUp(group_.used, kWalBlockSize) / kWalBlockSize;
  const bool isFull = next_.block + blocks > trimmedBlock_ + capacityBlocks_;
  if (isFull && !isPlanted(PlantedFault::kLogOverwritesItself)) {
    const bool isNews = !isStalled_;
    isStalled_ = true;
    if (isNews) onProgress_();
    return false;
  }
  isStalled_ = false;
  std::swap(group_, writing_);
  openGroup();
  seal(writing_);
  seal_ = Seal::kNone;
  write(writing_);
  if (isPlanted(PlantedFault::kLogAnswersUnflushed)) durableTransaction_ = writing_.lastTransaction;
  return true;
}

// A group at the end of the ring goes on at its beginning, in two writes and a flush. Bulk data on
// the log's device is covered by a flush after the group's write, which a durable write alone need
// not do; on another device a flush can start at once, since the data was written before.
void WalWriter::write(Group& group) {
  const uint64_t blocks = alignUp(group.used, kWalBlockSize) / kWalBlockSize;
  const uint64_t ringBlock = next_.block % capacityBlocks_;
  const uint64_t first = std::min(blocks, capacityBlocks_ - ringBlock);
  const bool isSplit = first < blocks;
  const bool hasData =
      !group.dataOffsets.empty() && !isPlanted(PlantedFault::kLogDataUnflushed);
  const bool isDataBeside = hasData && &options_.data->device() == &media_.device();
  isWriting_ = true;
  isFlushNeeded_ = (isSplit && !isPlanted(PlantedFault::kLogWrapUnflushed)) || isDataBeside;
  const bool isUnflushed = isPlanted(PlantedFault::kLogGroupUnflushed);
  if (isUnflushed) isFlushNeeded_ = false;
  next_.block += blocks;
  ++next_.sequence;
  ++counters_.groupCount;
  counters_.writtenBytes += blocks * kWalBlockSize;
  pendingCount_ = isSplit ? 2 : 1;
  submit(0, ringBlock, group.buffer.data(), first, !isFlushNeeded_ && !isSplit && !isUnflushed);
  if (isSplit) submit(1, 0, group.buffer.data() + first * kWalBlockSize, blocks - first, false);
  if (!hasData || isDataBeside) return;
  ++pendingCount_;
  submitFlush(3, *options_.data);
}

void WalWriter::submitFlush(size_t index, bio::Media& media) {
  requests_[index].operation = bio::MediaOperation::kFlush;
  media.submit(requests_[index]);
}

void WalWriter::submit(size_t index, uint64_t ringBlock, std::byte* data, uint64_t blocks,
                       bool durable) {
  Request& request = requests_[index];
  request.operation = bio::MediaOperation::kWrite;
  request.isDurable = durable;
  request.offset = ringBlock * kWalBlockSize;
  request.data = data;
  request.sizeBytes = blocks * kWalBlockSize;
  media_.submit(request);
}

void WalWriter::ended(bio::MediaRequest& request) {
  if (!request.status.ok()) fail(std::move(request.status).error());
  if (--pendingCount_ > 0) return;
  if (isFlushNeeded_ && !isFlushing_ && !failure_) {
    isFlushing_ = true;
    pendingCount_ = 1;
    submitFlush(2, media_);
    return;
  }
  isFlushNeeded_ = isFlushing_ = false;
  groupEnded();
}

void WalWriter::groupEnded() {
  isWriting_ = false;
  const bool wasSeal = std::exchange(isSeal_, false);
  if (failure_) {
    onProgress_();
    return;
  }
  if (wasSeal) {
    seal_ = seal_ == Seal::kNone ? Seal::kWritten : Seal::kDurable;
    if (seal_ == Seal::kWritten) scheduleSeal();
    return;
  }
  durableTransaction_ = writing_.lastTransaction;
  if (isSealTimerLong_) stopSealing();
  if (!sealTimer_) scheduleSeal();
  // What is answered now may copy a lot before this turn ends, and its data can't be in this group.
  if (group_.hasLargeData()) pump();
  onProgress_();
}

void WalWriter::fail(Error error) {
  if (!failure_) failure_ = std::move(error);
}

void WalWriter::scheduleSeal() {
  Reactor& reactor = media_.reactor();
  isSealTimerLong_ = seal_ == Seal::kWritten;
  const uint64_t delayNs = options_.sealDelayNs * (isSealTimerLong_ ? kDurableSealDelays : 1);
  sealTimer_ = reactor.addTimer(reactor.nowNs() + delayNs, [this, before = next_.sequence] {
    sealTimer_ = 0;
    isSealTimerLong_ = false;
    if (seal_ == Seal::kDurable || failure_) return;
    if (isIdle() && !isResetting_ && before == next_.sequence)
      writeSeal();
    else
      scheduleSeal();
  });
}

// Its place is that of the next group: losing it costs nothing but the certainty it gives. So it
// costs a busy log no flush; when the log has been idle for long, a flush disturbs nobody.
void WalWriter::writeSeal() {
  if (next_.block + 1 > trimmedBlock_ + capacityBlocks_) return;
  if (sealBuffer_.size() == 0) {
    auto buffer = pool_.allocate(kWalBlockSize);
    if (!buffer.ok()) return;
    sealBuffer_ = std::move(buffer).value();
  }
  Group empty;
  empty.buffer = std::move(sealBuffer_);
  empty.used = sizeof(WalGroupHeader);
  empty.firstTransaction = durableTransaction_ + 1;
  empty.checksum = static_cast<uint32_t>(next_.sequence);
  seal(empty);
  sealBuffer_ = std::move(empty.buffer);
  isWriting_ = isSeal_ = true;
  pendingCount_ = 1;
  ++counters_.sealCount;
  counters_.writtenBytes += kWalBlockSize;
  submit(0, next_.block % capacityBlocks_, sealBuffer_.data(), 1, seal_ == Seal::kWritten);
}

void WalWriter::trim(uint64_t block, uint64_t generation) {
  DAOS_ASSERT(block >= trimmedBlock_);
  trimmedBlock_ = block;
  generation_ = generation;
}

void WalWriter::beginReset() {
  DAOS_ASSERT(!isWriting_);
  openGroup();
  isStalled_ = false;
  isResetting_ = true;
}

void WalWriter::endReset(uint64_t transaction, uint64_t generation) {
  isResetting_ = false;
  durableTransaction_ = transaction;
  trim(next_.block, generation);
  onProgress_();
}

}  // namespace daos::vos
