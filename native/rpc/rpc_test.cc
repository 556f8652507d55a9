// Goal: what rpc.h promises, over the in-process transport; the transports' own promises are in
//       transport_test.cc.
#include "rpc/rpc.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "rpc/local_transport.h"

namespace daos::rpc {
namespace {

constexpr uint16_t kTrace = 9;
constexpr uint16_t kEcho = 1, kPull = 2, kPush = 3, kSlow = 4, kFail = 5, kFast = 6, kCount = 7,
                   kSilent = 8;

std::vector<std::byte> pattern(size_t size, uint32_t seed = 1) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>((i * 2654435761u + seed) >> 13);
  return bytes;
}

struct Node {
  explicit Node(LocalNetwork& network, EndpointOptions options = {}, uint64_t seed = 1)
      : reactor(Reactor::create(clock).value()),
        random(seed),
        endpoint(Endpoint::create(*reactor, random, options)) {
    endpoint->addTransport(network.createTransport().value());
  }
  void serve() {
    endpoint->handle(kEcho, [](Request& request) -> Task<void> {
      const Bytes data[] = {request.inlineData()};
      request.reply(request.body(), data);
      co_return;
    });
    endpoint->handle(kPull, [](Request& request) -> Task<void> {
      std::vector<std::byte> bytes(request.dataSize());
      const MutableBytes pieces[] = {MutableBytes(bytes).first(bytes.size() / 3),
                                     MutableBytes(bytes).subspan(bytes.size() / 3)};
      const Status status = co_await request.pull(pieces);
      if (!status.ok()) co_return request.fail(status.error());
      const uint64_t sum =
          std::accumulate(bytes.begin(), bytes.end(), uint64_t{0},
                          [](uint64_t a, std::byte b) { return a * 31 + static_cast<uint8_t>(b); });
      request.reply(bytesOf(&sum, sizeof(sum)));
    });
    endpoint->handle(kPush, [](Request& request) -> Task<void> {
      const auto bytes = pattern(request.sinkSize(), 7);
      const Bytes pieces[] = {Bytes(bytes).first(bytes.size() / 2),
                              Bytes(bytes).subspan(bytes.size() / 2)};
      if (!request.isSinkRemote()) co_return request.reply({}, pieces);
      const Status status = co_await request.push(pieces);
      if (!status.ok()) co_return request.fail(status.error());
      request.reply({});
    });
    endpoint->handle(kSlow, [this](Request& request) -> Task<void> {
      co_await reactor->sleep(loadAs<uint64_t>(request.body().data()));
      ++slowCount;
      abandonedCount += request.isAbandoned();
      request.reply(request.body());
    });
    endpoint->handle(kFail, [](Request& request) -> Task<void> {
      request.fail(Error(ErrorCode::kStale, "the map is of yesterday"),
                   bytesOf(std::string_view("new map")));
      co_return;
    });
    endpoint->handleFast(kFast, [](Request& request) {
      const auto room = request.start(16, 4096);
      std::memcpy(room.body.data(), request.body().data(), 8);
      std::memcpy(room.data.data(), "payload", 7);
      request.finish(8, 7);
      return true;
    });
    endpoint->handle(kCount, [this](Request& request) -> Task<void> {
      ++counter;
      request.reply(bytesOf(&counter, sizeof(counter)));
      co_return;
    });
    endpoint->handle(kTrace, [](Request& request) -> Task<void> {
      request.reply(bytesOf(std::string_view(request.trace() ? "traced:" : "not traced:")),
                    std::array{request.body()});
      co_return;
    });
    endpoint->handle(kSilent, [](Request&) -> Task<void> { co_return; });
  }
  SystemClock clock;
  std::unique_ptr<Reactor> reactor;
  SeededRandom random;
  std::unique_ptr<Endpoint> endpoint;
  uint64_t counter = 0;
  int slowCount = 0;
  int abandonedCount = 0;
};

// Runs both loops in turn until `done`, at most two minutes.
template <typename Done>
bool runBoth(Node& a, Node& b, Done done) {
  const uint64_t end = a.clock.nowNs() + 120'000'000'000;
  while (!done()) {
    a.reactor->runOnce();
    b.reactor->runOnce();
    if (a.clock.nowNs() > end) return false;
  }
  return true;
}

class RpcTest : public testing::Test {
 public:
  RpcTest() : network(LocalNetwork::create()), server(*network, {}, 1), client(*network, {}, 2) {
    server.serve();
  }
  Peer& peer() { return client.endpoint->peer(server.endpoint->addresses()); }
  // Makes one call and runs both sides until it has ended.
  Result<Reply> call(const CallArguments& arguments) {
    Call one(*client.endpoint, peer(), arguments);
    client.endpoint->start(one);
    EXPECT_TRUE(runBoth(client, server, [&] { return one.result.has_value(); }));
    return std::move(*one.result);
  }
  std::unique_ptr<LocalNetwork> network;
  Node server, client;
};

TEST_F(RpcTest, AnAnswerCarriesBodyAndData) {
  const auto body = pattern(100), data = pattern(3000);
  const Bytes pieces[] = {Bytes(data).first(10), Bytes(data).subspan(10)};
  auto reply = call({.opcode = kEcho, .body = body, .data = pieces});
  ASSERT_TRUE(reply.ok()) << reply.error().describe();
  EXPECT_TRUE(std::ranges::equal(reply->body(), body));
  EXPECT_TRUE(std::ranges::equal(reply->data(), data));
}

TEST_F(RpcTest, BodiesAreAlignedToEightBytes) {
  for (size_t size = 1; size < 40; ++size) {
    const auto body = pattern(size);
    auto reply = call({.opcode = kEcho, .body = body});
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(reply->body().data()) % 8, 0u);
    EXPECT_TRUE(std::ranges::equal(reply->body(), body));
  }
}

