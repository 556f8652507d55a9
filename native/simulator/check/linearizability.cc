#include "simulator/check/linearizability.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace daos::simulator {
namespace {

struct Fingerprint {
  uint64_t a = 0;
  uint64_t b = 0;
  bool operator==(const Fingerprint&) const = default;
  void toggle(uint64_t x, uint64_t y);
};

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
  x = (x ^ (x >> 29)) * 0xa0761d6478bd642full;
  return x ^ (x >> 32);
}

void Fingerprint::toggle(uint64_t x, uint64_t y) {
  a ^= mix(x * 0x9e3779b97f4a7c15ull + mix(y + 0x632be59bd9b4e019ull));
  b ^= mix(y * 0xe7037ed1a0b428dbull + mix(x + 0x8ebc6af09c88c6e3ull));
}

struct FingerprintHash {
  size_t operator()(const Fingerprint& f) const { return f.a ^ (f.b * 3); }
};

// A call or a return on the time line. `pair` of a call is its return, or null for an unanswered
// one.
struct Event {
  Event* previous = nullptr;
  Event* next = nullptr;
  Event* pair = nullptr;
  uint32_t operation = 0;
  bool isCall = false;
};

class Search {
 public:
  Search(const History& history, LinearizabilityOptions options);
  LinearizabilityReport run();

 private:
  struct Step {
    Event* call;
    size_t undoCount;
    bool isForced;  // placed without loss of generality: no other choice is tried in its stead
  };

  void dropUnnoticed(const History& history);
  void index();
  void lineUp();
  bool guardsHold(uint32_t operation) const;
  void place(Event* call, bool isForced);
  Event* retract();
  Event* findSilent();
  void toggleCell(CellId cell, CellValue value) {
    fingerprint_.toggle(uint64_t{cell} << 1 | 1, value);
  }
  void noteStuck(const Event* at);
  LinearizabilityReport violated() const;

  const LinearizabilityOptions options_;
  History operations_;
  std::vector<CellValue> cells_;
  std::vector<CellWrite> undo_;
  std::vector<Event> events_;
  Event head_;
  std::vector<Step> stack_;
  Fingerprint fingerprint_;
  std::unordered_set<Fingerprint, FingerprintHash> seen_;
  size_t knownLeft_ = 0;
  LinearizabilityReport longest_;
  bool hasLongest_ = false;
};

Search::Search(const History& history, LinearizabilityOptions options) : options_(options) {
  dropUnnoticed(history);
  index();
  lineUp();
}

// Keeps what was answered, and what was not but wrote something a guard may have seen.
void Search::dropUnnoticed(const History& history) {
  std::set<std::pair<CellId, CellValue>> looked;
  std::set<CellId> lookedNegated;
  for (const Operation& operation : history) {
    for (const CellGuard& guard : operation.guards) {
      if (guard.isNegated) {
        lookedNegated.insert(guard.cell);
      } else {
        looked.emplace(guard.cell, guard.value);
      }
    }
    for (const auto& cells : operation.anyPresent) lookedNegated.insert(cells.begin(), cells.end());
  }
  for (const Operation& operation : history) {
    const bool mayBeNoticed =
        std::any_of(operation.writes.begin(), operation.writes.end(), [&](const CellWrite& write) {
          return looked.contains({write.cell, write.value}) || lookedNegated.contains(write.cell);
        });
    if (operation.isKnown() || mayBeNoticed) operations_.push_back(operation);
  }
}

// Renumbers the cells densely.
void Search::index() {
  std::unordered_map<CellId, CellId> dense;
  const auto renumber = [&](CellId& cell) {
    cell = dense.emplace(cell, static_cast<CellId>(dense.size())).first->second;
  };
  for (Operation& operation : operations_) {
    for (CellGuard& guard : operation.guards) renumber(guard.cell);
    for (auto& list : operation.anyPresent) {
      for (CellId& cell : list) renumber(cell);
    }
    for (CellWrite& write : operation.writes) renumber(write.cell);
  }
  cells_.assign(dense.size(), kAbsent);
}

// Events by time; at one instant calls come first, which counts both operations as concurrent.
void Search::lineUp() {
  struct Moment {
    uint64_t timeNs;
    bool isReturn;
    uint32_t operation;
  };
  std::vector<Moment> moments;
  for (uint32_t i = 0; i < operations_.size(); ++i) {
    moments.push_back({operations_[i].invokedNs, false, i});
    if (!operations_[i].isKnown()) continue;
    moments.push_back({operations_[i].returnedNs, true, i});
    ++knownLeft_;
  }
  std::stable_sort(moments.begin(), moments.end(), [](const Moment& x, const Moment& y) {
    return x.timeNs != y.timeNs ? x.timeNs < y.timeNs : x.isReturn < y.isReturn;
  });
  events_.resize(moments.size());
  std::vector<Event*> calls(operations_.size());
  Event* last = &head_;
  for (size_t i = 0; i < moments.size(); ++i) {
    Event& event = events_[i];
    event.operation = moments[i].operation;
    event.isCall = !moments[i].isReturn;
    if (event.isCall) {
      calls[event.operation] = &event;
    } else {
      calls[event.operation]->pair = &event;
    }
    event.previous = last;
    last->next = &event;
    last = &event;
  }
}

