// Goal:   a device that fails stops its target, and clients learn which device it was; a target
//         beside it, and other pools before the failure, are unharmed; after a restart with a
//         device that works everything acknowledged is there.
// Method: a target with its services, and a client, over faulty disks; and a whole engine whose
//         data file is cut short under it.
#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "bio/faulty_media.h"
#include "bio/memory_media.h"
#include "engine/target.h"
#include "system/loopback.h"
#include "vos/log/log_store.h"

namespace daos::system {
namespace {

constexpr uint32_t kAlways = 1000000;
const Uuid kContainer = Uuid::fromRandom(5, 6);

// --- pools on faulty disks, a pair (log and metadata, data) for each

struct Disks {
  std::unique_ptr<bio::Media> below[2];
  bio::FaultyMedia* faulty[2] = {};  // of the open pool
};

class FaultyStoredPool final : public engine::StoredPool {
 public:
  explicit FaultyStoredPool(std::unique_ptr<vos::LogStore> store) : store_(std::move(store)) {}
  vos::Pool& vos() override { return store_->pool(); }
  void onFailed(std::function<void(const Error&)> callback) override {
    store_->onFailed(std::move(callback));
  }
  Task<Status> close() override { co_return co_await store_->close(); }

 private:
  std::unique_ptr<vos::LogStore> store_;
};

class FaultyPoolStore final : public engine::PoolStore {
 public:
  FaultyPoolStore(Reactor& reactor, Random& random) : reactor_(reactor), random_(random) {}
  Disks& disksOf(Uuid pool) { return disks_[pool]; }

  Task<Result<std::unique_ptr<engine::StoredPool>>> create(Uuid pool, engine::PoolSizes) override {
    const bio::RoleSizes roles = vos::LogStore::roleSizes(kSizes);
    for (size_t i = 0; i < 2; ++i) {
      disks_[pool].below[i] =
          bio::openMemoryMedia(reactor_, "disk" + std::to_string(i),
                               bio::StoreDevices::deviceSizeBytes(roles, 2, i))
              .value();
    }
    DAOS_CO_TRY(auto store, co_await vos::LogStore::create(devices(pool), context(),
                                                           {.pool = pool}, kSizes));
    co_return std::make_unique<FaultyStoredPool>(std::move(store));
  }
  Task<Result<std::unique_ptr<engine::StoredPool>>> open(Uuid pool) override {
    DAOS_CO_TRY(auto store,
                co_await vos::LogStore::open(devices(pool), context(), {.pool = pool}));
    co_return std::make_unique<FaultyStoredPool>(std::move(store));
  }
  Task<Status> destroy(Uuid pool) override {
    disks_.erase(pool);
    co_return Status{};
  }
  Result<std::vector<Uuid>> list() override {
    std::vector<Uuid> all;
    for (const auto& [pool, disks] : disks_) all.push_back(pool);
    return all;
  }

 private:
  static constexpr vos::LogStoreSizes kSizes{
      .arenaBytes = 8 << 20, .walBytes = 1 << 20, .dataBytes = 8 << 20};
  vos::LogStore::Devices devices(Uuid pool) {
    vos::LogStore::Devices all;
    for (size_t i = 0; i < 2; ++i) {
      all.push_back(std::make_unique<bio::FaultyMedia>(*disks_[pool].below[i], random_));
      disks_[pool].faulty[i] = static_cast<bio::FaultyMedia*>(all.back().get());
    }
    return all;
  }
  vos::LogStoreContext context() { return {*buffers_, random_, log_}; }

