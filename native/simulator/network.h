// A network of "sim://N" addresses, and a Transport over it that keeps the contract of
// rpc/transport.h unless told otherwise.
//
// Each pair of transports has a channel per direction: in order, whole, once. A channel that breaks
// (its peer died, a partition outlasted patience, the fault struck) loses what is under way, and
// its sender is told after a while. Loss, duplication, reordering and corruption strike single
// messages and break the contract: they show what the layers above make of a worse network.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "rpc/transport.h"
#include "simulator/faults.h"
#include "simulator/process.h"

namespace daos::simulator {

class SimulatedTransport;
struct NetworkChannel;

struct NetworkStatistics {
  uint64_t sentCount = 0;
  uint64_t deliveredCount = 0;
  uint64_t lostCount = 0;
  uint64_t duplicatedCount = 0;
  uint64_t reorderedCount = 0;
  uint64_t corruptedCount = 0;
  uint64_t brokenCount = 0;
  uint64_t transferCount = 0;
  uint64_t damagedTransferCount = 0;
};

class SimulatedNetwork {
 public:
  SimulatedNetwork(Scheduler& scheduler, Trace& trace, const FaultOptions& faults, uint64_t seed);
  ~SimulatedNetwork();
  SimulatedNetwork(const SimulatedNetwork&) = delete;
  SimulatedNetwork& operator=(const SimulatedNetwork&) = delete;

  // Data up to inlineSizeMax travels in messages, more by transfers of memory. Both sides use one
  // value.
  void setInlineSizeMax(uint32_t size) { inlineSizeMax_ = size; }
  // Transfers meet network.corruptTransfer. Nothing below the checksums of containers
  // notices it.
  void damageTransfers() { damagesTransfers_ = true; }
  // The transport of a process, at "sim://<process id>". Destroy it before the process; if the
  // process is dead by then, nothing is delivered any more.
  std::unique_ptr<rpc::Transport> createTransport(Process& process);
  static std::string addressOf(uint32_t processId) { return "sim://" + std::to_string(processId); }

  // Nothing passes from `from` to `to` until then. What is sent waits; past kPatienceNs its channel
  // breaks.
  void partition(uint32_t from, uint32_t to, uint64_t ns);
  // Messages between the two take up to 20 ms more.
  void clog(uint32_t from, uint32_t to, uint64_t ns);
  // Ends partitions and clogs; from now on messages meet no faults.
  void heal();

  const NetworkStatistics& statistics() const { return statistics_; }
  static constexpr uint64_t kPatienceNs = 400'000'000;

 private:
  friend class SimulatedTransport;
  friend struct NetworkChannel;
  using Pair = std::pair<uint32_t, uint32_t>;
  bool strikes(uint64_t share) { return !isHealed_ && share && random_.below(1000000) < share; }
  void mayDamage(MutableBytes transferred);
  uint64_t drawDelayNs(uint32_t from, uint32_t to, size_t size);
  // When what leaves now may pass: now, the end of a partition, or UINT64_MAX when patience ends
  // before.
  uint64_t openAtNs(uint32_t from, uint32_t to) const;
  // The living transport at an address, of this incarnation or (0) any; null when there is none.
  SimulatedTransport* find(uint32_t processId, uint64_t incarnation) const;
  void enter(SimulatedTransport& transport);
  void leave(SimulatedTransport& transport);

  Scheduler& scheduler_;
  Trace& trace_;
  const FaultOptions& faults_;
  SeededRandom random_;
  std::map<uint32_t, SimulatedTransport*> transports_;
  std::map<Pair, uint64_t> partitionedUntilNs_;
  std::map<Pair, uint64_t> cloggedUntilNs_;
  uint64_t incarnationLast_ = 0;
  uint32_t inlineSizeMax_ = 16384;
  bool isHealed_ = false;
  bool damagesTransfers_ = false;
  NetworkStatistics statistics_;
};

}  // namespace daos::simulator
