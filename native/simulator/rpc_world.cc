#include "simulator/rpc_world.h"

#include <algorithm>
#include <map>

#include "rpc/rpc.h"
#include "simulator/random_stream.h"
#include "simulator/workload/outcome.h"
#include "simulator/workload/value_codec.h"
#include "simulator/world.h"

namespace daos::simulator {
namespace {

constexpr uint16_t kAppendSlowly = 1;
constexpr uint16_t kAppendAtOnce = 2;
constexpr uint16_t kRead = 3;

struct CallRecord {
  ErrorCode code = ErrorCode::kOk;
  bool isEnded = false;
};

struct Ledger {
  std::map<uint64_t, int> runCount;
  std::map<uint64_t, CallRecord> calls;
  uint64_t idLast = 0;
  std::vector<std::string> violations;
};

class RpcNode : public Node {
 public:
  RpcNode(World& world, uint32_t id, Ledger& ledger) : Node(world, id), ledger_(ledger) {}

 protected:
  void onBoot() override {
    endpoint_ = rpc::Endpoint::create(process().reactor(), process().random());
    endpoint_->addTransport(world().network().createTransport(process()));
  }
  void onCrash() override { endpoint_.reset(); }
  Ledger& ledger_;
  std::unique_ptr<rpc::Endpoint> endpoint_;
};

class ServerNode final : public RpcNode {
 public:
  using RpcNode::RpcNode;
  bool isQuiet() const { return endpoint_->isQuiet(); }

 protected:
  void onBoot() override {
    RpcNode::onBoot();
    endpoint_->handle(kAppendSlowly, [this](rpc::Request& request) { return append(request); });
    endpoint_->handleFast(kAppendAtOnce, [this](rpc::Request& request) {
      if (!request.isDataInline()) return false;
      apply(request, Bytes(request.inlineData()));
      return true;
    });
    endpoint_->handle(kAppendAtOnce, [this](rpc::Request& request) { return append(request); });
    endpoint_->handle(kRead, [this](rpc::Request& request) { return read(request); });
  }

 private:
  void apply(rpc::Request& request, Bytes data) {
    const auto id = loadAs<uint64_t>(request.body().data());
    if (!data.empty() && decodeValue(data, 1) != id)
      ledger_.violations.push_back("payload of " + std::to_string(id));
    ++ledger_.runCount[id];
    request.reply(request.body());
  }
  Task<void> append(rpc::Request& request) {
    std::vector<std::byte> data(request.dataSize());
    const MutableBytes pieces[] = {data};
    const Status pulled = co_await request.pull(pieces);
    if (!pulled.ok()) {
      request.fail(pulled.error());
      co_return;
    }
    co_await process().reactor().sleep(process().random().below(3'000'000));
    apply(request, data);
  }
  Task<void> read(rpc::Request& request) {
    std::vector<std::byte> data(request.sinkSize());
    if (!data.empty()) encodeValue(data, loadAs<uint64_t>(request.body().data()), 2);
    const Bytes pieces[] = {data};
    co_await process().reactor().sleep(process().random().below(1'000'000));
    if (!request.isSinkRemote()) co_return request.reply(request.body(), pieces);
    const Status pushed = co_await request.push(pieces);
    if (!pushed.ok()) co_return request.fail(pushed.error());
    request.reply(request.body());
  }
};

class ClientNode final : public RpcNode {
 public:
  ClientNode(World& world, uint32_t id, Ledger& ledger, uint32_t serverCount)
      : RpcNode(world, id, ledger), serverCount_(serverCount) {}
  bool isQuiet() const { return isStopping && endpoint_->isQuiet() && runningCount_ == 0; }
  bool isStopping = false;

 protected:
  void onBoot() override {
    RpcNode::onBoot();
    runningCount_ = 0;
    for (int i = 0; i < 3; ++i) process().reactor().spawn(loop());
  }

