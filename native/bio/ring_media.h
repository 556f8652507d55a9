// A file or block device on an IoRing. Callers see file_media.h.
#pragma once

#include "bio/io_ring.h"

namespace daos::bio {

struct RingMediaFile {
  int fd = -1;
  std::string path;
  uint64_t sizeBytes = 0;
  uint64_t sectorSizeBytes = 512;
  bool isBlockDevice = false;
  bool hasReservedBlocks = false;  // of a file, on a file system that notes each first write
};

class RingMedia final : public Media {
 public:
  // Owns the file from here on.
  RingMedia(IoRing& ring, RingMediaFile file, MediaOptions options);
  ~RingMedia() override;
  bool hasReservedBlocks() const override { return hasReservedBlocks_; }
  void registerMemory(MutableBytes memory) override { ring_.registerMemory(memory); }

 protected:
  void start(MediaRequest& request) override;

 private:
  friend class IoRing;
  // The kernel's answer: bytes done, or an error number below zero.
  void arrived(MediaRequest& request, int code);
  Error errorOf(const MediaRequest& request, int code) const;

  IoRing& ring_;
  const int fd_;
  const bool isBlockDevice_;
  const bool hasReservedBlocks_;
  const int fileSlot_;
  unsigned atKernelCount_ = 0;
  bool isClosing_ = false;
};

}  // namespace daos::bio
