// Goal:   clients that are processes of their own don't disturb each other, however many come and
//         go.
// Method: processes do random operations on objects that they share, each under dkeys of its own,
//         and compare every answer with a model in their memory; then a thousand clients connect,
//         work and leave, some without a word, while one is served all the time, and the engine
//         must not keep anything of them.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <map>

#include "system/engine_process.h"

namespace daos::system {
namespace {

constexpr uint64_t kDkeysPerProcess = 40;
constexpr uint64_t kValueSizeMax = 40'000;  // by RMA, too
constexpr uint64_t kClientCount = 25;        // of a process whose clients come and go
constexpr uint64_t kKeptPerClientKiB = 8;    // more than that is a leak

struct Bystander;

class ManyClients : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto started = EngineProcess::start(options_);
    ASSERT_TRUE(started.ok()) << started.error().describe();
    engine_ = std::move(*started);
  }

  // Runs `work` in a process; it is well when that returns an empty text.
  pid_t startProcess(const std::function<std::string()>& work) {
    const pid_t process = fork();
    if (process != 0) return process;
    const std::string wrong = work();
    if (!wrong.empty()) std::fprintf(stderr, "client %d: %s\n", getpid(), wrong.c_str());
    std::fflush(stderr);
    _exit(wrong.empty() ? 0 : 1);
  }
  static void expectWell(pid_t process) {
    int status = 0;
    ASSERT_EQ(waitpid(process, &status, 0), process);
    EXPECT_EQ(status, 0);
  }

  struct Connection {
    std::unique_ptr<LoopbackClient> client;
    std::shared_ptr<client::Object> object;
  };
  Result<std::unique_ptr<Connection>> connect() {
    auto connection = std::make_unique<Connection>();
    DAOS_TRY(connection->client, LoopbackClient::create({GetParam()}));
    DAOS_TRY(auto container, connection->client->openContainer(options_.pool, options_.container,
                                                               engine_->map()));
    const ObjectId oid = ObjectId::make({1, 0}, ObjectType::kDkeyUint64, 1, 2);
    DAOS_TRY(connection->object, client::Object::open(std::move(container), oid));
    return connection;
  }

  // What the engine has of descriptors, and of memory of its own.
  struct Kept {
    size_t descriptors = 0;
    uint64_t memoryKiB = 0;
  };
  Kept keptByEngine() const {
    const auto process = "/proc/" + std::to_string(engine_->pid());
    Kept kept;
    kept.descriptors = static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(process + "/fd"), {}));
    std::ifstream status(process + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("RssAnon:")) kept.memoryKiB = std::stoull(line.substr(8));
    }
    return kept;
  }

  // What was wrong, as in startProcess.
  std::string comeAndGo(uint64_t process);
  std::string workUntilOver(Bystander& bystander);

  ScratchDirectory directory_{"/dev/shm"};
  EngineProcessOptions options_{.engine = {.dataDirectory = directory_.path(),
                                           .targetCount = 2,
                                           .transports = {GetParam()},
                                           .arenaKind = engine::ArenaKind::kPmem,
                                           .log = Log::toStandardError(LogLevel::kError)},
                                .pool = SystemRandom().uuid(),
                                .container = SystemRandom().uuid(),
                                .sizes = {.arenaBytes = 128 << 20, .dataBytes = 256 << 20}};
  std::unique_ptr<EngineProcess> engine_;
};

// One process's dkeys: what must be there, and operations that are compared with it.
class ComparedWithModel {
 public:
  ComparedWithModel(LoopbackClient& client, client::Object& object, uint64_t process)
      : client_(client), object_(object), process_(process), random_(process + 1) {}

  // What was wrong; empty: nothing.
  std::string run(int count) {
    for (int i = 0; i < count && wrong_.empty(); ++i) {
      const uint64_t dkey = process_ * kDkeysPerProcess + random_.below(kDkeysPerProcess);
      switch (random_.below(8)) {
        case 0: punch(dkey); break;
        case 1: update(dkey, kDkeyInsert); break;
        case 2: update(dkey, kDkeyUpdate); break;
        case 3:
        case 4: update(dkey, 0); break;
        default: fetch(dkey);
      }
    }
    return wrong_;
  }

