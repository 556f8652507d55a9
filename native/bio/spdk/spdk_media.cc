#include "bio/spdk/spdk_media.h"

#include <spdk/bdev.h>
#include <spdk/env.h>
#include <spdk/thread.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace daos::bio {
namespace {

constexpr uint64_t kHugePageSize = 2 << 20;

class SpdkMedia final : public Media, private Poller {
 public:
  struct Device {
    spdk_thread* thread = nullptr;
    spdk_bdev_desc* descriptor = nullptr;
    spdk_io_channel* channel = nullptr;
    SpdkMedia* media = nullptr;  // null until there is one
    bool isRemoved = false;
  };

  SpdkMedia(SpdkEnvironment& environment, Reactor& reactor, std::unique_ptr<Device> device,
            MediaOptions options)
      : Media(reactor, spdk_bdev_get_name(bdevOf(*device)), sizeOf(*device),
              spdk_bdev_get_block_size(bdevOf(*device)), options),
        log_(environment.log()),
        device_(std::move(device)),
        canFlush_(spdk_bdev_io_type_supported(bdevOf(*device_), SPDK_BDEV_IO_TYPE_FLUSH)),
        canDiscard_(spdk_bdev_io_type_supported(bdevOf(*device_), SPDK_BDEV_IO_TYPE_UNMAP)) {
    device_->media = this;
    reactor.addPoller(*this);
  }
  ~SpdkMedia() override {
    isClosing_ = true;
    while (MediaRequest* request = waiting_.popFront()) release(*request);
    while (atDeviceCount_ > 0) spdk_thread_poll(device_->thread, 0, 0);
    for (size_t i = 0; i < memoryCount_; ++i) {
      spdk_mem_unregister(memory_[i].data(), memory_[i].size());
    }
    reactor().removePoller(*this);
    device_->media = nullptr;
    close(*device_);
  }

  bool canDiscard() const override { return canDiscard_; }

  // The last use of a device: nothing is under way on it.
  static void close(Device& device) {
    spdk_set_thread(device.thread);
    if (device.channel) spdk_put_io_channel(device.channel);
    if (device.descriptor) spdk_bdev_close(device.descriptor);
    spdk_thread_exit(device.thread);
    while (!spdk_thread_is_exited(device.thread)) spdk_thread_poll(device.thread, 0, 0);
    spdk_thread_destroy(device.thread);
    spdk_set_thread(nullptr);
  }
  static spdk_bdev* bdevOf(const Device& device) {
    return spdk_bdev_desc_get_bdev(device.descriptor);
  }
  static uint64_t sizeOf(const Device& device) {
    spdk_bdev* bdev = bdevOf(device);
    return alignDown(spdk_bdev_get_num_blocks(bdev) * spdk_bdev_get_block_size(bdev),
                     kMediaBlockSize);
  }

  void registerMemory(MutableBytes memory) override {
    if (isRegistered(memory.data(), memory.size())) return;
    const uint64_t bits = reinterpret_cast<uintptr_t>(memory.data()) | memory.size();
    const int code = bits % kHugePageSize ? -EINVAL : memoryCount_ == memory_.size() ? -ENOSPC
                                          : spdk_mem_register(memory.data(), memory.size());
    if (code == 0) {
      memory_[memoryCount_++] = memory;
      return;
    }
    DAOS_LOG_INFO(log_, name() + ": " + std::to_string(memory.size()) +
                            " bytes of memory can't be registered and are copied: " +
                            std::strerror(-code));
  }

 protected:
  void start(MediaRequest& request) override {
    if (request.operation == MediaOperation::kDiscard && !canDiscard_) {
      return finishLater(request, {});  // it was a hint
    }
    // Without a cache that could lose anything there is none to flush.
    if (request.operation == MediaOperation::kFlush && !canFlush_) return finishLater(request, {});
    request.driverWord = 0;
    const bool isTransfer =
        request.operation == MediaOperation::kRead || request.operation == MediaOperation::kWrite;
    if (isTransfer && !isRegistered(request.data, request.sizeBytes)) {
      void* copy = spdk_dma_malloc(request.sizeBytes, kMediaBlockSize, nullptr);
      if (!copy) {
        return finishLater(request, Error(ErrorCode::kNomem,
                                          name() + ": " + std::to_string(request.sizeBytes) +
                                              " bytes of SPDK's memory"));
      }
      request.driverWord = reinterpret_cast<uintptr_t>(copy);
      if (request.operation == MediaOperation::kWrite) {
        std::memcpy(copy, request.data, request.sizeBytes);
      }
    }
    submitOrWait(request);
  }

 private:
  bool isRegistered(const std::byte* data, uint64_t size) const {
    for (size_t i = 0; i < memoryCount_; ++i) {
      const MutableBytes piece = memory_[i];
      if (data >= piece.data() && data + size <= piece.data() + piece.size()) return true;
    }
    return false;
  }

  // ENOMEM: SPDK has no room for more requests now.
  void submitOrWait(MediaRequest& request) {
    if (!waiting_.empty()) return waiting_.pushBack(request);
    const int code = submitTo(request, request.operation);
    if (code == -ENOMEM) return waiting_.pushBack(request);
    if (code == 0) return;
    release(request);
    finishLater(request, errorOf(request, std::strerror(-code)));
  }
  int submitTo(MediaRequest& request, MediaOperation operation) {
    spdk_set_thread(device_->thread);
    void* data = request.driverWord ? reinterpret_cast<void*>(request.driverWord) : request.data;
    spdk_bdev_desc* at = device_->descriptor;
    spdk_io_channel* on = device_->channel;
    int code = 0;
    switch (operation) {
      case MediaOperation::kRead:
        code = spdk_bdev_read(at, on, data, request.offset, request.sizeBytes, &ended, &request);
        break;
      case MediaOperation::kWrite:
        code = spdk_bdev_write(at, on, data, request.offset, request.sizeBytes,
                               request.isDurable && canFlush_ ? &written : &ended, &request);
        break;
      case MediaOperation::kFlush:
        code = spdk_bdev_flush(at, on, 0, sizeBytes(), &ended, &request);
        break;
      case MediaOperation::kDiscard:
        code = spdk_bdev_unmap(at, on, request.offset, request.sizeBytes, &ended, &request);
        break;
    }
    if (code == 0) ++atDeviceCount_;
    return code;
  }

