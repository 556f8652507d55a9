// Goal:   a modification whose answer is lost runs once, and its caller gets its outcome, over any
//         number of lost answers and restarts of the engine.
// Method: messages to the client are lost at random, and the engine's process is killed and started
//         again on the same files. Each operation has a key of its own and must succeed: an insert
//         that ran twice would fail. At the end the versions in the store are counted.
#include <gtest/gtest.h>

#include "engine/folder_pool_store.h"
#include "rpc/fabric_transport.h"
#include "system/engine_process.h"

namespace daos::system {
namespace {

constexpr uint64_t kLostOneIn = 8;
constexpr size_t kWriterCount = 8;
constexpr int kKillCount = 6;

// Loses messages on their way to the client.
class LosingTransport final : public rpc::Transport, private rpc::TransportListener {
 public:
  LosingTransport(std::unique_ptr<rpc::Transport> inner, Random& random)
      : inner_(std::move(inner)), random_(random) {
    inner_->setListener(*this);
  }
  size_t poll() override { return inner_->poll(); }
  size_t flush() override { return inner_->flush(); }
  bool prepareWait() override { return inner_->prepareWait(); }
  void cancelWait() override { inner_->cancelWait(); }
  int waitFd() const override { return inner_->waitFd(); }
  const std::string& address() const override { return inner_->address(); }
  const rpc::TransportLimits& limits() const override { return inner_->limits(); }
  void setListener(rpc::TransportListener& listener) override { listener_ = &listener; }
  bool canReach(std::string_view address) const override { return inner_->canReach(address); }
  Result<rpc::PeerId> connect(std::string_view address) override {
    return inner_->connect(address);
  }
  void disconnect(rpc::PeerId peer) override { inner_->disconnect(peer); }
  void probe(rpc::PeerId peer) override { inner_->probe(peer); }
  rpc::BufferRef allocate() override { return inner_->allocate(); }
  rpc::BufferRef allocateFor(rpc::PeerId peer) override { return inner_->allocateFor(peer); }
  void send(rpc::PeerId peer, rpc::BufferRef message) override {
    inner_->send(peer, std::move(message));
  }
  size_t queuedCount(rpc::PeerId peer) const override { return inner_->queuedCount(peer); }
  bool canReachMemoryOf(rpc::PeerId peer) override { return inner_->canReachMemoryOf(peer); }
  Result<rpc::MemoryRegion> registerMemory(MutableBytes memory, rpc::MemoryAccess access) override {
    return inner_->registerMemory(memory, access);
  }
  void deregisterMemory(const rpc::MemoryRegion& region) override {
    inner_->deregisterMemory(region);
  }
  void read(rpc::RmaOperation& operation) override { inner_->read(operation); }
  void write(rpc::RmaOperation& operation) override { inner_->write(operation); }

 private:
  void onMessage(rpc::BufferRef message) override {
    if (random_.below(kLostOneIn) != 0) listener_->onMessage(std::move(message));
  }
  void onPeerFailed(rpc::PeerId peer, ErrorCode code) override {
    listener_->onPeerFailed(peer, code);
  }

  const std::unique_ptr<rpc::Transport> inner_;
  Random& random_;
  rpc::TransportListener* listener_ = nullptr;
};

struct Setting {
  const char* transport;
  engine::ArenaKind arena;
  const char* directory;
};

// What has been done to one key: inserted, and then perhaps punched.
struct Done {
  Epoch insertedAt = 0;
  Epoch punchedAt = 0;
};

class RepetitionTest : public testing::TestWithParam<Setting> {
 protected:
  void TearDown() override {
    object_.reset();
    if (!endpoint_) return;
    endpoint_->shutdown();
    while (!endpoint_->isQuiet() || reactor_->spawnedCount() > 0) reactor_->runOnce();
  }

  void startEngine() {
    auto started = EngineProcess::start(options_);
    ASSERT_TRUE(started.ok()) << started.error().describe();
    options_.isNew = false;
    engine_ = std::move(*started);
  }

  // An answer is missed after a few milliseconds, not seconds.
  void startClient() {
    reactor_ = Reactor::create(clock_).value();
    auto transport =
        rpc::createFabricTransport(clock_, random_, {.provider = GetParam().transport}).value();
    endpoint_ = rpc::Endpoint::create(*reactor_, random_, {.resendNs = 10'000'000});
    endpoint_->addTransport(
        std::make_unique<LosingTransport>(std::move(transport), losses_));
    const client::ContextOptions options{.timeoutNs = 20'000'000'000};
    context_ = std::make_unique<client::Context>(*reactor_, random_, *endpoint_, options);
    auto pool = client::Pool::open(*context_, options_.pool, engine_->map()).value();
    reactor_->spawn([](RepetitionTest& self, std::shared_ptr<client::Pool> opened) -> Task<void> {
      auto container =
          co_await client::Container::open(std::move(opened), self.options_.container, {});
      EXPECT_TRUE(container.ok()) << container.error().describe();
      if (!container.ok()) co_return;
      const ObjectId oid = ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 1);
      self.object_ = client::Object::open(*container, oid).value();
    }(*this, std::move(pool)));
    reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
    ASSERT_TRUE(object_);
  }

  Task<Result<Epoch>> insert(uint64_t key) {
    const std::string value(64, 'v');
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const Bytes data[] = {bytesOf(value)};
    // Every third without a condition: nobody would notice a second run but the count.
    const Conditions conditions = key % 3 == 0 ? Conditions{0} : Conditions{kDkeyInsert};
    co_return co_await client::update(*object_, {.dkey = bytesOf(&key, 8),
                                                 .akeys = {&akey, 1},
                                                 .data = data,
                                                 .conditions = conditions});
  }

