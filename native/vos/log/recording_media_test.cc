#include "vos/log/recording_media.h"

#include <gtest/gtest.h>

namespace daos::vos {
namespace {

Task<void> play(RecordingMedia& media, std::byte* block) {
  (void)co_await media.write(0, {block, 4096});
  (void)co_await media.flush();
  (void)co_await media.write(4096, {block, 4096});
  (void)co_await media.writeDurable(8192, {block, 4096});
}

// Settled writes are there in every state, loose ones in some and not in others, and some torn.
TEST(VosRecordingMedia, ACrashKeepsWhatWasFlushedAndVariesTheRest) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  Record record;
  RecordingMedia media(*reactor, record, "device", 16384);
  record.restart();
  alignas(4096) static std::byte block[4096];
  std::memset(block, 1, sizeof(block));
  reactor->spawn(play(media, block));
  reactor->runUntil([&] { return reactor->spawnedCount() == 0; });
  std::set<std::vector<std::byte>> states;
  record.visitCrashes(record.events().size(), [&](uint64_t, Record::Images& images) {
    EXPECT_EQ(std::memcmp(images[0].data(), block, 4096), 0);
    EXPECT_EQ(std::memcmp(images[0].data() + 8192, block, 4096), 0);
    states.insert({images[0].begin() + 4096, images[0].begin() + 8192});
  });
  EXPECT_EQ(states.size(), 2u + 5u);
}

TEST(VosRecordingMedia, AllPlacesGiveTheStatesThatEachGives) {
  SystemClock clock;
  auto reactor = Reactor::create(clock).value();
  Record record;
  RecordingMedia media(*reactor, record, "device", 16384);
  record.restart();
  alignas(4096) static std::byte block[4096];
  std::memset(block, 1, sizeof(block));
  reactor->spawn(play(media, block));
  reactor->runUntil([&] { return reactor->spawnedCount() == 0; });
  std::set<Record::Images> each, all;
  for (size_t count = 0; count <= record.events().size(); ++count) {
    record.visitCrashes(count, [&](uint64_t, Record::Images& images) { each.insert(images); });
  }
  const size_t placeCount = record.visitAllCrashes(
      [&](size_t, uint64_t, Record::Images& images) { all.insert(images); });
  EXPECT_EQ(all, each);
  EXPECT_LT(placeCount, record.events().size());
}

}  // namespace
}  // namespace daos::vos
