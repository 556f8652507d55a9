// Goal:   clients that are processes of their own don't disturb each other, however many come and
//         go.
// Method: processes do random operations on objects that they share, each under dkeys of its own,
//         and compare every answer with a model in their memory; then many clients connect,
//         work and leave, some by being killed, and the engine must not keep anything of them.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "system/engine_process.h"

namespace daos::system {
namespace {

constexpr uint64_t kDkeysPerProcess = 40;
constexpr uint64_t kValueSizeMax = 40'000;  // by RMA, too

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

  size_t descriptorCountOfEngine() const {
    const auto directory = "/proc/" + std::to_string(engine_->pid()) + "/fd";
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
  }

  ScratchDirectory directory_{"/dev/shm"};
  EngineProcessOptions options_{.engine = {.dataDirectory = directory_.path(),
                                           .targetCount = 2,
                                           .transports = {GetParam()},
                                           .arenaKind = engine::ArenaKind::kPmem,
                                           .log = Log::toStandardError(LogLevel::kError)},
                                .pool = SystemRandom().uuid(),
                                .container = SystemRandom().uuid(),
                                .sizes = {.arenaBytes = 128 << 20, .dataBytes = 128 << 20}};
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

// In processes of fifty, one after the other, each of which ends in one of three ways: a thousand
// over shm; fewer over tcp, where libfabric takes ten times as long to make an endpoint.
TEST_P(ManyClients, AThousandConnectionsComeAndGo) {
  const size_t before = descriptorCountOfEngine();
  const int groupCount = GetParam() == std::string("shm") ? 20 : 4;
  for (int group = 0; group < groupCount; ++group) {
    const pid_t process = startProcess([&]() -> std::string {
      std::vector<std::unique_ptr<Connection>> connections;
      for (int i = 0; i < 50; ++i) {
        auto connection = connect();
        if (!connection.ok()) return connection.error().describe();
        connections.push_back(std::move(*connection));
        LoopbackClient& client = *connections.back()->client;
        std::string wrong =
            ComparedWithModel(client, *connections.back()->object, group * 50 + i).run(4);
        if (!wrong.empty()) return wrong;
      }
      if (group % 3 == 1) _exit(0);  // without good-bye
      if (group % 3 == 2) connections.clear();
      return {};
    });
    expectWell(process);
  }
  auto last = connect();
  ASSERT_TRUE(last.ok()) << last.error().describe();
  EXPECT_EQ(ComparedWithModel(*(*last)->client, *(*last)->object, 1000).run(100), "");
  last->reset();
  // The kernel tells the engine of those that are gone; it may take a moment.
  for (int i = 0; i < 100 && descriptorCountOfEngine() > before + 2; ++i) usleep(20'000);
  EXPECT_LE(descriptorCountOfEngine(), before + 2) << "the engine keeps what clients had";
}

INSTANTIATE_TEST_SUITE_P(Transports, ManyClients, testing::Values("shm", "tcp"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace daos::system
