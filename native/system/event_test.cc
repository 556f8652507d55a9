// Operations from a thread that has no reactor: launched on a client core, waited for through an
// event queue.
#include <gtest/gtest.h>

#include "client/event_operation.h"
#include "system/loopback.h"

namespace daos::system {
namespace {

using client::Event;
using client::EventQueue;

TEST(SystemEvents, ManyUpdatesAreInFlightAndEachCompletionIsPolledOnce) {
  ScratchDirectory directory("/dev/shm");
  const Uuid pool = SystemRandom().uuid();
  const Uuid container = SystemRandom().uuid();
  auto engine = engine::Engine::start({.dataDirectory = directory.path(), .transports = {"tcp"}});
  ASSERT_TRUE(engine.ok()) << engine.error().describe();
  ASSERT_TRUE(waitFor([&](auto done) {
                (*engine)->createPool(pool, {.arenaBytes = 64 << 20}, done);
              }).ok());
  ASSERT_TRUE(waitFor([&](auto done) { (*engine)->createContainer(pool, container, done); }).ok());

  auto core = client::ClientThread::create(transportsOf({"tcp"}), {}).value();
  std::shared_ptr<client::Object> object;
  Event opened;
  const auto open = [&](client::Context& context) -> Task<Status> {
    DAOS_CO_TRY(auto found, client::Pool::open(context, pool, mapOf(**engine)));
    DAOS_CO_TRY(auto handle, co_await client::Container::open(std::move(found), container, {}));
    const ObjectId oid = ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 1);
    DAOS_CO_TRY(object, client::Object::open(std::move(handle), oid));
    co_return Status{};
  };
  ASSERT_TRUE(client::launch(*core, opened, open).ok());
  ASSERT_TRUE(*opened.test(-1));
  ASSERT_TRUE(opened.status().ok()) << opened.status().error().describe();

  constexpr uint64_t kCount = 100;
  EventQueue queue;
  std::vector<std::unique_ptr<Event>> events;
  for (uint64_t key = 0; key < kCount; ++key) {
    events.push_back(std::make_unique<Event>(&queue));
    const auto write = [&object, key](client::Context&) -> Task<Status> {
      const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = sizeof(key)};
      const uint64_t value = key * key;
      const Bytes data[] = {bytesOf(&value, sizeof(value))};
      DAOS_CO_TRY([[maybe_unused]] const Epoch epoch,
                  co_await client::update(
                      *object, {.dkey = bytesOf(&key, 8), .akeys = {&akey, 1}, .data = data}));
      co_return Status{};
    };
    ASSERT_TRUE(client::launch(*core, *events.back(), write).ok());
  }
  size_t takenCount = 0;
  Event* taken[16];
  while (const size_t count = queue.poll(taken, -1, true)) {
    for (Event* event : std::span(taken).first(count)) {
      EXPECT_TRUE(event->status().ok()) << event->status().error().describe();
    }
    takenCount += count;
  }
  EXPECT_EQ(takenCount, kCount);
  EXPECT_EQ(queue.runningCount(), 0u);
  // The object's memory belongs to the core's thread: it goes before the core does.
  Event closed;
  ASSERT_TRUE(client::launch(*core, closed, [&object](client::Context&) -> Task<Status> {
                object.reset();
                co_return Status{};
              }).ok());
  ASSERT_TRUE(*closed.test(-1));
}

}  // namespace
}  // namespace daos::system
