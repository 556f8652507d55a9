// A Media that behaves as bad disks do, over a good one: seeded, and so repeatable.
//
// Writes stay in a volatile cache until a flush, or their own durability, brings them to the device
// below. cutPower() decides for every sector of the cache whether it got there: writes are lost,
// torn and reordered. Reads see the cache. Faults are drawn when a request is submitted, each kind
// by its own rate.
//
// Thread: the reactor's; virtual time comes with the reactor's clock.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "bio/media.h"
#include "runtime/random.h"

namespace daos::bio {

// Each in parts of a million requests of its kind.
struct FaultRates {
  uint32_t readError = 0;   // DER_IO
  uint32_t writeError = 0;  // DER_IO; each sector may have got there
  uint32_t flushError =
      0;  // DER_IO, of flushes and durable writes; what was to become durable stays undecided
  uint32_t noSpace = 0;      // DER_NOSPACE of writes, without effect
  uint32_t bitRot = 0;       // a read finds one bit flipped, for good
  uint32_t misdirected = 0;  // a write lands a block further on, and reports success
  uint32_t discardError = 0;  // DER_IO
  uint32_t slow = 0;         // takes up to slowNsMax
  uint64_t slowNsMax = 50000000;
};

struct FaultCounts {
  uint64_t errors = 0;
  uint64_t rottenBits = 0;
  uint64_t misdirectedWrites = 0;
  uint64_t slowRequests = 0;
  uint64_t powerCuts = 0;
  uint64_t sectorsKept = 0;  // by power cuts, of those not flushed
  uint64_t sectorsLost = 0;
};

class FaultyMedia final : public Media {
 public:
  // Both are borrowed.
  FaultyMedia(Media& below, Random& random, FaultRates rates = {});

  void setRates(const FaultRates& rates) { rates_ = rates; }
  const FaultCounts& counts() const { return counts_; }
  uint64_t cachedSizeBytes() const;

  // Nothing may be in flight but what the reactor dropped (Reactor::dropTasks). The share of
  // sectors that survive varies from cut to cut: all, none or a mixture. The cache is empty
  // afterwards, and the device works again.
  Task<Status> cutPower();
  // The process is gone, and what the reactor dropped with it: of its writes in flight each got to
  // the cache or not. What the cache has stays there.
  void processDied();
  bool canDiscard() const override { return true; }

 protected:
  void start(MediaRequest& request) override;

 private:
  struct CachedWrite {
    uint64_t number;
    uint64_t offset;
    std::vector<std::byte> bytes;
    bool isCompleted = false;
  };
  // What was drawn for one request.
  struct Fate {
    bool isError = false;
    bool isFull = false;
    bool isRotten = false;
    bool isMisdirected = false;
    uint64_t delayNs = 0;
  };
  bool strikes(uint32_t rate) { return rate > 0 && random_.below(1000000) < rate; }
  Fate drawFate(const MediaRequest& request);
  Task<void> serve(MediaRequest& request, Fate fate, uint64_t number);
  Task<Status> read(MediaRequest& request, const Fate& fate);
  Task<Status> write(MediaRequest& request, const Fate& fate, uint64_t number);
  Task<Status> flush(uint64_t number, const Fate& fate);
  Task<Status> rot(MediaRequest& request);
  void overlay(const MediaRequest& request) const;
  void tear(CachedWrite& write);
  Task<Status> settle(const CachedWrite& write);
  void supersede(const CachedWrite& newer);
  std::deque<CachedWrite>::iterator find(uint64_t number);
  Error failure(const MediaRequest& request, const char* what) const;

  Media& below_;
  Random& random_;
  FaultRates rates_;
  FaultCounts counts_;
  std::deque<CachedWrite> cache_;
  uint64_t numberLast_ = 0;
};

}  // namespace daos::bio
