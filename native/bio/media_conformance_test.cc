// The contract of Media, checked on every driver.
//
// Method: one suite, instantiated with a way to open each driver (media_drivers_test.cc, and
//         spdk/spdk_media_test.cc); each test ends with nothing in flight.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "bio/flush_group.h"
#include "bio/media_conformance.h"
#include "bio/media_slice.h"

namespace daos::bio {
namespace {

Task<void> writeWell(Media& media, uint64_t offset, Bytes bytes) {
  const Status status = co_await media.write(offset, bytes);
  EXPECT_TRUE(status.ok()) << (status.ok() ? std::string() : status.error().describe());
}

TEST_P(BioMedia, WhatIsWrittenIsReadBack) {
  run([](BioMedia& self) -> Task<void> {
    for (const uint64_t size : {4096u, 65536u, 1u << 20}) {
      const DmaBuffer out = self.filled(size, size);
      const DmaBuffer in = self.filled(size, 1);
      EXPECT_TRUE((co_await self.media().write(8192, out.bytes())).ok());
      EXPECT_TRUE((co_await self.media().flush()).ok());
      EXPECT_TRUE((co_await self.media().read(8192, in.bytes())).ok());
      EXPECT_EQ(std::memcmp(out.data(), in.data(), size), 0);
    }
  }(*this));
}

TEST_P(BioMedia, BuffersOutsideOfRegisteredMemoryWorkToo) {
  alignas(4096) static std::byte out[4096], in[4096];
  std::memset(out, 0x5a, sizeof(out));
  run([](BioMedia& self) -> Task<void> {
    EXPECT_TRUE((co_await self.media().writeDurable(0, out)).ok());
    EXPECT_TRUE((co_await self.media().read(0, in)).ok());
  }(*this));
  EXPECT_EQ(std::memcmp(out, in, sizeof(in)), 0);
  EXPECT_EQ(media().statistics().durableWriteCount, 1u);
}

TEST_P(BioMedia, TheLastBlockCanBeWrittenAndNothingAfterIt) {
  run([](BioMedia& self) -> Task<void> {
    const DmaBuffer buffer = self.filled(8192, 4);
    EXPECT_TRUE((co_await self.media().write(kSize - 8192, buffer.bytes())).ok());
    EXPECT_EQ((co_await self.media().write(kSize - 4096, buffer.bytes())).code(),
              ErrorCode::kInval);
    EXPECT_EQ((co_await self.media().read(kSize, buffer.bytes())).code(), ErrorCode::kInval);
    EXPECT_EQ((co_await self.media().read(UINT64_MAX - 4095, buffer.bytes())).code(),
              ErrorCode::kInval);
  }(*this));
  EXPECT_FALSE(media().isFailed());
}

TEST_P(BioMedia, UnalignedRequestsAreRefusedAndNameTheDevice) {
  run([](BioMedia& self) -> Task<void> {
    const DmaBuffer buffer = self.filled(8192, 4);
    const MutableBytes bytes = buffer.bytes();
    EXPECT_EQ((co_await self.media().write(512, bytes)).code(), ErrorCode::kInval);
    EXPECT_EQ((co_await self.media().write(0, bytes.subspan(512, 4096))).code(), ErrorCode::kInval);
    const Status status = co_await self.media().read(0, bytes.first(100));
    EXPECT_NE(status.error().message().find(self.media().name()), std::string::npos);
  }(*this));
}

TEST_P(BioMedia, RequestsNeverCompleteInsideSubmit) {
  const DmaBuffer buffer = filled(4096, 1);
  struct Probe : MediaRequest {
    bool isDone = false;
  };
  Probe good, bad;
  for (Probe* probe : {&good, &bad}) {
    probe->operation = MediaOperation::kWrite;
    probe->data = buffer.data();
    probe->sizeBytes = 4096;
    probe->completed = [](MediaRequest& request) { static_cast<Probe&>(request).isDone = true; };
  }
  bad.offset = kSize;
  media().submit(good);
  media().submit(bad);
  EXPECT_FALSE(good.isDone);
  EXPECT_FALSE(bad.isDone);
  reactor_->runUntil([&] { return good.isDone && bad.isDone; });
  EXPECT_TRUE(good.status.ok());
  EXPECT_EQ(bad.status.code(), ErrorCode::kInval);
  EXPECT_EQ(media().statistics().inFlightCount, 0u);
}

// More requests at once than any ring has entries.
TEST_P(BioMedia, ManyRequestsInFlightAllEnd) {
  constexpr int kCount = 1000;
  std::vector<DmaBuffer> buffers;
  for (int i = 0; i < kCount; ++i) buffers.push_back(filled(4096, i));
  for (int i = 0; i < kCount; ++i)
    reactor_->spawn(writeWell(media(), i * 4096, buffers[i].bytes()));
  EXPECT_EQ(media().statistics().inFlightCount, 1000u);
  reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
  run([](BioMedia& self) -> Task<void> {
    const DmaBuffer in = self.filled(kCount * 4096, 0);
    EXPECT_TRUE((co_await self.media().read(0, in.bytes())).ok());
    for (int i = 0; i < kCount; ++i) {
      const DmaBuffer expected = self.filled(4096, i);
      EXPECT_EQ(std::memcmp(in.data() + i * 4096, expected.data(), 4096), 0) << i;
    }
  }(*this));
  EXPECT_EQ(media().statistics().of(MediaOperation::kWrite).latency.count(), 1000u);
}

TEST_P(BioMedia, DiscardEndsWellAndLeavesTheRestAlone) {
  run([](BioMedia& self) -> Task<void> {
    const DmaBuffer out = self.filled(65536, 9);
    const DmaBuffer in = self.filled(65536, 0);
    EXPECT_TRUE((co_await self.media().write(0, out.bytes())).ok());
    EXPECT_TRUE((co_await self.media().discard(8192, 16384)).ok());
    EXPECT_TRUE((co_await self.media().read(0, in.bytes())).ok());
    EXPECT_EQ(std::memcmp(out.data(), in.data(), 8192), 0);
    EXPECT_EQ(std::memcmp(out.data() + 24576, in.data() + 24576, 65536 - 24576), 0);
    EXPECT_TRUE((co_await self.media().write(8192, in.bytes())).ok());
  }(*this));
}

TEST_P(BioMedia, ASliceIsAWindowThatCannotBeLeft) {
  run([](BioMedia& self) -> Task<void> {
    MediaSlice slice(self.media(), "WAL", 65536, 65536);
    const DmaBuffer out = self.filled(4096, 2);
    const DmaBuffer in = self.filled(4096, 0);
    EXPECT_TRUE((co_await slice.write(4096, out.bytes())).ok());
    EXPECT_TRUE((co_await self.media().read(69632, in.bytes())).ok());
    EXPECT_EQ(std::memcmp(out.data(), in.data(), 4096), 0);
    EXPECT_EQ((co_await slice.read(65536, in.bytes())).code(), ErrorCode::kInval);
  }(*this));
}

TEST_P(BioMedia, CallersOfOneTurnShareAFlush) {
  FlushGroup group(media());
  int done = 0;
  for (int i = 0; i < 50; ++i) {
    reactor_->spawn([](FlushGroup& g, int& count) -> Task<void> {
      EXPECT_TRUE((co_await g.flush()).ok());
      ++count;
    }(group, done));
  }
  reactor_->runUntil([&] { return reactor_->spawnedCount() == 0; });
  EXPECT_EQ(done, 50);
  EXPECT_EQ(group.flushCount(), 1u);
}

TEST_P(BioMedia, AFailedDeviceAnswersEverythingWithItsFirstError) {
  int told = 0;
  media().onFailed([&](const Error&) { ++told; });
  media().fail(Error(ErrorCode::kIo, "pulled out"));
  media().fail(Error(ErrorCode::kIo, "again"));
  EXPECT_EQ(told, 1);
  run([](BioMedia& self) -> Task<void> {
    const DmaBuffer buffer = self.filled(4096, 1);
    MediaSlice slice(self.media(), "DATA", 0, 65536);
    EXPECT_EQ((co_await self.media().read(0, buffer.bytes())).error().message(), "pulled out");
    EXPECT_EQ((co_await self.media().flush()).error().message(), "pulled out");
    EXPECT_EQ((co_await slice.write(0, buffer.bytes())).error().message(), "pulled out");
    FlushGroup group(self.media());
    EXPECT_EQ((co_await group.flush()).code(), ErrorCode::kIo);
  }(*this));
}

}  // namespace
}  // namespace daos::bio
