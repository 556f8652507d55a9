// The smallest correct store: maps of versions, one operation at a time. And the same with a fault
// of choice.
//
// It is what workloads and checkers are tried on: clean, nothing may be found; with a fault, it
// must be.
//
// Thread: one reactor's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hybrid_clock.h"
#include "runtime/random.h"
#include "runtime/reactor.h"
#include "simulator/workload/subject.h"

namespace daos::simulator {

enum class StoreFault {
  kNone,
  kLoseWrite,   // answers, but forgets it
  kApplyTwice,  // a write happens again later
  kStaleRead,   // reads the version before the newest
  kTornUpdate,  // the akeys of one update become visible one by one
  kLosePunch,   // a hole is filled with what it hid
  kIgnoreCondition,
  kCorruptByte,
  kMovePast,   // a write appears below an epoch that was read before
  kListGhost,  // lists a dkey that is punched
};

class ReferenceStore final : public Subject {
 public:
  // Each fault strikes with the chance 1 in 20.
  ReferenceStore(Reactor& reactor, Random& random, StoreFault fault)
      : reactor_(reactor), random_(random), fault_(fault) {}

  Task<Result<Epoch>> update(ObjectId oid, const client::UpdateArguments& arguments) override;
  Task<Result<Epoch>> fetch(ObjectId oid, const client::FetchArguments& arguments) override;
  Task<Result<Epoch>> punch(ObjectId oid, const client::PunchArguments& arguments) override;
  Task<Result<Keys>> list(ObjectId oid, const client::EnumerateArguments& arguments) override;

 private:
  using Value = std::optional<std::string>;
  using Versions = std::map<Epoch, Value>;
  using Cells = std::map<uint64_t, Versions>;  // records of an array; a single value is record 0
  using Akeys = std::map<std::string, Cells>;
  using Dkeys = std::map<std::string, Akeys>;

  bool strikes(StoreFault fault) { return fault == fault_ && random_.chance(1, 20); }
  Epoch nextEpoch() { return clock_.next(reactor_.clock().wallNs()); }
  Value read(const Versions& versions, Epoch epoch);
  bool exists(const Cells& cells, Epoch epoch);
  bool exists(const Akeys& akeys, Epoch epoch);
  Status judge(Akeys& akeys, std::span<const std::string> names, Conditions conditions,
               Epoch epoch);
  void store(Akeys& akeys, const IoDescriptor& descriptor, std::string_view data, Epoch epoch);
  void punchCells(Cells& cells, Epoch epoch);
  Task<void> applyAgain(ObjectId oid, std::string dkey, std::string akey, std::string value);

  Reactor& reactor_;
  Random& random_;
  const StoreFault fault_;
  HybridClock clock_;
  std::map<ObjectId, Dkeys> objects_;
};

}  // namespace daos::simulator
