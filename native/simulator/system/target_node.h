// One target of an engine: the product's Target over a simulated disk and network, opened again
// after each crash.
#pragma once

#include <memory>
#include <string>

#include "engine/target.h"
#include "simulator/system/disk_pool_store.h"
#include "simulator/workload/recorder.h"
#include "simulator/world.h"

namespace daos::simulator {

struct TargetNodeArguments {
  uint32_t rank = 0;
  uint32_t index = 0;
  Uuid pool;
  Uuid container;
  DiskLayout layout;
  uint64_t aggregateEveryNs = 0;  // on average; 0: never
};

class TargetNode final : public Node {
 public:
  // Disk and recorder are borrowed.
  TargetNode(World& world, uint32_t id, SimulatedDisk& disk, Recorder& recorder,
             TargetNodeArguments arguments);

  // The pool is open and requests are served.
  bool isServing() const { return isUp() && isServing_; }
  engine::Target& target() { return *target_; }
  const TargetNodeArguments& arguments() const { return arguments_; }
  // Bytes in use when the pool was new.
  uint64_t emptyUsedBytes() const { return emptyUsedBytes_; }
  Result<uint64_t> usedBytes() const;
  bool hasMediaFailed() const { return media_ && media_->isFailed(); }
  // The store refused to open because of damage, as it should.
  bool hasLostData() const { return hasLostData_; }
  // Nobody could tell that this disk lost something.
  bool hidesDamage() const { return disk_.hidesDamage(); }
  // Pins `epoch` in this target's part of the container, durably.
  Task<Status> createSnapshot(Epoch epoch);
  uint64_t aggregationCount() const { return aggregationCount_; }
  uint64_t memoryRefusalCount() const { return memoryRefusalCount_; }
  uint64_t redoneTransactionCount() const { return redoneTransactionCount_; }

 protected:
  void onBoot() override;
  void onCrash() override;

 private:
  bio::DmaPool::Permission memoryOf(Process& own);
  Task<void> open();
  Task<Status> layOut();
  Task<void> watch();
  engine::AggregationOptions aggregation();
  Task<void> aggregateAtRandom();
  void judgeAggregation(const Status& status);
  Task<Status> aggregateOnce(engine::OpenContainer& container);
  void restart();

  SimulatedDisk& disk_;
  Recorder& recorder_;
  const TargetNodeArguments arguments_;
  DiskLabel label_;
  bool isLaidOut_ = false;
  bool isServing_ = false;
  bool hasLostData_ = false;
  bool isPinning_ = false;
  bool isAggregatingAtRandom_ = false;
  uint64_t emptyUsedBytes_ = 0;
  uint64_t redoneTransactionCount_ = 0;
  uint64_t aggregationCount_ = 0;
  uint64_t memoryRefusalCount_ = 0;
  // In order of construction; destroyed in reverse.
  std::unique_ptr<bio::Media> media_;
  std::unique_ptr<DiskPoolStore> store_;
  std::unique_ptr<rpc::Endpoint> endpoint_;
  std::unique_ptr<engine::Target> target_;
};

}  // namespace daos::simulator
