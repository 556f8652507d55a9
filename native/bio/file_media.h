// Opens files and block devices as Media.
#pragma once

#include <memory>
#include <string>

#include "bio/io_ring.h"

namespace daos::bio {

struct FileMediaOptions {
  MediaOptions media;
  // Bypass the page cache; where the file system refuses, the log says so and the cache is used.
  bool isDirect = true;
  // What errors call it; empty: the path.
  std::string name;
  // How long to wait for a file that is in use. The kernel ends the requests of a killed process
  // after the process itself, and only then gives its files free: until then they may still change.
  uint64_t lockWaitMs = 5000;
  // A DeviceGuard of this process holds it, for several media.
  bool isShared = false;
  // What is discarded of a file goes back to its file system, and reserve() takes it again.
  // Without, a file keeps its blocks: they were preallocated so that later writes can't run out of
  // space.
  bool givesBack = false;
};

// `path`: an existing file, whole blocks of 4096 long (a rest is left alone), or a block device. It
// is locked against a second opening, unless it is shared. Blocks the calling thread. DER_NONEXIST,
// DER_NO_PERM, DER_BUSY (in use), DER_INVAL (no file or device, or empty).
Result<std::unique_ptr<Media>> openFileMedia(IoRing& ring, const std::string& path,
                                             FileMediaOptions options = {});

struct CreateFileOptions {
  // So much of the file's beginning is written with zeros, not only reserved: a later overwrite
  // then changes no metadata of the file system, which makes the durable writes of a log several
  // times faster.
  uint64_t writtenBytes = 0;
};

// A new file of `sizeBytes` with all its blocks reserved. DER_EXIST, DER_NOSPACE (nothing is left
// behind), DER_NO_PERM. Blocks the calling thread.
Status createMediaFile(const std::string& path, uint64_t sizeBytes, CreateFileOptions options = {});

// Another size of a file that nobody has open, a larger one with all its blocks reserved.
// DER_NOSPACE (it keeps its size), DER_NONEXIST. Blocks the calling thread.
Status resizeMediaFile(const std::string& path, uint64_t sizeBytes);

}  // namespace daos::bio
