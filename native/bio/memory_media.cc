#include "bio/memory_media.h"

#include <sys/mman.h>

#include <cstring>

namespace daos::bio {
namespace {

class MemoryMedia final : public Media {
 public:
  MemoryMedia(Reactor& reactor, std::string name, MutableBytes bytes,
              const MemoryMediaOptions& options)
      : Media(reactor, std::move(name), bytes.size(), options.sectorSizeBytes, options.media),
        bytes_(bytes) {}
  ~MemoryMedia() override { munmap(bytes_.data(), bytes_.size()); }
  bool canDiscard() const override { return true; }

 protected:
  void start(MediaRequest& request) override {
    std::byte* at = bytes_.data() + request.offset;
    switch (request.operation) {
      case MediaOperation::kRead:
        std::memcpy(request.data, at, request.sizeBytes);
        break;
      case MediaOperation::kWrite:
        std::memcpy(at, request.data, request.sizeBytes);
        break;
      case MediaOperation::kDiscard:
        madvise(at, request.sizeBytes, MADV_DONTNEED);
        break;
      case MediaOperation::kFlush:
        break;
    }
    finishLater(request, {});
  }

 private:
  const MutableBytes bytes_;
};

}  // namespace

Result<std::unique_ptr<Media>> openMemoryMedia(Reactor& reactor, std::string name,
                                               uint64_t sizeBytes, MemoryMediaOptions options) {
  if (sizeBytes == 0 || sizeBytes % kMediaBlockSize) {
    return invalid(name + ": size " + std::to_string(sizeBytes) +
                   " is not in whole blocks of 4096");
  }
  void* address = mmap(nullptr, sizeBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) {
    return Error(ErrorCode::kNomem, name + ": " + std::to_string(sizeBytes) + " bytes of memory");
  }
  return std::unique_ptr<Media>(std::make_unique<MemoryMedia>(
      reactor, std::move(name), bytesOf(address, sizeBytes), options));
}

}  // namespace daos::bio
