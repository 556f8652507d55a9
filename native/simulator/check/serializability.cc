#include "simulator/check/serializability.h"

#include <algorithm>
#include <map>
#include <optional>

#include "simulator/check/dependency_graph.h"

namespace daos::simulator {
namespace {

constexpr const char* kDependencyNames[] = {"ww", "wr", "rw", "time"};

// Who wrote an element of a key, and whether it was that transaction's last write to the key.
struct Writer {
  size_t transaction;
  bool isLast;
};

class Judge {
 public:
  Judge(std::span<const Transaction> history, SerializabilityOptions options);
  std::vector<Anomaly> judgeLists();
  std::vector<Anomaly> judgeRegisters();

 private:
  using Key = uint64_t;
  using Element = uint64_t;

  void indexWrites();
  void keepNoticed();
  void report(std::string name, std::string explanation);
  void judgeListRead(size_t reader, const Access& read, std::span<const Element> own);
  void judgeInternalLists();
  bool judgeSource(size_t reader, Key key, Element element, bool isNewest);
  void orderLists();
  void linkListRead(size_t reader, const Access& read, std::span<const Element> own);
  void linkRegisters();
  void judgeCycles();
  std::string nameOf(size_t transaction) const {
    return "T" + std::to_string(all_[transaction]->id);
  }

