#include "simulator/check/durability.h"

#include <algorithm>

namespace daos::simulator {
namespace {

struct Write {
  const Operation* operation;
  CellValue value;
};
using WritesOfCells = std::map<CellId, std::vector<Write>>;

WritesOfCells collectWrites(const History& history) {
  WritesOfCells writes;
  for (const Operation& operation : history) {
    for (const CellWrite& write : operation.writes)
      writes[write.cell].push_back({&operation, write.value});
  }
  return writes;
}

// The answered write that hides one which returned at `returnedNs` for good, if there is one.
const Operation* overwriter(const std::vector<Write>& writes, uint64_t returnedNs) {
  for (const Write& write : writes) {
    if (write.operation->isKnown() && write.operation->invokedNs > returnedNs)
      return write.operation;
  }
  return nullptr;
}

std::optional<Violation> judgeCell(const std::vector<Write>& writes, const Operation& read,
                                   const CellGuard& guard) {
  const Operation* newer = nullptr;
  bool isWritten = guard.value == kAbsent;
  if (isWritten) newer = overwriter(writes, 0);
  if (isWritten && !newer) return std::nullopt;
  for (const Write& write : writes) {
    if (write.value != guard.value) continue;
    isWritten = true;
    const uint64_t returnedNs =
        write.operation->isKnown() ? write.operation->returnedNs : kOutcomeUnknown;
    newer = overwriter(writes, returnedNs);
    if (!newer) return std::nullopt;
  }
  const std::string what =
      "cell " + std::to_string(guard.cell) + " holds " + std::to_string(guard.value);
  if (!isWritten) return Violation{"durability", what + ", which nobody wrote", {read.id}};
  return Violation{"durability",
                   what + " after recovery, but " + describe(*newer) + " was answered later",
                   {read.id, newer->id}};
}

}  // namespace

std::optional<Violation> checkDurability(const History& history, const History& reads) {
  WritesOfCells writes = collectWrites(history);
  for (const Operation& read : reads) {
    for (const CellGuard& guard : read.guards) {
      if (guard.isNegated) continue;
      if (auto violation = judgeCell(writes[guard.cell], read, guard)) return violation;
    }
  }
  return std::nullopt;
}

std::optional<Violation> checkInvention(const History& history, CellValue flagMax) {
  std::map<std::pair<CellId, CellValue>, uint64_t> firstInvokedNs;
  for (const Operation& operation : history) {
    for (const CellWrite& write : operation.writes) {
      auto [entry, isNew] =
          firstInvokedNs.emplace(std::pair(write.cell, write.value), operation.invokedNs);
      if (!isNew) entry->second = std::min(entry->second, operation.invokedNs);
    }
  }
  for (const Operation& operation : history) {
    for (const CellGuard& guard : operation.guards) {
      if (guard.isNegated || guard.value == kAbsent || guard.value <= flagMax) continue;
      const auto found = firstInvokedNs.find({guard.cell, guard.value});
      if (found != firstInvokedNs.end() && found->second <= operation.returnedNs) continue;
      return Violation{"invention",
                       describe(operation) + ": cell " + std::to_string(guard.cell) + " held " +
                           std::to_string(guard.value) + ", which nobody had written",
                       {operation.id}};
    }
  }
  return std::nullopt;
}

std::optional<Violation> SnapshotChecker::observe(uint64_t epoch, uint64_t question,
                                                  uint64_t answer, uint64_t operation) {
  const auto [entry, isNew] =
      answers_.emplace(std::pair(epoch, question), Answer{answer, operation});
  if (isNew || entry->second.value == answer) return std::nullopt;
  return Violation{"immutability",
                   "epoch " + std::to_string(epoch) + ", question " + std::to_string(question) +
                       ": answered " + std::to_string(entry->second.value) + " before and " +
                       std::to_string(answer) + " now",
                   {entry->second.operation, operation}};
}

std::optional<Violation> LivenessChecker::check(uint64_t nowNs, uint64_t quietNs,
                                                uint64_t limitNs) const {
  for (const auto& [operation, beganNs] : pending_) {
    const uint64_t sinceNs = std::max(beganNs, quietNs);
    if (nowNs < sinceNs || nowNs - sinceNs <= limitNs) continue;
    return Violation{
        "liveness",
        "operation " + std::to_string(operation) + ", begun at " + std::to_string(beganNs) +
            ", has not ended " + std::to_string((nowNs - sinceNs) / 1000000) +
            " ms after faults stopped; " + std::to_string(pending_.size()) + " pending",
        {operation}};
  }
  return std::nullopt;
}

}  // namespace daos::simulator