TEST_F(RpcTest, FramesLargerThanAMessageArriveWhole) {
  for (const size_t size : {65472u, 65473u, 65536u, 200001u, 1048576u}) {
    const auto body = pattern(size);
    auto reply = call({.opcode = kEcho, .body = body});
    ASSERT_TRUE(reply.ok()) << size << " " << reply.error().describe();
    EXPECT_TRUE(std::ranges::equal(reply->body(), body)) << size;
  }
}

TEST_F(RpcTest, PayloadOfAnySizeGetsToTheServer) {
  for (const size_t size : {0u, 1u, 4096u, 8192u, 8193u, 100000u, 5000001u}) {
    const auto data = pattern(size);
    const Bytes pieces[] = {Bytes(data).first(size / 2), Bytes(data).subspan(size / 2)};
    auto reply = call({.opcode = kPull, .data = pieces});
    ASSERT_TRUE(reply.ok()) << size << " " << reply.error().describe();
    const uint64_t sum =
        std::accumulate(data.begin(), data.end(), uint64_t{0},
                        [](uint64_t a, std::byte b) { return a * 31 + static_cast<uint8_t>(b); });
    EXPECT_EQ(loadAs<uint64_t>(reply->body().data()), sum) << size;
  }
}

TEST_F(RpcTest, PayloadOfAnySizeGetsIntoTheSink) {
  for (const size_t size : {1u, 4096u, 8192u, 8193u, 100000u, 5000001u}) {
    std::vector<std::byte> bytes(size);
    const MutableBytes sink[] = {MutableBytes(bytes).first(size / 3),
                                 MutableBytes(bytes).subspan(size / 3)};
    auto reply = call({.opcode = kPush, .sink = sink});
    ASSERT_TRUE(reply.ok()) << size << " " << reply.error().describe();
    EXPECT_EQ(reply->dataSize(), size);
    EXPECT_EQ(bytes, pattern(size, 7)) << size;
  }
}

