// Goal: how full the log of a pool may get before a checkpoint starts is what the engine was told.
#include <future>

#include "system/system_fixture.h"

namespace daos::system {
namespace {

class LogThresholds : public testing::Test, protected SystemFixture {
 protected:
  // Of all devices of the pool, to the end of what is under way.
  uint64_t writtenBytes() {
    std::promise<uint64_t> found;
    engine_->queryDevices([&](std::vector<engine::DeviceReport> all) {
      uint64_t sum = 0;
      for (const engine::DeviceReport& device : all) sum += device.operations[1].sizeBytes;
      found.set_value(sum);
    });
    return found.get_future().get();
  }
  // What the devices get while 1.5 MiB of values, some 10 % of the log, are stored.
  uint64_t writtenWith(vos::LogThresholds thresholds) {
    startEngine({.transports = {"local"}, .logThresholds = thresholds});
    createStore({.arenaBytes = 32 * kMebibyte});
    startClient();
    openContainer();
    const auto one = object(1);
    const uint64_t before = writtenBytes();
    const std::string value(1024, 'v');
    for (int i = 0; i < 1536; ++i) EXPECT_TRUE(put(*one, std::to_string(i), value).ok());
    const uint64_t written = writtenBytes() - before;
    const Status destroyed =
        waitFor([&](auto done) { engine_->destroyPool(pool_, std::move(done)); });
    EXPECT_TRUE(destroyed.ok());
    stop();
    return written;
  }
};

TEST_F(LogThresholds, ALowerOneMakesCheckpointsMoreOften) {
  const uint64_t late = writtenWith({90, 95, 99});
  const uint64_t early = writtenWith({1, 50, 75});
  EXPECT_GT(early, late + 2 * kMebibyte);
}

TEST_F(LogThresholds, ThoseThatDoNotRiseAreRefused) {
  for (const vos::LogThresholds wrong : {vos::LogThresholds{50, 50, 75}, {25, 80, 75},
                                         {0, 50, 75}, {25, 50, 100}}) {
    auto engine = engine::Engine::start({.dataDirectory = directory_.path(),
                                         .transports = {"local"},
                                         .localNetwork = network_.get(),
                                         .logThresholds = wrong});
    ASSERT_FALSE(engine.ok());
    EXPECT_EQ(engine.error().code(), ErrorCode::kInval);
    EXPECT_NE(engine.error().describe().find("have to rise"), std::string::npos);
  }
}

}  // namespace
}  // namespace daos::system