  Reactor& reactor_;
  Random& random_;
  Log log_;
  std::unique_ptr<bio::DmaPool> buffers_ = bio::DmaPool::create(32 << 20).value();
  std::map<Uuid, Disks> disks_;
};

// --- what a client does

Task<Result<Epoch>> put(client::Object& object, std::string dkey, size_t size) {
  const std::string value(size, static_cast<char>('a' + size % 26));
  const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
  const Bytes data[] = {bytesOf(value)};
  co_return co_await client::update(object,
                                    {.dkey = bytesOf(dkey), .akeys = {&akey, 1}, .data = data});
}

Task<Status> get(client::Object& object, std::string dkey, size_t size) {
  const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = size};
  std::string value(size, '\0');
  const MutableBytes buffers[] = {bytesOf(value.data(), value.size())};
  client::AkeyResult result;
  const auto epoch = co_await client::fetch(
      object,
      {.dkey = bytesOf(dkey), .akeys = {&akey, 1}, .buffers = buffers, .results = {&result, 1}});
  if (!epoch.ok()) co_return epoch.error();
  const bool isRight = value == std::string(size, static_cast<char>('a' + size % 26));
  co_return isRight ? Status() : Status(Error(ErrorCode::kDataLoss, dkey));
}

Task<Result<std::shared_ptr<client::Object>>> openObject(client::Context& context, Uuid pool,
                                                         placement::PoolMap map) {
  DAOS_CO_TRY(auto open, client::Pool::open(context, pool, std::move(map)));
  DAOS_CO_TRY(auto container, co_await client::Container::open(std::move(open), kContainer, {}));
  co_return client::Object::open(
      container, ObjectId::make({1, 0}, ObjectType::kMultiHashed, 1, 1));
}

bool tells(const Error& error, std::string_view what) {
  return error.message().find(what) != std::string_view::npos;
}

// --- a target over faulty disks, and a client, on one loop

class DeviceFailure : public testing::Test {
 protected:
  void SetUp() override {
    store_ = std::make_unique<FaultyPoolStore>(*reactor_, random_);
    serve();
    client_ = rpc::Endpoint::create(*reactor_, random_);
    client_->addTransport(network_->createTransport().value());
    context_ = std::make_unique<client::Context>(*reactor_, random_, *client_);
    for (const Uuid& pool : pools_) {
      ASSERT_TRUE(run(target_->createPool(pool, {})).ok());
      ASSERT_TRUE(run(target_->createContainer(pool, kContainer)).ok());
    }
  }
  void serve() {
    server_ = rpc::Endpoint::create(*reactor_, random_);
    auto transport = network_->createTransport().value();
    address_ = transport->address();
    server_->addTransport(std::move(transport));
    target_ = std::make_unique<engine::Target>(*reactor_, random_, *server_, *store_,
                                               engine::TargetOptions{});
  }
  void stopServing() {
    server_->shutdown();
    while (!server_->isQuiet() || reactor_->spawnedCount() > 0) reactor_->runOnce();
    (void)run(target_->close());
    server_.reset();
    target_.reset();
  }
  void TearDown() override {
    objects_.clear();
    client_->shutdown();
    while (!client_->isQuiet() || reactor_->spawnedCount() > 0) reactor_->runOnce();
    context_.reset();
    client_.reset();
    if (target_) stopServing();
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    reactor_->spawn([](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    }(std::move(task), result));
    reactor_->runUntil([&] { return result.has_value(); });
    return std::move(*result);
  }
  client::Object& object(size_t pool) {
    placement::PoolMap map{.version = 1, .targets = {{.addresses = {{"local", address_}}}}};
    auto opened = run(openObject(*context_, pools_[pool], std::move(map)));
    EXPECT_TRUE(opened.ok()) << opened.error().describe();
    objects_.push_back(std::move(*opened));
    return *objects_.back();
  }

