// What is particular to files on a ring: batching, locks, errors of the system, waking up.
#include "bio/io_ring.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "bio/media_test_drivers.h"

namespace daos::bio {
namespace {

class BioIoRing : public testing::Test {
 public:
  void SetUp() override {
    reactor_ = Reactor::create(clock_, {.spinNs = 0}).value();
    ring_ = IoRing::create(*reactor_, log_).value();
  }
  void run(Task<void> task) {
    reactor_->spawn(std::move(task));
    reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
  }

  TestDirectory directory_;
  SystemClock clock_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::kInfo, [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }};
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<IoRing> ring_;
};

alignas(4096) std::byte gBlock[4096];

Task<void> writeOne(Media& media, uint64_t offset, Status& out) {
  out = co_await media.write(offset, gBlock);
}

TEST_F(BioIoRing, WhatATurnQueuesForSeveralDevicesIsOneSystemCall) {
  std::vector<std::unique_ptr<Media>> devices;
  for (const char* name : {"a", "b", "c"}) {
    const std::string path = directory_.file(name);
    ASSERT_TRUE(createMediaFile(path, 1 << 20).ok());
    devices.push_back(openFileMedia(*ring_, path).value());
  }
  std::vector<Status> statuses(60);
  for (int i = 0; i < 60; ++i)
    reactor_->spawn(writeOne(*devices[i % 3], i / 3 * 4096, statuses[i]));
  reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
  for (const Status& status : statuses) EXPECT_TRUE(status.ok());
  EXPECT_EQ(ring_->submitCallCount(), 1u);
  EXPECT_EQ(ring_->submittedCount(), 60u);
}

uint64_t blockBytesOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  return static_cast<uint64_t>(status.st_blocks) * 512;
}

Task<void> discardOne(Media& media, uint64_t offset, uint64_t size) {
  EXPECT_TRUE((co_await media.discard(offset, size)).ok());
}

TEST_F(BioIoRing, AFileKeepsWhatIsDiscardedUnlessItIsToGiveItBack) {
  const std::string path = directory_.file("device");
  ASSERT_TRUE(createMediaFile(path, 8 << 20).ok());
  const uint64_t before = blockBytesOf(path);
  {
    const auto media = openFileMedia(*ring_, path).value();
    EXPECT_FALSE(media->canDiscard());
    run(discardOne(*media, 0, 8 << 20));
    EXPECT_EQ(blockBytesOf(path), before);
  }
  const auto media = openFileMedia(*ring_, path, {.givesBack = true}).value();
  EXPECT_TRUE(media->canDiscard());
  run(discardOne(*media, 1 << 20, 4 << 20));
  EXPECT_LE(blockBytesOf(path), before - (4 << 20));
  ASSERT_TRUE(media->reserve(1 << 20, 4 << 20).ok());
  EXPECT_GE(blockBytesOf(path), before);
}

