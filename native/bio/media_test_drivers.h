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
  std::unique_ptr<Media> media;

  TestDevice() = default;
  TestDevice(TestDevice&&) = default;
  // In the same order as destruction.
  TestDevice& operator=(TestDevice&& other) noexcept {
    media = std::move(other.media);
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

inline std::vector<TestDriver> testDrivers() {
  return {{"Memory", openTestMemory},
          {"Faulty", openTestFaulty},
          {"DirectFile",
           [](Reactor& reactor, uint64_t size) { return openTestFile(reactor, size, true); }},
          {"CachedFile",
           [](Reactor& reactor, uint64_t size) { return openTestFile(reactor, size, false); }}};
}

}  // namespace daos::bio
