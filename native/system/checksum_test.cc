// End-to-end checksums over the real parts: what the client made is stored, and found to disagree
// when the medium has changed a byte.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

constexpr size_t kSize = 3000;

// Flips a bit in every copy of `pattern` in the files below `path`; answers how many there were.
size_t damageCopies(const std::filesystem::path& path, std::string_view pattern) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    const int fd = ::open(entry.path().c_str(), O_RDWR);
    const size_t size = entry.file_size();
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED) continue;
    auto* const end = static_cast<char*>(memory) + size;
    for (auto* at = static_cast<char*>(memory);; at += pattern.size(), ++count) {
      at = static_cast<char*>(
          memmem(at, static_cast<size_t>(end - at), pattern.data(), pattern.size()));
      if (!at) break;
      at[pattern.size() / 2] ^= 1;
    }
    munmap(memory, size);
  }
  return count;
}

class Checksums : public testing::TestWithParam<ChecksumType>, public SystemFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(startEngine({.targetCount = 1,
                                         .transports = {"local"},
                                         .arenaKind = engine::ArenaKind::kPmem}));
    ASSERT_NO_FATAL_FAILURE(createStore({.arenaBytes = 64 * kMebibyte}));
    startClient();
    ASSERT_NO_FATAL_FAILURE(openContainer(
        mapOf(*engine_), {.checksums = {.type = GetParam(), .chunkSize = 1024}}));
    object_ = object(1);
    for (char& byte : value_) byte = static_cast<char>(random_.next());
  }
  Result<Epoch> write() {
    const Extent extent{0, kSize};
    const IoDescriptor akeys[] = {
        {.akey = bytesOf("array"), .type = ValueType::kArray, .recordSize = 1,
         .extents = {&extent, 1}},
        {.akey = bytesOf("single"), .recordSize = kSize}};
    const Bytes data[] = {bytesOf(value_), bytesOf(value_)};
    return client_->run(
        client::update(*object_, {.dkey = bytesOf("d"), .akeys = akeys, .data = data}));
  }
  Status read(IoDescriptor akey) {
    std::string room(kSize, '\0');
    const MutableBytes buffers[] = {bytesOf(room.data(), room.size())};
    client::AkeyResult result;
    DAOS_TRY([[maybe_unused]] const Epoch epoch,
             client_->run(client::fetch(*object_, {.dkey = bytesOf("d"),
                                                   .akeys = {&akey, 1},
                                                   .buffers = buffers,
                                                   .results = {&result, 1}})));
    EXPECT_EQ(room.substr(0, result.dataSize), value_.substr(0, result.dataSize));
    return {};
  }
  Status readSingle() { return read({.akey = bytesOf("single"), .recordSize = kSize}); }
  Status readArray(uint64_t count) {
    const Extent extent{0, count};
    return read({.akey = bytesOf("array"),
                 .type = ValueType::kArray,
                 .recordSize = 1,
                 .extents = {&extent, 1}});
  }

  SystemRandom random_;
  std::string value_ = std::string(kSize, '\0');
  std::shared_ptr<client::Object> object_;
};

TEST_P(Checksums, WhatWasWrittenIsReadWholeAndInPart) {
  ASSERT_TRUE(write().ok());
  EXPECT_TRUE(readSingle().ok());
  EXPECT_TRUE(readArray(kSize).ok());
  EXPECT_TRUE(readArray(700).ok());
}

TEST_P(Checksums, AByteThatTheMediumChangedIsAnError) {
  ASSERT_TRUE(write().ok());
  ASSERT_EQ(damageCopies(directory_.path(), value_), 2u);
  EXPECT_EQ(readSingle().code(), ErrorCode::kCsum);
  EXPECT_EQ(readArray(kSize).code(), ErrorCode::kCsum);
}

INSTANTIATE_TEST_SUITE_P(Types, Checksums,
                         testing::Values(ChecksumType::kCrc32c, ChecksumType::kCrc64,
                                         ChecksumType::kSha256));

}  // namespace
}  // namespace daos::system
