// Direct checks that name the fault where the search for an order would only say that there is
// none.
//
// durability     nothing that was answered is missing from what is read after a recovery
// invention      every value read was written by somebody before the read ended
// immutability   a snapshot (an epoch in the past) gives the same answer each time
// liveness       what was asked ends in time once faults have stopped
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simulator/check/history.h"

namespace daos::simulator {

struct Violation {
  std::string check;  // "durability", "linearizability", …
  std::string explanation;
  std::vector<uint64_t> operations;  // ids of those involved, for the timeline
};

// `reads` are operations that only look, made after recovery with nothing else running. A cell may
// hold the value of any write that was not overwritten by a later one that was answered (later:
// invoked after the first had returned).
std::optional<Violation> checkDurability(const History& history, const History& reads);

// Values in `flags` are shared by many writes and exempt (for example 1 for "exists").
std::optional<Violation> checkInvention(const History& history, CellValue flagMax = 0);

// One snapshot's answers, question by question.
class SnapshotChecker {
 public:
  // `question` names what was read (a cell, a list of keys), `answer` is a digest or value of the
  // result.
  std::optional<Violation> observe(uint64_t epoch, uint64_t question, uint64_t answer,
                                   uint64_t operation);
  size_t questionCount() const { return answers_.size(); }

 private:
  struct Answer {
    uint64_t value;
    uint64_t operation;
  };
  std::map<std::pair<uint64_t, uint64_t>, Answer> answers_;
};

// What is under way, and since when it has had a fault-free system to end in.
class LivenessChecker {
 public:
  void begin(uint64_t operation, uint64_t nowNs) { pending_.emplace(operation, nowNs); }
  void end(uint64_t operation) { pending_.erase(operation); }
  size_t pendingCount() const { return pending_.size(); }
  // A violation when anything has been pending for over `limitNs` of quiet, which began at
  // `quietNs`.
  std::optional<Violation> check(uint64_t nowNs, uint64_t quietNs, uint64_t limitNs) const;

 private:
  std::map<uint64_t, uint64_t> pending_;
};

}  // namespace daos::simulator
