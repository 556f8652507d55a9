// A disk with a volatile cache that survives the processes using it, and a Media over it.
//
// A completed write sits in the cache; a flush makes durable what had completed before it was
// submitted. A process that crashes leaves the cache as it is, and each sector of its writes in
// flight may or may not get there. A power cut decides the fate of every sector in the cache: kept
// or lost, so that writes are torn and later ones survive earlier ones.
//
// Faults of requests: errors with and without effect, misdirected writes; of data at rest: bit rot.
// Only blocks that were written are struck.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bio/media.h"
#include "simulator/faults.h"
#include "simulator/process.h"

namespace daos::simulator {

struct DiskOptions {
  uint32_t id = 0;
  uint64_t seed = 0;
  uint64_t sizeBytes = 64 << 20;
  uint64_t sectorSizeBytes = 512;
};

struct DiskStatistics {
  uint64_t powerCutCount = 0;
  uint64_t sectorsLost = 0;
  uint64_t sectorsKept = 0;
  uint64_t bitRotCount = 0;
  uint64_t misdirectCount = 0;
  uint64_t errorCount = 0;
};

class SimulatedDisk {
 public:
  SimulatedDisk(Scheduler& scheduler, Trace& trace, const FaultOptions& faults,
                DiskOptions options);
  ~SimulatedDisk();
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  // No Media may be open. The cache is decided and empty afterwards.
  void cutPower();
  void slowDown(uint64_t ns) { slowUntilNs_ = scheduler_.nowNs() + ns; }
  // Flips a bit of a block that was written; the offset of the block, or UINT64_MAX when there is
  // none.
  uint64_t rotBit();
  // From now on requests meet no faults.
  void heal() { isHealed_ = true; }

  // Bits had rotted or a write had gone astray, and when the power was cut nothing had become
  // durable since; or they rotted while there was no power, in what was written shortly before it
  // went: the medium is as if that last write had never been, which no reader can tell.
  bool hidesDamage() const { return hidesDamage_; }

  // A Media for one incarnation of a process; at most one at a time.
  std::unique_ptr<bio::Media> open(Process& process, std::string name);

  uint64_t sizeBytes() const { return options_.sizeBytes; }
  const DiskStatistics& statistics() const { return statistics_; }

 private:
  friend class SimulatedMedia;
  // A write on its way to the disk, or in its cache.
  struct Write {
    uint64_t offset;
    std::vector<std::byte> bytes;
    uint64_t completedSequence = 0;
  };

  uint64_t drawDelayNs(const bio::MediaRequest& request);
  bool strikes(uint64_t share) { return !isHealed_ && share && random_.below(1000000) < share; }
  void complete(Write write);
  void supersede(const Write& newer);
  void flush(uint64_t sequence);
  void abandon(Write write);
  void applySectors(std::byte* to, const Write& write, uint64_t keepShare);

  Scheduler& scheduler_;
  Trace& trace_;
  const FaultOptions& faults_;
  const DiskOptions options_;
  SeededRandom random_;
  std::byte* view_;     // what a read sees: cache over medium
  std::byte* durable_;  // the medium
  std::vector<Write> cache_;
  std::map<uint64_t, uint64_t> writtenBlocks_;  // by offset: when each was written last
  std::optional<uint64_t> powerCutNs_;          // since when there is no power
  uint64_t completedSequence_ = 0;
  uint64_t durableSequence_ = 0;  // of the latest write that is on the medium
  uint64_t damagedSequence_ = 0;  // of the latest write before damage was done
  bool hidesDamage_ = false;
  uint64_t slowUntilNs_ = 0;
  bool isHealed_ = false;
  bool isOpen_ = false;
  DiskStatistics statistics_;
};

}  // namespace daos::simulator
