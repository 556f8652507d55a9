#include "bio/device_guard.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "bio/file_error.h"

namespace daos::bio {

static Error busy(const std::string& path) {
  return Error(ErrorCode::kBusy,
               path + ": in use: it is mounted, or another program or engine has it");
}

static Status lockFor(int fd, const std::string& path, uint64_t waitMs) {
  for (uint64_t waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; ++waited) {
    if (errno != EWOULDBLOCK) return fileError(path, "lock", errno);
    if (waited >= waitMs) return busy(path);
    usleep(1000);
  }
  if (flock(fd, LOCK_SH | LOCK_NB) == 0) return {};
  return errno == EWOULDBLOCK ? busy(path) : fileError(path, "lock", errno);
}

static Result<int> openFor(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status)) return fileError(path, "open", errno);
  const bool isDevice = S_ISBLK(status.st_mode);
  if (!isDevice && !S_ISREG(status.st_mode)) {
    return invalid(path + ": neither a file nor a block device");
  }
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | (isDevice ? O_EXCL : 0));
  if (fd >= 0) return fd;
  if (errno == EBUSY) return busy(path);
  return fileError(path, "open", errno);
}

Result<std::unique_ptr<DeviceGuard>> DeviceGuard::take(const std::string& path, uint64_t waitMs) {
  DAOS_TRY(const int fd, openFor(path));
  std::unique_ptr<DeviceGuard> guard(new DeviceGuard(fd));
  DAOS_CHECK(lockFor(fd, path, waitMs));
  return guard;
}

DeviceGuard::~DeviceGuard() { close(fd_); }

}  // namespace daos::bio