TEST_F(RpcTest, RememberedMemoryServesManyCalls) {
  std::vector<std::byte> bytes(1 << 20);
  ASSERT_TRUE(client.endpoint->rememberMemory(bytes).ok());
  for (size_t at = 0; at + 100000 < bytes.size(); at += 100000) {
    const MutableBytes sink[] = {MutableBytes(bytes).subspan(at, 100000)};
    ASSERT_TRUE(call({.opcode = kPush, .sink = sink}).ok());
  }
  client.endpoint->forgetMemory(bytes);
  EXPECT_TRUE(std::ranges::equal(Bytes(bytes).subspan(300000, 100000), pattern(100000, 7)));
}

TEST_F(RpcTest, MorePayloadThanTheSinkHoldsIsAnError) {
  std::vector<std::byte> bytes(3);
  const MutableBytes sink[] = {bytes};
  const uint64_t body = 1;
  EXPECT_EQ(call({.opcode = kFast, .body = bytesOf(&body, 8), .sink = sink}).code(),
            ErrorCode::kTrunc);
}

TEST_F(RpcTest, AFastHandlerAnswersInPlace) {
  const uint64_t body = 77;
  auto reply = call({.opcode = kFast, .body = bytesOf(&body, 8)});
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(loadAs<uint64_t>(reply->body().data()), 77u);
  EXPECT_EQ(reply->body().size(), 8u);
  EXPECT_EQ(textOf(reply->data()), "payload");
}

TEST_F(RpcTest, AServerFromBeforeTracingGetsTheRequestWithoutTheTrace) {
  Node earlier(*network, {.features = 0}, 3);
  earlier.serve();
  std::vector<std::byte> body = pattern(24);
  const TraceContext trace{};
  body.insert(body.end(), bytesOf(&trace, sizeof(trace)).begin(),
              bytesOf(&trace, sizeof(trace)).end());
  for (Node* node : {&server, &earlier}) {
    Call one(*client.endpoint, client.endpoint->peer(node->endpoint->addresses()),
             {.opcode = kTrace, .body = body, .isTraced = true});
    client.endpoint->start(one);
    ASSERT_TRUE(runBoth(client, *node, [&] { return one.result.has_value(); }));
    ASSERT_TRUE(one.result->ok()) << one.result->error().describe();
    const Reply& reply = **one.result;
    EXPECT_EQ(textOf(reply.body()), node == &server ? "traced:" : "not traced:");
    EXPECT_TRUE(std::ranges::equal(reply.data(), pattern(24)));
  }
}

TEST_F(RpcTest, AnErrorCarriesMessageAndBody) {
  std::vector<std::byte> errorBody;
  auto reply = call({.opcode = kFail, .errorBody = &errorBody});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.code(), ErrorCode::kStale);
  EXPECT_EQ(reply.error().message(), "the map is of yesterday");
  EXPECT_EQ(textOf(errorBody), "new map");
}

TEST_F(RpcTest, AnUnknownOpcodeIsAnError) {
  EXPECT_EQ(call({.opcode = 999}).code(), ErrorCode::kNosys);
}

TEST_F(RpcTest, AHandlerThatForgetsToAnswerIsAnError) {
  EXPECT_EQ(call({.opcode = kSilent}).code(), ErrorCode::kMisc);
}

TEST_F(RpcTest, ABodyOverTheLimitIsRefusedAtOnce) {
  const auto body = pattern(1048577);
  EXPECT_EQ(call({.opcode = kEcho, .body = body}).code(), ErrorCode::kOverflow);
}