 private:
  void expect(bool holds, const std::string& what, uint64_t dkey, ErrorCode code) {
    if (holds) return;
    wrong_ = what + " of dkey " + std::to_string(dkey) + ": " + std::string(errorName(code));
  }
  void update(uint64_t dkey, Conditions conditions) {
    const std::string value(1 + random_.below(kValueSizeMax), char('a' + random_.below(26)));
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const Bytes data[] = {bytesOf(value)};
    const ErrorCode code = client_.run(client::update(object_, {.dkey = bytesOf(&dkey, 8),
                                                                .akeys = {&akey, 1},
                                                                .data = data,
                                                                .conditions = conditions}))
                               .code();
    const bool isThere = model_.contains(dkey);
    const ErrorCode wanted = conditions == kDkeyInsert && isThere    ? ErrorCode::kExist
                             : conditions == kDkeyUpdate && !isThere ? ErrorCode::kNonexist
                                                                     : ErrorCode::kOk;
    expect(code == wanted, "update", dkey, code);
    if (code == ErrorCode::kOk) model_[dkey] = value;
  }
  void punch(uint64_t dkey) {
    const ErrorCode code = client_.run(client::punch(object_, {.level = protocol::PunchLevel::kDkey,
                                                               .dkey = bytesOf(&dkey, 8),
                                                               .conditions = kDkeyPunch}))
                               .code();
    const bool wasThere = model_.erase(dkey) > 0;
    expect(code == (wasThere ? ErrorCode::kOk : ErrorCode::kNonexist), "punch", dkey, code);
  }
  void fetch(uint64_t dkey) {
    std::string value(kValueSizeMax, '\0');
    const IoDescriptor akey{.akey = bytesOf("a"), .recordSize = value.size()};
    const MutableBytes buffers[] = {bytesOf(value.data(), value.size())};
    client::AkeyResult result;
    const ErrorCode code = client_.run(client::fetch(object_, {.dkey = bytesOf(&dkey, 8),
                                                               .akeys = {&akey, 1},
                                                               .buffers = buffers,
                                                               .results = {&result, 1}}))
                               .code();
    value.resize(result.recordSize);
    const auto known = model_.find(dkey);
    const std::string wanted = known == model_.end() ? std::string() : known->second;
    expect(code == ErrorCode::kOk && value == wanted, "fetch", dkey, code);
  }

  LoopbackClient& client_;
  client::Object& object_;
  const uint64_t process_;
  SeededRandom random_;
  std::map<uint64_t, std::string> model_;
  std::string wrong_;
};

TEST_P(ManyClients, RandomOperationsOfSeveralProcessesAgreeWithTheirModels) {
  std::vector<pid_t> processes;
  for (uint64_t process = 0; process < 4; ++process) {
    processes.push_back(startProcess([&]() -> std::string {
      auto connection = connect();
      if (!connection.ok()) return connection.error().describe();
      return ComparedWithModel(*(*connection)->client, *(*connection)->object, process).run(2000);
    }));
  }
  for (const pid_t process : processes) expectWell(process);
}

// What a client that stays tells of its work, in memory that it shares with the test.
struct Bystander {
  std::atomic<bool> isOver = false;
  std::atomic<uint64_t> operationCount = 0;
};

Bystander* shareBystander() {
  void* const memory = mmap(nullptr, sizeof(Bystander), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) Bystander;
}

std::string ManyClients::comeAndGo(uint64_t process) {
  std::vector<std::unique_ptr<Connection>> connections;
  for (uint64_t i = 0; i < kClientCount; ++i) {
    auto connection = connect();
    if (!connection.ok()) return connection.error().describe();
    connections.push_back(std::move(*connection));
    LoopbackClient& client = *connections.back()->client;
    std::string wrong =
        ComparedWithModel(client, *connections.back()->object, process * kClientCount + i).run(4);
    if (!wrong.empty()) return wrong;
  }
  if (process % 3 == 1) _exit(0);  // without good-bye
  if (process % 3 == 2) connections.clear();
  return {};
}

std::string ManyClients::workUntilOver(Bystander& bystander) {
  auto connection = connect();
  if (!connection.ok()) return connection.error().describe();
  ComparedWithModel work(*(*connection)->client, *(*connection)->object, 1'000'000);
  std::string wrong;
  while (!bystander.isOver && wrong.empty()) {
    wrong = work.run(1);
    ++bystander.operationCount;
    usleep(5000);  // every version stays: the pool must not become full
  }
  return wrong;
}

// In processes of twenty-five, four of them at a time, each of which ends in one of three ways.
// That is 1.7 GB of clients over tcp, of which libfabric takes 17 MB each.
TEST_P(ManyClients, AThousandConnectionsComeAndGoWhileOneIsServed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr uint64_t kProcessCount = 8;  // libfabric's memory costs a sanitizer much time
#else
  constexpr uint64_t kProcessCount = 40;
#endif
  constexpr size_t kProcessesAtATime = 4;
  expectWell(startProcess([&] { return comeAndGo(0); }));  // what the engine keeps for all of them
  const Kept before = keptByEngine();
  Bystander* const shared = shareBystander();
  ASSERT_NE(shared, nullptr);
  const pid_t bystander = startProcess([&] { return workUntilOver(*shared); });
  std::vector<pid_t> running;
  for (uint64_t process = 1; process <= kProcessCount; ++process) {
    if (running.size() == kProcessesAtATime) {
      expectWell(running.front());
      running.erase(running.begin());
    }
    running.push_back(startProcess([&] { return comeAndGo(process); }));
  }
  for (const pid_t process : running) expectWell(process);
  shared->isOver = true;
  expectWell(bystander);
  EXPECT_GT(shared->operationCount, kProcessCount);
  munmap(shared, sizeof *shared);
  // The kernel tells the engine of those that are gone; it may take a moment.
  for (int i = 0; i < 500 && keptByEngine().descriptors > before.descriptors + 2; ++i) {
    usleep(20'000);
  }
  const Kept after = keptByEngine();
  EXPECT_LE(after.descriptors, before.descriptors + 2) << "the engine keeps what clients had";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // Sanitizers keep memory of their own for what was given back.
  EXPECT_LE(after.memoryKiB, before.memoryKiB + kKeptPerClientKiB * kProcessCount * kClientCount);
#endif
}

INSTANTIATE_TEST_SUITE_P(Transports, ManyClients, testing::Values("shm", "tcp"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace daos::system
