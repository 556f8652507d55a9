// Goal: every transport keeps the promises of transport.h.
// Method: one suite over all of them. The other end is an agent that does what messages tell it: in
//         a process of its own, or, for the
// transport inside a process, on a thread of its own.
#include "rpc/transport.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <sstream>
#include <thread>

#include "codec/checksum.h"
#include "rpc/fabric_transport.h"
#include "rpc/local_transport.h"

namespace daos::rpc {
namespace {

struct World {
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<LocalNetwork> network = LocalNetwork::create();
};

Result<std::unique_ptr<Transport>> makeTransport(World& world, const std::string& kind) {
  if (kind == "local") return world.network->createTransport();
  return createFabricTransport(world.clock, world.random, {.provider = kind});
}

std::vector<std::byte> pattern(size_t size, uint32_t seed) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>((i * 2654435761u + seed) >> 11);
  return bytes;
}

// A transport and what it has delivered.
struct End : TransportListener {
  explicit End(std::unique_ptr<Transport> owned) : transport(std::move(owned)) {
    transport->setListener(*this);
  }
  void onMessage(BufferRef message) override {
    received.emplace_back(textOf(message.bytes()));
    if (keepsMessages) kept.push_back(message);
  }
  void onPeerFailed(PeerId peer, ErrorCode) override { failed.push_back(peer); }
  void send(PeerId peer, std::string_view text) {
    BufferRef message = transport->allocate();
    ASSERT_LE(text.size(), message->capacity);
    std::memcpy(message->data, text.data(), text.size());
    message->size = static_cast<uint32_t>(text.size());
    transport->send(peer, std::move(message));
  }
  void turn() {
    transport->poll();
    transport->flush();
  }
  template <typename Done>
  bool runUntil(Done done, uint64_t timeoutNs = 120'000'000'000) {
    SystemClock clock;
    const uint64_t end = clock.nowNs() + timeoutNs;
    while (!done()) {
      turn();
      if (clock.nowNs() > end) return false;
    }
    return true;
  }
  void disconnectAll() {
    for (uint32_t slot = 0; slot < 16; ++slot) {
      for (uint32_t generation = 1; generation < 16; ++generation)
        transport->disconnect({slot, generation});
    }
  }
  bool keepsMessages = false;
  std::deque<BufferRef> kept;
  std::vector<std::string> received;
  std::vector<PeerId> failed;
  std::unique_ptr<Transport> transport;
};

struct Operation : RmaOperation {
  Operation(PeerId to, RemoteMemory target, std::initializer_list<MutableBytes> pieces) {
    peer = to;
    remote = target;
    for (const MutableBytes piece : pieces) local[localCount++] = piece;
    done = [](RmaOperation& operation, ErrorCode outcome) {
      static_cast<Operation&>(operation).ended = outcome;
      static_cast<Operation&>(operation).isDone = true;
    };
  }
  ErrorCode ended = ErrorCode::kOk;
  bool isDone = false;
};

// The other end.
class Agent {
 public:
  Agent(World& world, const std::string& kind) : end_(makeTransport(world, kind).value()) {}
  const std::string& address() const { return end_.transport->address(); }
  void run(const std::atomic<bool>& isStopped) {
    while (!isStopped) {
      end_.turn();
      const std::vector<std::string> messages = std::exchange(end_.received, {});
      for (const std::string& message : messages) obey(message);
    }
  }

