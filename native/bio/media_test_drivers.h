// How the tests open each driver.
#pragma once

#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bio/faulty_media.h"
#include "bio/file_media.h"
#include "bio/memory_media.h"
#include "bio/volume_media.h"

namespace daos::bio {

// A directory that is gone with its object, files included.
class TestDirectory {
 public:
  TestDirectory() {
    char name[] = "/tmp/daos-bio-XXXXXX";
    DAOS_ASSERT(mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~TestDirectory() {
    for (const std::string& file : files_) unlink(file.c_str());
    rmdir(path_.c_str());
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  std::string file(const std::string& name) {
    files_.push_back(path_ + "/" + name);
    return files_.back();
  }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

// Members die in reverse order: the media before what it stands on.
struct TestDevice {
  std::shared_ptr<TestDirectory> directory;
  std::shared_ptr<IoRing> ring;
  std::shared_ptr<Random> random;
  std::unique_ptr<Media> below;
  std::unique_ptr<VolumeDevice> shared;
  std::unique_ptr<Media> media;

  TestDevice() = default;
  TestDevice(TestDevice&&) = default;
  // In the same order as destruction.
  TestDevice& operator=(TestDevice&& other) noexcept {
    media = std::move(other.media);
    shared = std::move(other.shared);
    below = std::move(other.below);
    random = std::move(other.random);
    ring = std::move(other.ring);
    directory = std::move(other.directory);
    return *this;
  }
};

struct TestDriver {
  std::string name;
  Result<TestDevice> (*open)(Reactor& reactor, uint64_t sizeBytes);
};

inline Result<TestDevice> openTestMemory(Reactor& reactor, uint64_t sizeBytes) {
  TestDevice device;
  DAOS_TRY(device.media, openMemoryMedia(reactor, "memory", sizeBytes));
  return device;
}

// Without faults: the cache alone must not show.
inline Result<TestDevice> openTestFaulty(Reactor& reactor, uint64_t sizeBytes) {
  TestDevice device;
  DAOS_TRY(device.below, openMemoryMedia(reactor, "memory", sizeBytes));
  device.random = std::make_shared<SeededRandom>(1);
  device.media = std::make_unique<FaultyMedia>(*device.below, *device.random);
  return device;
}

inline Result<TestDevice> openTestFile(Reactor& reactor, uint64_t sizeBytes, bool isDirect) {
  TestDevice device;
  device.directory = std::make_shared<TestDirectory>();
  const std::string path = device.directory->file("device");
  DAOS_CHECK(createMediaFile(path, sizeBytes));
  DAOS_TRY(device.ring, IoRing::create(reactor, Log::toStandardError(LogLevel::kInfo)));
  DAOS_TRY(device.media, openFileMedia(*device.ring, path, {.isDirect = isDirect}));
  return device;
}

// In three pieces that lie apart and out of order, of a device that is larger.
inline Result<TestDevice> openTestVolume(TestDevice device, uint64_t sizeBytes) {
  device.shared = std::make_unique<VolumeDevice>(std::move(device.media));
  const uint64_t first = alignDown(sizeBytes / 3, kMediaBlockSize);
  const uint64_t third = sizeBytes - 2 * first;
  device.media = std::make_unique<VolumeMedia>(
      *device.shared, "volume",
      std::vector<MediaExtent>{{sizeBytes, first}, {0, first}, {first + (1 << 16), third}});
  return device;
}

inline std::vector<TestDriver> testDrivers() {
  return {{"Memory", openTestMemory},
          {"Faulty", openTestFaulty},
          {"DirectFile",
           [](Reactor& reactor, uint64_t size) { return openTestFile(reactor, size, true); }},
          {"CachedFile",
           [](Reactor& reactor, uint64_t size) { return openTestFile(reactor, size, false); }},
          {"VolumeInMemory",
           [](Reactor& reactor, uint64_t size) -> Result<TestDevice> {
             DAOS_TRY(TestDevice device, openTestMemory(reactor, 2 * size));
             return openTestVolume(std::move(device), size);
           }},
          {"VolumeOnFile", [](Reactor& reactor, uint64_t size) -> Result<TestDevice> {
             DAOS_TRY(TestDevice device, openTestFile(reactor, 2 * size, true));
             return openTestVolume(std::move(device), size);
           }}};
}

}  // namespace daos::bio