  static SpdkMedia& mediaOf(MediaRequest& request) {
    return static_cast<SpdkMedia&>(*request.media);
  }
  // A durable write has come to the device's cache: now to the medium.
  static void written(spdk_bdev_io* io, bool isGood, void* context) {
    auto& request = *static_cast<MediaRequest*>(context);
    SpdkMedia& media = mediaOf(request);
    if (!isGood || media.isClosing_) return ended(io, isGood, context);
    const int code = media.submitTo(request, MediaOperation::kFlush);
    if (code != 0) return ended(io, false, context);
    --media.atDeviceCount_;  // the write's
    spdk_bdev_free_io(io);
  }
  static void ended(spdk_bdev_io* io, bool isGood, void* context) {
    auto& request = *static_cast<MediaRequest*>(context);
    SpdkMedia& media = mediaOf(request);
    spdk_bdev_free_io(io);
    --media.atDeviceCount_;
    ++media.endedCount_;
    if (media.isClosing_) return media.release(request);
    if (isGood && request.operation == MediaOperation::kRead && request.driverWord) {
      std::memcpy(request.data, reinterpret_cast<void*>(request.driverWord), request.sizeBytes);
    }
    media.release(request);
    if (isGood) return media.finish(request, {});
    media.finish(request, media.errorOf(request, "the device reports an error"));
  }
  void release(MediaRequest& request) {
    if (request.driverWord) spdk_dma_free(reinterpret_cast<void*>(request.driverWord));
    request.driverWord = 0;
  }
  Error errorOf(const MediaRequest& request, const char* why) const {
    std::string message = name() + ": " + std::string(operationName(request.operation));
    if (request.operation != MediaOperation::kFlush) {
      message += " of " + std::to_string(request.sizeBytes) + " bytes at " +
                 std::to_string(request.offset);
    }
    return Error(ErrorCode::kIo, message + ": " + why);
  }

  size_t poll() override {
    if (device_->isRemoved) fail(Error(ErrorCode::kIo, name() + ": the device was removed"));
    const uint64_t before = endedCount_;
    spdk_thread_poll(device_->thread, 0, 0);
    while (atDeviceCount_ < kInFlightCountMax && !waiting_.empty()) {
      MediaRequest& request = *waiting_.popFront();
      submitOrWait(request);
      if (!waiting_.empty() && waiting_.front() == &request) break;
    }
    return endedCount_ - before;
  }
  bool prepareWait() override { return atDeviceCount_ == 0 && waiting_.empty(); }

  static constexpr uint64_t kInFlightCountMax = 4096;

  const Log log_;
  const std::unique_ptr<Device> device_;
  const bool canFlush_;
  const bool canDiscard_;
  bool isClosing_ = false;
  uint64_t atDeviceCount_ = 0;
  uint64_t endedCount_ = 0;
  IntrusiveList<MediaRequest, MediaRequest> waiting_;  // for room at SPDK
  std::array<MutableBytes, 64> memory_{};
  size_t memoryCount_ = 0;
};

void noticed(spdk_bdev_event_type type, spdk_bdev*, void* device) {
  if (type == SPDK_BDEV_EVENT_REMOVE) static_cast<SpdkMedia::Device*>(device)->isRemoved = true;
}

Status openDevice(const std::string& name, SpdkMedia::Device& device) {
  const int code = spdk_bdev_open_ext(name.c_str(), true, &noticed, &device, &device.descriptor);
  if (code == -ENODEV) return Error(ErrorCode::kNonexist, "SPDK has no block device " + name);
  if (code == -EPERM) return Error(ErrorCode::kBusy, name + ": in use");
  if (code) return Error(ErrorCode::kIo, name + ": " + std::strerror(-code));
  spdk_bdev* bdev = spdk_bdev_desc_get_bdev(device.descriptor);
  const uint32_t blockSize = spdk_bdev_get_block_size(bdev);
  if (kMediaBlockSize % blockSize || spdk_bdev_get_md_size(bdev) > 0) {
    return invalid(name + ": blocks of " + std::to_string(blockSize) + " bytes and " +
                   std::to_string(spdk_bdev_get_md_size(bdev)) + " of metadata");
  }
  device.channel = spdk_bdev_get_io_channel(device.descriptor);
  if (!device.channel) return Error(ErrorCode::kNomem, name + ": a queue");
  return {};
}

}  // namespace

Result<std::unique_ptr<Media>> openSpdkMedia(SpdkEnvironment& environment, Reactor& reactor,
                                             const std::string& name, MediaOptions options) {
  auto device = std::make_unique<SpdkMedia::Device>();
  device->thread = spdk_thread_create(name.c_str(), nullptr);
  if (!device->thread) return Error(ErrorCode::kNomem, name + ": a thread of SPDK's");
  spdk_set_thread(device->thread);
  Status opened = openDevice(name, *device);
  if (!opened.ok()) {
    SpdkMedia::close(*device);
    return std::move(opened).error();
  }
  return std::unique_ptr<Media>(
      std::make_unique<SpdkMedia>(environment, reactor, std::move(device), options));
}

}  // namespace daos::bio