  SystemClock clock_;
  SeededRandom random_{7};
  std::unique_ptr<Reactor> reactor_ = Reactor::create(clock_).value();
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  const Uuid pools_[2] = {Uuid::fromRandom(1, 1), Uuid::fromRandom(2, 2)};
  std::unique_ptr<FaultyPoolStore> store_;
  std::unique_ptr<rpc::Endpoint> server_;
  std::unique_ptr<engine::Target> target_;
  std::string address_;
  std::unique_ptr<rpc::Endpoint> client_;
  std::unique_ptr<client::Context> context_;
  std::vector<std::shared_ptr<client::Object>> objects_;
};

TEST_F(DeviceFailure, AFailedFlushOfBulkDataStopsTheTarget) {
  client::Object& first = object(0);
  client::Object& second = object(1);
  ASSERT_TRUE(run(put(first, "small", 100)).ok());
  ASSERT_TRUE(run(put(first, "large", 50000)).ok());
  ASSERT_TRUE(run(put(second, "large", 50000)).ok());
  bio::FaultyMedia& disk = *store_->disksOf(pools_[0]).faulty[1];
  disk.setRates({.flushError = kAlways});
  const auto failed = run(put(first, "lost", 60000));
  ASSERT_EQ(failed.code(), ErrorCode::kIo);
  EXPECT_TRUE(tells(failed.error(), "disk1")) << failed.error().describe();
  EXPECT_TRUE(tells(failed.error(), "was to keep what was written from "));
  ASSERT_TRUE(target_->failure().has_value());
  // All of the target, whatever lies where: nothing is answered as if nothing had happened.
  for (client::Object* each : {&first, &second}) {
    for (const size_t size : {100u, 50000u}) {
      const auto refused = run(put(*each, "more", size));
      ASSERT_EQ(refused.code(), ErrorCode::kIo) << size;
      EXPECT_TRUE(tells(refused.error(), "target 0 of rank 0 has stopped"));
      EXPECT_TRUE(tells(refused.error(), "disk1"));
    }
    EXPECT_EQ(run(get(*each, "large", 50000)).code(), ErrorCode::kIo);
  }
  EXPECT_EQ(run(target_->createPool(Uuid::fromRandom(3, 3), {})).code(), ErrorCode::kIo);
  EXPECT_EQ(target_->queryPool(pools_[0]).code(), ErrorCode::kIo);
}

TEST_F(DeviceFailure, AfterARestartWhatWasAcknowledgedIsThere) {
  client::Object& before = object(0);
  ASSERT_TRUE(run(put(before, "small", 100)).ok());
  ASSERT_TRUE(run(put(before, "large", 50000)).ok());
  store_->disksOf(pools_[0]).faulty[1]->setRates({.flushError = kAlways});
  ASSERT_EQ(run(put(before, "lost", 60000)).code(), ErrorCode::kIo);
  stopServing();
  serve();
  for (const Uuid& pool : pools_) ASSERT_TRUE(run(target_->openPool(pool)).ok());
  client::Object& after = object(0);
  EXPECT_TRUE(run(get(after, "small", 100)).ok());
  EXPECT_TRUE(run(get(after, "large", 50000)).ok());
  EXPECT_TRUE(run(put(after, "large", 50000)).ok());
}

TEST_F(DeviceFailure, APoolOfAStoppedTargetCanBeDestroyed) {
  ASSERT_TRUE(run(put(object(0), "large", 50000)).ok());
  store_->disksOf(pools_[0]).faulty[0]->fail(Error(ErrorCode::kIo, "disk0: pulled out"));
  ASSERT_TRUE(target_->failure().has_value());
  for (const Uuid& pool : pools_) {
    const Status destroyed = run(target_->destroyPool(pool));
    EXPECT_TRUE(destroyed.ok()) << destroyed.error().describe();
  }
}

// --- a whole engine on files

std::vector<engine::DeviceReport> devicesOf(engine::Engine& engine) {
  std::promise<std::vector<engine::DeviceReport>> found;
  engine.queryDevices(
      [&](std::vector<engine::DeviceReport> all) { found.set_value(std::move(all)); });
  return found.get_future().get();
}

TEST(EngineDeviceFailure, ADeviceOverItsErrorLimitStopsItsTargetAndNoOther) {
  ScratchDirectory directory;
  const auto network = rpc::LocalNetwork::create();
  auto engine = engine::Engine::start({.dataDirectory = directory.path(),
                                       .targetCount = 2,
                                       .transports = {"local"},
                                       .localNetwork = network.get(),
                                       .deviceErrorCountMax = 4})
                    .value();
  const Uuid pool = Uuid::fromRandom(8, 8);
  ASSERT_TRUE(waitFor([&](auto done) {
                engine->createPool(pool, {.arenaBytes = 16 << 20, .dataBytes = 16 << 20}, done);
              }).ok());
  ASSERT_TRUE(waitFor([&](auto done) { engine->createContainer(pool, kContainer, done); }).ok());
  {
    auto client = LoopbackClient::create({"local"}, network.get()).value();
    auto container = client->openContainer(pool, kContainer, mapOf(*engine)).value();
    const auto object =
        client::Object::open(container, ObjectId::make({1, 0}, ObjectType::kMultiHashed, 1, 2))
            .value();
    for (int i = 0; i < 32; ++i) {
      ASSERT_TRUE(client->run(put(*object, std::to_string(i), 50000)).ok());
    }
    const auto data = directory.path() / "pools" / pool.toString() / "target-1" / "data";
    std::filesystem::resize_file(data, 1 << 20);
    int soundCount = 0, readErrorCount = 0, stoppedCount = 0;
    for (int i = 0; i < 32; ++i) {
      const Status status = client->run(get(*object, std::to_string(i), 50000));
      soundCount += status.ok();
      if (status.ok()) continue;
      EXPECT_EQ(status.code(), ErrorCode::kIo) << status.error().describe();
      const bool isStopped = tells(status.error(), "target 1 of rank 0 has stopped");
      ++(isStopped ? stoppedCount : readErrorCount);
      if (isStopped) {
        EXPECT_TRUE(tells(status.error(), "is faulty: 4 I/O errors"));
      }
      EXPECT_TRUE(tells(status.error(), data.string())) << status.error().describe();
    }
    EXPECT_GT(soundCount, 5);
    EXPECT_EQ(readErrorCount, 4);
    EXPECT_GT(stoppedCount, 1);
    const auto devices = devicesOf(*engine);
    ASSERT_EQ(devices.size(), 4u);  // a log with metadata, and a data area, of two targets
    for (const engine::DeviceReport& device : devices) {
      const engine::DeviceOperationReport& reads = device.operations[0];
      const engine::DeviceOperationReport& writes = device.operations[1];
      EXPECT_EQ(device.isFaulty, device.path == data.string()) << device.path;
      EXPECT_EQ(reads.errorCount, device.isFaulty ? 4u : 0u);
      EXPECT_EQ(device.failure.empty(), !device.isFaulty);
      EXPECT_GT(writes.count, 5u);
      EXPECT_GT(writes.p99Ns, 0u);
      EXPECT_GE(writes.p99Ns, writes.p50Ns);
      EXPECT_EQ(device.health.why, "a file, not a device");
    }
  }
  EXPECT_TRUE(engine->stop().ok());
}

// An engine of two targets with a pool, which is started again and again.
class DeviceReplacement : public testing::Test {
 protected:
  void SetUp() override { start(); }
  void TearDown() override {
    if (engine_) {
      EXPECT_TRUE(engine_->stop().ok());
    }
  }
  void start() {
    auto engine = engine::Engine::start({.dataDirectory = directory_.path(),
                                         .targetCount = 2,
                                         .transports = {"local"},
                                         .localNetwork = network_.get()});
    ASSERT_TRUE(engine.ok()) << engine.error().describe();
    engine_ = std::move(*engine);
  }
  void restart() {
    EXPECT_TRUE(engine_->stop().ok());
    engine_.reset();
    start();
  }
  void createPool(const Uuid& pool) {
    ASSERT_TRUE(waitFor([&](auto done) { engine_->createPool(pool, kSizes, done); }).ok());
    ASSERT_TRUE(
        waitFor([&](auto done) { engine_->createContainer(pool, kContainer, done); }).ok());
  }
  Status openPool(const Uuid& pool) {
    return waitFor([&](auto done) { engine_->openPool(pool, done); });
  }
  Status setFaulty(const std::string& path) {
    return waitFor([&](auto done) { engine_->setDeviceFaulty(path, "too old", done); });
  }
  Status replace(const std::string& path, bool acceptsDataLoss = true) {
    return waitFor([&](auto done) {
      engine_->replaceDevice(path, {{}, kSizes, {kContainer}, acceptsDataLoss}, done);
    });
  }
  Result<std::vector<engine::TargetShare>> shares(const Uuid& pool) {
    std::promise<Result<std::vector<engine::TargetShare>>> found;
    engine_->queryPool(pool, [&](auto all) { found.set_value(std::move(all)); });
    return found.get_future().get();
  }
  std::vector<std::string> faultyPaths() {
    std::vector<std::string> paths;
    for (const engine::DeviceReport& device : devicesOf(*engine_)) {
      if (device.isFaulty) paths.push_back(device.path);
    }
    return paths;
  }
  std::string pathOf(const Uuid& pool, const char* file) {
    return directory_.path() / "pools" / pool.toString() / "target-1" / file;
  }

