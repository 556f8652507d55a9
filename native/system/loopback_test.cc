// Engine and client together, over each transport, in one process: what a user does, end to end.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <thread>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

constexpr uint64_t kArenaBytes = 64ull << 20;
constexpr uint64_t kDataBytes = 96ull << 20;

// An engine with a pool and a container, and a client that has it open, by the transport of the
// parameter.
struct Setting {
  const char* transport;
  engine::ArenaKind arena;
};

class Loopback : public testing::TestWithParam<Setting>, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_NO_FATAL_FAILURE(createStore({.arenaBytes = kArenaBytes, .dataBytes = kDataBytes}));
    startClient(GetParam().transport);
    ASSERT_NO_FATAL_FAILURE(openContainer());
  }

  void start() {
    startEngine({.targetCount = 2,
                 .transports = {GetParam().transport},
                 .arenaKind = GetParam().arena,
                 .log = Log::toStandardError(LogLevel::kWarning)});
  }
};

TEST_P(Loopback, ValuesOfEverySizeComeBackIdentical) {
  const auto object = this->object(1);
  for (size_t size : {1u, 63u, 64u, 4095u, 4096u, 4097u, 65536u, 1000003u, 8u << 20}) {
    std::string value(size, '\0');
    for (size_t i = 0; i < size; ++i) value[i] = static_cast<char>(i * 31 + size);
    const auto epoch = put(*object, "size " + std::to_string(size), value);
    ASSERT_TRUE(epoch.ok()) << size << ": " << epoch.error().describe();
    const auto found = get(*object, "size " + std::to_string(size), size);
    ASSERT_TRUE(found.ok()) << size << ": " << found.error().describe();
    EXPECT_EQ(*found, value) << size;
  }
}

TEST_P(Loopback, AnAbsentKeyReadsAsNothingAndAConditionTellsSo) {
  const auto object = this->object(2);
  EXPECT_EQ(*get(*object, "absent", 100), "");
  EXPECT_EQ(put(*object, "absent", "v", kDkeyUpdate).code(), ErrorCode::kNonexist);
  EXPECT_TRUE(put(*object, "absent", "v", kDkeyInsert).ok());
  EXPECT_EQ(put(*object, "absent", "w", kDkeyInsert).code(), ErrorCode::kExist);
  EXPECT_EQ(*get(*object, "absent", 100), "v");
}

TEST_P(Loopback, AValueLargerThanItsRoomIsRefusedWithItsSize) {
  const auto object = this->object(3);
  ASSERT_TRUE(put(*object, "k", std::string(100, 'x')).ok());
  EXPECT_EQ(get(*object, "k", 99).code(), ErrorCode::kRec2big);
  EXPECT_EQ(get(*object, "k", 100)->size(), 100u);
}

TEST_P(Loopback, HolesOfAnArrayLeaveTheBufferUntouched) {
  const auto object = this->object(4);
  for (uint64_t scale : {1u, 5000u}) {  // inside of a frame, and by bulk transfer
    const std::string dkey = "scale " + std::to_string(scale);
    const Extent written[] = {{0, 4 * scale}, {8 * scale, 4 * scale}};
    const IoDescriptor update{
        .akey = bytesOf("a"), .type = ValueType::kArray, .recordSize = 8, .extents = written};
    const std::string data(8 * scale * 8, 'd');
    const Bytes pieces[] = {bytesOf(data).first(40), bytesOf(data).subspan(40)};
    ASSERT_TRUE(client_
                    ->run(client::update(
                        *object, {.dkey = bytesOf(dkey), .akeys = {&update, 1}, .data = pieces}))
                    .ok());
    const Extent wanted[] = {{2 * scale, 8 * scale}};
    const IoDescriptor fetch{
        .akey = bytesOf("a"), .type = ValueType::kArray, .recordSize = 8, .extents = wanted};
    std::string buffer(8 * scale * 8, '.');
    const MutableBytes buffers[] = {bytesOf(buffer.data(), buffer.size())};
    client::AkeyResult result;
    ASSERT_TRUE(client_
                    ->run(client::fetch(*object, {.dkey = bytesOf(dkey),
                                                  .akeys = {&fetch, 1},
                                                  .buffers = buffers,
                                                  .results = {&result, 1}}))
                    .ok());
    const size_t part = 2 * scale * 8;
    EXPECT_EQ(buffer, std::string(part, 'd') + std::string(2 * part, '.') + std::string(part, 'd'));
    EXPECT_FALSE(result.isWhole);
    EXPECT_EQ(result.mapped, (std::vector<Extent>{{2 * scale, 2 * scale}, {8 * scale, 2 * scale}}));
  }
}

