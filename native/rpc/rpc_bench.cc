// Echo rate and latency, and bulk bandwidth, of the RPC layer beside a bare libfabric loop on the
// same provider.
//
// Client and server are two processes, pinned to a core each; the server is forked anew for each
// case. "write" and "read" are as the client sees them: the server reads or writes the client's
// memory.
#include "bench/report.h"
#include "rpc/raw_run.h"
#include "rpc/fabric_transport.h"
#include "rpc/rpc.h"

namespace daos::rpc {
namespace {

constexpr uint16_t kEcho = 1, kPull = 2, kPush = 3;
constexpr size_t kBulkSize = size_t{1} << 20;

// ---- Ours ----

struct Node {
  explicit Node(const std::string& provider)
      : reactor(Reactor::create(clock, {.spinNs = ~uint64_t{0}}).value()),
        endpoint(Endpoint::create(*reactor, random)) {
    endpoint->addTransport(createFabricTransport(clock, random, {.provider = provider}).value());
  }
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<Reactor> reactor;
  std::unique_ptr<Endpoint> endpoint;
};

void serveOurs(const std::string& provider, const ServerProcess::Tell& tell) {
  Node node(provider);
  std::vector<std::byte> memory(kBulkSize * 8, std::byte{1});
  node.endpoint->handleFast(kEcho, [](Request& request) {
    const Bytes data[] = {request.inlineData()};
    request.reply(request.body(), data);
    return true;
  });
  // Each of the client's callers has a piece of its own, as each transfer under way has in the bare
  // loop.
  const auto pieceOf = [&](const Request& request) {
    return MutableBytes(memory).subspan(loadAs<uint64_t>(request.body().data()) % 8 * kBulkSize,
                                        kBulkSize);
  };
  node.endpoint->handle(kPull, [&](Request& request) -> Task<void> {
    const MutableBytes pieces[] = {pieceOf(request)};
    const Status status = co_await request.pull(pieces);
    if (!status.ok()) co_return request.fail(status.error());
    request.reply({});
  });
  node.endpoint->handle(kPush, [&](Request& request) -> Task<void> {
    const Bytes pieces[] = {pieceOf(request)};
    const Status status = co_await request.push(pieces);
    if (!status.ok()) co_return request.fail(status.error());
    request.reply({});
  });
  tell(node.endpoint->addresses());
  node.reactor->run();
}

struct Load {
  Node& node;
  Peer& peer;
  uint16_t opcode;
  size_t bodySize, dataSize, sinkSize, depth;
  bool isMeasuring = false, isStopping = false;
  uint64_t count = 0;
  uint64_t now = 0;  // as last read
  size_t untilClock = 0;
  bench::LatencyHistogram latencies;

