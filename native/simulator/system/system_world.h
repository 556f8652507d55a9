// The whole system: engines of some targets, clients, a network and disks; faults; and then the
// questions.
//
// A run: 1. targets lay out their disks; 2. clients work while faults are played; 3. faults end:
// everything must finish; 4. the power of all targets is cut, they recover; 5. everything is read,
// snapshots are asked again; 6. the container is destroyed: its space must come back; 7. histories
// are judged.
#pragma once

#include <memory>
#include <vector>

#include "simulator/case.h"
#include "simulator/system/client_node.h"
#include "simulator/system/target_node.h"
#include "simulator/world.h"

namespace daos::simulator {

class SystemWorld final : public World {
 public:
  explicit SystemWorld(const CaseArguments& arguments);
  ~SystemWorld() override;
  CaseResult run();

 private:
  void build();
  // Until `done`, a violation, or for so long; false when time was up.
  bool runFor(uint64_t ns, const std::function<bool()>& done);
  bool hasLostData() const;
  bool areAllServing() const;
  bool areClientsDone() const;
  void phase(uint64_t number);
  bool start();
  bool work();
  void takeSnapshots();
  void takeSnapshot();
  bool finish();
  bool recover();
  bool verify();
  bool giveSpaceBack();
  // `isWhole`: everything was read in the end.
  void judge(bool isWhole);
  void violate(std::string check, std::string explanation);
  CaseResult result();
  std::string timeline() const;

  const CaseArguments arguments_;
  SeededRandom snapshotRandom_;
  const KeySpace keys_;
  Recorder recorder_;
  Uuid pool_;
  Uuid container_;
  std::vector<TargetNode*> targets_;
  std::vector<ClientNode*> clients_;
  ClientNode* verifier_ = nullptr;
  uint64_t undecidedCount_ = 0;
};

CaseResult runSystemCase(const CaseArguments& arguments);

}  // namespace daos::simulator
