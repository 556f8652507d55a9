// Volumes: parts of a device that many share, each a Media of its own.
//
//   VolumeDevice   the device, for one target; what its volumes have in common
//   VolumeMedia    one volume: extents of the device, one after the other
//
// A request to a volume becomes one to the device for each extent that it touches. Counters and
// latencies are the volume's own. A flush of a volume flushes the whole device, and the device's
// failure is that of all its volumes, at once.
//
// Thread: the reactor's.
// Life:   the device outlives its volumes. A volume goes with nothing under way, unless the
//         reactor's tasks were dropped.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bio/media.h"

namespace daos::bio {

class VolumeMedia;

// Of a device, in whole blocks.
struct MediaExtent {
  uint64_t offset = 0;
  uint64_t sizeBytes = 0;
};

class VolumeDevice {
 public:
  explicit VolumeDevice(std::unique_ptr<Media> media);
  ~VolumeDevice() { DAOS_ASSERT(volumes_.empty()); }
  VolumeDevice(const VolumeDevice&) = delete;
  VolumeDevice& operator=(const VolumeDevice&) = delete;

  Media& media() { return *media_; }
  // Called once, in the turn the device fails, after its volumes were told.
  void onFailed(std::function<void(const Error&)> callback) { onFailed_ = std::move(callback); }

 private:
  friend class VolumeMedia;
  // A request's part that lies in one extent.
  struct Part : MediaRequest {
    VolumeMedia* volume = nullptr;  // null: it went, nobody wants to know
    MediaRequest* whole = nullptr;
    VolumeDevice* device = nullptr;
  };
  Part& takePart();
  void ended(Part& part);
  void failed(const Error& error);

  std::deque<Part> parts_;  // as many as there ever were under way
  std::vector<Part*> unused_;
  std::vector<VolumeMedia*> volumes_;
  std::function<void(const Error&)> onFailed_;
  std::unique_ptr<Media> media_;  // goes first: it may have parts
};

class VolumeMedia final : public Media {
 public:
  VolumeMedia(VolumeDevice& device, std::string name, std::vector<MediaExtent> extents);
  ~VolumeMedia() override;
  const Media& device() const override { return device_.media().device(); }
  bool hasReservedBlocks() const override { return device_.media().hasReservedBlocks(); }
  bool canDiscard() const override { return device_.media().canDiscard(); }
  void registerMemory(MutableBytes memory) override { device_.media().registerMemory(memory); }

 protected:
  void start(MediaRequest& request) override;

 private:
  friend class VolumeDevice;
  struct Piece {
    uint64_t begin;  // in the volume
    MediaExtent at;  // of the device
  };
  void submitPart(MediaRequest& whole, uint64_t offset, uint64_t sizeBytes, uint64_t done);
  void partEnded(MediaRequest& whole, Status status);
  size_t pieceOf(uint64_t offset) const;

  VolumeDevice& device_;
  std::vector<Piece> pieces_;
};

}  // namespace daos::bio
