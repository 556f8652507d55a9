// Goal: a target that is away, or excluded, keeps nobody from the others; what waits for it goes on
// as soon as a map says where it is, and fails as soon as a map says that it doesn't serve.
// Method: maps of an engine's two targets in which the second one has no address, one where nobody
//         is, that of a server which never answers, or isn't up.
#include <gtest/gtest.h>

#include "protocol/generated/opcode.h"
#include "runtime/completion.h"
#include "system/system_fixture.h"

namespace daos::system {
namespace {

constexpr uint32_t kAway = 1;  // position of the target in the map
constexpr uint64_t kLongNs = 600'000'000'000;

// On the client's own loop. Takes requests and keeps them.
class SilentServer {
 public:
  SilentServer(LoopbackClient& client, rpc::LocalNetwork& network)
      : reactor_(client.reactor()), endpoint_(rpc::Endpoint::create(reactor_, random_)) {
    endpoint_->addTransport(network.createTransport().value());
    for (const auto opcode :
         {protocol::Opcode::kContainerOpen, protocol::Opcode::kObjectUpdate,
          protocol::Opcode::kObjectFetch}) {
      endpoint_->handle(static_cast<uint16_t>(opcode), [this](rpc::Request& request) -> Task<void> {
        ++requestCount_;
        while (!hasEnded_) co_await reactor_.yield();
        request.fail(Error(ErrorCode::kShutdown));
      });
    }
  }
  ~SilentServer() {
    hasEnded_ = true;
    endpoint_->shutdown();
    while (!endpoint_->isQuiet()) reactor_.runOnce();
  }
  placement::TargetAddress address() const { return {"local", endpoint_->addresses()}; }
  size_t requestCount() const { return requestCount_; }

 private:
  Reactor& reactor_;
  SystemRandom random_;
  std::unique_ptr<rpc::Endpoint> endpoint_;
  size_t requestCount_ = 0;
  bool hasEnded_ = false;
};

class AwayTarget : public testing::Test, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(startEngine({.targetCount = 2, .transports = {"local"}}));
    ASSERT_NO_FATAL_FAILURE(createStore({.arenaBytes = 32 * kMebibyte}));
    startClient();
  }
  placement::PoolMap partialMap() const {
    placement::PoolMap map = mapOf(*engine_);
    map.targets[kAway].addresses.clear();
    return map;
  }
  placement::PoolMap excludingMap(uint32_t version) const {
    placement::PoolMap map = mapOf(*engine_, version);
    map.targets[kAway].isUp = false;
    return map;
  }
  placement::PoolMap mapWith(placement::TargetAddress address, uint32_t version = 1) const {
    placement::PoolMap map = mapOf(*engine_, version);
    map.targets[kAway].addresses = {std::move(address)};
    return map;
  }
  bool update(placement::PoolMap map) { return open_->pool().updateMap(std::move(map)).ok(); }
  // A dkey that lies on the target at this position.
  std::string dkeyOn(uint32_t target) {
    const auto wide = object(1, 0xffff);
    std::string dkey = "k";
    while (wide->targetOf(bytesOf(dkey)).value() != target) dkey += 'k';
    return dkey;
  }
  Result<Epoch> putOn(uint32_t target, uint64_t timeoutNs = 0) {
    return put(*object(1, 0xffff), dkeyOn(target), "v", 0, timeoutNs);
  }

  // An operation that a test lets wait.
  struct Waiting {
    std::shared_ptr<client::Object> object;
    std::string dkey;
    std::string value = "v";
    std::optional<Result<Epoch>> result;
  };
  static Task<void> write(Waiting& waiting) {
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = waiting.value.size()};
    const Bytes data[] = {bytesOf(waiting.value)};
    waiting.result.emplace(co_await client::update(*waiting.object,
                                                   {.dkey = bytesOf(waiting.dkey),
                                                    .akeys = {&akey, 1},
                                                    .data = data,
                                                    .timeoutNs = kLongNs}));
  }
  static Task<void> read(Waiting& waiting) {
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = waiting.value.size()};
    const MutableBytes room[] = {bytesOf(waiting.value.data(), waiting.value.size())};
    client::AkeyResult found;
    waiting.result.emplace(co_await client::fetch(*waiting.object, {.dkey = bytesOf(waiting.dkey),
                                                                    .akeys = {&akey, 1},
                                                                    .buffers = room,
                                                                    .results = {&found, 1},
                                                                    .timeoutNs = kLongNs}));
  }
  void begin(Waiting& waiting, Task<void> (*operation)(Waiting&)) {
    waiting.object = object(1, 0xffff);
    waiting.dkey = dkeyOn(kAway);
    client_->reactor().spawn(operation(waiting));
  }
  void finish(Waiting& waiting) {
    client_->reactor().runUntil([&] { return waiting.result.has_value(); });
  }
  size_t callCountAt(const placement::TargetAddress& address) {
    return client_->context().endpoint().peer(address.address).callCount();
  }
};