  Task<Result<Epoch>> punch(uint64_t key) {
    const Bytes akeys[] = {bytesOf("a")};
    co_return co_await client::punch(*object_, {.level = protocol::PunchLevel::kAkeys,
                                                .dkey = bytesOf(&key, 8),
                                                .akeys = akeys,
                                                .conditions = kAkeyPunch});
  }

  Task<void> work() {
    while (!isEnding_) {
      const uint64_t key = done_.size();
      done_.emplace_back();
      const auto inserted = co_await insert(key);
      EXPECT_TRUE(inserted.ok()) << "insert " << key << ": " << inserted.error().describe();
      if (!inserted.ok()) co_return;
      done_[key].insertedAt = *inserted;
      ++insertedCount_;
      if (key % 2 == 0) continue;
      const auto punched = co_await punch(key);
      EXPECT_TRUE(punched.ok()) << "punch " << key << ": " << punched.error().describe();
      if (!punched.ok()) co_return;
      done_[key].punchedAt = *punched;
    }
  }

  // Until so many more keys are inserted, or until all work has ended.
  void runThrough(uint64_t count) {
    const uint64_t end = insertedCount_ + count;
    reactor_->runUntil([&] { return reactor_->spawnedCount() == 0 || insertedCount_ >= end; });
  }

  struct Epochs final : vos::EntrySink {
    std::vector<Epoch> found;
    bool take(const vos::Entry& entry) override {
      found.push_back(entry.epoch);
      return true;
    }
  };
  static std::vector<Epoch> epochsOf(vos::Container& container, vos::Level level, uint64_t key) {
    Epochs epochs;
    vos::Anchor anchor;
    const vos::EnumerateRequest request{
        .level = level,
        .oid = ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 1),
        .dkey = bytesOf(&key, 8),
        .akey = bytesOf("a"),
        .versions = vos::Versions::kAll};
    const Status status = container.enumerate(request, anchor, epochs);
    EXPECT_TRUE(status.ok()) << status.error().describe();
    return epochs.found;
  }

  void countVersions() {
    auto directory = engine::DataDirectory::open(options_.engine.dataDirectory, 0, 1).value();
    auto store = engine::FolderPoolStore::create(*reactor_, random_, *directory, options_.engine, 0)
                     .value();
    reactor_->spawn([](RepetitionTest& self, engine::PoolStore& from) -> Task<void> {
      auto pool = co_await from.open(self.options_.pool);
      EXPECT_TRUE(pool.ok()) << pool.error().describe();
      if (!pool.ok()) co_return;
      vos::Container* container =
          (*pool)->vos().openContainer(self.options_.container).value();
      for (uint64_t key = 0; key < self.done_.size(); ++key) self.expectOnce(*container, key);
      (*pool)->vos().closeContainer(container);
      EXPECT_TRUE((co_await (*pool)->close()).ok());
    }(*this, *store));
    reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
  }

  void expectOnce(vos::Container& container, uint64_t key) {
    const Done& done = done_[key];
    EXPECT_EQ(epochsOf(container, vos::Level::kSingle, key), std::vector<Epoch>{done.insertedAt})
        << "key " << key;
    const auto punches = epochsOf(container, vos::Level::kPunch, key);
    const std::vector<Epoch> wanted(done.punchedAt ? 1 : 0, done.punchedAt);
    EXPECT_EQ(punches, wanted) << "punches of key " << key;
  }

  ScratchDirectory directory_{GetParam().directory};
  EngineProcessOptions options_{.engine = {.dataDirectory = directory_.path(),
                                           .targetCount = 1,
                                           .transports = {GetParam().transport},
                                           .arenaKind = GetParam().arena,
                                           .log = Log::toStandardError(LogLevel::kError)},
                                .pool = SystemRandom().uuid(),
                                .container = SystemRandom().uuid(),
                                .sizes = {.arenaBytes = 64 << 20}};
  SystemClock clock_;
  SystemRandom random_;
  SeededRandom losses_{11};
  std::unique_ptr<EngineProcess> engine_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<rpc::Endpoint> endpoint_;
  std::unique_ptr<client::Context> context_;
  std::shared_ptr<client::Object> object_;
  std::vector<Done> done_;
  uint64_t insertedCount_ = 0;
  bool isEnding_ = false;
};

TEST_P(RepetitionTest, WhatIsRepeatedAfterALostAnswerOrARestartRunsOnce) {
  startEngine();
  if (HasFatalFailure()) return;
  const std::string address = engine_->map().targets[0].addresses[0].address;
  startClient();
  if (HasFatalFailure()) return;
  for (size_t i = 0; i < kWriterCount; ++i) reactor_->spawn(work());
  SeededRandom random(3);
  for (int i = 0; i < kKillCount; ++i) {
    runThrough(1 + random.below(100));
    engine_->killNow();
    startEngine();
    if (HasFatalFailure()) return;
    EXPECT_EQ(engine_->map().targets[0].addresses[0].address, address) << "it listens elsewhere";
  }
  runThrough(kWriterCount);
  isEnding_ = true;
  reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
  engine_->killNow();
  countVersions();
}

constexpr auto kPmem = engine::ArenaKind::kPmem;
constexpr auto kLog = engine::ArenaKind::kLog;
INSTANTIATE_TEST_SUITE_P(Settings, RepetitionTest,
                         testing::Values(Setting{"tcp", kLog, "/tmp"}, Setting{"shm", kLog, "/tmp"},
                                         Setting{"shm", kPmem, "/dev/shm"}),
                         [](const auto& test) {
                           return std::string(test.param.transport) +
                                  (test.param.arena == kLog ? "Log" : "Pmem");
                         });

}  // namespace
}  // namespace daos::system
