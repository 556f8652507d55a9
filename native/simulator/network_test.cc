// The transport contract on the simulated network, its faults, and what a crash leaves of it.
#include "simulator/network.h"

#include <gtest/gtest.h>

#include <cstring>

namespace daos::simulator {
namespace {

struct Inbox : rpc::TransportListener {
  std::vector<std::string> messages;
  int failedCount = 0;
  void onMessage(rpc::BufferRef message) override {
    messages.emplace_back(textOf(message.bytes()));
  }
  void onPeerFailed(rpc::PeerId, ErrorCode) override { ++failedCount; }
};

// A process with a transport; dies in the right order.
struct Node {
  Node(Scheduler& scheduler, Trace& trace, SimulatedNetwork& network, uint32_t id)
      : process(std::make_unique<Process>(scheduler, trace, ProcessOptions{.id = id, .seed = 1})),
        transport(network.createTransport(*process)) {
    transport->setListener(inbox);
    process->reactor().addPoller(*transport);
  }
  ~Node() {
    process->dropTasks();
    process->reactor().removePoller(*transport);
    transport.reset();
  }
  void send(rpc::PeerId peer, std::string_view text) {
    rpc::BufferRef message = transport->allocate();
    std::memcpy(message->data, text.data(), text.size());
    message->size = static_cast<uint32_t>(text.size());
    transport->send(peer, std::move(message));
    process->wake();
  }
  Inbox inbox;
  std::unique_ptr<Process> process;
  std::unique_ptr<rpc::Transport> transport;
};

class SimulatorNetwork : public testing::Test {
 protected:
  SimulatorNetwork() { b_->process->wake(); }
  ~SimulatorNetwork() override {
    a_.reset();
    b_.reset();
  }
  void pass(uint64_t ns) { scheduler_.runUntil(scheduler_.nowNs() + ns); }
  void restartB() {
    b_.reset();
    b_ = std::make_unique<Node>(scheduler_, trace_, network_, 2);
  }