TEST_P(Loopback, EveryDkeyOfAWideObjectIsListedOnce) {
  const auto object = this->object(5, 0xffff);
  std::map<std::string, int> wanted;
  for (int i = 0; i < 300; ++i) {
    const std::string dkey = "dkey " + std::to_string(i);
    ASSERT_TRUE(put(*object, dkey, "v").ok());
    wanted[dkey] = 1;
  }
  std::map<std::string, int> found;
  client::EnumerationAnchor anchor;
  while (!anchor.isEnd) {
    auto page = client_->run(client::enumerate(*object, {.countMax = 17}, anchor));
    ASSERT_TRUE(page.ok()) << page.error().describe();
    for (const std::string& key : page->keys) ++found[key];
  }
  EXPECT_EQ(found, wanted);
}

TEST_P(Loopback, APunchedDkeyIsGoneAndComesBackFresh) {
  const auto object = this->object(6);
  ASSERT_TRUE(put(*object, "k", "old").ok());
  ASSERT_TRUE(client_
                  ->run(client::punch(*object,
                                      {.level = protocol::PunchLevel::kDkey, .dkey = bytesOf("k")}))
                  .ok());
  EXPECT_EQ(*get(*object, "k", 10), "");
  ASSERT_TRUE(put(*object, "k", "new").ok());
  EXPECT_EQ(*get(*object, "k", 10), "new");
}

TEST_P(Loopback, TheLastDkeyOfAnIntegerKeyedObjectIsFound) {
  const auto object = this->object(7, 0xffff, ObjectType::kDkeyUint64);
  for (uint64_t key : {3u, 900u, 41u}) {
    const std::string dkey(reinterpret_cast<const char*>(&key), 8);
    ASSERT_TRUE(put(*object, dkey, "v").ok());
  }
  const auto last =
      client_->run(client::query(*object, {.flags = protocol::kQueryMax | protocol::kQueryDkey}));
  ASSERT_TRUE(last.ok()) << last.error().describe();
  EXPECT_EQ(last->dkey, 900u);
}

TEST_P(Loopback, AnEngineThatRestartsServesWhatItHadToAClientThatStayed) {
  const auto object = this->object(8);
  ASSERT_TRUE(put(*object, "k", "kept").ok());
  ASSERT_TRUE(engine_->stop().ok());
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(openPool());
  ASSERT_TRUE(open_->pool().updateMap(mapOf(*engine_, 2)).ok());
  const auto found = get(*object, "k", 10);
  ASSERT_TRUE(found.ok()) << found.error().describe();
  EXPECT_EQ(*found, "kept");
}

TEST_P(Loopback, ADestroyedContainerIsGoneForThoseWhoHaveItOpen) {
  const auto object = this->object(9);
  ASSERT_TRUE(put(*object, "k", "v").ok());
  ASSERT_TRUE(waitFor([&](auto done) { engine_->destroyContainer(pool_, container_, done); }).ok());
  EXPECT_EQ(put(*object, "k", "w").code(), ErrorCode::kNonexist);
}

