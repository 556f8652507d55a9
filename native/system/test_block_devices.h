// Devices for engines under test: files used as if they were devices, and block devices of the
// kernel's over files (loop), which are detached with their object, or with its process.
#pragma once

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "bio/file_media.h"

namespace daos::system {

enum class TestDeviceKind { kFile, kLoop };

class TestBlockDevice {
 public:
  // `file`: made with `sizeBytes`. DER_NOSYS says why this machine has no loop devices for us.
  static Result<std::unique_ptr<TestBlockDevice>> make(TestDeviceKind kind, const std::string& file,
                                                       uint64_t sizeBytes) {
    DAOS_CHECK(bio::createMediaFile(file, sizeBytes));
    std::unique_ptr<TestBlockDevice> device(new TestBlockDevice(file));
    if (kind == TestDeviceKind::kLoop) DAOS_CHECK(device->attach());
    return device;
  }
  ~TestBlockDevice() {
    if (loopFd_ >= 0) close(loopFd_);  // the last one detaches it
    unlink(file_.c_str());
  }
  TestBlockDevice(const TestBlockDevice&) = delete;
  TestBlockDevice& operator=(const TestBlockDevice&) = delete;

  const std::string& path() const { return path_; }
  const std::string& file() const { return file_; }

 private:
  explicit TestBlockDevice(std::string file) : file_(std::move(file)), path_(file_) {}
  static Error failed(const char* what) {
    return Error(ErrorCode::kNosys, std::string(what) + ": " + std::strerror(errno));
  }
  // Another process may take the free one that was found, so some more are tried.
  Status attach() {
    const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0) return failed("/dev/loop-control");
    const int backing = open(file_.c_str(), O_RDWR | O_CLOEXEC | O_DIRECT);
    Status status = backing < 0 ? Status(failed("a file without the page cache")) : Status();
    for (int attempt = 0; status.ok() && loopFd_ < 0 && attempt < 50; ++attempt) {
      status = attachOnce(control, backing);
    }
    if (backing >= 0) close(backing);
    close(control);
    if (status.ok() && loopFd_ < 0) return Error(ErrorCode::kNosys, "no loop device stays free");
    return status;
  }
  Status attachOnce(int control, int backing) {
    const int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) return failed("a free loop device");
    const std::string path = "/dev/loop" + std::to_string(number);
    const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return failed(path.c_str());
    loop_config config{};
    config.fd = static_cast<uint32_t>(backing);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
    if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
      loopFd_ = fd;
      path_ = path;
      return {};
    }
    const int number2 = errno;
    close(fd);
    errno = number2;
    if (number2 == EBUSY) return {};
    return failed("configuring a loop device");
  }

  const std::string file_;
  std::string path_;
  int loopFd_ = -1;
};

// In place of a test's start where the machine has no such devices: skips it and says why.
#define DAOS_NEED_DEVICE(made)                                                        \
  if (!(made).ok() && (made).code() == ErrorCode::kNosys) {                           \
    GTEST_SKIP() << "no block devices here: " << (made).error().message();            \
  }                                                                                   \
  ASSERT_TRUE((made).ok()) << (made).error().describe()

}  // namespace daos::system
