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
  bool canDiscard = false;
};

class RingMedia final : public Media {
 public:
  // Owns the file from here on.
  RingMedia(IoRing& ring, RingMediaFile file, MediaOptions options);
  ~RingMedia() override;
  bool hasReservedBlocks() const override { return hasReservedBlocks_; }
  bool canDiscard() const override { return canDiscard_; }
  Status reserve(uint64_t offset, uint64_t size) override;
  void registerMemory(MutableBytes memory) override { ring_.registerMemory(memory); }

 protected:
  void start(MediaRequest& request) override;

 private:
  friend class IoRing;
  // The kernel's answer: bytes done, or an error number below zero.
  void arrived(MediaRequest& request, int code);
  // True: it is tried in another way.
  bool isDiscardRefused(MediaRequest& request, int& code);
  Error errorOf(const MediaRequest& request, int code) const;

  IoRing& ring_;
  const int fd_;
  const bool isBlockDevice_;
  const bool hasReservedBlocks_;
  bool canDiscard_;
  // A block device is told to discard; kernels before 6.12 have no such request, and are asked for
  // zeros that need no space, as files are.
  bool discardsByCommand_;
  const int fileSlot_;
  unsigned atKernelCount_ = 0;
  bool isClosing_ = false;
};

}  // namespace daos::bio
