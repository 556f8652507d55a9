// A graph of transactions whose edges are labelled with dependencies, and the cycles in it.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "simulator/check/serializability.h"

namespace daos::simulator {

class DependencyGraph {
 public:
  explicit DependencyGraph(size_t nodeCount) : edges_(nodeCount) {}

  // Nodes are indices; an edge to itself is ignored.
  void add(size_t from, size_t to, Dependency kind, uint64_t key);
  // The edges of time that no chain of others implies.
  void addRealTime(std::span<const Transaction* const> transactions);

  // The shortest cycle in the first strongly connected component of the edges whose kinds are in
  // `kinds`. With `onceOnly`, exactly one edge of that kind is on it.
  struct Step {
    size_t from;
    size_t to;
    Dependency kind;
    uint64_t key;
  };
  std::optional<std::vector<Step>> findCycle(const std::set<Dependency>& kinds,
                                             std::optional<Dependency> onceOnly = {}) const;

 private:
  struct Edge {
    size_t to;
    Dependency kind;
    uint64_t key;
  };
  std::vector<std::vector<Edge>> edges_;

  std::vector<size_t> components(const std::set<Dependency>& kinds) const;
  std::optional<std::vector<Step>> shortestPath(size_t from, size_t to,
                                                const std::set<Dependency>& kinds) const;
};

}  // namespace daos::simulator