 private:
  void obey(const std::string& message) {
    std::istringstream words(message);
    std::string verb;
    words >> verb;
    if (verb == "hello") {
      std::string address;
      words >> address;
      end_.transport->disconnect(peer_);
      peer_ = end_.transport->connect(address).value();
      end_.send(peer_, "welcome");
    } else if (verb == "write" || verb == "read") {
      transfer(words, verb == "write");
    } else if (verb == "die") {
      kill(getpid(), SIGKILL);
    } else if (verb == "flood") {
      for (int i = 0; i < 5000; ++i) end_.send(peer_, "flood " + std::to_string(i));
    } else {
      end_.send(peer_, message);
    }
  }
  // "write KEY ADDRESS SIZE SEED": a pattern into the peer's memory; "read KEY ADDRESS SIZE": tells
  // its checksum.
  void transfer(std::istringstream& words, bool isWrite) {
    RemoteMemory remote;
    size_t size = 0;
    uint32_t seed = 0;
    words >> remote.key >> remote.address >> size >> seed;
    auto bytes = isWrite ? pattern(size, seed) : std::vector<std::byte>(size);
    const size_t third = size / 3;
    Operation operation(peer_, remote,
                        {MutableBytes(bytes).first(third), MutableBytes(bytes).subspan(third)});
    if (isWrite) {
      end_.transport->write(operation);
    } else {
      end_.transport->read(operation);
    }
    EXPECT_FALSE(operation.isDone);
    EXPECT_TRUE(end_.runUntil([&] { return operation.isDone; }));
    end_.send(peer_, "done " + std::string(errorName(operation.ended)) + " " +
                         std::to_string(crc32c(bytes)));
  }
  End end_;
  PeerId peer_;
};

// An agent and what it runs in.
class Other {
 public:
  Other(World& world, const std::string& kind) : isProcess_(kind != "local") {
    if (isProcess_) {
      startProcess(kind);
    } else {
      auto agent = std::make_shared<Agent>(world, kind);
      address = agent->address();
      thread_ = std::thread([this, agent]() mutable {
        agent->run(isStopped_);
        agent.reset();
      });
    }
  }
  ~Other() { stop(); }
  void stop() {
    if (process > 0) {
      kill(process, SIGKILL);
      waitpid(process, nullptr, 0);
      process = 0;
    }
    isStopped_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::string address;
  pid_t process = 0;

 private:
  void startProcess(const std::string& kind) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    process = fork();
    if (process == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      World world;
      Agent agent(world, kind);
      [[maybe_unused]] const ssize_t size =
          write(ends[1], agent.address().data(), agent.address().size());
      close(ends[1]);
      agent.run(isStopped_);
    }
    close(ends[1]);
    char text[256];
    const ssize_t size = read(ends[0], text, sizeof text);
    close(ends[0]);
    ASSERT_GT(size, 0);
    address.assign(text, static_cast<size_t>(size));
  }
  const bool isProcess_;
  std::atomic<bool> isStopped_{false};
  std::thread thread_;
};

class TransportTest : public testing::TestWithParam<std::string> {
 public:
  void SetUp() override {
    a.send(toB, "hello " + a.transport->address());
    ASSERT_EQ(answer(), "welcome");
  }
  // The next message from the agent.
  std::string answer() {
    EXPECT_TRUE(a.runUntil([this] { return !a.received.empty(); }));
    if (a.received.empty()) return {};
    std::string text = a.received.front();
    a.received.erase(a.received.begin());
    return text;
  }
  std::string ask(const std::string& text) {
    a.send(toB, text);
    return answer();
  }
  World world;
  Other other{world, GetParam()};
  End a{makeTransport(world, GetParam()).value()};
  PeerId toB = a.transport->connect(other.address).value();
};

INSTANTIATE_TEST_SUITE_P(All, TransportTest, testing::Values("local", "tcp", "shm"),
                         [](const auto& which) { return which.param; });

TEST_P(TransportTest, MessagesOfAllSizesArriveWholeAndInOrder) {
  std::vector<std::string> sent;
  const uint32_t sizeMax = a.transport->limits().messageSizeMax;
  for (uint32_t i = 0; i < 500; ++i) {
    const size_t size = i % 5 == 0 ? sizeMax - i : 1 + i * 37 % 3000;
    sent.emplace_back(size, static_cast<char>('a' + i % 26));
    a.send(toB, sent.back());
  }
  EXPECT_TRUE(a.runUntil([&] { return a.received.size() == sent.size(); }));
  EXPECT_EQ(a.received, sent);
}

TEST_P(TransportTest, ManyMoreMessagesThanBuffersWait) {
  for (int i = 0; i < 20000; ++i) a.send(toB, "message " + std::to_string(i));
  EXPECT_TRUE(a.runUntil([&] { return a.received.size() == 20000; }));
  for (int i = 0; i < 20000; ++i) ASSERT_EQ(a.received[i], "message " + std::to_string(i));
  EXPECT_EQ(a.transport->queuedCount(toB), 0u);
}

TEST_P(TransportTest, BothDirectionsAtOnce) {
  a.send(toB, "flood");
  for (int i = 0; i < 5000; ++i) a.send(toB, std::to_string(i));
  EXPECT_TRUE(a.runUntil([&] { return a.received.size() == 10000; }));
}

TEST_P(TransportTest, AMessageThatIsKeptStaysAsItWas) {
  a.keepsMessages = true;
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(ask("kept " + std::to_string(i)), "kept " + std::to_string(i));
  for (int i = 0; i < 300; ++i) EXPECT_EQ(textOf(a.kept[i].bytes()), "kept " + std::to_string(i));
}

TEST_P(TransportTest, NothingIsDeliveredFromInsideACall) {
  a.send(toB, "one");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  a.send(toB, "two");
  EXPECT_TRUE(a.received.empty());
  EXPECT_EQ(answer(), "one");
  EXPECT_EQ(answer(), "two");
}

TEST_P(TransportTest, ManyPeersSendToOne) {
  std::vector<std::unique_ptr<Other>> others;
  std::vector<PeerId> peers;
  for (int i = 0; i < 8; ++i) {
    others.push_back(std::make_unique<Other>(world, GetParam()));
    peers.push_back(a.transport->connect(others.back()->address).value());
    a.send(peers.back(), "hello " + a.transport->address());
  }
  EXPECT_TRUE(a.runUntil([&] { return a.received.size() == 8; }));
  a.received.clear();
  for (int j = 0; j < 100; ++j) {
    for (int i = 0; i < 8; ++i) a.send(peers[i], std::to_string(i * 100 + j));
  }
  EXPECT_TRUE(a.runUntil([&] { return a.received.size() == 800; }));
  std::sort(a.received.begin(), a.received.end());
  EXPECT_EQ(std::unique(a.received.begin(), a.received.end()) - a.received.begin(), 800);
}

TEST_P(TransportTest, MemoryOfAPeerIsWrittenAndRead) {
  for (const size_t size : {1u, 4096u, 100000u, 3000000u}) {
    std::vector<std::byte> memory(size + 200);
    const MemoryRegion region =
        a.transport->registerMemory(memory, MemoryAccess::kReadWrite).value();
    // A part of the region, to see that what is around it stays.
    std::ostringstream where;
    where << region.remote.key << " " << region.remote.address + 100 << " " << size;
    const auto expected = pattern(size, 5);
    EXPECT_TRUE(ask("write " + where.str() + " 5").starts_with("done DER_SUCCESS"));
    EXPECT_TRUE(std::ranges::equal(Bytes(memory).subspan(100, size), expected)) << size;
    EXPECT_TRUE(std::ranges::all_of(Bytes(memory).first(100),
                                    [](std::byte b) { return b == std::byte{0}; }));
    EXPECT_TRUE(std::ranges::all_of(Bytes(memory).last(100),
                                    [](std::byte b) { return b == std::byte{0}; }));
    EXPECT_EQ(ask("read " + where.str()), "done DER_SUCCESS " + std::to_string(crc32c(expected)));
    a.transport->deregisterMemory(region);
  }
}

TEST_P(TransportTest, AWrongAddressIsAnErrorNotACrash) {
  if (GetParam() == "local") GTEST_SKIP() << "within a process, all memory is there to be read";
  a.send(toB, "read 12345 4096 100");
  // The connection may be the price, for the one who did it.
  a.runUntil([&] { return !a.received.empty() || !a.failed.empty(); }, 500'000'000);
  EXPECT_TRUE(a.received.empty() || !a.received[0].starts_with("done DER_SUCCESS"));
  a.disconnectAll();
  a.received.clear();
  toB = a.transport->connect(other.address).value();
  a.send(toB, "hello " + a.transport->address());
  EXPECT_EQ(answer(), "welcome");
}

TEST_P(TransportTest, APeerThatIsGoneIsReported) {
  other.stop();
  const auto isNoticed = [&] {
    a.transport->probe(toB);
    if (a.failed.empty()) a.send(toB, "are you there?");
    return !a.failed.empty();
  };
  EXPECT_TRUE(a.runUntil(isNoticed));
  EXPECT_EQ(a.failed[0], toB);
  a.transport->disconnect(toB);
}

TEST_P(TransportTest, ATransferWithAPeerThatIsGoneEnds) {
  other.stop();
  std::vector<std::byte> bytes(100000);
  Operation read(toB, {1, 4096}, {MutableBytes(bytes)});
  a.transport->read(read);
  EXPECT_TRUE(a.runUntil([&] { return read.isDone; }));
  EXPECT_NE(read.ended, ErrorCode::kOk);
}

TEST_P(TransportTest, APeerIsForgottenAndFoundAgain) {
  a.transport->disconnect(toB);
  const PeerId again = a.transport->connect(other.address).value();
  EXPECT_FALSE(again == toB);
  a.send(toB, "to the old one");
  a.send(again, "to the new one");
  EXPECT_EQ(answer(), "to the new one");
}

TEST_P(TransportTest, AddressesOfOtherKindsAreRefused) {
  EXPECT_FALSE(a.transport->canReach("carrier-pigeon://7"));
  EXPECT_EQ(a.transport->connect("carrier-pigeon://7").code(), ErrorCode::kInval);
  EXPECT_TRUE(a.transport->canReach(other.address));
}

TEST_P(TransportTest, ABlockedLoopWakesForAMessage) {
  SystemClock clock;
  auto reactor = Reactor::create(clock, {.spinNs = 0}).value();
  reactor->addPoller(*a.transport);
  for (int i = 0; i < 50; ++i) {
    // The answer comes while the loop sleeps: sent without polling for it.
    a.send(toB, "wake up " + std::to_string(i));
    const uint64_t end = clock.nowNs() + 120'000'000'000;
    const auto timer = reactor->addTimer(end, [] {});
    reactor->runUntil(
        [&] { return a.received.size() == static_cast<size_t>(i) + 1 || clock.nowNs() >= end; });
    reactor->cancelTimer(timer);
    ASSERT_EQ(a.received.size(), static_cast<size_t>(i) + 1);
    EXPECT_LT(clock.nowNs(), end);
  }
  reactor->removePoller(*a.transport);
}

TEST_P(TransportTest, AThousandPeersComeAndGo) {
  const auto countFds = [] {
    size_t count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0;
    return count;
  };
  size_t fdsBefore = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 20) fdsBefore = countFds();
    End one(makeTransport(world, GetParam()).value());
    const PeerId there = one.transport->connect(a.transport->address()).value();
    one.send(there, one.transport->address());
    const auto bothUntil = [&](auto done) {
      return a.runUntil([&] {
        one.turn();
        return done();
      });
    };
    ASSERT_TRUE(bothUntil([&] { return a.received.size() == 1; })) << i;
    const PeerId back = a.transport->connect(a.received[0]).value();
    a.received.clear();
    a.send(back, "welcome");
    ASSERT_TRUE(bothUntil([&] { return one.received.size() == 1; })) << i;
    a.transport->disconnect(back);
  }
  a.runUntil([] { return false; }, 50'000'000);
  EXPECT_LE(countFds(), fdsBefore + 5);
  EXPECT_EQ(ask("still there"), "still there");
}

// Kills the peer at a random moment of its sending, again and again: nobody else may suffer.
TEST_P(TransportTest, AKilledPeerHarmsNobodyElse) {
  if (GetParam() == "local") GTEST_SKIP() << "a thread isn't killed";
  for (int round = 0; round < 20; ++round) {
    Other victim(world, GetParam());
    const PeerId peer = a.transport->connect(victim.address).value();
    a.received.clear();
    a.send(peer, "hello " + a.transport->address());
    a.send(peer, "flood");
    EXPECT_TRUE(a.runUntil([&] { return a.received.size() > 1000; })) << round;
    victim.stop();
    a.failed.clear();
    const auto isNoticed = [&] {
      a.transport->probe(peer);
      if (a.failed.empty()) a.send(peer, "are you there?");
      return !a.failed.empty();
    };
    EXPECT_TRUE(a.runUntil(isNoticed)) << round;
    a.transport->disconnect(peer);
    // The last of the flood may still be on its way.
    a.send(toB, "still there");
    const auto isAnswered = [&] {
      return std::find(a.received.begin(), a.received.end(), "still there") != a.received.end();
    };
    ASSERT_TRUE(a.runUntil(isAnswered)) << round;
  }
}

}  // namespace
}  // namespace daos::rpc
