#include "vos/log/wal_reader.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "codec/checksum.h"
#include "vos/planted_fault.h"

namespace daos::vos {
namespace {

// The header in `block`, if it is one of this store.
std::optional<WalGroupHeader> headerAt(Bytes block, uint64_t salt) {
  auto header = loadAs<WalGroupHeader>(block.data());
  const bool isOurs = header.salt == salt || isPlanted(PlantedFault::kReplayKnowsNoSalt);
  if (header.magic != kWalMagic || !isOurs) return std::nullopt;
  const uint32_t expected = std::exchange(header.headerChecksum, 0);
  if (crc32c(bytesOf(&header, sizeof(header))) != expected) return std::nullopt;
  return header;
}

class Replayer {
 public:
  explicit Replayer(const WalReplayRequest& request)
      : request_(request), capacity_(request.ring.size() / kWalBlockSize) {
    replay_.next = request.from;
    replay_.lastTransaction = request.transactionBefore;
  }

  Result<WalReplay> run() {
    while (true) {
      DAOS_TRY(const bool isGroup, redoGroup());
      if (!isGroup) break;
    }
    if (!replay_.unproven.empty()) return std::move(replay_);
    DAOS_CHECK(proveEnd());
    return std::move(replay_);
  }

 private:
  Bytes block(uint64_t number) const {
    return request_.ring.subspan(number % capacity_ * kWalBlockSize, kWalBlockSize);
  }
  Error damaged(const char* what) const {
    return Error(ErrorCode::kCsum,
                 "write-ahead log: transactions from " +
                     std::to_string(replay_.lastTransaction + 1) + " on are damaged (group " +
                     std::to_string(replay_.next.sequence) + " at block " +
                     std::to_string(replay_.next.block % capacity_) + "): " + what);
  }
  // The group's bytes in one piece, also when it wraps around the ring's end.
  Bytes contiguous(uint64_t first, uint64_t blocks) {
    const uint64_t ringBlock = first % capacity_;
    const uint64_t size = blocks * kWalBlockSize;
    if (ringBlock + blocks <= capacity_)
      return request_.ring.subspan(ringBlock * kWalBlockSize, size);
    const Bytes head = request_.ring.subspan(ringBlock * kWalBlockSize);
    wrapped_.assign(head.begin(), head.end());
    const Bytes tail = request_.ring.first(size - head.size());
    wrapped_.insert(wrapped_.end(), tail.begin(), tail.end());
    return wrapped_;
  }

  // True: a group was redone and `next` is behind it. False: no whole group is there.
  Result<bool> redoGroup() {
    const auto header = headerAt(block(replay_.next.block), request_.salt);
    if (!header || header->sequence != replay_.next.sequence) return false;
    if (header->version < kWalVersionFirst || header->version > kWalVersion) {
      return Error(ErrorCode::kDfIncompt, "write-ahead log of version " +
                                              std::to_string(header->version) +
                                              "; this is version " + std::to_string(kWalVersion));
    }
    if (header->checkpointGeneration > request_.checkpointGeneration) {
      return damaged("the checkpoint it follows is newer than the newest that can be read");
    }
    if (header->recordCount == 0) return false;
    const uint64_t blocks =
        alignUp(sizeof(WalGroupHeader) + uint64_t{header->payloadSize}, kWalBlockSize) /
        kWalBlockSize;
    if (blocks > capacity_) return false;
    const Bytes group = contiguous(replay_.next.block, blocks);
    const Bytes payload = group.subspan(sizeof(WalGroupHeader), header->payloadSize);
    if (!isWhole(payload, *header)) return false;
    if (header->firstTransaction != replay_.lastTransaction + 1)
      return damaged("it does not follow on the last");
    if (request_.unproven != UnprovenGroup::kRedo && !isProven(*header, blocks)) {
      replay_.unproven = dataOf(payload);
      replay_.unprovenStartMark = header->startMark;
      if (!replay_.unproven.empty()) return dropOrAsk();
    }
    DAOS_CHECK(redoRecords(payload));
    ++replay_.groupCount;
    replay_.bytes += blocks * kWalBlockSize;
    replay_.next.block += blocks;
    ++replay_.next.sequence;
    return true;
  }

  // Every record's checksum continues the one before: order and completeness are proved with the
  // bytes.
  static bool isWhole(Bytes payload, const WalGroupHeader& header) {
    uint32_t checksum = static_cast<uint32_t>(header.sequence);
    uint64_t transaction = header.firstTransaction;
    uint32_t recordCount = 0;
    while (!payload.empty()) {
      if (payload.size() < sizeof(WalRecordHeader)) return false;
      const auto record = loadAs<WalRecordHeader>(payload.data());
      if (record.size < sizeof(WalRecordHeader) || record.size % 8 || record.size > payload.size())
        return false;
      checksum = isPlanted(PlantedFault::kReplayTrustsRecords)
                     ? record.checksum
                     : crc32c(payload.subspan(8, record.size - 8), checksum);
      if (checksum != record.checksum || record.transaction != transaction++) return false;
      payload = payload.subspan(record.size);
      ++recordCount;
    }
    return recordCount == header.recordCount && checksum == header.payloadChecksum;
  }

