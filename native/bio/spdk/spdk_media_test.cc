// SPDK's block devices pass the tests of Media.
//
// Method: block devices in memory, without huge pages and without a look at the PCI bus, so that it
//         runs anywhere; what a controller does with the requests is not tested here.
#include "bio/spdk/spdk_media.h"

#include "bio/media_conformance.h"

namespace daos::bio {
namespace {

constexpr const char* kConfiguration = R"({"subsystems": [{"subsystem": "bdev", "config": [
  {"method": "bdev_malloc_create",
   "params": {"name": "small", "num_blocks": 8192, "block_size": 512}},
  {"method": "bdev_malloc_create",
   "params": {"name": "large", "num_blocks": 1024, "block_size": 4096}}]}]})";

// One for the whole program, as SPDK wants it.
std::unique_ptr<SpdkEnvironment> environment;

class SpdkSetUp : public testing::Environment {
 public:
  void SetUp() override {
    auto made = SpdkEnvironment::create({.name = "daos-test-" + std::to_string(getpid()),
                                         .hasHugePages = false,
                                         .memoryBytes = 512 << 20,
                                         .configuration = kConfiguration},
                                        Log::toStandardError(LogLevel::kInfo));
    ASSERT_TRUE(made.ok()) << made.error().describe();
    environment = std::move(*made);
  }
  void TearDown() override { environment.reset(); }
};
const testing::Environment* const setUp =
    testing::AddGlobalTestEnvironment(new SpdkSetUp);  // gtest's from here on

Result<TestDevice> openTestSpdk(Reactor& reactor, const char* name) {
  TestDevice device;
  DAOS_TRY(device.media, openSpdkMedia(*environment, reactor, name));
  return device;
}

INSTANTIATE_TEST_SUITE_P(
    Spdk, BioMedia,
    testing::Values(
        TestDriver{"Blocks512", [](Reactor& reactor, uint64_t) {
                     return openTestSpdk(reactor, "small");
                   }},
        TestDriver{"Blocks4096", [](Reactor& reactor, uint64_t) {
                     return openTestSpdk(reactor, "large");
                   }}),
    [](const auto& driver) { return driver.param.name; });

TEST(SpdkMedia, ADeviceThatIsNotThereIsNamed) {
  SystemClock clock;
  const auto reactor = Reactor::create(clock).value();
  const auto opened = openSpdkMedia(*environment, *reactor, "absent");
  EXPECT_EQ(opened.code(), ErrorCode::kNonexist);
  EXPECT_NE(opened.error().message().find("absent"), std::string::npos);
}

TEST(SpdkMedia, WhatWasWrittenIsThereAfterTheMediaIsOpenedAgain) {
  SystemClock clock;
  const auto reactor = Reactor::create(clock).value();
  const auto pool = DmaPool::create(2 << 20).value();
  const DmaBuffer buffer = pool->allocate(8192).value();
  for (const bool isWrite : {true, false}) {
    std::memset(buffer.data(), isWrite ? 0x5a : 0, 8192);
    const auto media = openSpdkMedia(*environment, *reactor, "small").value();
    EXPECT_EQ(media->sizeBytes(), 4u << 20);
    EXPECT_EQ(media->sectorSizeBytes(), 512u);
    reactor->spawn([](Media& on, MutableBytes bytes, bool writes) -> Task<void> {
      Status status;
      if (writes) {
        status = co_await on.writeDurable(4096, bytes);
      } else {
        status = co_await on.read(4096, bytes);
      }
      EXPECT_TRUE(status.ok());
    }(*media, buffer.bytes(), isWrite));
    reactor->runUntil([&] { return reactor->spawnedCount() == 0; });
  }
  EXPECT_EQ(buffer.data()[0], std::byte{0x5a});
  EXPECT_EQ(buffer.data()[8191], std::byte{0x5a});
}

TEST(SpdkMedia, ASecondEnvironmentIsRefused) {
  const Log log = Log::toStandardError(LogLevel::kInfo);
  EXPECT_EQ(SpdkEnvironment::create({}, log).code(), ErrorCode::kBusy);
}

}  // namespace
}  // namespace daos::bio