// For this process, every file system is one without reservations from now on.
bool refuseFallocate() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_F(BioIoRing, WhereTheFileSystemReservesNothingNothingIsPromised) {
  const std::string path = directory_.file("device");
  ASSERT_TRUE(createMediaFile(path, 8 << 20).ok());
  const auto media = openFileMedia(*ring_, path, {.givesBack = true}).value();
  run(discardOne(*media, 1 << 20, 4 << 20));
  const uint64_t before = blockBytesOf(path);
  EXPECT_EXIT(
      {
        if (!refuseFallocate()) _exit(2);
        const Status reserved = media->reserve(1 << 20, 4 << 20);
        if (!reserved.ok()) std::fprintf(stderr, "%s\n", reserved.error().describe().c_str());
        _exit(reserved.ok() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  // Nor is anything written in place of a reservation.
  EXPECT_EQ(blockBytesOf(path), before);
}

// The device works while the turn goes on.
TEST_F(BioIoRing, AnUrgentRequestAndALargeBatchLeaveBeforeTheEndOfTheTurn) {
  const std::string path = directory_.file("device");
  ASSERT_TRUE(createMediaFile(path, 1 << 20).ok());
  const auto media = openFileMedia(*ring_, path).value();
  size_t endedCount = 0;
  struct Request : MediaRequest {
    size_t* endedCount = nullptr;
  };
  std::array<Request, 80> requests;
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].operation = MediaOperation::kWrite;
    requests[i].offset = i * 4096;
    requests[i].sizeBytes = 4096;
    requests[i].data = gBlock;
    requests[i].endedCount = &endedCount;
    requests[i].isUrgent = i == 70;
    requests[i].completed = [](MediaRequest& done) {
      EXPECT_TRUE(done.status.ok());
      ++*static_cast<Request&>(done).endedCount;
    };
    media->submit(requests[i]);
    EXPECT_EQ(ring_->submittedCount(), i >= 70 ? 71u : i >= 63 ? 64u : 0u) << i;
  }
  EXPECT_EQ(endedCount, 0u);
  reactor_->runUntil([&] { return endedCount == requests.size(); });
}

TEST_F(BioIoRing, AFileInUseIsRefused) {
  const std::string path = directory_.file("device");
  ASSERT_TRUE(createMediaFile(path, 4096).ok());
  const auto first = openFileMedia(*ring_, path).value();
  EXPECT_EQ(openFileMedia(*ring_, path, {.lockWaitMs = 10}).code(), ErrorCode::kBusy);
}

TEST_F(BioIoRing, OpeningNamesWhatIsWrong) {
  EXPECT_EQ(openFileMedia(*ring_, directory_.file("absent")).code(), ErrorCode::kNonexist);
  EXPECT_EQ(openFileMedia(*ring_, "/dev/null").code(), ErrorCode::kInval);
  const std::string path = directory_.file("there");
  ASSERT_TRUE(createMediaFile(path, 4096).ok());
  EXPECT_EQ(createMediaFile(path, 4096).code(), ErrorCode::kExist);
  EXPECT_EQ(createMediaFile(directory_.file("odd"), 5000).code(), ErrorCode::kInval);
}

TEST_F(BioIoRing, AFileThatDoesNotFitLeavesNothingBehind) {
  const std::string path = directory_.file("huge");
  const Status status = createMediaFile(path, uint64_t{1} << 50);
  EXPECT_EQ(status.code(), ErrorCode::kNospace) << status.error().describe();
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

// A file that was cut short behind our back: the read says where, and that it is the device's
// fault.
TEST_F(BioIoRing, AnErrorNamesDeviceAndOffset) {
  const std::string path = directory_.file("cut");
  ASSERT_TRUE(createMediaFile(path, 1 << 20).ok());
  const auto media = openFileMedia(*ring_, path).value();
  ASSERT_EQ(truncate(path.c_str(), 8192), 0);
  run([](Media& device) -> Task<void> {
    const Status status = co_await device.read(65536, gBlock);
    EXPECT_EQ(status.code(), ErrorCode::kIo);
    EXPECT_NE(status.error().message().find(device.name()), std::string::npos);
    EXPECT_NE(status.error().message().find("65536"), std::string::npos);
  }(*media));
  EXPECT_FALSE(media->isFailed());
}

TEST_F(BioIoRing, ADeviceOverItsErrorLimitIsFaulty) {
  const std::string path = directory_.file("dying");
  ASSERT_TRUE(createMediaFile(path, 1 << 20).ok());
  const auto media = openFileMedia(*ring_, path, {.media = {.errorCountMax = 3}}).value();
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  int told = 0;
  media->onFailed([&](const Error&) { ++told; });
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(media->isFailed());
    run([](Media& device) -> Task<void> {
      EXPECT_EQ((co_await device.read(0, gBlock)).code(), ErrorCode::kIo);
    }(*media));
  }
  EXPECT_TRUE(media->isFailed());
  EXPECT_EQ(told, 1);
  EXPECT_EQ(media->statistics().of(MediaOperation::kRead).errorCount, 3u);
}

// Writing past the limit on file sizes is the nearest an unprivileged test gets to a full device.
TEST_F(BioIoRing, AFailedDurableWriteIsFatal) {
  const std::string path = directory_.file("limited");
  ASSERT_TRUE(createMediaFile(path, 1 << 20).ok());
  const auto media = openFileMedia(*ring_, path).value();
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  run([](Media& device) -> Task<void> {
    EXPECT_FALSE((co_await device.writeDurable(65536, gBlock)).ok());
    EXPECT_TRUE(device.isFailed());
    EXPECT_FALSE((co_await device.read(0, gBlock)).ok());
  }(*media));
  setrlimit(RLIMIT_FSIZE, &before);
}

// A loop that does not spin sleeps until the eventfd; it must neither miss a completion nor burn
// the core.
TEST_F(BioIoRing, ABlockedLoopIsWokenByCompletions) {
  const std::string path = directory_.file("device");
  ASSERT_TRUE(createMediaFile(path, 1 << 20).ok());
  const auto media = openFileMedia(*ring_, path).value();
  for (int i = 0; i < 200; ++i) {
    run([](Media& device) -> Task<void> {
      EXPECT_TRUE((co_await device.write(0, gBlock)).ok());
      if (device.statistics().of(MediaOperation::kWrite).count % 50 == 0) {
        EXPECT_TRUE((co_await device.flush()).ok());
      }
    }(*media));
  }
}

TEST_F(BioIoRing, ClosingADeviceWaitsForTheKernel) {
  const std::string path = directory_.file("device");
  ASSERT_TRUE(createMediaFile(path, 1 << 20).ok());
  auto media = openFileMedia(*ring_, path).value();
  static MediaRequest request;
  request.operation = MediaOperation::kWrite;
  request.data = gBlock;
  request.sizeBytes = sizeof(gBlock);
  request.completed = [](MediaRequest&) { ADD_FAILURE() << "told after closing"; };
  media->submit(request);
  reactor_->runOnce();
  media.reset();
}

}  // namespace
}  // namespace daos::bio