  // Whether something on the medium says that the flush of the group had ended.
  bool isProven(const WalGroupHeader& header, uint64_t blocks) const {
    if (header.firstTransaction <= request_.transactionThrough) return true;
    if (isPlanted(PlantedFault::kReplayTrustsData)) return true;
    const auto next = headerAt(block(replay_.next.block + blocks), request_.salt);
    return next && next->sequence == header.sequence + 1;
  }
  // Of a group that is whole: all that has to be there.
  static std::vector<WalData> dataOf(Bytes payload) {
    std::vector<WalData> all;
    while (!payload.empty()) {
      const auto record = loadAs<WalRecordHeader>(payload.data());
      const uint64_t size = std::min<uint64_t>(uint64_t{record.dataCount} * sizeof(WalData),
                                               record.size - sizeof(record));
      for (Bytes rest = payload.subspan(record.size - size, size); rest.size() >= sizeof(WalData);
           rest = rest.subspan(sizeof(WalData))) {
        const auto data = loadAs<WalData>(rest.data());
        std::erase_if(all, [&](const WalData& each) { return each.offset == data.offset; });
        if (data.blockCount > 0) all.push_back(data);
      }
      payload = payload.subspan(record.size);
    }
    return all;
  }
  bool dropOrAsk() {
    if (request_.unproven == UnprovenGroup::kDrop) replay_.unproven.clear();
    return false;
  }

  Status redoRecords(Bytes payload) {
    while (!payload.empty()) {
      const auto record = loadAs<WalRecordHeader>(payload.data());
      const bool isLost =
          payload.size() == record.size && isPlanted(PlantedFault::kReplayLosesLast);
      const Bytes body = payload.subspan(sizeof(record), record.size - sizeof(record));
      if (!isLost) DAOS_CHECK(redoRanges(record, body));
      replay_.lastTransaction = record.transaction;
      ++replay_.recordCount;
      payload = payload.subspan(record.size);
    }
    return {};
  }

  Status redoRanges(const WalRecordHeader& record, Bytes bytes) {
    for (uint32_t i = 0; i < record.rangeCount; ++i) {
      if (bytes.size() < sizeof(WalRange)) return outside(record);
      const auto range = loadAs<WalRange>(bytes.data());
      bytes = bytes.subspan(sizeof(WalRange));
      const uint64_t arenaSize = request_.arena.size();
      const uint64_t padded = alignUp(uint64_t{range.size}, 8);
      if (padded > bytes.size()) return outside(record);
      if (range.offset > arenaSize || range.size > arenaSize - range.offset) return outside(record);
      std::memcpy(request_.arena.data() + range.offset, bytes.data(), range.size);
      if (request_.onRedone) request_.onRedone({range.offset, range.size});
      bytes = bytes.subspan(padded);
    }
    const bool isWhole = bytes.size() == uint64_t{record.dataCount} * sizeof(WalData);
    return isWhole ? Status{} : Status{outside(record)};
  }
  static Error outside(const WalRecordHeader& record) {
    return Error(ErrorCode::kDfInval, "write-ahead log: the record of transaction " +
                                          std::to_string(record.transaction) +
                                          " contradicts itself");
  }

  // Nothing in the ring may prove that there was more.
  Status proveEnd() const {
    if (isPlanted(PlantedFault::kReplayEndsAnywhere)) return {};
    for (uint64_t number = 0; number < capacity_; ++number) {
      const auto header = headerAt(block(number), request_.salt);
      if (header && header->sequence > replay_.next.sequence)
        return damaged("a later group is there");
      // One that names an earlier transaction is older than a checkpoint in place of a full log.
      const bool isSeal = header && header->recordCount == 0;
      if (isSeal && header->sequence == replay_.next.sequence &&
          header->firstTransaction > replay_.lastTransaction + 1) {
        return damaged("the log's seal names a later transaction");
      }
    }
    if (replay_.lastTransaction < request_.transactionThrough)
      return damaged("the checkpoint is newer");
    return {};
  }

  const WalReplayRequest& request_;
  const uint64_t capacity_;
  WalReplay replay_;
  std::vector<std::byte> wrapped_;
};

}  // namespace

Result<WalReplay> replayWal(const WalReplayRequest& request) {
  if (request.ring.empty() || request.ring.size() % kWalBlockSize) {
    return Error(ErrorCode::kDfInval,
                 "write-ahead log of " + std::to_string(request.ring.size()) + " bytes");
  }
  return Replayer(request).run();
}

}  // namespace daos::vos