  static constexpr engine::PoolSizes kSizes{.arenaBytes = 16 << 20, .dataBytes = 16 << 20};
  const Uuid first_ = Uuid::fromRandom(8, 8);
  const Uuid second_ = Uuid::fromRandom(9, 9);
  ScratchDirectory directory_;
  std::unique_ptr<rpc::LocalNetwork> network_ = rpc::LocalNetwork::create();
  std::unique_ptr<engine::Engine> engine_;
};

TEST_F(DeviceReplacement, ADeviceThatWasSetFaultyStopsItsTargetAlsoAfterARestart) {
  createPool(first_);
  createPool(second_);
  const std::string path = pathOf(first_, "data");
  EXPECT_EQ(setFaulty("/dev/nothing").code(), ErrorCode::kNonexist);
  ASSERT_TRUE(setFaulty(path).ok());
  ASSERT_TRUE(setFaulty(path).ok());  // may be repeated
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(faultyPaths(), std::vector<std::string>{path});
    for (const Uuid& pool : {first_, second_}) {
      const auto all = shares(pool);
      ASSERT_TRUE(all.ok()) << all.error().describe();
      EXPECT_EQ((*all)[0].failure, "");
      EXPECT_EQ((*all)[0].containerCount, 1u);
      EXPECT_NE((*all)[1].failure.find("target 1 of rank 0 has stopped: " + path +
                                       " was set faulty: too old"),
                std::string::npos)
          << (*all)[1].failure;
    }
    if (i == 1) break;
    restart();
    for (const Uuid& pool : {second_, first_}) ASSERT_TRUE(openPool(pool).ok());
  }
}