bool Search::guardsHold(uint32_t operation) const {
  for (const CellGuard& guard : operations_[operation].guards) {
    if ((cells_[guard.cell] == guard.value) == guard.isNegated) return false;
  }
  for (const auto& list : operations_[operation].anyPresent) {
    if (std::all_of(list.begin(), list.end(), [&](CellId cell) { return cells_[cell] == kAbsent; }))
      return false;
  }
  return true;
}

void unlink(Event* event) {
  event->previous->next = event->next;
  if (event->next) event->next->previous = event->previous;
}

void relink(Event* event) {
  event->previous->next = event;
  if (event->next) event->next->previous = event;
}

void Search::place(Event* call, bool isForced) {
  const Operation& operation = operations_[call->operation];
  stack_.push_back({call, operation.writes.size(), isForced});
  for (const CellWrite& write : operation.writes) {
    CellValue& value = cells_[write.cell];
    undo_.push_back({write.cell, value});
    toggleCell(write.cell, value);
    value = write.value;
    toggleCell(write.cell, value);
  }
  fingerprint_.toggle(uint64_t{call->operation} << 1, 0);
  unlink(call);
  if (!call->pair) return;
  unlink(call->pair);
  --knownLeft_;
}

// Takes back the last placement; returns its call.
Event* Search::retract() {
  const Step step = stack_.back();
  stack_.pop_back();
  if (step.call->pair) {
    relink(step.call->pair);
    ++knownLeft_;
  }
  relink(step.call);
  fingerprint_.toggle(uint64_t{step.call->operation} << 1, 0);
  for (size_t i = 0; i < step.undoCount; ++i) {
    const CellWrite old = undo_.back();
    undo_.pop_back();
    toggleCell(old.cell, cells_[old.cell]);
    cells_[old.cell] = old.value;
    toggleCell(old.cell, old.value);
  }
  return step.call;
}

// An operation that may come next, holds now and changes nothing.
Event* Search::findSilent() {
  for (Event* event = head_.next; event && event->isCall; event = event->next) {
    if (event->pair && operations_[event->operation].writes.empty() &&
        guardsHold(event->operation)) {
      return event;
    }
  }
  return nullptr;
}

// `at` is the return that nothing more can be placed before.
void Search::noteStuck(const Event* at) {
  if (!at || (hasLongest_ && stack_.size() <= longest_.longestOrder.size())) return;
  hasLongest_ = true;
  longest_.longestOrder.clear();
  for (const Step& step : stack_)
    longest_.longestOrder.push_back(operations_[step.call->operation].id);
  const Operation& stuck = operations_[at->operation];
  longest_.stuckOperation = stuck.id;
  longest_.explanation = "no order explains " + describe(stuck) + "; after the " +
                         std::to_string(stack_.size()) + " operations of the longest order found,";
  for (const CellGuard& guard : stuck.guards) {
    longest_.explanation +=
        " cell " + std::to_string(guard.cell) + " held " + std::to_string(cells_[guard.cell]) +
        (guard.isNegated ? ", not other than " : ", not ") + std::to_string(guard.value);
  }
}

LinearizabilityReport Search::violated() const {
  LinearizabilityReport report = longest_;
  report.verdict = Verdict::kViolated;
  return report;
}

LinearizabilityReport Search::run() {
  Event* event = head_.next;
  bool isNewState = true;
  while (knownLeft_ > 0) {
    if (isNewState) {
      isNewState = false;
      if (Event* silent = findSilent()) {
        place(silent, true);
        event = head_.next;
        isNewState = true;
        continue;
      }
    }
    if (event && event->isCall) {
      if (guardsHold(event->operation)) {
        place(event, false);
        if (seen_.insert(fingerprint_).second) {
          if (seen_.size() > options_.configurationsMax) return {.verdict = Verdict::kUndecided};
          event = head_.next;
          isNewState = true;
          continue;
        }
        event = retract();
      }
      event = event->next;
      continue;
    }
    noteStuck(event);
    Event* call = nullptr;
    while (!stack_.empty()) {
      const bool isForced = stack_.back().isForced;
      call = retract();
      if (!isForced) break;
      call = nullptr;
    }
    if (!call) return violated();
    event = call->next;
  }
  return {};
}

}  // namespace

LinearizabilityReport checkLinearizability(const History& history, LinearizabilityOptions options) {
  return Search(history, options).run();
}

}  // namespace daos::simulator
