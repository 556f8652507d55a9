// Goal: an engine that is told for how long versions stay readable drops older ones by itself,
// while clients go on, and what is newest stays.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "system/loopback.h"

namespace daos::system {
namespace {

uint64_t usedBytes(engine::Engine& engine, const Uuid& pool) {
  std::promise<uint64_t> used;
  engine.queryPool(pool, [&](Result<std::vector<engine::TargetShare>> shares) {
    uint64_t sum = 0;
    for (const engine::TargetShare& share : shares.value()) sum += share.arenaUsedBytes;
    used.set_value(sum);
  });
  return used.get_future().get();
}

TEST(EngineAggregation, OldVersionsGoAndTheNewestStays) {
  ScratchDirectory directory("/dev/shm");
  const auto network = rpc::LocalNetwork::create();
  auto engine = engine::Engine::start({.dataDirectory = directory.path(),
                                       .targetCount = 1,
                                       .transports = {"local"},
                                       .localNetwork = network.get(),
                                       .arenaKind = engine::ArenaKind::kPmem,
                                       .historyNs = 300'000'000,
                                       .log = Log::toStandardError(LogLevel::kWarning)});
  ASSERT_TRUE(engine.ok()) << engine.error().describe();
  const Uuid pool = SystemRandom().uuid();
  const Uuid container = SystemRandom().uuid();
  ASSERT_TRUE(waitFor([&](auto done) {
                (*engine)->createPool(pool, {.arenaBytes = 64ull << 20}, std::move(done));
              }).ok());
  ASSERT_TRUE(waitFor([&](auto done) { (*engine)->createContainer(pool, container, done); }).ok());
  auto client = LoopbackClient::create({"local"}, network.get()).value();
  auto open = client->openContainer(pool, container, mapOf(**engine));
  ASSERT_TRUE(open.ok()) << open.error().describe();
  const auto object =
      client::Object::open(*open, ObjectId::make({1, 0}, ObjectType::kMultiHashed, 1, 1)).value();

  const uint64_t empty = usedBytes(**engine, pool);
  constexpr int kVersionCount = 3000;
  std::string value(2000, 'v');
  const auto put = [&](int number) {
    value[0] = static_cast<char>('a' + number % 26);
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const Bytes data[] = {bytesOf(value)};
    return client->run(client::update(
        *object, {.dkey = bytesOf("k"), .akeys = {&akey, 1}, .data = data}));
  };
  for (int i = 0; i < kVersionCount; ++i) ASSERT_TRUE(put(i).ok());
  // A version is dropped a round after it has come of age; the first may be gone by now.
  const uint64_t tenth = empty + kVersionCount * value.size() / 10;
  for (int i = 0; i < 2000 && usedBytes(**engine, pool) > tenth; ++i) {
    ASSERT_TRUE(put(i).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_LE(usedBytes(**engine, pool), tenth);

  std::string found(value.size(), '\0');
  const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = found.size()};
  const MutableBytes buffers[] = {bytesOf(found.data(), found.size())};
  client::AkeyResult result;
  const auto fetched = client->run(client::fetch(*object, {.dkey = bytesOf("k"),
                                                           .akeys = {&akey, 1},
                                                           .buffers = buffers,
                                                           .results = {&result, 1}}));
  ASSERT_TRUE(fetched.ok()) << fetched.error().describe();
  EXPECT_EQ(found, value);
  open->reset();
  client.reset();
  EXPECT_TRUE((*engine)->stop().ok());
}

}  // namespace
}  // namespace daos::system
