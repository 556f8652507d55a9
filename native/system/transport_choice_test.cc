// Goal: a client reaches an engine of its own host through shared memory, and any other one by tcp,
// without being told which. Method: the address of the transport that must not be taken is another
// one, at which it would be noticed.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

// Listens on loopback, and serves nobody.
class DeafListener {
 public:
  DeafListener() {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    auto* const name = reinterpret_cast<sockaddr*>(&any);
    EXPECT_EQ(bind(socket_, name, size), 0);
    EXPECT_EQ(listen(socket_, 16), 0);
    EXPECT_EQ(getsockname(socket_, name, &size), 0);
    address_ = "fi_sockaddr_in://127.0.0.1:" + std::to_string(ntohs(any.sin_port));
  }
  ~DeafListener() { close(socket_); }
  const std::string& address() const { return address_; }
  bool wasAsked() const {
    pollfd state{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&state, 1, 0) > 0;
  }

 private:
  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string address_;
};

class TransportChoice : public testing::Test, public SystemFixture {
 protected:
  static constexpr uint64_t kTimeoutNs = 20'000'000'000;

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(startEngine({.transports = {"shm", "tcp"}}));
    ASSERT_NO_FATAL_FAILURE(createStore({.arenaBytes = 32 * kMebibyte}));
    client_ = LoopbackClient::create({"shm", "tcp"}).value();
  }
  // The engine's map, whose address of `transport` is `instead`.
  placement::PoolMap mapWith(const std::string& transport, const std::string& instead) const {
    placement::PoolMap map = mapOf(*engine_);
    size_t count = 0;
    for (placement::PoolTarget& target : map.targets) {
      for (placement::TargetAddress& address : target.addresses) {
        if (address.transport != transport) continue;
        address.address = instead;
        ++count;
      }
    }
    EXPECT_EQ(count, map.targets.size());
    return map;
  }
  ErrorCode putBy(const placement::PoolMap& map) {
    openContainer(map);
    if (!open_) return ErrorCode::kUnreach;
    return put(*object(1), "k", "v", 0, kTimeoutNs).code();
  }
};

TEST_F(TransportChoice, AnEngineOfThisHostIsReachedThroughSharedMemory) {
  const DeafListener deaf;
  EXPECT_EQ(putBy(mapWith("tcp", deaf.address())), ErrorCode::kOk);
  EXPECT_FALSE(deaf.wasAsked());
}

TEST_F(TransportChoice, AnEngineOfAnotherHostIsReachedByTcp) {
  std::string elsewhere;
  const placement::PoolMap map = mapOf(*engine_);
  for (const placement::TargetAddress& address : map.targets[0].addresses) {
    if (address.transport == "shm") elsewhere = address.address;
  }
  // The first sign of the mark of the host's boot.
  const size_t mark = elsewhere.find("daos-") + 5;
  ASSERT_LT(mark, elsewhere.size());
  elsewhere[mark] = elsewhere[mark] == '0' ? '1' : '0';
  EXPECT_EQ(putBy(mapWith("shm", elsewhere)), ErrorCode::kOk);
}

// Nothing is left out in silence: clients would go by tcp then, and nobody would know.
TEST(TransportConfiguration, AProviderThatIsNotThereIsNamedByTheEngineThatShallListenByIt) {
  const ScratchDirectory directory;
  auto engine =
      engine::Engine::start({.dataDirectory = directory.path(), .transports = {"verbs", "tcp"}});
  if (engine.ok()) {
    const auto addresses = (*engine)->addresses().at(0);
    EXPECT_EQ(addresses.at(0).transport, "verbs");
    EXPECT_TRUE(addresses.at(0).address.starts_with("verbs://")) << addresses.at(0).address;
    EXPECT_TRUE((*engine)->stop().ok());
    return;
  }
  EXPECT_EQ(engine.code(), ErrorCode::kNosys);
  EXPECT_NE(engine.error().message().find("transport verbs: verbs at 127.0.0.1: "),
            std::string::npos)
      << engine.error().describe();
}

}  // namespace
}  // namespace daos::system
