// Nodes that boot and crash, a network between them, disks under them, and a fault plan that is
// played to them.
//
// Life: 1. derived worlds add nodes and disks; 2. boot(); playFaults(); run under scheduler(); 3.
// heal(): no more
//       faults, everything that is down boots; 4. destruction crashes what is up.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "simulator/disk.h"
#include "simulator/faults.h"
#include "simulator/network.h"
#include "simulator/process.h"

namespace daos::simulator {

class World;

// A host of one process. What the process runs is built in onBoot() and destroyed in onCrash().
class Node {
 public:
  Node(World& world, uint32_t id) : world_(world), id_(id) {}
  virtual ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  uint32_t id() const { return id_; }
  bool isUp() const { return process_ != nullptr; }
  Process& process() { return *process_; }
  void boot();
  // Everything of the process is gone; nothing of it says good-bye.
  void crash();
  uint32_t bootCount() const { return bootCount_; }

 protected:
  virtual void onBoot() = 0;
  // All tasks have been dropped already. No completion may reach anything any more.
  virtual void onCrash() = 0;
  World& world() { return world_; }

 private:
  World& world_;
  const uint32_t id_;
  uint32_t bootCount_ = 0;
  int64_t clockStepNs_ = 0;
  friend class World;
  std::unique_ptr<Process> process_;
};

struct WorldArguments {
  uint64_t seed = 0;
  FaultOptions faults;
  std::set<uint32_t> withoutFaults;  // indices of the plan that are left out
  bool isRecording = false;
};

class World {
 public:
  explicit World(WorldArguments arguments);
  virtual ~World();

  Scheduler& scheduler() { return scheduler_; }
  Trace& trace() { return trace_; }
  SimulatedNetwork& network() { return *network_; }
  const FaultOptions& faults() const { return arguments_.faults; }
  uint64_t seed() const { return arguments_.seed; }

  // Plays the plan from now on, for so long.
  void playFaults(uint64_t ns);
  const std::vector<FaultEvent>& plan() const { return plan_; }
  // What faults did so far, by name, for reports.
  std::map<std::string, uint64_t> faultCounts() const;
  // What faults have done to data: nothing, to some on its way, to some on disks.
  enum class Damage { kNone, kOnTheWay, kAtRest };
  Damage damage() const;
  // Ends all faults; what is down boots at once.
  void heal();
  uint64_t healedAtNs() const { return healedAtNs_; }
  bool isHealed() const { return isHealed_; }
  // Crashes all nodes with a disk and cuts the power of all disks; they boot after `downNs`.
  void cutPower(uint64_t downNs);
  // Crashes the node and its group, which boot after `downNs`.
  void crash(Node& node, uint64_t downNs);

 protected:
  // Nodes of one `group` (0: none) are threads of one program and crash together. Nodes with
  // `disks` (borrowed; they die with the world) lose power together.
  Node& addNode(std::unique_ptr<Node> node, std::vector<SimulatedDisk*> disks = {},
                uint32_t group = 0);
  SimulatedDisk& addDisk(DiskOptions options);
  // Destroys all nodes, which crash if they are up; for destructors of derived worlds.
  void clear();

 private:
  struct Place {
    std::unique_ptr<Node> node;
    std::vector<SimulatedDisk*> disks;
    uint32_t group;
    Scheduler::EventId bootEvent;
  };
  void strike(const FaultEvent& event);
  void partition(const FaultEvent& event, SeededRandom& random);
  void bootLater(Place& place, uint64_t ns);
  Place& draw(SeededRandom& random) { return places_[random.below(places_.size())]; }

  const WorldArguments arguments_;
  Scheduler scheduler_;
  Trace trace_;
  std::unique_ptr<SimulatedNetwork> network_;
  std::vector<std::unique_ptr<SimulatedDisk>> disks_;
  std::deque<Place> places_;  // events refer to them
  std::vector<FaultEvent> plan_;
  std::map<std::string, uint64_t> struck_;
  uint64_t haltCount_ = 0;
  uint64_t healedAtNs_ = 0;
  bool isHealed_ = false;
};

}  // namespace daos::simulator