 private:
  static uint64_t drawSize(Random& random) {
    const uint64_t sizes[] = {0, 64, 3000, 20'000, 90'000};
    const uint64_t size = sizes[random.below(5)];
    return size ? size + random.below(8) * 8 : 0;
  }
  Task<void> loop() {
    ++runningCount_;
    while (!isStopping) {
      co_await process().reactor().sleep(process().random().below(40'000'000));
      co_await one();
    }
    --runningCount_;
  }
  Task<void> one() {
    Random& random = process().random();
    const uint64_t id = ++ledger_.idLast;
    const uint16_t opcode = static_cast<uint16_t>(1 + random.below(3));
    std::vector<std::byte> payload(drawSize(random));
    if (!payload.empty() && opcode != kRead) encodeValue(payload, id, 1);
    const Bytes data[] = {payload};
    const MutableBytes sink[] = {payload};
    rpc::CallArguments arguments{
        .opcode = opcode, .isModification = opcode != kRead, .body = bytesOf(&id, sizeof(id))};
    arguments.deadlineNs = process().reactor().nowNs() + 100'000'000 + random.below(3'000'000'000);
    if (opcode == kRead) {
      arguments.sink = sink;
    } else if (!payload.empty()) {
      arguments.data = data;
    }
    rpc::Peer& peer = endpoint_->peer(
        SimulatedNetwork::addressOf(1 + static_cast<uint32_t>(random.below(serverCount_))));
    ledger_.calls[id];
    auto result = co_await endpoint_->call(peer, arguments);
    CallRecord& record = ledger_.calls[id];
    record.isEnded = true;
    record.code = result.code();
    const FaultOptions& faults = world().faults();
    const uint64_t graceNs = 500'000'000 + (faults.pauseEveryNs ? 2 * faults.pauseMaxNs : 0);
    const bool isLate = process().reactor().nowNs() > arguments.deadlineNs + graceNs;
    if (isLate) ledger_.violations.push_back("late end of " + std::to_string(id));
    if (!result.ok()) {
      if (isUnexpected(record.code)) ledger_.violations.push_back(result.error().describe());
      co_return;
    }
    const bool isAnswerRight =
        result->body().size() == 8 && loadAs<uint64_t>(result->body().data()) == id;
    const bool isDataRight = opcode != kRead || payload.empty() || decodeValue(payload, 2) == id;
    if (!isAnswerRight || !isDataRight)
      ledger_.violations.push_back("answer of " + std::to_string(id));
  }

  const uint32_t serverCount_;
  int runningCount_ = 0;
};

class RpcWorld : public World {
 public:
  explicit RpcWorld(const CaseArguments& arguments)
      : World({arguments.seed, arguments.faults, arguments.withoutFaults, arguments.isRecording}),
        durationNs_(arguments.durationNs) {
    network().setInlineSizeMax(seed() % 2 ? 1024 : 16384);
    for (uint32_t id = 1; id <= 2; ++id) {
      servers.push_back(
          static_cast<ServerNode*>(&addNode(std::make_unique<ServerNode>(*this, id, ledger))));
    }
    for (uint32_t id = 11; id <= 13; ++id) {
      clients.push_back(
          static_cast<ClientNode*>(&addNode(std::make_unique<ClientNode>(*this, id, ledger, 2u))));
    }
  }
  ~RpcWorld() override { clear(); }

  CaseResult run() {
    for (ServerNode* server : servers) server->boot();
    for (ClientNode* client : clients) client->boot();
    playFaults(durationNs_);
    scheduler().runUntil(durationNs_);
    heal();
    scheduler().runUntil(durationNs_ + 500'000'000);
    for (ClientNode* client : clients) client->isStopping = true;
    scheduler().runUntil(durationNs_ + 25'000'000'000, [this] { return isQuiet(); });
    judge();
    return result();
  }
  Ledger ledger;
  std::vector<ServerNode*> servers;
  std::vector<ClientNode*> clients;

 private:
  bool isQuiet() const {
    return std::all_of(clients.begin(), clients.end(),
                       [](ClientNode* each) { return each->isQuiet(); }) &&
           std::all_of(servers.begin(), servers.end(),
                       [](ServerNode* each) { return each->isQuiet(); });
  }
  CaseResult result() {
    CaseResult result{.traceHash = trace().hash(),
                      .eventCount = trace().eventCount(),
                      .virtualNs = scheduler().nowNs(),
                      .plan = plan()};
    if (!ledger.violations.empty())
      result.violation = Violation{"rpc", ledger.violations.front(), {}};
    for (const auto& [id, call] : ledger.calls) {
      ++result.counts["calls"];
      ++result.counts[!call.isEnded                 ? "calls of dead clients"
                      : call.code == ErrorCode::kOk ? "answered OK"
                                                    : "ended " + std::string(errorName(call.code))];
    }
    result.counts["messages"] = network().statistics().sentCount;
    result.counts.merge(faultCounts());
    result.counts["transfers"] = network().statistics().transferCount;
    for (const TraceEvent& event : trace().events()) result.trace += describe(event) + "\n";
    return result;
  }
  void judge() {
    for (const auto& [id, count] : ledger.runCount) {
      if (count > 1)
        ledger.violations.push_back(std::to_string(id) + " ran " + std::to_string(count) +
                                    " times");
    }
    for (const auto& [id, call] : ledger.calls) {
      const bool hasRun = ledger.runCount.contains(id);
      if (call.isEnded && isRefusal(call.code) && hasRun) {
        ledger.violations.push_back(std::to_string(id) + " was refused and ran");
      }
    }
    for (ClientNode* client : clients) {
      if (!client->isQuiet()) ledger.violations.push_back("calls have not ended");
    }
    for (ServerNode* server : servers) {
      if (!server->isQuiet()) ledger.violations.push_back("requests have not ended");
    }
  }
  const uint64_t durationNs_;
};

}  // namespace

CaseResult runRpcCase(const CaseArguments& arguments) {
  RpcWorld world(arguments);
  return world.run();
}

}  // namespace daos::simulator
