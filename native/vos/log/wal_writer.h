// Appends transactions to the write-ahead log: one durable write for all that are waiting.
//
// Life of a group:
// 1. open: append() adds the record of each transaction.
// 2. sealed by pump(), at the end of a reactor turn when no other group is being written; a new one
// opens.
// 3. durable: its write, flush included, has ended; onProgress tells. Where its transactions made
//    bulk data visible, that flush, or another one beside it, covers the data too.
// When nothing follows for a while, a seal is written behind the last group, and after a longer
// while made durable: recovery can then tell a damaged last group from one that was never finished.
//
// Thread:    the target's.
// Invariant: at most one group is at the device, so a valid group proves that all before it were
// durable. Invariant: a failed write is final; nothing is written after it.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "bio/dma_buffer.h"
#include "bio/media.h"
#include "vos/arena.h"
#include "vos/log/wal_format.h"

namespace daos::vos {

struct WalWriterOptions {
  uint64_t salt = 0;
  WalPosition next;           // where the first group goes
  uint64_t trimmedBlock = 0;  // blocks before it are free
  uint64_t durableTransaction = 0;
  // Idle time until the seal; 50 times as long: until it is durable.
  uint64_t sealDelayNs = 2000000;
  uint32_t startMark = 0;          // of the machine, noted in groups
  bio::Media* data = nullptr;      // where bulk data lies; borrowed
};

struct WalCounters {
  uint64_t recordCount = 0;
  uint64_t recordBytes = 0;
  uint64_t groupCount = 0;    // each is one flush
  uint64_t writtenBytes = 0;  // to the device, padding and seals included
  uint64_t sealCount = 0;
};

class WalWriter {
 public:
  // `onProgress`: durableTransaction() has grown, or failure() is set, or the log stalls.
  WalWriter(bio::Media& media, bio::DmaPool& pool, const WalWriterOptions& options,
            std::function<void()> onProgress);
  ~WalWriter();
  WalWriter(const WalWriter&) = delete;
  WalWriter& operator=(const WalWriter&) = delete;

  // Adds the redo record of `transaction`: the bytes of `ranges` (sorted, apart from each other) of
  // the arena at `base`, and what it says of bulk data. Transactions come in order. DER_NOMEM only.
  Status append(uint64_t transaction, std::span<const ArenaRange> ranges, const std::byte* base,
                std::span<const ArenaData> data = {});
  // Seals and writes the open group if that can be done now; true if so.
  bool pump();
  // Bulk data of `size` bytes is being written, to be told of by a transaction that comes when the
  // write has ended.
  void dataWriteBegun(uint64_t size);
  void dataWriteEnded(uint64_t size);
  bool isIdle() const { return !isWriting_ && group_.recordCount == 0; }
  // Nothing is at the device, nothing waits for it, and no seal is to come.
  bool isQuiet() const {
    return !isWriting_ && (failure_ || (isIdle() && (!sealTimer_ || seal_ == Seal::kWritten)));
  }
  // What is quiet stays so.
  void stopSealing();
  // The first transaction of the open group, or `next` when it is empty.
  uint64_t firstOpenTransaction(uint64_t next) const {
    return group_.recordCount ? group_.firstTransaction : next;
  }

  uint64_t durableTransaction() const { return durableTransaction_; }
  const std::optional<Error>& failure() const { return failure_; }
  // Where the open group will be: all transactions in it, and later ones, are replayed from here.
  WalPosition nextPosition() const { return next_; }

  uint64_t capacityBlocks() const { return capacityBlocks_; }
  // Written and not trimmed, plus what waits in memory.
  uint64_t usedBlocks() const;
  // The open group does not fit before something is trimmed.
  bool isStalled() const { return isStalled_; }
  // A durable checkpoint of `generation` covers everything before `block`.
  void trim(uint64_t block, uint64_t generation);

  // For a checkpoint of the arena as it is now: forgets the open group, and writes nothing until …
  void beginReset();
  // … the checkpoint, which holds all transactions up to `transaction`, is durable.
  void endReset(uint64_t transaction, uint64_t generation);

  const WalCounters& counters() const { return counters_; }

 private:
  // Writes of up to so many bytes are over soon: a group may wait for them.
  static constexpr uint64_t kDataSizeSmall = 64 << 10;
  struct Group {
    bio::DmaBuffer buffer;
    uint64_t used = 0;  // bytes, header included
    uint32_t recordCount = 0;
    uint32_t checksum = 0;
    uint64_t firstTransaction = 0;
    uint64_t lastTransaction = 0;
    std::vector<uint64_t> dataOffsets;  // of bulk data that its transactions made visible
    uint64_t dataBlockCount = 0;        // of all of it
    bool hasLargeData() const {
      return dataBlockCount >= dataOffsets.size() * (kDataSizeSmall / kWalBlockSize + 1) &&
             dataBlockCount > 0;
    }
  };
  struct Request : bio::MediaRequest {
    WalWriter* writer = nullptr;
  };
  Status makeRoom(uint64_t size);
  bool isToldInGroup(const ArenaData& data) const;
  std::byte* storeData(std::byte* to, std::span<const ArenaData> data);
  void openGroup();
  bool isWorthWaiting();
  void seal(Group& group);
  void write(Group& group);
  void submitFlush(size_t index, bio::Media& media);
  void submit(size_t index, uint64_t ringBlock, std::byte* data, uint64_t blocks, bool durable);
  void ended(bio::MediaRequest& request);
  void groupEnded();
  void scheduleSeal();
  void writeSeal();
  void fail(Error error);

  bio::Media& media_;
  bio::DmaPool& pool_;
  const WalWriterOptions options_;
  const uint64_t capacityBlocks_;
  const std::function<void()> onProgress_;
  Group group_;    // open
  Group writing_;  // at the device
  bio::DmaBuffer sealBuffer_;
  // A group that wraps: two writes. Then a flush, unless the one write was durable; and beside the
  // writes a flush of the data's device.
  std::array<Request, 4> requests_;
  size_t pendingCount_ = 0;
  uint64_t smallWriteCount_ = 0;  // of bulk data, under way
  uint64_t awaitedCount_ = 0;     // of them, those that the open group waits for
  bool isWaiting_ = false;
  bool isFlushNeeded_ = false;
  bool isFlushing_ = false;
  bool isWriting_ = false;
  bool isSeal_ = false;   // what is being written
  // What is behind the last group; kDurable where there is no group.
  enum class Seal : uint8_t { kNone, kWritten, kDurable } seal_ = Seal::kDurable;
  bool isStalled_ = false;
  bool isResetting_ = false;
  Reactor::TimerId sealTimer_ = 0;
  bool isSealTimerLong_ = false;  // until the seal is made durable
  WalPosition next_;
  uint64_t trimmedBlock_;
  uint64_t generation_ = 0;
  uint64_t durableTransaction_;
  std::optional<Error> failure_;
  WalCounters counters_;
};

}  // namespace daos::vos