TEST_F(RpcTest, ACallEndsAtItsDeadline) {
  // Connected before: the time counts for the call alone, which has to get there.
  ASSERT_TRUE(call({.opcode = kEcho}).ok());
  const uint64_t sleepNs = 2'000'000'000;
  const uint64_t deadlineNs = client.clock.nowNs() + 200'000'000;
  auto reply = call({.opcode = kSlow, .deadlineNs = deadlineNs, .body = bytesOf(&sleepNs, 8)});
  EXPECT_EQ(reply.code(), ErrorCode::kTimedout);
  EXPECT_EQ(server.slowCount, 0);
  EXPECT_TRUE(runBoth(client, server, [&] { return server.slowCount == 1; }));
  EXPECT_EQ(server.abandonedCount, 1);
}

TEST_F(RpcTest, ACancelledCallEndsSoonAndTheServerHearsOfIt) {
  const uint64_t sleepNs = 50'000'000;
  Call one(*client.endpoint, peer(), {.opcode = kSlow, .body = bytesOf(&sleepNs, 8)});
  client.endpoint->start(one);
  EXPECT_TRUE(
      runBoth(client, server, [&] { return server.endpoint->statistics().requestCount == 1; }));
  one.cancel();
  ASSERT_TRUE(one.result.has_value());
  EXPECT_EQ(one.result->code(), ErrorCode::kCanceled);
  EXPECT_TRUE(runBoth(client, server, [&] { return server.slowCount == 1; }));
  EXPECT_EQ(server.abandonedCount, 1);
}

TEST_F(RpcTest, ACallDestroyedUnderWayHarmsNobody) {
  const uint64_t sleepNs = 10'000'000;
  {
    Call one(*client.endpoint, peer(), {.opcode = kSlow, .body = bytesOf(&sleepNs, 8)});
    client.endpoint->start(one);
    EXPECT_TRUE(
        runBoth(client, server, [&] { return server.endpoint->statistics().requestCount == 1; }));
  }
  EXPECT_TRUE(runBoth(client, server, [&] { return server.slowCount == 1; }));
  EXPECT_TRUE(call({.opcode = kEcho}).ok());
  EXPECT_TRUE(client.endpoint->isQuiet());
}

TEST_F(RpcTest, NobodyAtTheAddressIsUnreachable) {
  Peer& nobody = client.endpoint->peer("local://4711");
  Call one(*client.endpoint, nobody, {.opcode = kEcho});
  client.endpoint->start(one);
  EXPECT_TRUE(runBoth(client, server, [&] { return one.result.has_value(); }));
  EXPECT_EQ(one.result->code(), ErrorCode::kUnreach);
}

TEST_F(RpcTest, MoreCallsThanCreditsWaitTheirTurn) {
  Node small(*network, {.creditCount = 4}, 3);
  small.serve();
  Peer& target = client.endpoint->peer(small.endpoint->addresses());
  const uint64_t sleepNs = 1'000'000;
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 50; ++i) {
    calls.push_back(std::make_unique<Call>(
        *client.endpoint, target, CallArguments{.opcode = kSlow, .body = bytesOf(&sleepNs, 8)}));
    client.endpoint->start(*calls.back());
  }
  EXPECT_TRUE(runBoth(client, small, [&] { return target.callCount() == 0; }));
  for (const auto& one : calls) EXPECT_TRUE(one->result->ok());
  EXPECT_EQ(small.endpoint->statistics().busyCount, 0u);
}

TEST_F(RpcTest, AnEngineOverItsLimitAnswersBusyAndTheClientRepeats) {
  Node small(*network, {.requestCountMax = 3}, 3);
  small.serve();
  Peer& target = client.endpoint->peer(small.endpoint->addresses());
  const uint64_t sleepNs = 3'000'000;
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(std::make_unique<Call>(
        *client.endpoint, target,
        CallArguments{.opcode = kSlow, .isModification = true, .body = bytesOf(&sleepNs, 8)}));
    client.endpoint->start(*calls.back());
  }
  EXPECT_TRUE(runBoth(client, small, [&] { return target.callCount() == 0; }));
  for (const auto& one : calls) EXPECT_TRUE(one->result->ok());
  EXPECT_GT(small.endpoint->statistics().busyCount, 0u);
  EXPECT_EQ(small.slowCount, 20);
}

