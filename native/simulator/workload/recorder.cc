#include "simulator/workload/recorder.h"

#include <algorithm>
#include <cstdio>
#include <set>

namespace daos::simulator {

static uint64_t digestOf(const std::vector<Effect>& effects) {
  uint64_t digest = effects.size();
  const auto absorb = [&](uint64_t word) {
    digest = (digest ^ word) * 0x9e3779b97f4a7c15ull + (digest >> 29);
  };
  for (const Effect& effect : effects) {
    absorb(effect.group);
    for (const CellGuard& guard : effect.guards)
      absorb(uint64_t{guard.cell} << 32 ^ guard.value ^ (guard.isNegated ? 1u << 31 : 0));
    for (const CellWrite& write : effect.writes) absorb(uint64_t{write.cell} << 33 ^ write.value);
    absorb(effect.anyPresent.size());
  }
  return digest;
}

void Recorder::trace(TraceKind kind, const RecordedOperation& operation, uint64_t digest) {
  trace_.add({scheduler_.nowNs(), operation.client, kind, operation.id,
              static_cast<uint64_t>(operation.code), digest});
}

void Recorder::invoke(uint64_t id, uint32_t client, std::string what, std::vector<Effect> effects) {
  RecordedOperation& operation = operations_[id];
  operation.id = id;
  operation.client = client;
  operation.what = std::move(what);
  operation.invokedNs = scheduler_.nowNs();
  operation.effects = std::move(effects);
  liveness_.begin(id, scheduler_.nowNs());
  trace(TraceKind::kInvoke, operation, digestOf(operation.effects));
}

void Recorder::finish(uint64_t id, ErrorCode code, bool isAnswered) {
  RecordedOperation& operation = operations_.at(id);
  operation.code = code;
  operation.isAnswered = isAnswered;
  if (isAnswered) operation.returnedNs = scheduler_.nowNs();
  liveness_.end(id);
  trace(TraceKind::kReturn, operation, digestOf(operation.effects));
}

void Recorder::complete(uint64_t id, ErrorCode code, Epoch epoch, std::vector<Effect> effects) {
  RecordedOperation& operation = operations_.at(id);
  operation.effects = std::move(effects);
  operation.epoch = epoch;
  finish(id, code, true);
}

void Recorder::refuse(uint64_t id, ErrorCode code) {
  operations_.at(id).effects.clear();
  finish(id, code, true);
}

void Recorder::lose(uint64_t id, ErrorCode code) { finish(id, code, false); }

void Recorder::abandon(uint32_t client) {
  for (const auto& [id, operation] : operations_) {
    if (operation.client == client) liveness_.end(id);
  }
}

void Recorder::violate(Violation violation) {
  if (!violation_) violation_ = std::move(violation);
}

uint64_t Recorder::countOf(ErrorCode code) const {
  return static_cast<uint64_t>(
      std::count_if(operations_.begin(), operations_.end(),
                    [&](const auto& entry) { return entry.second.code == code; }));
}

static Operation toOperation(const RecordedOperation& recorded, const Effect& effect) {
  return {.id = recorded.id,
          .client = recorded.client,
          .invokedNs = recorded.invokedNs,
          .returnedNs = recorded.returnedNs,
          .guards = effect.guards,
          .anyPresent = effect.anyPresent,
          .writes = effect.writes};
}

History Recorder::historyOf(GroupId group) const {
  History history;
  for (const auto& [id, operation] : operations_) {
    for (const Effect& effect : operation.effects) {
      if (effect.group == group) history.push_back(toOperation(operation, effect));
    }
  }
  return history;
}

std::optional<Violation> Recorder::judge(uint64_t& undecided) const {
  std::vector<History> histories(keys_.groupCount());
  for (const auto& [id, operation] : operations_) {
    for (const Effect& effect : operation.effects)
      histories[effect.group].push_back(toOperation(operation, effect));
  }
  for (GroupId group = 0; group < histories.size(); ++group) {
    const auto named = [&](Violation violation) {
      violation.explanation = keys_.describe(group) + ": " + violation.explanation;
      return violation;
    };
    if (auto violation = checkInvention(histories[group])) return named(*violation);
    const LinearizabilityReport report = checkLinearizability(histories[group]);
    undecided += report.verdict == Verdict::kUndecided;
    if (report.verdict == Verdict::kViolated) {
      return named({"linearizability", report.explanation, {report.stuckOperation}});
    }
  }
  return std::nullopt;
}

static std::string lineOf(const RecordedOperation& operation, const std::set<GroupId>& groups) {
  char head[128];
  std::snprintf(head, sizeof(head), "%12.6f .. ", static_cast<double>(operation.invokedNs) / 1e6);
  std::string line = head;
  if (operation.returnedNs == kOutcomeUnknown) {
    line += "     unknown";
  } else {
    std::snprintf(head, sizeof(head), "%12.6f", static_cast<double>(operation.returnedNs) / 1e6);
    line += head;
  }
  line += " ms  client " + std::to_string(operation.client) + "  " + std::to_string(operation.id) +
          " " + operation.what;
  line += operation.code == ErrorCode::kOk ? "" : " " + std::string(errorName(operation.code));
  if (operation.epoch) line += " epoch " + std::to_string(operation.epoch);
  for (const Effect& effect : operation.effects) {
    if (!groups.contains(effect.group)) continue;
    for (const CellGuard& guard : effect.guards) {
      line += " saw " + std::to_string(guard.cell) + (guard.isNegated ? "!=" : "=") +
              std::to_string(guard.value);
    }
    for (const auto& list : effect.anyPresent)
      line += " saw some of " + std::to_string(list.size());
    for (const CellWrite& write : effect.writes) {
      line += " wrote " + std::to_string(write.cell) + "=" + std::to_string(write.value);
    }
  }
  return line + "\n";
}

// What is about a store as a whole names no operation: how it came to that is in the last ones.
static std::string lastLinesOf(const std::map<uint64_t, RecordedOperation>& operations) {
  constexpr size_t kLineCountMax = 100;
  const size_t skipCount = operations.size() - std::min(operations.size(), kLineCountMax);
  std::string text = "  (it names none: the last " + std::to_string(operations.size() - skipCount) +
                     " of " + std::to_string(operations.size()) + ")\n";
  for (auto each = std::next(operations.begin(), static_cast<ptrdiff_t>(skipCount));
       each != operations.end(); ++each) {
    std::set<GroupId> groups;
    for (const Effect& effect : each->second.effects) groups.insert(effect.group);
    text += lineOf(each->second, groups);
  }
  return text;
}

std::string Recorder::timeline(const Violation& violation) const {
  if (violation.operations.empty()) return lastLinesOf(operations_);
  std::set<GroupId> groups;
  for (const uint64_t id : violation.operations) {
    const auto found = operations_.find(id);
    if (found == operations_.end()) continue;
    for (const Effect& effect : found->second.effects) groups.insert(effect.group);
  }
  std::string text;
  for (const auto& [id, operation] : operations_) {
    const bool isNamed = std::find(violation.operations.begin(), violation.operations.end(), id) !=
                         violation.operations.end();
    const bool isRelated =
        std::any_of(operation.effects.begin(), operation.effects.end(),
                    [&](const Effect& effect) { return groups.contains(effect.group); });
    if (isNamed || isRelated) text += lineOf(operation, groups);
  }
  return text;
}

}  // namespace daos::simulator