  // The clock is read as often as in the bare loop: in every turn, and not less than once in as
  // many answers as one turn of that loop can find. To read it for each would cost more than a
  // tenth of a call, as it waits for every load under way.
  void readClock() {
    now = bench::nowNs();
    untilClock = depth;
  }
  uint64_t timeOfAnswer() {
    if (untilClock-- == 0) readClock();
    return now;
  }
};

Task<void> keepCalling(Load& load, uint64_t index) {
  std::vector<std::byte> body(load.bodySize), data(load.dataSize), sink(load.sinkSize);
  if (body.size() >= sizeof(index)) storeAs(body.data(), index);
  const Bytes pieces[] = {data};
  const MutableBytes sinkPieces[] = {sink};
  CallArguments arguments{.opcode = load.opcode, .body = body};
  if (load.dataSize > 0) arguments.data = pieces;
  if (load.sinkSize > 0) arguments.sink = sinkPieces;
  uint64_t sentAt = 0;
  while (!load.isStopping) {
    const auto reply = co_await load.node.endpoint->call(load.peer, arguments);
    if (!reply.ok()) std::fprintf(stderr, "%s\n", reply.error().describe().c_str()), std::_Exit(3);
    if (!load.isMeasuring) continue;
    ++load.count;
    // As in the bare loop, an answer's time is the next request's.
    const uint64_t now = load.timeOfAnswer();
    if (sentAt != 0) load.latencies.record(now - sentAt);
    sentAt = now;
  }
}

Outcome runOurs(const std::string& provider, uint16_t opcode, size_t bodySize, size_t dataSize,
                size_t sinkSize, size_t depth, double seconds) {
  ServerProcess server([&](const auto& tell, const auto&) { serveOurs(provider, tell); });
  const Pinned pinned;
  Node node(provider);
  Load load{node, node.endpoint->peer(server.hear()), opcode, bodySize, dataSize, sinkSize,
            depth};
  for (size_t i = 0; i < depth; ++i) node.reactor->spawn(keepCalling(load, i));
  const auto runFor = [&](double time) {
    const uint64_t end = bench::nowNs() + static_cast<uint64_t>(time * 1e9);
    node.reactor->runUntil([&] {
      load.readClock();
      return load.now >= end;
    });
  };
  runFor(0.3);
  load.isMeasuring = true;
  const uint64_t start = bench::nowNs();
  runFor(seconds);
  Outcome outcome;
  outcome.measured.count = load.count;
  outcome.measured.seconds = static_cast<double>(bench::nowNs() - start) / 1e9;
  outcome.measured.perSecond = static_cast<double>(load.count) / outcome.measured.seconds;
  outcome.latencies = load.latencies;
  load.isMeasuring = false;
  load.isStopping = true;
  while (node.reactor->spawnedCount() > 0) node.reactor->runOnce();
  return outcome;
}

void benchEcho(bench::Report& report, const std::string& provider, size_t size, size_t depth) {
  const std::string name =
      "rpc/" + provider + (size == 64 ? "/echo64/qd" : "/echo4k/qd") + std::to_string(depth);
  if (!report.wants(name)) return;
  // Both halves share the time of a case; the reference is run right before what is compared with
  // it.
  const Outcome bare = runBareEcho(provider, size, size, depth, report.seconds() / 2);
  const bool isBody = size == 64;
  const Outcome ours = runOurs(provider, kEcho, isBody ? size : 0, isBody ? 0 : size,
                               isBody ? 0 : size, depth, report.seconds() / 2);
  report.addRate(name + "/rate", ours.measured.perSecond, bare.measured.perSecond);
  report.addLatency(name, ours.latencies, &bare.latencies);
}

void benchBulk(bench::Report& report, const std::string& provider, bool isWrite, size_t depth) {
  const std::string name =
      "rpc/" + provider + "/bulk1m/" + (isWrite ? "write" : "read") + "/qd" + std::to_string(depth);
  if (!report.wants(name)) return;
  const bench::Measured bare =
      runBareTransfer(provider, kBulkSize, depth, depth, !isWrite, report.seconds() / 2);
  const Outcome ours =
      runOurs(provider, isWrite ? kPull : kPush, sizeof(uint64_t), isWrite ? kBulkSize : 0,
              isWrite ? 0 : kBulkSize, depth, report.seconds() / 2);
  const double megabytes = static_cast<double>(kBulkSize) / 1e6;
  report.add(name + "/bandwidth", ours.measured.perSecond * megabytes, "MB/s",
             bare.perSecond * megabytes);
}

}  // namespace
}  // namespace daos::rpc

int main(int argc, char** argv) {
  daos::bench::Report report(argc, argv);
  for (const std::string provider : {"tcp", "shm"}) {
    for (const size_t size : {64, 4096}) {
      for (const size_t depth : {1, 16, 32, 64})
        daos::rpc::benchEcho(report, provider, size, depth);
    }
    for (const bool isWrite : {true, false}) {
      for (const size_t depth : {1, 4}) daos::rpc::benchBulk(report, provider, isWrite, depth);
    }
  }
  return report.finish();
}
