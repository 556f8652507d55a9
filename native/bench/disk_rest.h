// Lets a disk come to rest before something on it is measured.
//
// A file system that discards at once (mount option discard) tells the disk of the blocks of a
// removed file when its journal is written, seconds later and for as long as a second for a few
// GiB: what is measured meanwhile, be it by another program, waits behind that.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "bench/measure.h"

namespace daos::bench {

// The kernel's counts of a block device (Documentation/block/stat.rst).
struct DiskCounts {
  uint64_t inFlightCount = 0;
  uint64_t discardCount = 0;
};

// False: there is no such file, or it is not the kernel's.
inline bool readDiskCounts(const std::string& path, DiskCounts& counts) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (!file) return false;
  unsigned long long inFlight = 0, discards = 0;
  const int found = std::fscanf(file, "%*u %*u %*u %*u %*u %*u %*u %*u %llu %*u %*u %llu",
                                &inFlight, &discards);
  std::fclose(file);
  counts = {inFlight, discards};
  return found == 2;
}

// Writes down what the file system of `path` has to tell the disk, and returns when the disk has
// had nothing to do for half a second. False: it had for 30 s. At once where the disk can't be
// known, as of a file system in memory.
inline bool waitForDiskRest(const std::string& path) {
  constexpr uint64_t kRestNs = 500'000'000, kPatienceNs = 30'000'000'000;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return true;
  struct stat status;
  const int unknown = fstat(fd, &status) | syncfs(fd);
  close(fd);
  if (unknown) return true;
  const std::string counts = "/sys/dev/block/" + std::to_string(major(status.st_dev)) + ":" +
                             std::to_string(minor(status.st_dev)) + "/stat";
  DiskCounts before, now;
  if (!readDiskCounts(counts, before)) return true;
  const uint64_t startNs = nowNs();
  for (uint64_t restNs = startNs; nowNs() - restNs < kRestNs; before = now) {
    usleep(10'000);
    if (!readDiskCounts(counts, now)) return true;
    if (now.inFlightCount > 0 || now.discardCount != before.discardCount) restNs = nowNs();
    if (nowNs() - startNs > kPatienceNs) return false;
  }
  return true;
}

}  // namespace daos::bench
