// Goal:   whenever an engine on devices is killed while it makes, resizes and destroys pools, each
//         share is whole or gone after the next start, what was acknowledged is so, and no volume
//         is left that no share names.
// Method: a process that does nothing else is killed at a random moment; the next engine, in the
//         test's process, has to open what is there; and the tables of volumes are read from the
//         devices and compared with the folders.
#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <map>
#include <set>

#include "bio/engine_label.h"
#include "bio/region.h"
#include "engine/share_mark.h"
#include "system/device_fixture.h"

namespace daos::system {
namespace {

using bio::MediaRole;

// As many as there is room for.
constexpr size_t kPoolCount = 2;
constexpr uint32_t kTargetCount = 2;

enum class Step : uint8_t { kCreate, kResize, kDestroy };

// What the process that is killed tells, before and after each step.
struct Told {
  Step step;
  uint8_t pool;
  bool isDone;
};

class DeviceKill : public testing::TestWithParam<TestDeviceKind>, protected DeviceFixture {
 protected:
  void SetUp() override {
    makeDevices(GetParam(), {{MediaRole::kWal, MediaRole::kMeta}, {MediaRole::kData}});
  }
  static Uuid poolOf(size_t index) { return Uuid::fromRandom(index, 77); }

  static Status take(engine::Engine& engine, Step step, const Uuid& pool, Random& random) {
    if (step == Step::kCreate) {
      return waitFor([&](auto done) { engine.createPool(pool, kSizes, done); });
    }
    if (step == Step::kDestroy) {
      return waitFor([&](auto done) { engine.destroyPool(pool, done); });
    }
    const uint64_t dataBytes = (1 + random.below(12)) * kMebibyte;
    return waitFor([&](auto done) { engine.resizePool(pool, dataBytes, done); });
  }
  // Never returns. All of `known` are open at first.
  [[noreturn]] void work(int out, std::set<size_t> known, uint64_t seed) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto engine = engine::Engine::start(optionsHere());
    if (!engine.ok()) _exit(1);
    SeededRandom random(seed);
    for (const size_t pool : known) {
      if (!waitFor([&](auto done) { (*engine)->openPool(poolOf(pool), done); }).ok()) _exit(2);
    }
    for (;;) {
      const size_t pool = random.below(kPoolCount);
      const Step step = !known.contains(pool)      ? Step::kCreate
                        : random.below(2) == 0 ? Step::kDestroy
                                                   : Step::kResize;
      Told told{step, static_cast<uint8_t>(pool), false};
      if (write(out, &told, sizeof(told)) < 0) _exit(3);
      if (const Status taken = take(**engine, step, poolOf(pool), random); !taken.ok()) {
        std::fprintf(stderr, "engine: %s\n", taken.error().describe().c_str());
        _exit(4);
      }
      if (step == Step::kCreate) known.insert(pool);
      if (step == Step::kDestroy) known.erase(pool);
      told.isDone = true;
      if (write(out, &told, sizeof(told)) < 0) _exit(3);
    }
  }
  // Returns the pool of a step that was under way, or kPoolCount.
  size_t workUntilKilled(uint64_t seed, uint64_t us) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      close(ends[0]);
      work(ends[1], known_, seed);
    }
    close(ends[1]);
    Told told{};
    // The first step has begun: the engine is up.
    size_t pending = kPoolCount;
    const auto note = [&] {
      pending = told.isDone ? kPoolCount : told.pool;
      if (!told.isDone) return;
      ++doneCount_;
      if (told.step == Step::kCreate) known_.insert(told.pool);
      if (told.step == Step::kDestroy) known_.erase(told.pool);
    };
    if (read(ends[0], &told, sizeof(told)) == sizeof(told)) note();
    usleep(static_cast<useconds_t>(us));
    kill(pid, SIGKILL);
    int state = 0;
    waitpid(pid, &state, 0);
    EXPECT_TRUE(WIFSIGNALED(state)) << "it ended by itself with " << WEXITSTATUS(state);
    while (read(ends[0], &told, sizeof(told)) == sizeof(told)) note();
    close(ends[0]);
    return pending;
  }
  std::filesystem::path folderOf(size_t pool, uint32_t target) {
    return directory_.path() / "pools" / poolOf(pool).toString() /
           ("target-" + std::to_string(target));
  }
  size_t shareCountOf(size_t pool) {
    size_t count = 0;
    for (uint32_t t = 0; t < kTargetCount; ++t) count += std::filesystem::exists(folderOf(pool, t));
    return count;
  }
  void expectWhole(size_t pool) {
    const Status opened = waitFor([&](auto done) { engine_->openPool(poolOf(pool), done); });
    ASSERT_TRUE(opened.ok()) << opened.error().describe();
    std::promise<Result<std::vector<engine::TargetShare>>> found;
    engine_->queryPool(poolOf(pool), [&](auto all) { found.set_value(std::move(all)); });
    const auto all = found.get_future().get();
    ASSERT_TRUE(all.ok()) << all.error().describe();
    for (const auto& share : *all) EXPECT_EQ(share.failure, "");
  }
  // A control plane undoes or repeats what was under way; this undoes.
  void check(size_t pending) {
    start();
    for (size_t pool = 0; pool < kPoolCount; ++pool) {
      const size_t count = shareCountOf(pool);
      if (count == kTargetCount) {
        expectWhole(pool);
      } else if (pool == pending && count > 0) {
        // DER_NONEXIST of the target that has none.
        [[maybe_unused]] const Status undone = destroy(poolOf(pool));
        EXPECT_EQ(shareCountOf(pool), 0u);
      }
      if (pool == pending) {
        known_.erase(pool);
        if (shareCountOf(pool) == kTargetCount) known_.insert(pool);
      } else {
        EXPECT_EQ(count, known_.contains(pool) ? kTargetCount : 0u) << "pool " << pool;
      }
    }
    stop();
    EXPECT_EQ(sharesOnDevices(), sharesInFolders());
  }
  // By device and target.
  using Shares = std::set<std::string>;
  Shares sharesInFolders() {
    Shares all;
    for (size_t pool = 0; pool < kPoolCount; ++pool) {
      for (uint32_t t = 0; t < kTargetCount; ++t) {
        const auto mark = engine::readShareMark(folderOf(pool, t)).value();
        if (!mark) continue;
        for (const char* role : {"wal", "meta", "data"}) {
          all.insert(std::to_string(t) + " " + mark->share.toString() + " " + role);
        }
      }
    }
    return all;
  }
  Shares sharesOnDevices() {
    Shares all;
    SystemClock clock;
    auto reactor = Reactor::create(clock).value();
    auto ring = bio::IoRing::create(*reactor, Log(LogLevel::kOff, {})).value();
    auto pool = bio::DmaPool::create(4 * kMebibyte).value();
    for (const auto& device : devices_) {
      bool isRead = false;
      reactor->spawn([](bio::IoRing& on, bio::DmaPool& buffers, std::string path, Shares& into,
                        bool& done) -> Task<void> {
        bio::VolumeDevice shared(bio::openFileMedia(on, path).value());
        const auto label = (co_await bio::readEngineLabel(shared.media(), buffers)).value();
        for (const uint32_t t : label.users()) {
          const bio::RegionPlace place{{label.device(), t, label.regionBytes},
                                       label.regionOffset(t)};
          const auto region =
              (co_await bio::Region::open(shared, buffers, place, Log(LogLevel::kOff, {}))).value();
          for (const bio::Volume& volume : region->table().volumes()) {
            into.insert(std::to_string(t) + " " + volume.share.toString() + " " +
                        bio::roleName(volume.role));
          }
        }
        done = true;
      }(*ring, *pool, device->path(), all, isRead));
      reactor->runUntil([&] { return isRead; });
    }
    return all;
  }

  std::set<size_t> known_;
  size_t doneCount_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Kinds, DeviceKill,
                         testing::Values(TestDeviceKind::kFile, TestDeviceKind::kLoop),
                         [](const auto& kind) {
                           return kind.param == TestDeviceKind::kFile ? "File" : "Loop";
                         });

TEST_P(DeviceKill, EachShareIsWholeOrGoneAndNoVolumeIsLeft) {
  format();
  stop();
  SeededRandom random(11);
  // On a machine that is busy a round gets less far.
  const auto isEnough = [&](int round) { return round >= 20 && doneCount_ > 20; };
  for (int round = 0; round < 100 && !isEnough(round) && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    check(workUntilKilled(random.next(), random.below(120'000)));
  }
  EXPECT_GT(doneCount_, 20u);
}

}  // namespace
}  // namespace daos::system