TEST_F(AwayTarget, APoolIsOpenedWithoutItAndItIsReachedOnceItHasAnAddress) {
  ASSERT_NO_FATAL_FAILURE(openContainer(partialMap()));
  EXPECT_TRUE(putOn(0).ok());
  const ErrorCode code = putOn(kAway, 100'000'000).code();
  EXPECT_TRUE(code == ErrorCode::kTimedout || code == ErrorCode::kUnreach) << errorName(code);
  ASSERT_TRUE(update(mapOf(*engine_)));
  EXPECT_TRUE(putOn(kAway).ok());
}

TEST_F(AwayTarget, AMapWithoutItsAddressKeepsTheOneThatIsKnown) {
  ASSERT_NO_FATAL_FAILURE(openContainer());
  ASSERT_TRUE(update(partialMap()));
  EXPECT_TRUE(putOn(0).ok());
  EXPECT_TRUE(putOn(kAway).ok());
}

TEST_F(AwayTarget, AnExcludedTargetIsNotCalledAndNamed) {
  ASSERT_NO_FATAL_FAILURE(openContainer());
  ASSERT_TRUE(putOn(kAway).ok());
  ASSERT_TRUE(update(excludingMap(2)));
  const std::string dkey = dkeyOn(kAway);
  const uint64_t calls = client_->context().endpoint().statistics().callCount;
  const auto refused = put(*object(1, 0xffff), dkey, "v");
  ASSERT_EQ(refused.code(), ErrorCode::kBadTarget);
  EXPECT_NE(refused.error().message().find("target 1 of rank 0"), std::string::npos)
      << refused.error().describe();
  EXPECT_EQ(get(*object(1, 0xffff), dkey, 1).code(), ErrorCode::kBadTarget);
  EXPECT_EQ(client_->context().endpoint().statistics().callCount, calls);
  EXPECT_TRUE(putOn(0).ok());
  // An older map changes nothing; a newer one lets it in again.
  ASSERT_TRUE(update(mapOf(*engine_, 1)));
  EXPECT_EQ(putOn(kAway).code(), ErrorCode::kBadTarget);
  ASSERT_TRUE(update(mapOf(*engine_, 3)));
  EXPECT_EQ(get(*object(1, 0xffff), dkey, 1).value(), "v");
}

TEST_F(AwayTarget, AContainerIsOpenedWhereTargetsServe) {
  for (int i = 0; i < 8; ++i) ASSERT_NO_FATAL_FAILURE(openContainer(excludingMap(1)));
  placement::PoolMap none = excludingMap(1);
  none.targets[0].isUp = false;
  const auto refused = client_->openContainer(pool_, container_, none);
  EXPECT_EQ(refused.code(), ErrorCode::kBadTarget);
}

TEST_F(AwayTarget, AnOperationThatWaitsWhereNobodyIsGoesOnAtItsNewAddress) {
  const placement::TargetAddress old{"local", "local://4242"};
  ASSERT_NO_FATAL_FAILURE(openContainer());
  for (const auto operation : {write, read}) {
    ASSERT_TRUE(update(mapWith(old)));
    Waiting waiting;
    begin(waiting, operation);
    for (int i = 0; i < 10; ++i) client_->reactor().runOnce();
    ASSERT_EQ(callCountAt(old), 1u);
    ASSERT_TRUE(update(mapOf(*engine_)));
    EXPECT_EQ(callCountAt(old), 0u);
    finish(waiting);
    EXPECT_TRUE(waiting.result->ok()) << waiting.result->error().describe();
  }
}

TEST_F(AwayTarget, AnOperationAtAServerThatHangsGoesOnAtItsNewAddress) {
  SilentServer silent(*client_, *network_);
  ASSERT_NO_FATAL_FAILURE(openContainer(mapOf(*engine_)));
  ASSERT_TRUE(update(mapWith(silent.address())));
  Waiting waiting;
  begin(waiting, write);
  client_->reactor().runUntil([&] { return silent.requestCount() == 1; });
  ASSERT_TRUE(update(mapOf(*engine_)));
  EXPECT_EQ(callCountAt(silent.address()), 0u);
  finish(waiting);
  EXPECT_TRUE(waiting.result->ok()) << waiting.result->error().describe();
}

TEST_F(AwayTarget, AnOperationThatWaitsFailsOnceItsTargetIsExcluded) {
  SilentServer silent(*client_, *network_);
  ASSERT_NO_FATAL_FAILURE(openContainer(mapOf(*engine_)));
  for (const auto operation : {write, read}) {
    ASSERT_TRUE(update(mapWith(silent.address(), 2)));
    const size_t requestCount = silent.requestCount();
    Waiting waiting;
    begin(waiting, operation);
    client_->reactor().runUntil([&] { return silent.requestCount() > requestCount; });
    ASSERT_TRUE(update(excludingMap(2)));
    finish(waiting);
    // Of what could have changed something it isn't known whether it has.
    EXPECT_EQ(waiting.result->code(),
              operation == read ? ErrorCode::kBadTarget : ErrorCode::kUnreach);
    EXPECT_NE(waiting.result->error().message().find("target 1 of rank 0"), std::string::npos)
        << waiting.result->error().describe();
  }
}

}  // namespace
}  // namespace daos::system
