// A client host: the product's client library over the simulated network, and drivers that use it.
#pragma once

#include <memory>
#include <vector>

#include "client/container.h"
#include "client/object.h"
#include "simulator/workload/client_driver.h"
#include "simulator/world.h"

namespace daos::simulator {

// The client library as workloads see it.
class ClientSubject final : public Subject {
 public:
  explicit ClientSubject(std::shared_ptr<client::Container> container)
      : container_(std::move(container)) {}
  Task<Result<Epoch>> update(ObjectId oid, const client::UpdateArguments& arguments) override;
  Task<Result<Epoch>> fetch(ObjectId oid, const client::FetchArguments& arguments) override;
  Task<Result<Epoch>> punch(ObjectId oid, const client::PunchArguments& arguments) override;
  Task<Result<Keys>> list(ObjectId oid, const client::EnumerateArguments& arguments) override;

 private:
  std::shared_ptr<client::Container> container_;
};

struct ClientNodeArguments {
  Uuid pool;
  Uuid container;
  placement::PoolMap map;
  uint32_t depth = 1;           // drivers side by side
  uint64_t operationCount = 0;  // of each driver
  bool hasChecksums = true;
};

class ClientNode final : public Node {
 public:
  ClientNode(World& world, uint32_t id, const KeySpace& keys, Recorder& recorder,
             ClientNodeArguments arguments);

  // Drivers end at their next pause.
  void stop();
  bool isDone() const;
  // Instead of the workload: reads everything, then asks about the past again.
  void verify(std::vector<SnapshotQuestion> questions);
  bool isVerified() const { return isVerified_; }
  const std::vector<uint64_t>& verifyingReads() const { return verifyingReads_; }

 protected:
  void onBoot() override;
  void onCrash() override;

 private:
  Task<void> connect();
  Task<void> runVerification();
  uint32_t driverId(size_t driver) const {
    return static_cast<uint32_t>((id() * 1000 + bootCount()) * 10 + driver);
  }

  const KeySpace& keys_;
  Recorder& recorder_;
  const ClientNodeArguments arguments_;
  std::vector<SnapshotQuestion> questions_;
  std::vector<uint64_t> verifyingReads_;
  bool isVerifying_ = false;
  bool isVerified_ = false;
  bool isStopping_ = false;
  std::unique_ptr<rpc::Endpoint> endpoint_;
  std::unique_ptr<client::Context> context_;
  std::shared_ptr<client::Pool> pool_;
  std::unique_ptr<ClientSubject> subject_;
  std::vector<std::unique_ptr<ClientDriver>> drivers_;
};

}  // namespace daos::simulator
