// Goal:   a pool on devices shrinks to what it uses, wherever that lies and of however many pieces
//         its volume is; what it gives up is another pool's at once; and nothing that it holds is
//         lost, nor by a kill in between.
// Method: a data area that was filled, of which the last values alone are kept, in a volume of two
//         pieces; read through a client after each step, and after the granules that were given up
//         have been filled by another pool. For kills: a process that does nothing but shrink it.
#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "system/device_fixture.h"

namespace daos::system {
namespace {

namespace fs = std::filesystem;
using bio::MediaRole;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kFirstBytes = 12 * kMiB;
constexpr uint64_t kOtherBytes = 4 * kMiB;
constexpr uint64_t kLargeBytes = 40 * kMiB;
constexpr size_t kValueSize = 500'000;
constexpr int kKeptCount = 12;
constexpr size_t kTargetCount = 2;

const bio::DeviceRoles kLog{MediaRole::kWal, MediaRole::kMeta};
const bio::DeviceRoles kData{MediaRole::kData};

class DeviceShrink : public testing::TestWithParam<TestDeviceKind>, protected DeviceFixture {
 protected:
  void SetUp() override {
    makeDevices(GetParam(), {kLog, kData});
    options_.historyNs = 1'000'000;
  }
  static std::string bytesOfKey(int key) {
    SeededRandom random(static_cast<uint64_t>(key));
    std::string value(kValueSize, '\0');
    for (size_t i = 0; i + 8 <= value.size(); i += 8) storeAs(value.data() + i, random.next());
    return value;
  }
  Status resize(const Uuid& pool, uint64_t dataBytes) {
    return waitFor([&](auto done) { engine_->resizePool(pool, dataBytes, done); });
  }
  // Of the target that has most of it, with the block that is never given out.
  uint64_t usedBytes() {
    uint64_t most = 0;
    for (const auto& share : shares()) most = std::max(most, share.dataUsedBytes);
    return most + bio::kMediaBlockSize;
  }
  uint64_t usedOfAll() {
    uint64_t sum = 0;
    for (const auto& share : shares()) sum += share.dataUsedBytes;
    return sum;
  }
  // The pool in a volume of two pieces, full, and then with its last values alone.
  void prepare() {
    format();
    createStore({.arenaBytes = 2 * kMiB, .dataBytes = kFirstBytes});
    ASSERT_TRUE(create(other_, {.arenaBytes = 2 * kMiB, .dataBytes = kOtherBytes}).ok());
    const Status grown = resize(pool_, kLargeBytes);
    ASSERT_TRUE(grown.ok()) << grown.error().describe();
    connect();
    const auto object = this->object(1, kTargetCount);
    int count = 0;
    while (count < 400 && put(*object, std::to_string(count), bytesOfKey(count)).ok()) ++count;
    ASSERT_GT(count, 100);
    end_ = count;
    for (int key = 0; key < end_ - kKeptCount; ++key) punch(*object, key);
    // To the block: what is dropped later would make room for less than `small_`.
    const uint64_t keptBytes = kKeptCount * alignUp(kValueSize, bio::kMediaBlockSize);
    for (int i = 0; i < 2000 && usedOfAll() > keptBytes; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_EQ(usedOfAll(), keptBytes);
    small_ = alignUp(usedBytes(), kMiB);
  }
  void punch(client::Object& object, int key) {
    const std::string dkey = std::to_string(key);
    ASSERT_TRUE(client_
                    ->run(client::punch(object, {.level = protocol::PunchLevel::kDkey,
                                                 .dkey = bytesOf(dkey)}))
                    .ok());
  }
  void expectKept() {
    const auto object = this->object(1, kTargetCount);
    for (int key = end_ - kKeptCount; key < end_; ++key) {
      const auto value = get(*object, std::to_string(key), kValueSize);
      ASSERT_TRUE(value.ok()) << value.error().describe();
      EXPECT_TRUE(*value == bytesOfKey(key)) << key;
    }
  }
  void reopen() {
    openPool();
    ASSERT_TRUE(waitFor([&](auto done) { engine_->openPool(other_, done); }).ok());
    connect();
  }
  // All that the pool gave up, and filled, so that nothing of it reads as before by chance.
  void giveToOther() {
    const uint64_t givenBytes = kLargeBytes - small_;
    const Status grown = resize(other_, kOtherBytes + givenBytes);
    ASSERT_TRUE(grown.ok()) << grown.error().describe();
    const Uuid container = SystemRandom().uuid();
    ASSERT_TRUE(waitFor([&](auto done) {
                  engine_->createContainer(other_, container, done);
                }).ok());
    auto open = client_->openContainer(other_, container, mapOf(*engine_));
    ASSERT_TRUE(open.ok()) << open.error().describe();
    const auto object =
        client::Object::open(*open, ObjectId::make({1, 0}, ObjectType::kMultiHashed, 1,
                                                   kTargetCount)).value();
    const std::string ones(kValueSize, '\xff');
    uint64_t count = 0;
    while (put(*object, std::to_string(count), ones).ok()) ++count;
    EXPECT_GT(count * kValueSize, givenBytes);
  }

  const Uuid other_ = Uuid::fromRandom(8, 9);
  int end_ = 0;        // of the keys
  uint64_t small_ = 0;  // the least number of MiB that what is used fits in
};

INSTANTIATE_TEST_SUITE_P(Kinds, DeviceShrink,
                         testing::Values(TestDeviceKind::kFile, TestDeviceKind::kLoop),
                         [](const auto& kind) {
                           return kind.param == TestDeviceKind::kFile ? "File" : "Loop";
                         });

TEST_P(DeviceShrink, ItGoesDownToWhatIsUsedAndTheRestIsAnotherPoolsAtOnce) {
  prepare();
  const uint64_t givenBytes = kLargeBytes - small_;
  // With what is free on the device beside both pools there is not enough for it before.
  ASSERT_EQ(resize(other_, kOtherBytes + givenBytes).code(), ErrorCode::kNospace);
  const Status tooSmall = resize(pool_, small_ - kMiB);
  ASSERT_EQ(tooSmall.code(), ErrorCode::kNospace);
  EXPECT_NE(tooSmall.error().message().find("bytes of data lie in it"), std::string::npos);
  expectKept();
  const Status shrunk = resize(pool_, small_);
  ASSERT_TRUE(shrunk.ok()) << shrunk.error().describe();
  expectKept();
  giveToOther();
  expectKept();
  restart();
  reopen();
  expectKept();
  // And back, where the other pool was.
  ASSERT_TRUE(destroy(other_).ok());
  ASSERT_TRUE(resize(pool_, kLargeBytes).ok());
  expectKept();
  const auto object = this->object(1, kTargetCount);
  int count = 0;
  while (count < 400 && put(*object, std::to_string(1000 + count), bytesOfKey(count)).ok()) {
    ++count;
  }
  EXPECT_GT(count * kValueSize, kLargeBytes);
  for (int key = 0; key < count; ++key) {
    const auto value = get(*object, std::to_string(1000 + key), kValueSize);
    ASSERT_TRUE(value.ok() && *value == bytesOfKey(key)) << key;
  }
  expectKept();
}

// --- kills

class DeviceShrinkKill : public DeviceShrink {
 protected:
  // Never returns. Says when it begins, and when it is done.
  [[noreturn]] void work(int out) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto engine = engine::Engine::start(optionsHere());
    if (!engine.ok()) _exit(1);
    if (!waitFor([&](auto done) { (*engine)->openPool(pool_, done); }).ok()) _exit(2);
    if (write(out, "b", 1) != 1) _exit(3);
    if (!waitFor([&](auto done) { (*engine)->resizePool(pool_, small_, done); }).ok()) _exit(4);
    if (write(out, "e", 1) != 1) _exit(3);
    for (;;) pause();
  }
  // True: it was done before. `us`: none: it is killed when it is done.
  bool shrinkUntilKilled(std::optional<uint64_t> us) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      close(ends[0]);
      work(ends[1]);
    }
    close(ends[1]);
    char told = 0;
    EXPECT_EQ(read(ends[0], &told, 1), 1);
    const auto begin = std::chrono::steady_clock::now();
    bool isDone = false;
    if (us) {
      usleep(static_cast<useconds_t>(*us));
    } else {
      isDone = read(ends[0], &told, 1) == 1;
      wholeUs_ = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                           std::chrono::steady_clock::now() - begin).count());
    }
    kill(pid, SIGKILL);
    int state = 0;
    waitpid(pid, &state, 0);
    EXPECT_TRUE(WIFSIGNALED(state)) << "it ended by itself with " << WEXITSTATUS(state);
    if (us) isDone = read(ends[0], &told, 1) == 1;
    close(ends[0]);
    return isDone;
  }
  void keepCopy() {
    fs::copy(directory_.path(), copy_.path() / "directory", fs::copy_options::recursive);
    for (size_t i = 0; i < devices_.size(); ++i) {
      fs::copy_file(path(i), copy_.path() / std::to_string(i));
    }
  }
  void takeCopy() {
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      fs::remove_all(entry.path());
    }
    fs::copy(copy_.path() / "directory", directory_.path(), fs::copy_options::recursive);
    for (size_t i = 0; i < devices_.size(); ++i) {
      fs::copy_file(copy_.path() / std::to_string(i), path(i),
                    fs::copy_options::overwrite_existing);
    }
  }
  void expectWhole(bool isDone) {
    start();
    reopen();
    for (const auto& share : shares()) {
      const uint64_t size = share.dataTotalBytes + bio::kMediaBlockSize;
      EXPECT_TRUE(size == small_ || (size == kLargeBytes && !isDone)) << size;
    }
    expectKept();
    const Status again = resize(pool_, small_);
    ASSERT_TRUE(again.ok()) << again.error().describe();
    expectKept();
    giveToOther();
    expectKept();
    stop();
  }

  ScratchDirectory copy_;
  uint64_t wholeUs_ = 0;  // how long it takes when nobody kills it
};

// Devices are put back as they were for each kill, which files alone allow.
INSTANTIATE_TEST_SUITE_P(Kinds, DeviceShrinkKill, testing::Values(TestDeviceKind::kFile),
                         [](const auto&) { return "File"; });

TEST_P(DeviceShrinkKill, AKillWhileItShrinksLosesNothingAndItCanBeGoneOnWith) {
  prepare();
  stop();
  keepCopy();
  EXPECT_TRUE(shrinkUntilKilled({}));
  expectWhole(true);
  int cutCount = 0;
  constexpr uint64_t kRoundCount = 12;
  for (uint64_t round = 0; round < kRoundCount && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    takeCopy();
    const bool isDone = shrinkUntilKilled(wholeUs_ * round / kRoundCount);
    cutCount += !isDone;
    expectWhole(isDone);
  }
  EXPECT_GT(cutCount, 0);
}

}  // namespace
}  // namespace daos::system