  const SerializabilityOptions options_;
  std::vector<const Transaction*> all_;
  std::vector<bool> isKept_;
  std::map<Key, std::map<Element, Writer>> writers_;
  std::map<Key, std::vector<Element>> orders_;
  DependencyGraph graph_{0};
  std::vector<Anomaly> anomalies_;
};

Judge::Judge(std::span<const Transaction> history, SerializabilityOptions options)
    : options_(options) {
  for (const Transaction& transaction : history) all_.push_back(&transaction);
  indexWrites();
  keepNoticed();
  graph_ = DependencyGraph(all_.size());
}

void Judge::report(std::string name, std::string explanation) {
  anomalies_.push_back({std::move(name), {}, std::move(explanation)});
}

void Judge::indexWrites() {
  for (size_t i = 0; i < all_.size(); ++i) {
    std::map<Key, Writer*> last;
    for (const Access& access : all_[i]->accesses) {
      if (access.kind == AccessKind::kRead) continue;
      const auto [entry, isNew] =
          writers_[access.key].emplace(access.elements.at(0), Writer{i, true});
      if (!isNew)
        report("duplicate",
               nameOf(i) + " writes an element of key " + std::to_string(access.key) + " again");
      if (Writer* earlier = last[access.key]) earlier->isLast = false;
      last[access.key] = &entry->second;
    }
  }
}

// Committed transactions, and unanswered ones of which somebody saw a write.
void Judge::keepNoticed() {
  isKept_.assign(all_.size(), false);
  for (size_t i = 0; i < all_.size(); ++i) {
    if (all_[i]->outcome != TransactionOutcome::kCommitted) continue;
    isKept_[i] = true;
    for (const Access& access : all_[i]->accesses) {
      if (access.kind != AccessKind::kRead) continue;
      for (const Element element : access.elements) {
        const auto found = writers_[access.key].find(element);
        if (found == writers_[access.key].end()) continue;
        const size_t writer = found->second.transaction;
        if (all_[writer]->outcome == TransactionOutcome::kUnknown) isKept_[writer] = true;
      }
    }
  }
}

// False (and an anomaly) when `element` must not be seen by `reader`.
bool Judge::judgeSource(size_t reader, Key key, Element element, bool isNewest) {
  const auto found = writers_[key].find(element);
  const std::string what =
      nameOf(reader) + " saw element " + std::to_string(element) + " of key " + std::to_string(key);
  if (found == writers_[key].end()) {
    report("invented", what + ", which nobody wrote");
    return false;
  }
  const Writer writer = found->second;
  if (all_[writer.transaction]->outcome == TransactionOutcome::kAborted) {
    report("G1a", what + " of " + nameOf(writer.transaction) + ", which aborted");
    return false;
  }
  if (isNewest && !writer.isLast && writer.transaction != reader) {
    report("G1b", what + ", which " + nameOf(writer.transaction) + " overwrote itself");
  }
  return true;
}

void Judge::judgeListRead(size_t reader, const Access& read, std::span<const Element> own) {
  const size_t count = read.elements.size();
  if (count < own.size() || !std::equal(own.begin(), own.end(), read.elements.end() - own.size())) {
    report("internal",
           nameOf(reader) + " does not see its own writes to key " + std::to_string(read.key));
    return;
  }
  for (size_t i = 0; i < count - own.size(); ++i) {
    judgeSource(reader, read.key, read.elements[i], i + 1 == count - own.size());
  }
}

// Walks each kept transaction with what it has appended itself so far.
void Judge::judgeInternalLists() {
  for (size_t i = 0; i < all_.size(); ++i) {
    if (!isKept_[i] || all_[i]->outcome != TransactionOutcome::kCommitted) continue;
    std::map<Key, std::vector<Element>> own;
    for (const Access& access : all_[i]->accesses) {
      auto& mine = own[access.key];
      if (access.kind == AccessKind::kRead) {
        judgeListRead(i, access, mine);
      } else {
        mine.push_back(access.elements[0]);
      }
    }
  }
}

// The longest list seen of each key is the order of its writes; every other read must be a
// beginning of it.
void Judge::orderLists() {
  for (size_t i = 0; i < all_.size(); ++i) {
    if (all_[i]->outcome != TransactionOutcome::kCommitted) continue;
    for (const Access& access : all_[i]->accesses) {
      if (access.kind != AccessKind::kRead) continue;
      auto& order = orders_[access.key];
      const size_t common = std::min(order.size(), access.elements.size());
      if (!std::equal(order.begin(), order.begin() + static_cast<ptrdiff_t>(common),
                      access.elements.begin())) {
        report("incompatible-order", nameOf(i) + " saw writes of key " +
                                         std::to_string(access.key) +
                                         " in another order than an earlier reader");
      } else if (access.elements.size() > order.size()) {
        order = access.elements;
      }
    }
  }
  for (const auto& [key, order] : orders_) {
    for (size_t i = 0; i + 1 < order.size(); ++i) {
      const auto& writers = writers_[key];
      const auto from = writers.find(order[i]), to = writers.find(order[i + 1]);
      if (from == writers.end() || to == writers.end()) continue;
      graph_.add(from->second.transaction, to->second.transaction, Dependency::kWriteWrite, key);
    }
  }
}

// wr from the writer of the newest element seen, rw to the writer of the first one not seen.
void Judge::linkListRead(size_t reader, const Access& read, std::span<const Element> own) {
  if (own.size() > read.elements.size()) return;
  const size_t seenCount = read.elements.size() - own.size();
  const auto& writers = writers_[read.key];
  const auto& order = orders_[read.key];
  if (seenCount > 0) {
    const auto newest = writers.find(read.elements[seenCount - 1]);
    if (newest != writers.end())
      graph_.add(newest->second.transaction, reader, Dependency::kWriteRead, read.key);
  }
  // Own elements come right after those seen; beyond them is what was missed.
  const size_t missed = seenCount + own.size();
  std::vector<size_t> missing;
  if (missed < order.size()) {
    const auto next = writers.find(order[missed]);
    if (next != writers.end()) missing.push_back(next->second.transaction);
  } else if (own.empty()) {
    // Appended, but never read by anybody: committed writers of elements outside the order come
    // later.
    for (const auto& [element, writer] : writers) {
      const bool isCommitted = all_[writer.transaction]->outcome == TransactionOutcome::kCommitted;
      if (isCommitted && std::find(order.begin(), order.end(), element) == order.end()) {
        missing.push_back(writer.transaction);
      }
    }
  }
  for (const size_t writer : missing) graph_.add(reader, writer, Dependency::kReadWrite, read.key);
}

std::vector<Anomaly> Judge::judgeLists() {
  judgeInternalLists();
  orderLists();
  for (size_t i = 0; i < all_.size(); ++i) {
    if (all_[i]->outcome != TransactionOutcome::kCommitted) continue;
    std::map<Key, std::vector<Element>> own;
    for (const Access& access : all_[i]->accesses) {
      auto& mine = own[access.key];
      if (access.kind == AccessKind::kRead) {
        linkListRead(i, access, mine);
      } else {
        mine.push_back(access.elements[0]);
      }
    }
  }
  judgeCycles();
  return std::move(anomalies_);
}

// A version's readers depend on its writer; transactions that read it and then wrote the key follow
// it.
void Judge::linkRegisters() {
  struct Version {
    std::vector<size_t> readers;
    std::vector<size_t> successors;
  };
  std::map<std::pair<Key, Element>, Version> versions;
  for (size_t i = 0; i < all_.size(); ++i) {
    if (!isKept_[i]) continue;
    std::map<Key, Element> read;
    std::map<Key, Element> own;
    for (const Access& access : all_[i]->accesses) {
      if (access.kind != AccessKind::kRead) {
        const auto seen = read.find(access.key);
        if (seen != read.end() && !own.contains(access.key))
          versions[{access.key, seen->second}].successors.push_back(i);
        own[access.key] = access.elements[0];
        continue;
      }
      if (all_[i]->outcome != TransactionOutcome::kCommitted) {
        if (!access.elements.empty() || !own.contains(access.key)) {
          read.emplace(access.key, access.elements.empty() ? 0 : access.elements[0]);
        }
        continue;
      }
      const Element element = access.elements.empty() ? 0 : access.elements[0];
      const auto mine = own.find(access.key);
      if (mine != own.end()) {
        if (mine->second != element) {
          report("internal",
                 nameOf(i) + " does not see its own write to key " + std::to_string(access.key));
        }
        continue;
      }
      const auto [earlier, isFirst] = read.emplace(access.key, element);
      if (!isFirst && earlier->second != element) {
        report("internal", nameOf(i) + " saw two values of key " + std::to_string(access.key));
      }
      if (element != 0 && !judgeSource(i, access.key, element, true)) continue;
      versions[{access.key, element}].readers.push_back(i);
    }
  }
  for (const auto& [at, version] : versions) {
    const auto& [key, element] = at;
    const auto writer = writers_[key].find(element);
    const bool isWritten = element != 0 && writer != writers_[key].end();
    for (const size_t reader : version.readers) {
      if (isWritten) graph_.add(writer->second.transaction, reader, Dependency::kWriteRead, key);
      for (const size_t next : version.successors)
        graph_.add(reader, next, Dependency::kReadWrite, key);
      // What replaces "absent" is every write, known to come later whether or not its writer looked
      // first.
      if (element != 0) continue;
      for (const auto& [_, other] : writers_[key]) {
        if (all_[other.transaction]->outcome == TransactionOutcome::kCommitted) {
          graph_.add(reader, other.transaction, Dependency::kReadWrite, key);
        }
      }
    }
    if (!isWritten) continue;
    for (const size_t next : version.successors) {
      graph_.add(writer->second.transaction, next, Dependency::kWriteWrite, key);
    }
  }
}

std::vector<Anomaly> Judge::judgeRegisters() {
  linkRegisters();
  judgeCycles();
  return std::move(anomalies_);
}

// Looks for the worst first: each search allows more kinds of edges than the one before.
void Judge::judgeCycles() {
  if (options_.isRealTime) {
    std::vector<const Transaction*> kept = all_;
    static const Transaction kOutside{.invokedNs = 0};
    for (size_t i = 0; i < kept.size(); ++i) {
      if (!isKept_[i]) kept[i] = &kOutside;
    }
    graph_.addRealTime(kept);
  }
  using D = Dependency;
  struct Shape {
    const char* name;
    std::set<D> kinds;
    std::optional<D> onceOnly;
  };
  const Shape shapes[] = {
      {"G0", {D::kWriteWrite}, {}},
      {"G1c", {D::kWriteWrite, D::kWriteRead}, {}},
      {"G-single", {D::kWriteWrite, D::kWriteRead}, D::kReadWrite},
      {"G2-item", {D::kWriteWrite, D::kWriteRead, D::kReadWrite}, {}},
      {"G1c-realtime", {D::kWriteWrite, D::kWriteRead, D::kRealTime}, {}},
      {"G-single-realtime", {D::kWriteWrite, D::kWriteRead, D::kRealTime}, D::kReadWrite},
      {"G2-item-realtime", {D::kWriteWrite, D::kWriteRead, D::kReadWrite, D::kRealTime}, {}},
  };
  for (const Shape& shape : shapes) {
    const auto cycle = graph_.findCycle(shape.kinds, shape.onceOnly);
    if (!cycle) continue;
    Anomaly anomaly{shape.name, {}, {}};
    for (const auto& step : *cycle) {
      anomaly.cycle.push_back({all_[step.from]->id, all_[step.to]->id, step.kind, step.key});
      anomaly.explanation +=
          nameOf(step.from) + " -" + kDependencyNames[static_cast<int>(step.kind)] +
          (step.kind == D::kRealTime ? "" : "(" + std::to_string(step.key) + ")") + "-> ";
    }
    anomaly.explanation += nameOf(cycle->front().from);
    anomalies_.push_back(std::move(anomaly));
    return;
  }
}

}  // namespace

std::vector<Anomaly> checkLists(std::span<const Transaction> history,
                                SerializabilityOptions options) {
  return Judge(history, options).judgeLists();
}

std::vector<Anomaly> checkRegisters(std::span<const Transaction> history,
                                    SerializabilityOptions options) {
  return Judge(history, options).judgeRegisters();
}

}  // namespace daos::simulator