TEST_F(DeviceReplacement, AnEmptyShareTakesThePlaceAndTheRestOfTheTargetComesBack) {
  createPool(first_);
  createPool(second_);
  auto client = LoopbackClient::create({"local"}, network_.get()).value();
  const auto objectIn = [&](const Uuid& pool) {
    auto container = client->openContainer(pool, kContainer, mapOf(*engine_)).value();
    return client::Object::open(container, ObjectId::make({1, 0}, ObjectType::kMultiHashed, 1, 2))
        .value();
  };
  const auto objects = {objectIn(first_), objectIn(second_)};
  constexpr int kCount = 16;
  const auto countIn = [&](client::Object& object) {
    int count = 0;
    for (int i = 0; i < kCount; ++i) {
      count += client->run(get(object, std::to_string(i), 50000)).ok();
    }
    return count;
  };
  for (const auto& object : objects) {
    for (int i = 0; i < kCount; ++i) {
      ASSERT_TRUE(client->run(put(*object, std::to_string(i), 50000)).ok());
    }
  }
  const std::string path = pathOf(first_, "store");
  EXPECT_EQ(replace(path).code(), ErrorCode::kBusy);
  ASSERT_TRUE(setFaulty(path).ok());
  const int left = countIn(**objects.begin());
  EXPECT_GT(left, 2);
  EXPECT_LT(left, kCount - 2);
  const Status refused = replace(path, false);
  EXPECT_EQ(refused.code(), ErrorCode::kInval);
  EXPECT_TRUE(tells(refused.error(), "would be lost"));
  const Status replaced = replace(path);
  ASSERT_TRUE(replaced.ok()) << replaced.error().describe();
  EXPECT_TRUE(faultyPaths().empty());
  // What lay on the device is lost; the other pool, and the other target, have everything.
  EXPECT_EQ(countIn(**objects.begin()), left);
  EXPECT_EQ(countIn(**(objects.begin() + 1)), kCount);
  for (int i = 0; i < kCount; ++i) {
    ASSERT_TRUE(client->run(put(**objects.begin(), std::to_string(i), 50000)).ok());
  }
  EXPECT_EQ(countIn(**objects.begin()), kCount);
}

TEST_F(DeviceReplacement, WithoutRoomForBothSharesItSaysWhatIsFree) {
  createPool(first_);
  const std::string path = pathOf(first_, "data");
  ASSERT_TRUE(setFaulty(path).ok());
  constexpr engine::PoolSizes kTooLarge{.arenaBytes = 16 << 20, .dataBytes = uint64_t{1} << 50};
  const Status replaced = waitFor([&](auto done) {
    engine_->replaceDevice(path, {{}, kTooLarge, {kContainer}, true}, done);
  });
  EXPECT_EQ(replaced.code(), ErrorCode::kNospace);
  EXPECT_TRUE(tells(replaced.error(), "beside it until it is made"));
  EXPECT_TRUE(tells(replaced.error(), "MiB are free in"));
  ASSERT_TRUE(replace(path).ok());
}

TEST_F(DeviceReplacement, AReplacementIsThereAfterARestart) {
  createPool(first_);
  const std::string path = pathOf(first_, "data");
  ASSERT_TRUE(setFaulty(path).ok());
  restart();
  ASSERT_TRUE(openPool(first_).ok());  // on the other target
  const Status replaced = replace(path);
  ASSERT_TRUE(replaced.ok()) << replaced.error().describe();
  restart();
  ASSERT_TRUE(openPool(first_).ok());
  EXPECT_TRUE(faultyPaths().empty());
  const auto all = shares(first_);
  ASSERT_TRUE(all.ok());
  for (const engine::TargetShare& share : *all) EXPECT_EQ(share.containerCount, 1u);
}

}  // namespace
}  // namespace daos::system
