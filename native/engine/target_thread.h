// A target on a thread of its own, with what it stands on: reactor, transports, endpoint, store.
//
// Thread: start, post and stop from the engine's; everything else inside of posted tasks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/data_directory.h"
#include "engine/engine.h"
#include "engine/engine_devices.h"
#include "engine/target.h"
#include "rpc/fabric_transport.h"

namespace daos::engine {

class TargetThread {
 public:
  // What is no option is borrowed. Call start() once.
  // `devices`: null where the engine was given none.
  TargetThread(const EngineOptions& options, uint32_t index, DataDirectory& directory,
               EngineDevices* devices, QuotaRequests& quotaRequests, RequestSpans& requestSpans);
  ~TargetThread();

  // Blocks until the target listens.
  Status start();
  const std::vector<placement::TargetAddress>& addresses() const { return addresses_; }
  // Runs `work` on the target's thread.
  void post(std::function<Task<void>(Target&)> work);
  // Blocks: ends sessions, closes pools, joins the thread.
  Status stop();

 private:
  Status listen();
  Result<std::unique_ptr<rpc::Transport>> makeTransport(const std::string& kind);
  // At the address that the target had when it last ran, where that is free and nothing else asked
  // for: clients need not look for it.
  Result<std::unique_ptr<rpc::Transport>> makeTransportAgain(const std::string& kind,
                                                             rpc::FabricOptions fabric);
  void runThread(std::function<void(Status)> started);
  void pin();

  const EngineOptions& options_;
  const uint32_t index_;
  DataDirectory& directory_;
  EngineDevices* const devices_;
  QuotaRequests& quotaRequests_;
  RequestSpans& requestSpans_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<rpc::Endpoint> endpoint_;
  std::unique_ptr<PoolStore> store_;
  std::unique_ptr<Target> target_;
  std::vector<placement::TargetAddress> addresses_;
  Status closed_;
  std::thread thread_;
};

}  // namespace daos::engine