TEST_F(RpcTest, CallsOfOneTurnTravelInOneMessage) {
  ASSERT_TRUE(call({.opcode = kEcho}).ok());
  const uint64_t before = client.endpoint->statistics().messageSentCount;
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 16; ++i) {
    calls.push_back(
        std::make_unique<Call>(*client.endpoint, peer(), CallArguments{.opcode = kEcho}));
    client.endpoint->start(*calls.back());
  }
  EXPECT_TRUE(runBoth(client, server, [&] { return peer().callCount() == 0; }));
  EXPECT_EQ(client.endpoint->statistics().messageSentCount - before, 1u);
}

TEST_F(RpcTest, ShutdownEndsEveryCall) {
  const uint64_t sleepNs = 1'000'000;
  Call one(*client.endpoint, peer(), {.opcode = kSlow, .body = bytesOf(&sleepNs, 8)});
  client.endpoint->start(one);
  EXPECT_TRUE(
      runBoth(client, server, [&] { return server.endpoint->statistics().requestCount == 1; }));
  client.endpoint->shutdown();
  ASSERT_TRUE(one.result.has_value());
  EXPECT_EQ(one.result->code(), ErrorCode::kShutdown);
  EXPECT_TRUE(runBoth(client, server, [&] { return server.endpoint->isQuiet(); }));
  EXPECT_TRUE(
      runBoth(client, server, [&] { return server.endpoint->statistics().sessionCount == 0; }));
}

TEST_F(RpcTest, ACoroutineAwaitsManyCalls) {
  uint64_t sum = 0;
  client.reactor->spawn([](RpcTest& test, uint64_t& out) -> Task<void> {
    for (uint64_t i = 0; i < 1000; ++i) {
      auto reply = co_await test.client.endpoint->call(test.peer(),
                                                       {.opcode = kFast, .body = bytesOf(&i, 8)});
      out += loadAs<uint64_t>(reply.value().body().data());
    }
  }(*this, sum));
  EXPECT_TRUE(runBoth(client, server, [&] { return client.reactor->spawnedCount() == 0; }));
  EXPECT_EQ(sum, 499500u);
}

TEST_F(RpcTest, ThreadsTalkThroughTheirEndpoints) {
  std::thread loop([this] { server.reactor->run(); });
  uint64_t sum = 0;
  client.reactor->spawn([](RpcTest& test, uint64_t& out) -> Task<void> {
    for (uint64_t i = 0; i < 20000; ++i) {
      auto reply = co_await test.client.endpoint->call(test.peer(),
                                                       {.opcode = kFast, .body = bytesOf(&i, 8)});
      out += loadAs<uint64_t>(reply.value().body().data());
    }
  }(*this, sum));
  client.reactor->runUntil([&] { return client.reactor->spawnedCount() == 0; });
  server.reactor->stop();
  loop.join();
  EXPECT_EQ(sum, 199990000u);
}

TEST_F(RpcTest, AServerThatIsGoneMakesCallsUnreachable) {
  ASSERT_TRUE(call({.opcode = kEcho}).ok());
  auto other = std::make_unique<Node>(*network, EndpointOptions{}, 9);
  other->serve();
  Peer& target = client.endpoint->peer(other->endpoint->addresses());
  const uint64_t sleepNs = 5'000'000'000;
  Call one(*client.endpoint, target, {.opcode = kSlow, .body = bytesOf(&sleepNs, 8)});
  client.endpoint->start(one);
  EXPECT_TRUE(
      runBoth(client, *other, [&] { return other->endpoint->statistics().requestCount == 1; }));
  other->reactor->dropTasks();
  other.reset();
  EXPECT_TRUE(runBoth(client, server, [&] { return one.result.has_value(); }));
  EXPECT_EQ(one.result->code(), ErrorCode::kUnreach);
}

}  // namespace
}  // namespace daos::rpc
