// Everything clients asked and were answered, kept outside of the processes that crash.
//
// An operation is recorded as unanswered when it is invoked, with the effects it would have, and
// completed when its answer comes. One that touches several groups is an operation of each, under
// one id.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "simulator/check/durability.h"
#include "simulator/check/linearizability.h"
#include "simulator/scheduler.h"
#include "simulator/trace.h"
#include "simulator/workload/key_space.h"

namespace daos::simulator {

// What an operation means for one group.
struct Effect {
  GroupId group = 0;
  std::vector<CellGuard> guards;
  std::vector<std::vector<CellId>> anyPresent;
  std::vector<CellWrite> writes;
};

// All of a group, as of an epoch.
struct SnapshotQuestion {
  Epoch epoch = 0;
  GroupId group = 0;
  auto operator<=>(const SnapshotQuestion&) const = default;
};

struct RecordedOperation {
  uint64_t id = 0;
  uint32_t client = 0;
  std::string what;  // "update", "punch dkey" …
  uint64_t invokedNs = 0;
  uint64_t returnedNs = kOutcomeUnknown;
  ErrorCode code = ErrorCode::kOk;
  Epoch epoch = 0;
  bool isAnswered = false;
  std::vector<Effect> effects;
};

class Recorder {
 public:
  Recorder(const Scheduler& scheduler, Trace& trace, const KeySpace& keys)
      : scheduler_(scheduler), trace_(trace), keys_(keys) {}

  uint64_t nextId() { return ++idLast_; }
  // `effects`: what it does if it succeeds; for an operation that only looks, nothing.
  void invoke(uint64_t id, uint32_t client, std::string what, std::vector<Effect> effects);
  // It succeeded, or failed with what it saw: exactly these effects, at one instant before now.
  void complete(uint64_t id, ErrorCode code, Epoch epoch, std::vector<Effect> effects);
  // Refused, without effect.
  void refuse(uint64_t id, ErrorCode code);
  // May have taken effect, may do so later, or never.
  void lose(uint64_t id, ErrorCode code);
  // The client died: nobody waits for its operations any more.
  void abandon(uint32_t client);

  void violate(Violation violation);
  const std::optional<Violation>& violation() const { return violation_; }

  SnapshotChecker& snapshots() { return snapshots_; }
  void rememberQuestion(SnapshotQuestion question) { questions_.insert(question); }
  const std::set<SnapshotQuestion>& questions() const { return questions_; }
  // A snapshot of the container: reads at this epoch are answered from now on.
  void pin(Epoch epoch) { pinned_.push_back(epoch); }
  const std::vector<Epoch>& pinned() const { return pinned_; }
  bool isPinned(Epoch epoch) const {
    return std::find(pinned_.begin(), pinned_.end(), epoch) != pinned_.end();
  }
  // Whether data has been damaged, on its way or (`isStored`) where it lies: only then may a client
  // be told so.
  using DamageSource = std::function<bool(bool isStored)>;
  void setDamageSource(DamageSource isDamaged) { isDamaged_ = std::move(isDamaged); }
  bool isDamaged(bool isStored) const { return isDamaged_ && isDamaged_(isStored); }
  LivenessChecker& liveness() { return liveness_; }
  const std::map<uint64_t, RecordedOperation>& operations() const { return operations_; }
  uint64_t countOf(ErrorCode code) const;

  History historyOf(GroupId group) const;
  // Linearizability and invention of every group. The first violation, or nothing; `undecided`
  // counts searches that were given up.
  std::optional<Violation> judge(uint64_t& undecided) const;
  // Operations on the groups that `violation` is about, as lines in order of time.
  std::string timeline(const Violation& violation) const;

 private:
  void trace(TraceKind kind, const RecordedOperation& operation, uint64_t digest);
  void finish(uint64_t id, ErrorCode code, bool isAnswered);

  const Scheduler& scheduler_;
  Trace& trace_;
  const KeySpace& keys_;
  uint64_t idLast_ = 0;
  std::map<uint64_t, RecordedOperation> operations_;
  std::set<SnapshotQuestion> questions_;
  SnapshotChecker snapshots_;
  std::vector<Epoch> pinned_;
  LivenessChecker liveness_;
  DamageSource isDamaged_;
  std::optional<Violation> violation_;
};

}  // namespace daos::simulator
