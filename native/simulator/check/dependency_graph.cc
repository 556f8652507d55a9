#include "simulator/check/dependency_graph.h"

#include <algorithm>
#include <deque>

namespace daos::simulator {

void DependencyGraph::add(size_t from, size_t to, Dependency kind, uint64_t key) {
  if (from == to) return;
  for (const Edge& edge : edges_[from]) {
    if (edge.to == to && edge.kind == kind) return;
  }
  edges_[from].push_back({to, kind, key});
}

// T1 before T2 is implied when some T lies wholly between them, so only those T1 are kept that
// return after the latest call among the transactions that returned before T2's call.
void DependencyGraph::addRealTime(std::span<const Transaction* const> transactions) {
  for (size_t to = 0; to < transactions.size(); ++to) {
    const uint64_t invokedNs = transactions[to]->invokedNs;
    uint64_t latestCallNs = 0;
    for (const Transaction* other : transactions) {
      if (other->returnedNs < invokedNs) latestCallNs = std::max(latestCallNs, other->invokedNs);
    }
    for (size_t from = 0; from < transactions.size(); ++from) {
      const uint64_t returnedNs = transactions[from]->returnedNs;
      if (returnedNs < invokedNs && returnedNs >= latestCallNs)
        add(from, to, Dependency::kRealTime, 0);
    }
  }
}

// Tarjan's algorithm without recursion: the component of each node.
std::vector<size_t> DependencyGraph::components(const std::set<Dependency>& kinds) const {
  constexpr size_t kNone = ~size_t{0};
  const size_t count = edges_.size();
  std::vector<size_t> order(count, kNone), low(count, 0), component(count, kNone), path,
      position(count, 0);
  std::vector<size_t> calls;
  size_t next = 0, componentCount = 0;
  for (size_t root = 0; root < count; ++root) {
    if (order[root] != kNone) continue;
    calls.push_back(root);
    while (!calls.empty()) {
      const size_t node = calls.back();
      if (position[node] == 0) {
        order[node] = low[node] = next++;
        path.push_back(node);
      }
      if (position[node] < edges_[node].size()) {
        const Edge& edge = edges_[node][position[node]++];
        if (!kinds.contains(edge.kind)) continue;
        if (order[edge.to] == kNone) {
          calls.push_back(edge.to);
        } else if (component[edge.to] == kNone) {
          low[node] = std::min(low[node], order[edge.to]);
        }
        continue;
      }
      calls.pop_back();
      if (!calls.empty()) low[calls.back()] = std::min(low[calls.back()], low[node]);
      if (low[node] != order[node]) continue;
      for (size_t member = kNone; member != node;) {
        member = path.back();
        path.pop_back();
        component[member] = componentCount;
      }
      ++componentCount;
    }
  }
  return component;
}

std::optional<std::vector<DependencyGraph::Step>> DependencyGraph::shortestPath(
    size_t from, size_t to, const std::set<Dependency>& kinds) const {
  std::vector<std::optional<Step>> reachedBy(edges_.size());
  std::deque<size_t> queue{from};
  std::vector<bool> isSeen(edges_.size());
  isSeen[from] = true;
  while (!queue.empty()) {
    const size_t node = queue.front();
    queue.pop_front();
    if (node == to) break;
    for (const Edge& edge : edges_[node]) {
      if (!kinds.contains(edge.kind) || isSeen[edge.to]) continue;
      isSeen[edge.to] = true;
      reachedBy[edge.to] = Step{node, edge.to, edge.kind, edge.key};
      queue.push_back(edge.to);
    }
  }
  if (!isSeen[to]) return std::nullopt;
  std::vector<Step> path;
  for (size_t node = to; node != from; node = path.back().from) path.push_back(*reachedBy[node]);
  std::reverse(path.begin(), path.end());
  return path;
}

std::optional<std::vector<DependencyGraph::Step>> DependencyGraph::findCycle(
    const std::set<Dependency>& kinds, std::optional<Dependency> onceOnly) const {
  std::set<Dependency> all = kinds;
  if (onceOnly) all.insert(*onceOnly);
  const std::vector<size_t> component = components(all);
  std::optional<std::vector<Step>> shortest;
  for (size_t node = 0; node < edges_.size(); ++node) {
    for (const Edge& edge : edges_[node]) {
      if (!all.contains(edge.kind) || component[node] != component[edge.to]) continue;
      if (onceOnly && edge.kind != *onceOnly) continue;
      auto back = shortestPath(edge.to, node, kinds);
      if (!back || (shortest && back->size() + 1 >= shortest->size())) continue;
      back->insert(back->begin(), Step{node, edge.to, edge.kind, edge.key});
      shortest = std::move(back);
    }
  }
  return shortest;
}

}  // namespace daos::simulator