  FaultOptions faults_;
  Scheduler scheduler_{1};
  Trace trace_;
  SimulatedNetwork network_{scheduler_, trace_, faults_, 1};
  std::unique_ptr<Node> a_ = std::make_unique<Node>(scheduler_, trace_, network_, 1);
  std::unique_ptr<Node> b_ = std::make_unique<Node>(scheduler_, trace_, network_, 2);
};

TEST_F(SimulatorNetwork, MessagesArriveOnceInOrder) {
  const rpc::PeerId peer = a_->transport->connect("sim://2").value();
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    expected.push_back(std::to_string(i));
    a_->send(peer, expected.back());
    if (i % 7 == 0) pass(3000);
  }
  pass(1'000'000);
  EXPECT_EQ(b_->inbox.messages, expected);
  EXPECT_EQ(a_->inbox.failedCount, 0);
}

TEST_F(SimulatorNetwork, WrongAddressesAndAbsentPeersAreRefused) {
  EXPECT_EQ(a_->transport->connect("tcp://1").code(), ErrorCode::kInval);
  EXPECT_EQ(a_->transport->connect("sim://2x").code(), ErrorCode::kInval);
  EXPECT_EQ(a_->transport->connect("sim://77").code(), ErrorCode::kUnreach);
}

TEST_F(SimulatorNetwork, AShortPartitionDelaysAndALongOneBreaks) {
  const rpc::PeerId peer = a_->transport->connect("sim://2").value();
  network_.partition(1, 2, 100'000'000);
  a_->send(peer, "late");
  pass(50'000'000);
  EXPECT_TRUE(b_->inbox.messages.empty());
  EXPECT_EQ(a_->transport->queuedCount(peer), 1u);
  pass(60'000'000);
  EXPECT_EQ(b_->inbox.messages, std::vector<std::string>{"late"});
  network_.partition(1, 2, 5'000'000'000);
  a_->send(peer, "lost");
  pass(3'000'000'000);
  EXPECT_EQ(a_->inbox.failedCount, 1);
  pass(3'000'000'000);
  EXPECT_EQ(b_->inbox.messages.size(), 1u);
}

TEST_F(SimulatorNetwork, AOneWayPartitionLetsTheOtherWayThrough) {
  const rpc::PeerId toA = b_->transport->connect("sim://1").value();
  network_.partition(1, 2, 5'000'000'000);
  b_->send(toA, "hello");
  pass(1'000'000);
  EXPECT_EQ(a_->inbox.messages.size(), 1u);
}

TEST_F(SimulatorNetwork, AChannelDoesNotOutliveItsPeersIncarnation) {
  const rpc::PeerId old = a_->transport->connect("sim://2").value();
  restartB();
  a_->send(old, "to the dead");
  pass(100'000'000);
  EXPECT_EQ(a_->inbox.failedCount, 1);
  EXPECT_TRUE(b_->inbox.messages.empty());
  a_->send(a_->transport->connect("sim://2").value(), "to the living");
  pass(1'000'000);
  EXPECT_EQ(b_->inbox.messages.size(), 1u);
}

TEST_F(SimulatorNetwork, OfWhatADeadProcessSentABeginningArrives) {
  bool isShorter = false, isLonger = false;
  for (int round = 0; round < 30; ++round) {
    const rpc::PeerId peer = b_->transport->connect("sim://1").value();
    const size_t before = a_->inbox.messages.size();
    for (int i = 0; i < 5; ++i) b_->send(peer, std::to_string(i));
    restartB();
    pass(1'000'000);
    const size_t count = a_->inbox.messages.size() - before;
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(a_->inbox.messages[before + i], std::to_string(i));
    isShorter |= count < 3;
    isLonger |= count >= 3;
  }
  EXPECT_TRUE(isShorter);
  EXPECT_TRUE(isLonger);
}

TEST_F(SimulatorNetwork, MessageFaultsAreDealtAndCounted) {
  faults_.lossShare = faults_.duplicateShare = faults_.reorderShare = faults_.corruptShare = 100000;
  const rpc::PeerId peer = a_->transport->connect("sim://2").value();
  for (int i = 0; i < 1000; ++i) a_->send(peer, "message " + std::to_string(i));
  pass(1'000'000'000);
  const NetworkStatistics& statistics = network_.statistics();
  EXPECT_NEAR(static_cast<double>(statistics.lostCount), 100, 40);
  EXPECT_NEAR(static_cast<double>(statistics.duplicatedCount), 90, 40);
  EXPECT_NEAR(static_cast<double>(statistics.corruptedCount), 90, 40);
  EXPECT_GT(statistics.reorderedCount, 20u);
  EXPECT_EQ(b_->inbox.messages.size(), 1000 - statistics.lostCount + statistics.duplicatedCount);
}

TEST_F(SimulatorNetwork, AMessageIsOvertakenByTheNextOrComesLateByItself) {
  const rpc::PeerId peer = a_->transport->connect("sim://2").value();
  faults_.reorderShare = 1'000'000;
  a_->send(peer, "first");
  a_->send(peer, "second");
  pass(1'000'000);
  EXPECT_EQ(b_->inbox.messages, (std::vector<std::string>{"second", "first"}));
  a_->send(peer, "alone");
  pass(200'000'000);
  EXPECT_EQ(b_->inbox.messages.back(), "alone");
  EXPECT_EQ(network_.statistics().reorderedCount, 1u);
}

TEST_F(SimulatorNetwork, MemoryIsReachedWithinItsBoundsAndRights) {
  std::byte remote[64] = {}, local[16];
  std::memset(local, 7, sizeof(local));
  const auto region = b_->transport->registerMemory(remote, rpc::MemoryAccess::kWrite).value();
  const rpc::PeerId peer = a_->transport->connect("sim://2").value();
  std::vector<ErrorCode> codes;
  rpc::RmaOperation operation;
  operation.peer = peer;
  operation.local[0] = local;
  operation.localCount = 1;
  operation.context = &codes;
  operation.done = [](rpc::RmaOperation& self, ErrorCode code) {
    static_cast<std::vector<ErrorCode>*>(self.context)->push_back(code);
  };
  operation.remote = {region.remote.key, region.remote.address + 48};
  a_->transport->write(operation);
  pass(1'000'000);
  EXPECT_EQ(remote[48], std::byte{7});
  operation.remote.address += 1;
  a_->transport->write(operation);
  pass(1'000'000);
  operation.remote.address -= 1;
  a_->transport->read(operation);
  pass(1'000'000);
  b_->transport->deregisterMemory(region);
  a_->transport->write(operation);
  pass(1'000'000);
  EXPECT_EQ(codes, (std::vector<ErrorCode>{ErrorCode::kOk, ErrorCode::kInval, ErrorCode::kInval,
                                           ErrorCode::kInval}));
  a_->transport->write(operation);
  a_->transport->disconnect(peer);
  pass(1'000'000);
  EXPECT_EQ(codes.back(), ErrorCode::kCanceled);
  EXPECT_EQ(codes.size(), 5u);
}

}  // namespace
}  // namespace daos::simulator
