// What a container may use of a target: its part of the container's quota.
//
// The control plane keeps the whole and gives each target a part; docs/design/quota.md says how. A
// target whose part is used up asks for more and holds the update back meanwhile. It refuses
// (DER_NOSPACE) when the quota is used up everywhere, or when nothing comes in time.
//
// Thread:    the target's, but for QuotaRequests.
// Invariant: updates alone are refused: what gives space back always runs.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "model/object_id.h"
#include "runtime/task.h"

namespace daos::engine {

class Target;
struct OpenContainer;

// Bytes in arena and data area, with every version that is kept, and objects.
struct QuotaAmounts {
  static constexpr uint64_t kUnlimited = ~uint64_t{0};
  uint64_t bytes = kUnlimited;
  uint64_t objects = kUnlimited;
  bool isLimited() const { return bytes != kUnlimited || objects != kUnlimited; }
};

struct QuotaPart {
  QuotaAmounts limit;      // of this target
  QuotaAmounts whole;      // of the container, for messages
  bool isUsedUp = false;   // there is no more to give, anywhere
};

// Of an open container; `part` is unlimited where it has no quota.
struct QuotaState {
  QuotaPart part;
  uint64_t pendingBytes = 0;      // of updates under way
  QuotaAmounts wanted{0, 0};      // by updates that wait
  bool isMoreWanted = false;      // the control plane has been asked
  uint64_t refuseUntilNs = 0;     // it had no more to give: not asked again before

  void set(const QuotaPart& given, uint64_t nowNs);
};

struct QuotaUsage {
  QuotaAmounts used;    // with updates under way
  QuotaAmounts wanted;  // by updates that wait
};

// How much of the container lies on this target; with `isFrozen` its part becomes just that.
QuotaUsage quotaUsage(OpenContainer& container, bool isFrozen);

// Whether an update of `sizeBytes` to `oid` fits the part.
bool hasQuota(const OpenContainer& container, const ObjectId& oid, uint64_t sizeBytes);
// Waits until it does. DER_NOSPACE.
Task<Status> awaitQuota(Target& target, OpenContainer& container, ObjectId oid, uint64_t sizeBytes);

// Adds to one of the counts for as long as it lives.
class QuotaHold {
 public:
  QuotaHold(uint64_t& count, uint64_t amount) : count_(count), amount_(amount) {
    count_ += amount_;
  }
  QuotaHold(const QuotaHold&) = delete;
  QuotaHold& operator=(const QuotaHold&) = delete;
  ~QuotaHold() { count_ -= amount_; }

 private:
  uint64_t& count_;
  const uint64_t amount_;
};

// Containers whose targets want more, until somebody asks for them.
//
// Thread: any.
class QuotaRequests {
 public:
  using Containers = std::set<std::pair<Uuid, Uuid>>;  // pool, container
  using Done = std::function<void(Containers)>;

  void add(const Uuid& pool, const Uuid& container);
  // Calls `done` once: as soon as there are some; with none when another one waits or at the end.
  void await(Done done);
  void close();

 private:
  std::mutex mutex_;
  Containers wanted_;
  Done waiting_;
  bool isClosed_ = false;
};

}  // namespace daos::engine
