// Carries a history out on a store and on the model, and compares after every step.
#pragma once

#include <optional>
#include <span>

#include "vos/proof/comparison.h"
#include "vos/proof/store.h"

namespace daos::vos::proof {

class HistoryRunner {
 public:
  // Both are borrowed; the model is what the store holds.
  HistoryRunner(Store& store, ReferenceModel& model) : store_(store), model_(model) {}

  // One operation on both. What differs, or nothing.
  Difference step(const Operation& operation);
  // The store's half of a step alone: carries out what changes something, but for reopening.
  // `disk`: of a store that keeps bulk data on one.
  static Status write(Container& container, const Operation& operation, DataDisk* disk = nullptr);

 private:
  // An enumeration under way while the store changes.
  struct Cursor {
    Listing listing;
    Anchor anchor;
    std::vector<Listed> seen;
    // Entries that were there when it began and all the time since.
    std::vector<Listed> lasting;
  };

  Comparison comparison();
  Difference space();
  Difference modify(const Operation& operation);
  Difference settle();
  Difference reopen();
  Difference beginList(const Operation& operation);
  Difference fetch(const Operation& operation);
  Difference continueList(uint32_t pageSize);
  Difference endList();
  void noteChange();

  Store& store_;
  ReferenceModel& model_;
  std::optional<Cursor> cursor_;
  uint64_t modifyCount_ = 0;
};

// The parts of an update, for who carries it out in steps of its own.
WriteContext writeOf(const Operation& operation);
void fillBuffers(const Operation& operation, const PendingUpdate& pending);

// The store was cut off in the middle of `operation`, and has done some of it: brings the model to
// what it holds.
Difference takeInFlight(Container& container, const Operation& operation, ReferenceModel& model);

// The first step of `history` that differs, on a new store. Values from `dataThreshold` on lie on
// media; all are in the arena without one.
struct Failure {
  size_t index = 0;
  std::string difference;
};
std::optional<Failure> runHistory(std::span<const Operation> history, ArenaSource& source,
                                  uint64_t dataThreshold = PoolOptions::kNeverToMedia);

}  // namespace daos::vos::proof
