// Making a LogArena: a new one, or what devices hold of an old one.
#include <string>

#include "bio/media_batch.h"
#include "codec/checksum.h"
#include "vos/log/log_arena.h"
#include "vos/log/wal_reader.h"
#include "vos/planted_fault.h"

namespace daos::vos {

static constexpr uint64_t kReadSize = 1 << 20;
static constexpr size_t kReadDepth = 8;

Task<Result<std::unique_ptr<LogArena>>> LogArena::create(LogArenaDevices devices,
                                                         uint64_t arenaSize, Uuid store,
                                                         uint64_t salt, LogArenaOptions options) {
  DAOS_CO_CHECK(checkDevices(devices, arenaSize));
  std::unique_ptr<LogArena> arena(new LogArena(devices, options));
  DAOS_CO_CHECK(co_await arena->format(arenaSize, store, salt));
  co_return arena;
}

// The log is taken as empty: groups of whatever was there have another salt. The first checkpoint
// is the arena as formatted.
Task<Status> LogArena::format(uint64_t arenaSize, Uuid store, uint64_t salt) {
  DAOS_CO_CHECK(mapMemory(arenaSize));
  DAOS_CO_CHECK(formatArena(memory_.data(), arenaSize, 0));
  allocateUndo();
  Superblock superblock{};
  superblock.store = store;
  superblock.salt = salt;
  superblock.arenaSize = arenaSize;
  superblock.walBlockCount = devices_.wal.sizeBytes() / kWalBlockSize;
  DAOS_CO_CHECK(meta_.format(superblock));
  // Superblocks of an earlier store would be as good as ours.
  DAOS_CO_TRY(const bio::DmaBuffer zeros, devices_.pool.allocate(kSuperblockCount * kPageSize));
  std::fill(zeros.bytes().begin(), zeros.bytes().end(), std::byte{0});
  DAOS_CO_CHECK(co_await devices_.meta.writeDurable(0, zeros.bytes()));
  startWal({.salt = salt, .sealDelayNs = options_.sealDelayNs, .startMark = options_.startMark,
            .data = devices_.data});
  markDirty({0, metadataSize()});
  co_return co_await writeCheckpoint(false);
}

Task<Result<std::unique_ptr<LogArena>>> LogArena::open(LogArenaDevices devices, Uuid store,
                                                       LogArenaOptions options) {
  std::unique_ptr<LogArena> arena(new LogArena(devices, options));
  DAOS_CO_CHECK(co_await arena->recover(store));
  co_return arena;
}

Task<Status> LogArena::recover(Uuid store) {
  const uint64_t startNs = reactor_.clock().nowNs();
  // What a process that died had written without living to see it flushed is read here as if it
  // were durable; a power cut must not take it back once more is built on it.
  if (!isPlanted(PlantedFault::kRecoveryTrustsCaches)) {
    DAOS_CO_CHECK(co_await devices_.meta.flush());
    DAOS_CO_CHECK(co_await devices_.wal.flush());
    if (devices_.data) DAOS_CO_CHECK(co_await devices_.data->flush());
  }
  DAOS_CO_CHECK(co_await meta_.open());
  const Superblock& superblock = meta_.superblock();
  if (superblock.store != store) {
    co_return Error(ErrorCode::kMismatch, devices_.meta.name() + ": holds store " +
                                              superblock.store.toString() + ", not " +
                                              store.toString());
  }
  if (superblock.walBlockCount != devices_.wal.sizeBytes() / kWalBlockSize) {
    co_return Error(ErrorCode::kMismatch,
                    devices_.wal.name() + ": " + std::to_string(devices_.wal.sizeBytes()) +
                        " bytes, but the store's log has " +
                        std::to_string(superblock.walBlockCount * kWalBlockSize));
  }
  DAOS_CO_CHECK(mapMemory(superblock.arenaSize));
  DAOS_CO_CHECK(co_await meta_.load(memory_));
  recovery_.arenaBytes = memory_.size();
  recovery_.pageBytes = meta_.pageCountStored() * kPageSize;
  recovery_.loadNs = reactor_.clock().nowNs() - startNs;
  uint64_t lastTransaction = 0;
  DAOS_CO_TRY(const WalPosition next, co_await replay(lastTransaction));
  DAOS_CO_CHECK(attachArena(memory_.data(), memory_.size(), 0));
  allocateUndo();
  startWal({.salt = superblock.salt,
            .next = next,
            .trimmedBlock = superblock.walBlock,
            .durableTransaction = lastTransaction,
            .sealDelayNs = options_.sealDelayNs,
            .startMark = options_.startMark,
            .data = devices_.data});
  wal_->trim(superblock.walBlock, superblock.generation);
  recovery_.replayNs = reactor_.clock().nowNs() - startNs - recovery_.loadNs;
  DAOS_LOG_INFO(devices_.log,
                devices_.meta.name() + ": recovered " + std::to_string(recovery_.pageBytes >> 20) +
                    " MiB of pages and " + std::to_string(recovery_.transactionCount) +
                    " transactions in " +
                    std::to_string((recovery_.loadNs + recovery_.replayNs) / 1000000) + " ms");
  co_return Status{};
}

Task<Status> LogArena::readWal(MutableBytes ring) {
  bio::MediaBatch batch(devices_.wal);
  for (uint64_t offset = 0; offset < ring.size(); offset += kReadSize) {
    batch.read(offset, ring.subspan(offset, std::min<uint64_t>(kReadSize, ring.size() - offset)));
    const Status status = co_await batch.atMost(kReadDepth - 1);
    if (!status.ok()) break;
  }
  co_return co_await batch.all();
}

Task<Result<WalPosition>> LogArena::replay(uint64_t& lastTransaction) {
  const Superblock& superblock = meta_.superblock();
  DAOS_CO_TRY(const bio::DmaBuffer memory,
              devices_.pool.allocate(superblock.walBlockCount * kWalBlockSize));
  const MutableBytes ring = memory.bytes();
  DAOS_CO_CHECK(co_await readWal(ring));
  WalReplayRequest request{.ring = ring,
                           .salt = superblock.salt,
                           .from = {superblock.walBlock, superblock.walSequence},
                           .transactionBefore = superblock.transactionBefore,
                           .transactionThrough = superblock.transactionThrough,
                           .checkpointGeneration = superblock.generation,
                           .arena = memory_,
                           .onRedone = [this](const ArenaRange& range) {
                             const bool isClean = isPlanted(PlantedFault::kRecoveryMarksClean);
                             if (range.size && !isClean) markDirty(range);
                           }};
  DAOS_CO_TRY(WalReplay replayed, redo(request));
  if (!replayed.unproven.empty()) {
    DAOS_CO_CHECK(co_await judgeUnproven(replayed, request));
    request.from = replayed.next;
    request.transactionBefore = replayed.lastTransaction;
    DAOS_CO_TRY(replayed, redo(request));
  }
  lastTransaction = recovery_.lastTransaction = replayed.lastTransaction;
  co_return replayed.next;
}

Result<WalReplay> LogArena::redo(const WalReplayRequest& request) {
  auto replayed = replayWal(request);
  if (!replayed.ok()) return std::move(replayed).error().within(devices_.wal.name());
  recovery_.logBytes += replayed->bytes;
  recovery_.groupCount += replayed->groupCount;
  recovery_.transactionCount += replayed->recordCount;
  return replayed;
}

// Whether all of the bulk data is as it was written.
Task<Result<bool>> LogArena::isDataThere(std::span<const WalData> all) {
  DAOS_CO_TRY(const bio::DmaBuffer buffer, devices_.pool.allocate(kReadSize));
  for (const WalData& data : all) {
    uint64_t left = uint64_t{data.blockCount} * kWalBlockSize;
    if (!devices_.data || data.offset % kWalBlockSize || data.offset > devices_.data->sizeBytes() ||
        left > devices_.data->sizeBytes() - data.offset) {
      co_return Error(ErrorCode::kDfInval, devices_.wal.name() + ": the log tells of data at " +
                                               std::to_string(data.offset) +
                                               ", outside of the data area");
    }
    uint32_t checksum = 0;
    for (uint64_t offset = data.offset; left > 0;) {
      const MutableBytes piece = buffer.bytes().first(std::min<uint64_t>(left, kReadSize));
      DAOS_CO_CHECK(co_await devices_.data->read(offset, piece));
      checksum = crc32c(piece, checksum);
      offset += piece.size();
      left -= piece.size();
    }
    if (checksum == data.checksum) continue;
    DAOS_LOG_WARNING(devices_.log, devices_.data->name() + ": data at " +
                                       std::to_string(data.offset) +
                                       " is not what the last group of the log says");
    co_return false;
  }
  co_return true;
}

// The data was at the device before the group was written, and only a power cut takes away what a
// device has: where there was none, it was there and is damaged now.
Task<Status> LogArena::judgeUnproven(const WalReplay& replayed, WalReplayRequest& request) {
  request.unproven = UnprovenGroup::kRedo;
  DAOS_CO_TRY(const bool isThere, co_await isDataThere(replayed.unproven));
  if (isThere) co_return Status{};
  if (options_.startMark != 0 && options_.startMark == replayed.unprovenStartMark) {
    recovery_.isLastGroupDamaged = true;
    DAOS_LOG_ERROR(devices_.log, devices_.data->name() +
                                     ": that data is damaged: the machine has been running since "
                                     "it was written");
    co_return Status{};
  }
  DAOS_LOG_WARNING(devices_.log,
                   devices_.wal.name() + ": the power went before the last group of the log, from "
                                         "transaction " +
                       std::to_string(replayed.lastTransaction + 1) +
                       " on, was durable: it is dropped");
  request.unproven = UnprovenGroup::kDrop;
  co_return co_await eraseGroup(replayed.next);
}

// What never happened must not happen later either: the same data may be written to the same blocks
// again, by an operation that was repeated.
Task<Status> LogArena::eraseGroup(const WalPosition& group) {
  DAOS_CO_TRY(const bio::DmaBuffer zeros, devices_.pool.allocate(kWalBlockSize));
  std::fill(zeros.bytes().begin(), zeros.bytes().end(), std::byte{0});
  const uint64_t blockCount = devices_.wal.sizeBytes() / kWalBlockSize;
  recovery_.isLastGroupDropped = true;
  if (isPlanted(PlantedFault::kReplayKeepsDropped)) co_return Status{};
  co_return co_await devices_.wal.writeDurable(group.block % blockCount * kWalBlockSize,
                                               zeros.bytes());
}

}  // namespace daos::vos