// Of all targets together, when nothing is left to be collected.
TEST_P(Loopback, BulkDataIsCountedAsDataAndComesBackWithItsContainer) {
  const auto dataUsed = [&] {
    std::promise<Result<std::vector<engine::TargetShare>>> answered;
    engine_->queryPool(pool_, [&](auto shares) { answered.set_value(std::move(shares)); });
    uint64_t sum = 0;
    const auto shares = answered.get_future().get().value();
    for (const auto& share : shares) sum += share.dataUsedBytes;
    EXPECT_EQ(shares[0].dataTotalBytes, kDataBytes - 4096);
    return sum;
  };
  // What the log took lies there soon.
  const auto waitForUsed = [&](uint64_t wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (dataUsed() != wanted && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(dataUsed(), wanted);
  };
  EXPECT_EQ(dataUsed(), 0u);
  const auto object = this->object(11);
  ASSERT_TRUE(put(*object, "large", std::string(1 << 20, 'x')).ok());
  EXPECT_EQ(dataUsed(), 1u << 20);
  ASSERT_TRUE(put(*object, "odd", std::string(10000, 'x')).ok());
  waitForUsed((1u << 20) + 3 * 4096);
  ASSERT_TRUE(put(*object, "small", std::string(4095, 'x')).ok());
  EXPECT_EQ(dataUsed(), (1u << 20) + 3 * 4096);
  ASSERT_TRUE(waitFor([&](auto done) { engine_->destroyContainer(pool_, container_, done); }).ok());
  waitForUsed(0);
}

TEST_P(Loopback, AFullPoolRefusesWritesAndKeepsWhatItHas) {
  const auto object = this->object(10);
  const std::string value(1 << 20, 'x');
  ASSERT_TRUE(put(*object, "first", value).ok());
  Result<Epoch> last = Epoch{0};
  for (int i = 0; i < 200 && last.ok(); ++i) last = put(*object, std::to_string(i), value);
  EXPECT_EQ(last.code(), ErrorCode::kNospace);
  EXPECT_EQ(*get(*object, "first", value.size()), value);
}

constexpr auto kPmem = engine::ArenaKind::kPmem;
constexpr auto kLog = engine::ArenaKind::kLog;
INSTANTIATE_TEST_SUITE_P(Settings, Loopback,
                         testing::Values(Setting{"local", kPmem}, Setting{"tcp", kPmem},
                                         Setting{"shm", kPmem}, Setting{"local", kLog},
                                         Setting{"tcp", kLog}),
                         [](const auto& test) {
                           const bool isLog = test.param.arena == kLog;
                           return std::string(test.param.transport) + (isLog ? "Log" : "Pmem");
                         });

TEST(SystemEngine, ADirectoryInUseIsRefusedByName) {
  ScratchDirectory directory;
  const auto network = rpc::LocalNetwork::create();
  engine::EngineOptions options{
      .dataDirectory = directory.path(), .transports = {"local"}, .localNetwork = network.get()};
  auto first = engine::Engine::start(options);
  ASSERT_TRUE(first.ok());
  const auto second = engine::Engine::start(options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.code(), ErrorCode::kBusy);
  EXPECT_NE(second.error().message().find(directory.path().string()), std::string_view::npos);
}

TEST(SystemEngine, ADirectoryOfAnotherShapeOrFormatIsRefused) {
  ScratchDirectory directory;
  const auto network = rpc::LocalNetwork::create();
  engine::EngineOptions options{
      .dataDirectory = directory.path(), .transports = {"local"}, .localNetwork = network.get()};
  ASSERT_TRUE(engine::Engine::start(options).ok());
  options.targetCount = 2;
  EXPECT_EQ(engine::Engine::start(options).code(), ErrorCode::kMismatch);
  options.targetCount = 1;
  std::FILE* mark = std::fopen((directory.path() / "engine").c_str(), "w");
  std::fputs("daos-engine 99\nrank 0\ntargets 1\n", mark);
  std::fclose(mark);
  EXPECT_EQ(engine::Engine::start(options).code(), ErrorCode::kDfIncompt);
}

TEST(SystemEngine, WhatAKilledCreationLeftIsRemovedAtTheNextStart) {
  ScratchDirectory directory;
  const auto network = rpc::LocalNetwork::create();
  const auto left = directory.path() / "pools" / SystemRandom().uuid().toString();
  std::filesystem::create_directories(left / "target-0.creating");
  std::filesystem::create_directories(left / "target-0.destroying");
  auto engine = engine::Engine::start(
      {.dataDirectory = directory.path(), .transports = {"local"}, .localNetwork = network.get()});
  ASSERT_TRUE(engine.ok());
  EXPECT_TRUE((*engine)->listPools()->empty());
  EXPECT_FALSE(std::filesystem::exists(left));
}

TEST(SystemEngine, APoolThatDoesNotFitIsRefusedWithWhatIsFree) {
  ScratchDirectory directory;
  const auto network = rpc::LocalNetwork::create();
  auto engine = engine::Engine::start({.dataDirectory = directory.path(),
                                       .transports = {"local"},
                                       .localNetwork = network.get()})
                    .value();
  const Status status = waitFor([&](auto done) {
    engine->createPool(SystemRandom().uuid(), {.arenaBytes = uint64_t{1} << 50}, done);
  });
  EXPECT_EQ(status.code(), ErrorCode::kNospace);
  EXPECT_NE(status.error().message().find("MiB are free"), std::string_view::npos);
  EXPECT_TRUE(engine->listPools()->empty());
}

}  // namespace
}  // namespace daos::system
