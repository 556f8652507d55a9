// The arena on libpmemobj: DAX file systems, CXL and NVDIMM; on tmpfs it is volatile and meant for
// tests.
//
// libpmemobj keeps the file (creation, identity, consistency of the mapping, unsafe-shutdown
// detection) and knows how this machine makes stores durable. All of the file but its own
// bookkeeping is one object, in which the arena lives with an undo log of its own: an undo record
// costs no allocation and several share a fence, which is what makes a 64-byte update several times
// cheaper than by the library's own transactions.
//
// Durability: a transaction is durable when commit() returns. Three fences make it so: undo
//             records, stores, and the generation that retires the records.
// Format:     docs/format/pmem_arena.md, version 1.
#pragma once

#include <memory>
#include <string>

#include "vos/arena.h"

struct pmemobjpool;

namespace daos::vos {

enum class Flushing : uint8_t {
  // As libpmemobj finds right for the file: cache lines on DAX, msync elsewhere. None on a memory
  // file system, where msync does nothing, unless libpmem is told to take it for persistent memory
  // (PMEM_IS_PMEM_FORCE), as benchmarks do.
  kAsNeeded,
  // As kAsNeeded, but on a memory file system as well: for those who watch what is flushed.
  kEverywhere,
  // None: the platform flushes its caches itself. A killed process loses nothing.
  kNone,
};

struct PmemArenaOptions {
  Flushing flushing = Flushing::kAsNeeded;
};

class PmemArena final : public Arena {
 public:
  static constexpr uint64_t kSizeMin = 16ull << 20;

  // A new file of `sizeBytes`. DER_EXIST, DER_NOSPACE, DER_INVAL below kSizeMin.
  static Result<std::unique_ptr<PmemArena>> create(const std::string& path, uint64_t sizeBytes,
                                                   PmemArenaOptions options = {});
  // Rolls back what a crash interrupted. DER_NONEXIST, DER_BUSY (another process has it),
  // DER_DF_INVAL, DER_DF_INCOMPT; each message names the path.
  static Result<std::unique_ptr<PmemArena>> open(const std::string& path,
                                                 PmemArenaOptions options = {});
  ~PmemArena() override;

  bool isSynchronous() const override { return true; }
  Ticket durableTicket() const override { return lastTicket(); }
  bool isImmediatelyDurable() const override { return true; }
  Task<Status> waitDurable(Ticket ticket) override;
  // On memory file systems and DAX only: elsewhere every page would have to be written back.
  bool populateStep(size_t sizeMax) override;

 protected:
  void flushUndo(const std::byte* from, const std::byte* to) override;
  void drainUndo() override;
  void commitRanges(Ticket ticket, std::span<const ArenaRange> changed) override;
  void abortRanges(std::span<const ArenaRange> changed) override;

 private:
  PmemArena(pmemobjpool* pool, PmemArenaOptions options);
  // Where the arena begins in the library's object; decides whether stores are flushed.
  std::byte* place(const std::string& path, std::byte* object);
  Status format(std::byte* begin, uint64_t size);
  Status attach(std::byte* begin, uint64_t size);
  void flush(const void* from, size_t size);
  void drain();
  void retireUndo();

  pmemobjpool* pool_;
  const Flushing flushing_;
  bool isFlushing_;
  bool isMemory_ = false;  // the file's pages are what they are mapped to
  // What has yet to be populated. The heap takes small blocks from the front and large ones from
  // the end, so pages are made from both.
  uint64_t populateBegin_ = 0;
  uint64_t populateEnd_ = 0;
};

}  // namespace daos::vos
