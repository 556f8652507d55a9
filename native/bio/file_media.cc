#include "bio/file_media.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "bio/file_error.h"
#include "bio/ring_media.h"

namespace daos::bio {
namespace {

// An open file descriptor that closes itself unless released.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

uint64_t readNumber(const std::string& path, uint64_t fallback) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (!file) return fallback;
  unsigned long value = 0;
  const int count = std::fscanf(file, "%lu", &value);
  std::fclose(file);
  return count == 1 && value > 0 ? value : fallback;
}

// What the kernel tells of a block device, or of the one that it is a partition of.
uint64_t numberOfQueue(dev_t device, const char* name, uint64_t fallback) {
  const std::string folder = "/sys/dev/block/" + std::to_string(major(device)) + ":" +
                             std::to_string(minor(device));
  return readNumber(folder + "/queue/" + name,
                    readNumber(folder + "/../queue/" + name, fallback));
}

// Of the device that the file lives on; 512, the least there is, when that can't be known.
uint64_t sectorSizeOf(dev_t device) {
  return std::min<uint64_t>(numberOfQueue(device, "logical_block_size", 512), kMediaBlockSize);
}

// File systems that keep reserved blocks as such until they are written; those that write
// elsewhere each time, or to memory, gain nothing by an earlier write.
bool notesFirstWrites(int fd) {
  constexpr auto kXfsMagic = 0x58465342;
  struct statfs status;
  if (fstatfs(fd, &status)) return false;
  const auto type = static_cast<uint64_t>(status.f_type);
  return type == EXT4_SUPER_MAGIC || type == kXfsMagic;
}

Status measure(RingMediaFile& file) {
  struct stat status;
  if (fstat(file.fd, &status)) return fileError(file.path, "stat", errno);
  uint64_t size = static_cast<uint64_t>(status.st_size);
  if (S_ISBLK(status.st_mode)) {
    file.isBlockDevice = true;
    file.canDiscard = numberOfQueue(status.st_rdev, "discard_max_bytes", 0) > 0;
    if (ioctl(file.fd, BLKGETSIZE64, &size)) return fileError(file.path, "size", errno);
    file.sectorSizeBytes = sectorSizeOf(status.st_rdev);
  } else if (S_ISREG(status.st_mode)) {
    file.sectorSizeBytes = sectorSizeOf(status.st_dev);
    file.hasReservedBlocks = notesFirstWrites(file.fd);
  } else {
    return invalid(file.path + ": neither a file nor a block device");
  }
  file.sizeBytes = alignDown(size, kMediaBlockSize);
  if (file.sizeBytes == 0) return invalid(file.path + ": shorter than a block of 4096");
  return {};
}

Result<int> openDescriptor(IoRing& ring, const std::string& path,
                           const FileMediaOptions& options) {
  const bool isDirect = options.isDirect;
  struct stat status;
  const bool isDevice = stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
  const int flags = O_RDWR | O_CLOEXEC | (isDevice && !options.isShared ? O_EXCL : 0);
  int fd = open(path.c_str(), flags | (isDirect ? O_DIRECT : 0));
  if (fd < 0 && isDirect && errno == EINVAL) {
    DAOS_LOG_WARNING(ring.log(),
                     path + ": the file system refuses O_DIRECT; the page cache is used");
    fd = open(path.c_str(), flags);
  }
  if (fd < 0) return fileError(path, "open", errno);
  return fd;
}

// The ring may have had the file until just now, and hold it still.
Status lock(IoRing& ring, int fd, const std::string& path, const FileMediaOptions& options) {
  const int kind = options.isShared ? LOCK_SH : LOCK_EX;
  for (uint64_t waited = 0; flock(fd, kind | LOCK_NB) != 0; ++waited) {
    if (errno != EWOULDBLOCK || waited >= options.lockWaitMs) return fileError(path, "lock", errno);
    ring.settle();
    usleep(1000);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Media>> openFileMedia(IoRing& ring, const std::string& path,
                                             FileMediaOptions options) {
  DAOS_TRY(const int fd, openDescriptor(ring, path, options));
  Descriptor descriptor(fd);
  DAOS_CHECK(lock(ring, fd, path, options));
  RingMediaFile file{.fd = fd, .path = path};
  DAOS_CHECK(measure(file));
  if (!file.isBlockDevice) file.canDiscard = options.givesBack;
  descriptor.release();
  if (!options.name.empty()) file.path = std::move(options.name);
  return std::unique_ptr<Media>(std::make_unique<RingMedia>(ring, std::move(file), options.media));
}

static Status writeZeros(int fd, const std::string& path, uint64_t sizeBytes) {
  const std::vector<std::byte> zeros(1 << 20);
  for (uint64_t offset = 0; offset < sizeBytes;) {
    const uint64_t piece = std::min<uint64_t>(zeros.size(), sizeBytes - offset);
    const ssize_t written = pwrite(fd, zeros.data(), piece, static_cast<off_t>(offset));
    if (written < 0 && errno != EINTR) return fileError(path, "write", errno);
    if (written > 0) offset += static_cast<uint64_t>(written);
  }
  return {};
}

static Status fill(int fd, const std::string& path, uint64_t sizeBytes, CreateFileOptions options) {
  const int code = posix_fallocate(fd, 0, static_cast<off_t>(sizeBytes));
  if (code) return fileError(path, "reserving space", code);
  DAOS_CHECK(writeZeros(fd, path, std::min(options.writtenBytes, sizeBytes)));
  if (fsync(fd)) return fileError(path, "fsync", errno);
  // A direct write to a page that the cache holds has to drop it first, and waits for that.
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  return {};
}

// The file's name is durable only when its directory is.
static Status syncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor descriptor(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0 || fsync(descriptor.get())) return fileError(directory, "fsync", errno);
  return {};
}

Status createMediaFile(const std::string& path, uint64_t sizeBytes, CreateFileOptions options) {
  if (sizeBytes == 0 || sizeBytes % kMediaBlockSize) {
    return invalid(path + ": size " + std::to_string(sizeBytes) +
                   " is not in whole blocks of 4096");
  }
  const Descriptor descriptor(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (descriptor.get() < 0) return fileError(path, "create", errno);
  Status status = fill(descriptor.get(), path, sizeBytes, options);
  if (status.ok()) status = syncDirectoryOf(path);
  if (!status.ok()) unlink(path.c_str());
  return status;
}

Status resizeMediaFile(const std::string& path, uint64_t sizeBytes) {
  const Descriptor descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (descriptor.get() < 0) return fileError(path, "open", errno);
  struct stat before;
  if (fstat(descriptor.get(), &before)) return fileError(path, "stat", errno);
  const auto size = static_cast<off_t>(sizeBytes);
  if (size > before.st_size) {
    const int code = posix_fallocate(descriptor.get(), before.st_size, size - before.st_size);
    if (code) {
      [[maybe_unused]] const int ignored = ftruncate(descriptor.get(), before.st_size);
      return fileError(path, "reserving space", code);
    }
  } else if (ftruncate(descriptor.get(), size)) {
    return fileError(path, "cutting", errno);
  }
  if (fsync(descriptor.get())) return fileError(path, "fsync", errno);
  return {};
}

}  // namespace daos::bio
