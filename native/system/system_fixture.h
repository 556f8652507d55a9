// What most tests of the whole system stand on: an engine in this process with one pool and one
// container, and a client in the test's thread that has it open.
//
// Life cycle: startEngine → createStore (or openPool of what an earlier engine made) →
//             openContainer → … → stop, after which an engine may be started again.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "system/loopback.h"

namespace daos::system {

// Beside testing::Test or testing::TestWithParam, as a second base.
class SystemFixture {
 protected:
  static constexpr uint64_t kMebibyte = 1 << 20;

  ~SystemFixture() { stop(); }

  // On this fixture's network, and in its directory if `options` name none. Fails the test.
  void startEngine(engine::EngineOptions options) {
    if (options.dataDirectory.empty()) options.dataDirectory = directory_.path();
    options.localNetwork = network_.get();
    auto engine = engine::Engine::start(std::move(options));
    ASSERT_TRUE(engine.ok()) << engine.error().describe();
    engine_ = std::move(*engine);
  }
  // Pool and container. Fails the test.
  void createStore(engine::PoolSizes sizes) {
    const Status created =
        waitFor([&](auto done) { engine_->createPool(pool_, sizes, std::move(done)); });
    ASSERT_TRUE(created.ok()) << created.error().describe();
    const Status contained =
        waitFor([&](auto done) { engine_->createContainer(pool_, container_, std::move(done)); });
    ASSERT_TRUE(contained.ok()) << contained.error().describe();
  }
  void openPool() {
    const Status opened = waitFor([&](auto done) { engine_->openPool(pool_, std::move(done)); });
    ASSERT_TRUE(opened.ok()) << opened.error().describe();
  }
  void startClient(const std::string& transport = "local") {
    client_ = LoopbackClient::create({transport}, network_.get()).value();
  }
  // By the running client. Fails the test.
  void openContainer(const placement::PoolMap& map, client::ContainerOptions options = {}) {
    auto open = client_->openContainer(pool_, container_, map, std::move(options));
    ASSERT_TRUE(open.ok()) << open.error().describe();
    open_ = std::move(*open);
  }
  void openContainer() { openContainer(mapOf(*engine_)); }
  void stop() {
    open_.reset();
    client_.reset();
    if (engine_) {
      EXPECT_TRUE(engine_->stop().ok());
    }
    engine_.reset();
  }

  std::shared_ptr<client::Object> object(uint64_t low, uint16_t groupCount = 1,
                                         ObjectType type = ObjectType::kMultiHashed) {
    return client::Object::open(open_, ObjectId::make({low, 0}, type, 1, groupCount)).value();
  }
  // A single value under the akey "a".
  Result<Epoch> put(client::Object& object, const std::string& dkey,
                    const std::string& value, Conditions conditions = 0, uint64_t timeoutNs = 0) {
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const Bytes data[] = {bytesOf(value)};
    return client_->run(client::update(object, {.dkey = bytesOf(dkey),
                                                .akeys = {&akey, 1},
                                                .data = data,
                                                .conditions = conditions,
                                                .timeoutNs = timeoutNs}));
  }
  // Empty where there is none; DER_REC2BIG where it is longer than `room`. The newest, or what was
  // visible at `epoch`.
  Result<std::string> get(client::Object& object, const std::string& dkey, size_t room,
                          Epoch epoch = 0) {
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = room};
    std::string value(room, '\0');
    const MutableBytes buffers[] = {bytesOf(value.data(), value.size())};
    client::AkeyResult result;
    DAOS_TRY([[maybe_unused]] const Epoch seen,
             client_->run(client::fetch(object, {.dkey = bytesOf(dkey),
                                                 .akeys = {&akey, 1},
                                                 .buffers = buffers,
                                                 .results = {&result, 1},
                                                 .epoch = epoch})));
    value.resize(result.recordSize);
    return value;
  }

  const Uuid pool_ = SystemRandom().uuid();
  const Uuid container_ = SystemRandom().uuid();
  ScratchDirectory directory_{"/dev/shm"};
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<LoopbackClient> client_;
  std::shared_ptr<client::Container> open_;
};

}  // namespace daos::system
